"""What a search is taken for, and how well a product fits it."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from eggypro_core.search.query import (
    CORRECTIONS,
    LISTED,
    SCORES,
    Fit,
    Meaning,
    Reading,
    Term,
    Tier,
    Token,
    read_search,
    relevance_of,
    score_of,
    tier_and_score,
    tokens_of,
)
from eggypro_core.search.text import Entry, Field, slips, stem, words_of

EXACT, PREFIX, CORRECTED = Fit


@frozen
class Rank:
    """What orders a product in a ranking."""

    tier: Tier | None
    average: Decimal | None
    in_stock: bool

    @property
    def score(self) -> int:
        return score_of(self.average, in_stock=self.in_stock)

    @property
    def place(self) -> tuple[object, ...]:
        """The least is the best."""
        tier = (-1, -1) if self.tier is None else (self.tier.field, self.tier.fit)
        return *tier, -(self.average or 0), not self.in_stock


tiers = st.none() | st.builds(Tier, st.sampled_from(Field), st.sampled_from(Fit))
ranks = st.builds(Rank, tiers, st.none() | st.decimals(1, 5, places=2), st.booleans())


@frozen
class Words:
    """A vocabulary of some words, and of categories by id."""

    words: Sequence[str]
    named: Mapping[int, str] = field(factory=dict)

    def knows(self, token: Token) -> bool:
        return token.stem in map(stem, self.words)

    def beginning(self, token: Token) -> Sequence[str]:
        longer = [word for word in self.words if word.startswith(token.word) and word != token.word]
        return sorted(longer)[: LISTED + 1]

    def slipped(self, token: Token) -> Collection[str]:
        return [one for one in self.words if not set(slips(one)).isdisjoint(slips(token.word))]

    def categories(self, stems: Collection[str]) -> Sequence[int]:
        found = {id_: map(stem, words_of(name)) for id_, name in self.named.items()}
        return [id_ for id_, words in found.items() if not set(stems).isdisjoint(words)]


def read(search: str, known: Words, *, forgiving: bool = False) -> Reading:
    return Reading(read_search(tokens_of(search), known, forgiving=forgiving))


def meant(search: str, *known: str, forgiving: bool = False) -> list[dict[Fit, Meaning]]:
    """What each word of a search stands for, where some words are known."""
    return [dict(term.meanings) for term in read(search, Words(known), forgiving=forgiving).terms]


def an_entry(**fields: str) -> Entry:
    """An entry with the words of each field."""
    stems = {
        stem(one): Field[name.upper()] for name, text in fields.items() for one in text.split()
    }
    return Entry(stems, frozenset())


@pytest.mark.parametrize(
    ("search", "tokens"),
    [
        ("Egg White", "egg white"),
        ("egg and white", "egg white"),
        ("The eggs of the hen", "eggs hen"),
        ("egg with", "egg with"),
        ("and", "and"),
        ("to the", "the"),
        ("egg Egg white EGG", "egg white"),
        ("500g", "500 g"),
        ("12x55g", "12 55 g"),
        ("%_'\"&|!", ""),
    ],
)
def test_a_search_has_words_that_count(search: str, tokens: str) -> None:
    found = tokens_of(search)
    assert [token.word for token in found] == tokens.split()
    assert [token.is_last for token in found] == [False] * (len(found) - 1) + [True] * bool(found)


def test_a_known_word_stands_for_its_stem() -> None:
    assert meant("eggs white", "egg", "white", "whites", "eggnog") == [
        {EXACT: Meaning(("egg",))},
        {EXACT: Meaning(("white",)), PREFIX: Meaning(("white",), beginning="white")},
    ]


def test_an_unknown_word_is_the_beginning_of_others_wherever_it_stands() -> None:
    assert meant("van white", "vanilla", "vanity", "white") == [
        {
            EXACT: Meaning(("van",)),
            PREFIX: Meaning(("vanilla", "vanity"), beginning="van"),
        },
        {EXACT: Meaning(("white",))},
    ]


def test_one_that_begins_too_many_stands_for_all_of_them() -> None:
    many = [f"egg{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(LISTED + 1)]
    assert meant("egg", *many)[0][PREFIX] == Meaning(beginning="egg")
    assert len(meant("egg", *many[1:])[0][PREFIX].stems) == LISTED


def test_an_unknown_word_that_begins_none_stands_for_the_nearest() -> None:
    [found] = meant("vanlila", "vanilla", "vanillas", "van", "manlila", "vanlilas")
    assert found == {
        EXACT: Meaning(("vanlila",)),
        PREFIX: Meaning(("vanlila",), beginning="vanlila"),
    }
    [found] = meant("vanlila", "vanilla", "van", "manlila", "vanlola")
    assert found == {
        EXACT: Meaning(("vanlila",)),
        CORRECTED: Meaning(("vanilla", "vanlola", "manlila")),
    }


def test_few_are_the_nearest() -> None:
    [found] = meant("egg", *(f"eg{letter}" for letter in "abcdefhijklmn"))
    assert found[CORRECTED].stems == tuple(f"eg{letter}" for letter in "abcdefhijk")
    assert len(found[CORRECTED].stems) == CORRECTIONS


@pytest.mark.parametrize("search", ["eg", "500", "e5"])
def test_short_words_and_numbers_are_never_corrected(search: str) -> None:
    assert all(CORRECTED not in found for found in meant(search, "ego", "501", "ge"))


def test_nor_is_a_word_taken_for_one_of_them() -> None:
    assert all(CORRECTED not in found for found in meant("egg", "eg", "gg"))


def test_who_is_forgiving_takes_known_words_for_others_too() -> None:
    assert meant("salt egg", "salt", "malt", "egg", forgiving=True) == [
        {EXACT: Meaning(("salt",)), CORRECTED: Meaning(("malt",))},
        {EXACT: Meaning(("egg",))},
    ]


def test_a_word_stands_for_the_categories_that_are_named_so() -> None:
    known = Words(("egg", "bars", "barley"), {1: "Bars", 2: "Egg Bars", 3: "Barley"})
    [bar] = read("bar", known).terms
    assert bar.meanings[EXACT] == Meaning(("bar",), (1, 2))
    assert bar.meanings[PREFIX] == Meaning(("barley", "bar"), (1, 2, 3), "bar")


@pytest.mark.parametrize(
    ("entry", "tier"),
    [
        (an_entry(name="egg bar"), Tier(Field.NAME, EXACT)),
        (an_entry(name="eggs bars"), Tier(Field.NAME, EXACT)),
        (an_entry(name="egg barley"), Tier(Field.NAME, PREFIX)),
        (an_entry(name="egg", ingredients="bar"), Tier(Field.INGREDIENTS, EXACT)),
        (an_entry(name="egg", ingredients="barley"), Tier(Field.INGREDIENTS, PREFIX)),
        (an_entry(name="egg barley", details="bar"), Tier(Field.NAME, PREFIX)),
        (an_entry(name="bar", description="egg"), Tier(Field.DESCRIPTION, EXACT)),
        (an_entry(details="egg bar"), Tier(Field.DETAILS, EXACT)),
        (an_entry(name="bar"), None),
        (an_entry(name="eggs eggnog", description="ba"), None),
    ],
)
def test_the_worst_placed_of_its_words_decides(entry: Entry, tier: Tier | None) -> None:
    assert read("egg bar", Words(("egg", "bar", "barley"))).tier(entry, ()) == tier


def test_a_category_counts_as_an_ingredient() -> None:
    reading = read("bar", Words(("bar",), {7: "Bars"}))
    assert reading.tier(an_entry(name="egg"), {7, 8}) == Tier(Field.INGREDIENTS, EXACT)
    assert reading.tier(an_entry(name="egg"), {8}) is None
    assert reading.tier(an_entry(name="bar"), {7}) == Tier(Field.NAME, EXACT)


def test_with_one_word_corrected_a_product_fits_by_correction_at_best() -> None:
    reading = read("slat egg", Words(("salt", "egg")))
    assert reading.is_corrected
    assert reading.tier(an_entry(name="egg salt"), ()) == Tier(Field.NAME, CORRECTED)
    assert reading.tier(an_entry(name="egg slat"), ()) == Tier(Field.NAME, CORRECTED)
    assert not read("salt egg", Words(("salt", "egg"))).is_corrected


def test_a_search_without_words_fits_nothing() -> None:
    assert Reading(()).tier(an_entry(name="egg"), ()) is None


letters = st.text("ab", min_size=1, max_size=4)
entries = st.builds(
    Entry, st.dictionaries(letters.map(stem), st.sampled_from(Field)), st.just(frozenset[str]())
)


@given(st.lists(letters, min_size=1, max_size=3), st.lists(letters), entries)
def test_the_tier_is_the_first_whose_words_all_agree(
    words: list[str], known: list[str], entry: Entry
) -> None:
    reading = read(" ".join(words), Words(known))
    found = reading.tier(entry, ())
    fitting = [
        tier for tier in reading.tiers if all(has(term, entry, tier) for term in reading.terms)
    ]
    assert found == (min(fitting) if fitting else None)
    assert reading.tiers == sorted(reading.tiers)


def has(term: Term, entry: Entry, tier: Tier) -> bool:
    meanings = [meaning for fit, meaning in term.meanings.items() if fit <= tier.fit]
    return any(
        of <= tier.field and (one in meaning.stems or one.startswith(meaning.beginning or "-"))
        for one, of in entry.stems.items()
        for meaning in meanings
    )


@given(ranks)
def test_a_relevance_tells_its_tier_and_score(rank: Rank) -> None:
    assert 0 <= rank.score < SCORES
    assert tier_and_score(relevance_of(rank.tier, rank.score)) == (rank.tier, rank.score)


@given(ranks, ranks)
def test_the_sku_comes_before_the_tier_then_the_rating_then_what_is_in_stock(
    one: Rank, other: Rank
) -> None:
    relevances = [relevance_of(rank.tier, rank.score) for rank in (one, other)]
    assert (relevances[0] > relevances[1]) == (one.place < other.place)
