"""Tests of query parsing, ranking and relevance."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from eggypro_core.search.query import (
    MAX_CORRECTIONS,
    MAX_PREFIX_EXPANSIONS,
    MAX_TERMS,
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
    """The ranking criteria of a product."""

    tier: RankTier | None
    average: Decimal | None
    in_stock: bool

    @property
    def score(self) -> int:
        return rank_score(self.average, in_stock=self.in_stock)

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Return the sort key; the least is the best."""
        tier = (-1, -1) if self.tier is None else (self.tier.field, self.tier.kind)
        return *tier, -(self.average or 0), not self.in_stock


tiers = st.none() | st.builds(RankTier, st.sampled_from(SearchField), st.sampled_from(MatchKind))
ranks = st.builds(Rank, tiers, st.none() | st.decimals(1, 5, places=2), st.booleans())


@frozen
class FakeVocabulary:
    """A vocabulary of words and of category names by id."""

    words: Sequence[str]
    category_names: Mapping[int, str] = field(factory=dict)

    def knows(self, token: QueryToken) -> bool:
        return token.stem in map(stem, self.words)

    def find_by_prefix(self, token: QueryToken) -> Sequence[str]:
        longer = [word for word in self.words if word.startswith(token.word) and word != token.word]
        return sorted(longer)[: MAX_PREFIX_EXPANSIONS + 1]

    def find_similar(self, token: QueryToken) -> Collection[str]:
        return [
            word
            for word in self.words
            if not set(deletion_neighbours(word)).isdisjoint(deletion_neighbours(token.word))
        ]

    def find_category_ids(self, stems: Collection[str]) -> Sequence[int]:
        stems_by_id = {id_: map(stem, tokenize(name)) for id_, name in self.category_names.items()}
        return [id_ for id_, words in stems_by_id.items() if not set(stems).isdisjoint(words)]


def parse_query(search: str, vocabulary: FakeVocabulary, *, fuzzy: bool = False) -> ParsedQuery:
    return ParsedQuery(expand_terms(tokenize_query(search), vocabulary, fuzzy=fuzzy))


def expansions_of(
    search: str, *words: str, fuzzy: bool = False
) -> list[dict[MatchKind, Expansion]]:
    """Return the expansions of each term of a search, given the words of the vocabulary."""
    return [
        dict(term.expansions)
        for term in parse_query(search, FakeVocabulary(words), fuzzy=fuzzy).terms
    ]


def make_document(**fields: str) -> DocumentTerms:
    """Return the terms of a document with these words in each field."""
    stems = {
        stem(word): SearchField[name.upper()]
        for name, text in fields.items()
        for word in text.split()
    }
    return DocumentTerms(stems, frozenset())


