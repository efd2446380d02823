"""Tests of slugs and folding, with names in many scripts."""
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
def test_slugify_transliterates_names(name: str, slug: str) -> None:
    assert slugify(name) == slug


def test_slugify_composes_letters_first() -> None:
    assert slugify("и\u0306 e\u0301") == slugify("й é") == "y-e"


@given(names, st.integers(10, 255))
def test_slugs_are_well_formed_and_not_too_long(name: str, max_length: int) -> None:
    slug = slugify(name, max_length)
    assert WELL_FORMED.fullmatch(slug)
    assert is_slug(slug)
    assert len(slug) <= max_length


@given(names)
def test_slugify_is_idempotent(name: str) -> None:
    assert slugify(slugify(name)) == slugify(name)


def test_long_names_are_truncated_between_words() -> None:
    assert slugify("protein pancakes", 10) == "protein"
    assert slugify("protein pancakes", 7) == "protein"
    assert slugify("egg white", 10) == "egg-white"


def test_long_words_are_truncated_within_the_word() -> None:
    assert slugify("egg pancakemixture", 10) == "egg-pancak"
    assert slugify("a" * 300) == "a" * 255


@pytest.mark.parametrize("text", ["a", "egg-2", "-", "a--b", "a" * 255])
def test_is_slug_accepts_valid_slugs(text: str) -> None:
    assert is_slug(text)


@pytest.mark.parametrize("text", ["", "A", "é", "a b", "a\n", "a/b", "٣", "a" * 256])
def test_is_slug_rejects_other_text(text: str) -> None:
    assert not is_slug(text)


def test_free_slug_numbers_taken_slugs() -> None:
    assert free_slug("egg", set()) == "egg"
    assert free_slug("egg", {"egg"}) == "egg-2"
    assert free_slug("egg", {"egg", "egg-2", "egg-4"}) == "egg-3"


def test_free_slug_treats_reserved_slugs_as_taken() -> None:
    assert free_slug("search", set()) == "search-2"
    assert free_slug("suggest", ["suggest-2"]) == "suggest-3"


def test_free_slug_truncates_long_slugs() -> None:
    assert free_slug("a" * 255, {"a" * 255}) == "a" * 253 + "-2"
    assert free_slug("protein-powder", {"protein-powder"}, max_length=14) == "protein-2"


@given(slugs, st.sets(st.integers(1, 12)), st.integers(10, 30))
def test_free_slug_is_neither_taken_nor_reserved(
    base: str, numbers: set[int], max_length: int
) -> None:
    taken = {base, base[:max_length], *(f"{base}-{number}" for number in numbers)}
    slug = free_slug(base, taken, max_length)
    assert slug not in taken | RESERVED_SLUGS
    assert slug == free_slug(base, lambda candidate: candidate in taken, max_length)
    assert WELL_FORMED.fullmatch(slug)
    assert len(slug) <= max_length


@given(st.sampled_from(sorted(RESERVED_SLUGS)), st.sets(st.integers(2, 5)))
def test_free_slug_never_returns_a_reserved_slug(base: str, numbers: set[int]) -> None:
    taken = {f"{base}-{number}" for number in numbers}
    assert free_slug(base, taken) not in taken | RESERVED_SLUGS


def test_fold_sorts_without_accents_and_case() -> None:
    names = ["zupa", "Éclair", "ŁOSOŚ", "egg", "Ωmega", "apple", "Løs", "ωmega b", "Ёлка", "ель"]
    expected = ["apple", "Éclair", "egg", "Løs", "ŁOSOŚ", "zupa", "Ωmega", "ωmega b", "Ёлка", "ель"]
    assert sorted(names, key=fold) == expected


def test_equivalent_spellings_fold_to_the_same_text() -> None:
    assert fold("STRASSE") == fold("straße")
    assert fold("Σίσυφος") == fold("ΣΊΣΥΦΟΣ") == "σισυφοσ"
    assert fold("Ёлка") == fold("елка")
    assert fold("Crème") == fold("cre\u0300me") == "creme"


def test_fold_keeps_vowel_signs_of_other_scripts() -> None:
    assert fold("ไข่") != fold("ไข")
    assert fold("अंडा") != fold("अडा")


@given(st.text())
def test_fold_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)
