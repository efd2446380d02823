"""Slugs of real names in many scripts, and what holds of every slug."""
# ruff: noqa: RUF001  (letters of other scripts are what this module is about)

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_core.domain.slug import RESERVED_SLUGS, fold, free_slug, is_slug, slugify

WELL_FORMED = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
slugs = st.from_regex(r"[a-z0-9]{1,5}(-[a-z0-9]{1,5}){0,3}", fullmatch=True)
names = st.text() | st.text("aé'&-ßйŁΩ 9蛋", max_size=600)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Egg White Protein", "egg-white-protein"),
        ("  Vanilla -- 500 g!  ", "vanilla-500-g"),
        ("Crème Brûlée", "creme-brulee"),
        ("Farmer's Egg & Co", "farmers-egg-and-co"),
        ("Farmer’s Rock ʼnʼ Roll", "farmers-rock-n-roll"),
        ("Eggs&Bacon", "eggs-and-bacon"),
        ("Weiße Straußeneier für Große", "weisse-strausseneier-fur-grosse"),
        ("GROẞE EIER", "grosse-eier"),
        ("Białko jaja – żółtko, Łosoś źdźbło", "bialko-jaja-zoltko-losos-zdzblo"),
        ("Příliš žluťoučký kůň", "prilis-zlutoucky-kun"),
        ("Yumurta Akı Işığı İstanbul ÇĞÖŞÜ", "yumurta-aki-isigi-istanbul-cgosu"),
        ("Lòng trắng trứng gà Đà Lạt", "long-trang-trung-ga-da-lat"),
        ("Þorskur, æðardúnn og hrökkbrauð", "thorskur-aedardunn-og-hrokkbraud"),
        ("Rødgrød med fløde", "rodgrod-med-flode"),
        ("Œufs de la ferme", "oeufs-de-la-ferme"),
        ("Col·lecció d’ous", "colleccio-dous"),
        ("Ħobż tal-Malti", "hobz-tal-malti"),
        ("Щедрый Яичный белок, объём 2 кг", "shchedryy-yaichnyy-belok-obem-2-kg"),
        (
            "Ещё жёлтый хлеб и чай Шоколад Цех Эра Юг",
            "eshche-zheltyy-khleb-i-chay-shokolad-tsekh-era-yug",
        ),
        ("Їжа з м’ятою, ґанок, є яйця", "izha-z-myatoyu-ganok-ye-yaytsya"),
        ("Яйка ў цесце, салаўі", "yayka-u-tsestse-salaui"),
        ("Български яйца Златоград", "blgarski-yaytsa-zlatograd"),
        ("Ђурђевак, љубав, њива, ћуран, џем, ј", "djurdjevak-ljubav-njiva-curan-dzem-j"),
        ("Ѓорѓи, ќерка, ѕвезда", "gjorgji-kjerka-dzvezda"),
        ("Ελληνικά αβγά, Ψωμί & Θυμάρι", "ellinika-avga-psomi-and-thymari"),
        ("ΞΥΛΟ ΧΩΡΙΟΥ Φέτας", "xylo-choriou-fetas"),
        ("Καφές", "kafes"),
        ("بياض البيض", "product"),
        ("ไข่ขาว", "product"),
        ("蛋白粉", "product"),
        ("🥚🍳", "product"),
        ("", "product"),
        ("--- ' ---", "product"),
        ("蛋白粉 500 g", "500-g"),
        ("ＥＧＧ ５００ｇ", "egg-500g"),
        ("EggyPro™ Bar®", "eggypro-bar"),
        ("5 µg B₁₂", "5-ug-b12"),
        ("Pro\u00adtein", "protein"),
    ],
)
def test_a_name_becomes_the_address_that_its_readers_expect(name: str, slug: str) -> None:
    assert slugify(name) == slug


def test_a_letter_written_as_two_code_points_is_the_same_letter() -> None:
    assert slugify("и\u0306 e\u0301") == slugify("й é") == "y-e"