@pytest.mark.parametrize(
    ("search", "words"),
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
def test_tokenize_query_drops_stop_words_and_duplicates(search: str, words: str) -> None:
    tokens = tokenize_query(search)
    assert [token.word for token in tokens] == words.split()
    assert [token.is_last for token in tokens] == [False] * (len(tokens) - 1) + [True] * bool(
        tokens
    )


def test_long_search_uses_its_first_words_and_the_last() -> None:
    words = [f"word{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    tokens = tokenize_query(" ".join(words))
    assert [token.word for token in tokens] == [*words[: MAX_TERMS - 1], words[-1]]
    assert [token.is_last for token in tokens] == [False] * (MAX_TERMS - 1) + [True]
    assert (
        len(tokenize_query("蛋白质粉" * 2 + "".join(map(chr, range(0x4E00, 0x4E80))))) == MAX_TERMS
    )


def test_words_before_the_last_are_few_beginnings() -> None:
    vocabulary = FakeVocabulary(("vanilla", "protein", "egg", "chocolate", "bar"))
    search = "van egg pro cho egg b"
    assert [term.word for term in parse_query(search, vocabulary).terms] == [
        "van",
        "egg",
        "pro",
        "b",
    ]


def test_known_word_expands_to_its_stem() -> None:
    assert expansions_of("eggs white", "egg", "white", "whites", "eggnog") == [
        {EXACT: Expansion(("egg",))},
        {EXACT: Expansion(("white",)), PREFIX: Expansion(("white",), prefix="white")},
    ]


def test_unknown_word_expands_as_a_prefix() -> None:
    assert expansions_of("van white", "vanilla", "vanity", "white") == [
        {
            EXACT: Expansion(("van",)),
            PREFIX: Expansion(("vanilla", "vanity"), prefix="van"),
        },
        {EXACT: Expansion(("white",))},
    ]


def test_prefix_of_too_many_words_lists_no_stems() -> None:
    longer_words = [
        f"egg{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(MAX_PREFIX_EXPANSIONS + 1)
    ]
    assert expansions_of("egg", *longer_words)[0][PREFIX] == Expansion(prefix="egg")
    assert len(expansions_of("egg", *longer_words[1:])[0][PREFIX].stems) == MAX_PREFIX_EXPANSIONS


def test_unknown_word_without_prefix_match_is_corrected() -> None:
    [expansions] = expansions_of("vanlila", "vanilla", "vanillas", "van", "manlila", "vanlilas")
    assert expansions == {
        EXACT: Expansion(("vanlila",)),
        PREFIX: Expansion(("vanlila",), prefix="vanlila"),
    }
    [expansions] = expansions_of("vanlila", "vanilla", "van", "manlila", "vanlola")
    assert expansions == {
        EXACT: Expansion(("vanlila",)),
        CORRECTED: Expansion(("vanilla", "vanlola", "manlila")),
    }


def test_number_of_corrections_is_limited() -> None:
    [expansions] = expansions_of("egg", *(f"eg{letter}" for letter in "abcdefhijklmn"))
    assert expansions[CORRECTED].stems == tuple(f"eg{letter}" for letter in "abcdefhijk")
    assert len(expansions[CORRECTED].stems) == MAX_CORRECTIONS


@pytest.mark.parametrize("search", ["eg", "500", "e5"])
def test_short_words_and_numbers_are_not_corrected(search: str) -> None:
    assert all(
        CORRECTED not in expansions for expansions in expansions_of(search, "ego", "501", "ge")
    )


def test_words_are_not_corrected_to_short_words() -> None:
    assert all(CORRECTED not in expansions for expansions in expansions_of("egg", "eg", "gg"))


def test_fuzzy_expansion_corrects_known_words_too() -> None:
    assert expansions_of("salt egg", "salt", "malt", "egg", fuzzy=True) == [
        {EXACT: Expansion(("salt",)), CORRECTED: Expansion(("malt",))},
        {EXACT: Expansion(("egg",))},
    ]


def test_word_expands_to_categories_by_name() -> None:
    vocabulary = FakeVocabulary(("egg", "bars", "barley"), {1: "Bars", 2: "Egg Bars", 3: "Barley"})
    [bar] = parse_query("bar", vocabulary).terms
    assert bar.expansions[EXACT] == Expansion(("bar",), (1, 2))
    assert bar.expansions[PREFIX] == Expansion(("barley", "bar"), (1, 2, 3), "bar")


@pytest.mark.parametrize(
    ("document", "tier"),
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
def test_tier_is_that_of_the_worst_term(document: DocumentTerms, tier: RankTier | None) -> None:
    assert (
        parse_query("egg bar", FakeVocabulary(("egg", "bar", "barley"))).tier(document, ()) == tier
    )


def test_category_match_counts_as_ingredient() -> None:
    query = parse_query("bar", FakeVocabulary(("bar",), {7: "Bars"}))
    assert query.tier(make_document(name="egg"), {7, 8}) == RankTier(SearchField.INGREDIENTS, EXACT)
    assert query.tier(make_document(name="egg"), {8}) is None
    assert query.tier(make_document(name="bar"), {7}) == RankTier(SearchField.NAME, EXACT)


def test_corrected_term_makes_the_tier_corrected() -> None:
    query = parse_query("slat egg", FakeVocabulary(("salt", "egg")))
    assert CORRECTED in query.match_kinds
    assert query.tier(make_document(name="egg salt"), ()) == RankTier(SearchField.NAME, CORRECTED)
    assert query.tier(make_document(name="egg slat"), ()) == RankTier(SearchField.NAME, CORRECTED)
    uncorrected = parse_query("salt egg", FakeVocabulary(("salt", "egg")))
    assert CORRECTED not in uncorrected.match_kinds


def test_search_without_words_matches_nothing() -> None:
    assert ParsedQuery(()).tier(make_document(name="egg"), ()) is None


letters = st.text("ab", min_size=1, max_size=4)
documents = st.builds(
    DocumentTerms,
    st.dictionaries(letters.map(stem), st.sampled_from(SearchField)),
    st.just(frozenset[str]()),
)


@given(st.lists(letters, min_size=1, max_size=3), st.lists(letters), documents)
def test_tier_is_the_best_in_which_all_terms_match(
    words: list[str], known_words: list[str], document: DocumentTerms
) -> None:
    query = parse_query(" ".join(words), FakeVocabulary(known_words))
    tier = query.tier(document, ())
    matching_tiers = [
        candidate
        for candidate in query.tiers
        if all(has_match(term, document, candidate) for term in query.terms)
    ]
    assert tier == (min(matching_tiers) if matching_tiers else None)
    assert query.tiers == sorted(query.tiers)


def has_match(term: Term, document: DocumentTerms, tier: RankTier) -> bool:
    expansions = [expansion for kind, expansion in term.expansions.items() if kind <= tier.kind]
    return any(
        search_field <= tier.field
        and (word in expansion.stems or word.startswith(expansion.prefix or "-"))
        for word, search_field in document.stems.items()
        for expansion in expansions
    )


@given(ranks)
def test_tier_and_score_is_the_inverse_of_relevance_of(rank: Rank) -> None:
    assert 0 <= rank.score < SCORE_RANGE
    assert tier_and_score(relevance_of(rank.tier, rank.score)) == (rank.tier, rank.score)


@given(ranks, ranks)
def test_relevance_orders_by_sku_tier_rating_and_stock(first: Rank, second: Rank) -> None:
    relevances = [relevance_of(rank.tier, rank.score) for rank in (first, second)]
    assert (relevances[0] > relevances[1]) == (first.sort_key < second.sort_key)
