"""What a search is taken for, and how well a product fits it."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from eggypro_core.search.query import (
    MAX_CORRECTIONS,
    MAX_PREFIX_EXPANSIONS,
    SCORE_RANGE,
    Expansion,
    MatchKind,
    ParsedQuery,
    QueryToken,
    RankTier,
    Term,
    expand_terms,
    rank_score,
    relevance_of,
    tier_and_score,
    tokenize_query,
)
from eggypro_core.search.text import DocumentTerms, SearchField, deletion_neighbours, stem, tokenize

EXACT, PREFIX, CORRECTED = MatchKind


@frozen
class Rank:
    """What orders a product in a ranking."""

    tier: RankTier | None
    average: Decimal | None
    in_stock: bool

    @property
    def score(self) -> int:
        return rank_score(self.average, in_stock=self.in_stock)

    @property
    def place(self) -> tuple[object, ...]:
        """The least is the best."""
        tier = (-1, -1) if self.tier is None else (self.tier.field, self.tier.kind)
        return *tier, -(self.average or 0), not self.in_stock


tiers = st.none() | st.builds(RankTier, st.sampled_from(SearchField), st.sampled_from(MatchKind))
ranks = st.builds(Rank, tiers, st.none() | st.decimals(1, 5, places=2), st.booleans())


@frozen
class FakeVocabulary:
    """A vocabulary of some words, and of categories by id."""

    words: Sequence[str]
    named: Mapping[int, str] = field(factory=dict)

    def knows(self, token: QueryToken) -> bool:
        return token.stem in map(stem, self.words)

    def find_by_prefix(self, token: QueryToken) -> Sequence[str]:
        longer = [word for word in self.words if word.startswith(token.word) and word != token.word]
        return sorted(longer)[: MAX_PREFIX_EXPANSIONS + 1]

    def find_similar(self, token: QueryToken) -> Collection[str]:
        return [
            one
            for one in self.words
            if not set(deletion_neighbours(one)).isdisjoint(deletion_neighbours(token.word))
        ]

    def find_category_ids(self, stems: Collection[str]) -> Sequence[int]:
        found = {id_: map(stem, tokenize(name)) for id_, name in self.named.items()}
        return [id_ for id_, words in found.items() if not set(stems).isdisjoint(words)]


def read(search: str, known: FakeVocabulary, *, forgiving: bool = False) -> ParsedQuery:
    return ParsedQuery(expand_terms(tokenize_query(search), known, fuzzy=forgiving))


def expansions_of(
    search: str, *known: str, forgiving: bool = False
) -> list[dict[MatchKind, Expansion]]:
    """What each word of a search stands for, where some words are known."""
    return [
        dict(term.expansions)
        for term in read(search, FakeVocabulary(known), forgiving=forgiving).terms
    ]


def make_document(**fields: str) -> DocumentTerms:
    """An entry with the words of each field."""
    stems = {
        stem(one): SearchField[name.upper()]
        for name, text in fields.items()
        for one in text.split()
    }
    return DocumentTerms(stems, frozenset())


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
    found = tokenize_query(search)
    assert [token.word for token in found] == tokens.split()
    assert [token.is_last for token in found] == [False] * (len(found) - 1) + [True] * bool(found)


def test_a_known_word_stands_for_its_stem() -> None:
    assert expansions_of("eggs white", "egg", "white", "whites", "eggnog") == [
        {EXACT: Expansion(("egg",))},
        {EXACT: Expansion(("white",)), PREFIX: Expansion(("white",), prefix="white")},
    ]


def test_an_unknown_word_is_the_beginning_of_others_wherever_it_stands() -> None:
    assert expansions_of("van white", "vanilla", "vanity", "white") == [
        {
            EXACT: Expansion(("van",)),
            PREFIX: Expansion(("vanilla", "vanity"), prefix="van"),
        },
        {EXACT: Expansion(("white",))},
    ]


def test_one_that_begins_too_many_stands_for_all_of_them() -> None:
    many = [f"egg{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(MAX_PREFIX_EXPANSIONS + 1)]
    assert expansions_of("egg", *many)[0][PREFIX] == Expansion(prefix="egg")
    assert len(expansions_of("egg", *many[1:])[0][PREFIX].stems) == MAX_PREFIX_EXPANSIONS


def test_an_unknown_word_that_begins_none_stands_for_the_nearest() -> None:
    [found] = expansions_of("vanlila", "vanilla", "vanillas", "van", "manlila", "vanlilas")
    assert found == {
        EXACT: Expansion(("vanlila",)),
        PREFIX: Expansion(("vanlila",), prefix="vanlila"),
    }
    [found] = expansions_of("vanlila", "vanilla", "van", "manlila", "vanlola")
    assert found == {
        EXACT: Expansion(("vanlila",)),
        CORRECTED: Expansion(("vanilla", "vanlola", "manlila")),
    }


def test_few_are_the_nearest() -> None:
    [found] = expansions_of("egg", *(f"eg{letter}" for letter in "abcdefhijklmn"))
    assert found[CORRECTED].stems == tuple(f"eg{letter}" for letter in "abcdefhijk")
    assert len(found[CORRECTED].stems) == MAX_CORRECTIONS


@pytest.mark.parametrize("search", ["eg", "500", "e5"])
def test_short_words_and_numbers_are_never_corrected(search: str) -> None:
    assert all(CORRECTED not in found for found in expansions_of(search, "ego", "501", "ge"))


def test_nor_is_a_word_taken_for_one_of_them() -> None:
    assert all(CORRECTED not in found for found in expansions_of("egg", "eg", "gg"))


def test_who_is_forgiving_takes_known_words_for_others_too() -> None:
    assert expansions_of("salt egg", "salt", "malt", "egg", forgiving=True) == [
        {EXACT: Expansion(("salt",)), CORRECTED: Expansion(("malt",))},
        {EXACT: Expansion(("egg",))},
    ]


def test_a_word_stands_for_the_categories_that_are_named_so() -> None:
    known = FakeVocabulary(("egg", "bars", "barley"), {1: "Bars", 2: "Egg Bars", 3: "Barley"})
    [bar] = read("bar", known).terms
    assert bar.expansions[EXACT] == Expansion(("bar",), (1, 2))
    assert bar.expansions[PREFIX] == Expansion(("barley", "bar"), (1, 2, 3), "bar")


@pytest.mark.parametrize(
    ("entry", "tier"),
    [
        (make_document(name="egg bar"), RankTier(SearchField.NAME, EXACT)),
        (make_document(name="eggs bars"), RankTier(SearchField.NAME, EXACT)),
        (make_document(name="egg barley"), RankTier(SearchField.NAME, PREFIX)),
        (make_document(name="egg", ingredients="bar"), RankTier(SearchField.INGREDIENTS, EXACT)),
        (
            make_document(name="egg", ingredients="barley"),
            RankTier(SearchField.INGREDIENTS, PREFIX),
        ),
        (make_document(name="egg barley", details="bar"), RankTier(SearchField.NAME, PREFIX)),
        (make_document(name="bar", description="egg"), RankTier(SearchField.DESCRIPTION, EXACT)),
        (make_document(details="egg bar"), RankTier(SearchField.DETAILS, EXACT)),
        (make_document(name="bar"), None),
        (make_document(name="eggs eggnog", description="ba"), None),
    ],
)
def test_the_worst_placed_of_its_words_decides(entry: DocumentTerms, tier: RankTier | None) -> None:
    assert read("egg bar", FakeVocabulary(("egg", "bar", "barley"))).tier(entry, ()) == tier


def test_a_category_counts_as_an_ingredient() -> None:
    reading = read("bar", FakeVocabulary(("bar",), {7: "Bars"}))
    assert reading.tier(make_document(name="egg"), {7, 8}) == RankTier(
        SearchField.INGREDIENTS, EXACT
    )
    assert reading.tier(make_document(name="egg"), {8}) is None
    assert reading.tier(make_document(name="bar"), {7}) == RankTier(SearchField.NAME, EXACT)


def test_with_one_word_corrected_a_product_fits_by_correction_at_best() -> None:
    reading = read("slat egg", FakeVocabulary(("salt", "egg")))
    assert reading.is_corrected
    assert reading.tier(make_document(name="egg salt"), ()) == RankTier(SearchField.NAME, CORRECTED)
    assert reading.tier(make_document(name="egg slat"), ()) == RankTier(SearchField.NAME, CORRECTED)
    assert not read("salt egg", FakeVocabulary(("salt", "egg"))).is_corrected


def test_a_search_without_words_fits_nothing() -> None:
    assert ParsedQuery(()).tier(make_document(name="egg"), ()) is None


letters = st.text("ab", min_size=1, max_size=4)
entries = st.builds(
    DocumentTerms,
    st.dictionaries(letters.map(stem), st.sampled_from(SearchField)),
    st.just(frozenset[str]()),
)


@given(st.lists(letters, min_size=1, max_size=3), st.lists(letters), entries)
def test_the_tier_is_the_first_whose_words_all_agree(
    words: list[str], known: list[str], entry: DocumentTerms
) -> None:
    reading = read(" ".join(words), FakeVocabulary(known))
    found = reading.tier(entry, ())
    fitting = [
        tier for tier in reading.tiers if all(has(term, entry, tier) for term in reading.terms)
    ]
    assert found == (min(fitting) if fitting else None)
    assert reading.tiers == sorted(reading.tiers)


def has(term: Term, entry: DocumentTerms, tier: RankTier) -> bool:
    meanings = [meaning for fit, meaning in term.expansions.items() if fit <= tier.kind]
    return any(
        of <= tier.field and (one in meaning.stems or one.startswith(meaning.prefix or "-"))
        for one, of in entry.stems.items()
        for meaning in meanings
    )


@given(ranks)
def test_a_relevance_tells_its_tier_and_score(rank: Rank) -> None:
    assert 0 <= rank.score < SCORE_RANGE
    assert tier_and_score(relevance_of(rank.tier, rank.score)) == (rank.tier, rank.score)


@given(ranks, ranks)
def test_the_sku_comes_before_the_tier_then_the_rating_then_what_is_in_stock(
    one: Rank, other: Rank
) -> None:
    relevances = [relevance_of(rank.tier, rank.score) for rank in (one, other)]
    assert (relevances[0] > relevances[1]) == (one.place < other.place)