@given(names, st.integers(10, 255))
def test_every_slug_is_well_formed_and_fits(name: str, limit: int) -> None:
    slug = slugify(name, limit)
    assert WELL_FORMED.fullmatch(slug)
    assert is_slug(slug)
    assert len(slug) <= limit


@given(names)
def test_the_slug_of_a_slug_is_itself(name: str) -> None:
    assert slugify(slugify(name)) == slugify(name)


def test_a_long_name_is_cut_between_words() -> None:
    assert slugify("protein pancakes", 10) == "protein"
    assert slugify("protein pancakes", 7) == "protein"
    assert slugify("egg white", 10) == "egg-white"


def test_a_long_word_is_cut_where_whole_words_would_lose_most_of_it() -> None:
    assert slugify("egg pancakemixture", 10) == "egg-pancak"
    assert slugify("a" * 300) == "a" * 255


@pytest.mark.parametrize("text", ["a", "egg-2", "-", "a--b", "a" * 255])
def test_what_can_be_a_slug(text: str) -> None:
    assert is_slug(text)


@pytest.mark.parametrize("text", ["", "A", "é", "a b", "a\n", "a/b", "٣", "a" * 256])
def test_what_cannot_be_a_slug(text: str) -> None:
    assert not is_slug(text)


def test_a_free_slug_stays_and_a_taken_one_is_numbered() -> None:
    assert free_slug("egg", set()) == "egg"
    assert free_slug("egg", {"egg"}) == "egg-2"
    assert free_slug("egg", {"egg", "egg-2", "egg-4"}) == "egg-3"


def test_a_reserved_slug_counts_as_taken() -> None:
    assert free_slug("search", set()) == "search-2"
    assert free_slug("suggest", ["suggest-2"]) == "suggest-3"


def test_a_long_slug_makes_room_for_its_number() -> None:
    assert free_slug("a" * 255, {"a" * 255}) == "a" * 253 + "-2"
    assert free_slug("protein-powder", {"protein-powder"}, max_length=14) == "protein-2"


@given(slugs, st.sets(st.integers(1, 12)), st.integers(10, 30))
def test_a_free_slug_is_never_taken_nor_reserved(wanted: str, used: set[int], limit: int) -> None:
    taken = {wanted, wanted[:limit], *(f"{wanted}-{number}" for number in used)}
    by_set = free_slug(wanted, taken, limit)
    assert by_set not in taken | RESERVED_SLUGS
    assert by_set == free_slug(wanted, lambda slug: slug in taken, limit)
    assert WELL_FORMED.fullmatch(by_set)
    assert len(by_set) <= limit


@given(st.sampled_from(sorted(RESERVED_SLUGS)), st.sets(st.integers(2, 5)))
def test_a_reserved_slug_is_never_given(wanted: str, used: set[int]) -> None:
    taken = {f"{wanted}-{number}" for number in used}
    assert free_slug(wanted, taken) not in taken | RESERVED_SLUGS


def test_people_sort_without_accents_and_case() -> None:
    listed = ["zupa", "Éclair", "ŁOSOŚ", "egg", "Ωmega", "apple", "Løs", "ωmega b", "Ёлка", "ель"]
    in_order = ["apple", "Éclair", "egg", "Løs", "ŁOSOŚ", "zupa", "Ωmega", "ωmega b", "Ёлка", "ель"]
    assert sorted(listed, key=fold) == in_order


def test_what_people_call_the_same_folds_to_the_same() -> None:
    assert fold("STRASSE") == fold("straße")
    assert fold("Σίσυφος") == fold("ΣΊΣΥΦΟΣ") == "σισυφοσ"
    assert fold("Ёлка") == fold("елка")
    assert fold("Crème") == fold("cre\u0300me") == "creme"


def test_the_vowels_of_other_scripts_are_no_accents() -> None:
    assert fold("ไข่") != fold("ไข")
    assert fold("अंडा") != fold("अडा")


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
