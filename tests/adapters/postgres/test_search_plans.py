"""Searches touch a bounded number of rows, however many products match or seem to match."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import define, field, fields

from eggypro_adapters.postgres.connection import driver_connection
from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.listing.search_plan import (
    NO_LEXEME,
    SAMPLE_ROWS,
    Sample,
    SearchPlan,
)
from eggypro_adapters.postgres.listing.term_statistics import TermStatistics
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.product_query import MAX_RANKED_RESULTS, ProductQuery, Sort
from eggypro_core.search.query import Expansion, MatchKind, ParsedQuery, Term

PRODUCT_COUNT = 20_000
MAX_ROWS = 2_000
"""Rows that a search may touch beyond its sample: a tenth of the catalogue."""
# Every product has a common word and one of 2,000 rare ones, from ba to bbjjj: numbers in letters.
# One in 500 is sold out.
_FILL = f"""
CREATE FUNCTION pg_temp.spell(number int) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN translate(number::text, '0123456789', 'abcdefghij');
INSERT INTO products (name, slug, description, details, price, name_key, stock_quantity)
SELECT 'Egg', 'egg-' || number, '', '', 1 + number * 0.01, 'egg ' || number,
  CASE WHEN number % 500 = 0 THEN 0 ELSE 1 END
FROM generate_series(1, {PRODUCT_COUNT}) AS number;
INSERT INTO product_search (product_id, score, price, is_active, is_listed, words)
SELECT id, 200 * (id % 5) + (stock_quantity > 0)::int, price, true, true, (
  'Aegg Dcommon Dc' || pg_temp.spell(id % 80) || ' Db' || pg_temp.spell(id % 2000))::tsvector
FROM products;
INSERT INTO search_words (word, stem, slips)
SELECT word, word, ARRAY[word] FROM (
  SELECT unnest(ARRAY['egg', 'common']) UNION ALL
  SELECT 'b' || pg_temp.spell(number) FROM generate_series(0, 1999) AS number UNION ALL
  SELECT 'c' || pg_temp.spell(number) FROM generate_series(0, 79) AS number) AS words (word);
DROP FUNCTION pg_temp.spell
"""


@define(slots=False)
class RecordingDatabase(Database):
    """A database that records its reads: statements with their values."""

    reads: list[tuple[CompiledStatement, Mapping[str, object]]] = field(factory=list)

    def fetch(
        self, statement: CompiledStatement, values: Mapping[str, object]
    ) -> Sequence[tuple[Any, ...]]:
        self.reads.append((statement, values))
        return super().fetch(statement, values)


@pytest.fixture
def large_shop(database: Database) -> RecordingDatabase:
    """Return a database of PRODUCT_COUNT products with indexed words."""
    with database.long_transaction() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))  # no triggers
        driver_connection(connection.connection).cursor().execute(_FILL)
    with database.session() as session:
        assert session is not None
        session.execute(sa.text("VACUUM (ANALYZE) products, product_search, search_words"))
    values = (getattr(database, attribute.name) for attribute in fields(Database))
    return RecordingDatabase(*values)


def touched_rows(database: RecordingDatabase, query: ProductQuery) -> int:
    """Return the most rows that a scan of a statement of a query reads from products."""
    PostgresProductStore(database).list(query)
    reads = [read for read in database.reads if "product_search" in read[0].sql]
    database.reads.clear()
    with database.long_transaction() as connection:
        cursor = driver_connection(connection.connection).cursor()
        return max(_most_rows(cursor, *read) for read in reads)


def _most_rows(cursor: Any, statement: CompiledStatement, values: Mapping[str, object]) -> int:
    if statement.sql.lstrip().startswith(("EXPLAIN", "SELECT greatest")):
        return 0
    cursor.execute(
        f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement.sql}", statement.values(values)
    )
    return max(_scanned_rows(cursor.fetchall()[0][0][0]["Plan"]), default=0)


def _scanned_rows(node: Mapping[str, Any]) -> Iterator[int]:
    """Yield the rows that each scan of a plan reads."""
    is_table = node.get("Relation Name") in {"products", "product_search"}
    if is_table or node["Node Type"] == "Bitmap Index Scan":
        names = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        yield round(sum(node.get(name, 0) for name in names) * node["Actual Loops"])
    for child in node.get("Plans", ()):
        yield from _scanned_rows(child)


@pytest.mark.parametrize(
    "query",
    [
        ProductQuery(search="bb"),
        ProductQuery(search="bbc"),
        ProductQuery(search="bbjjj"),
        ProductQuery(search="bbjjj common"),
        ProductQuery(search="bbjjj", sort=Sort.PRICE_ASC),
        ProductQuery(search="bbjjj common", sort=Sort.NEWEST),
        ProductQuery(search="bbc", sort=Sort.NAME),
        ProductQuery(search="egg"),
        ProductQuery(search="egg common"),
        ProductQuery(search="e c b"),
        ProductQuery(search="c", sort=Sort.PRICE_DESC),
        ProductQuery(search="common", in_stock=False),
        ProductQuery(search="c", in_stock=False, sort=Sort.PRICE_ASC),
        ProductQuery(search="common", min_price=Decimal(100), max_price=Decimal(101)),
    ],
    ids=lambda query: f"{query.search} {query.sort} {query.in_stock} {query.min_price}",
)
def test_searches_touch_few_rows(large_shop: RecordingDatabase, query: ProductQuery) -> None:
    assert touched_rows(large_shop, query) <= MAX_ROWS


def test_results_of_a_large_shop_are_the_best_ones(large_shop: RecordingDatabase) -> None:
    store = PostgresProductStore(large_shop)
    best = [number for number in range(PRODUCT_COUNT, 0, -1) if number % 5 == 4]
    page = store.list(ProductQuery(search="common egg"))
    assert (page.total, page.total_capped) == (MAX_RANKED_RESULTS, True)
    assert [item.slug for item in page.items] == [f"egg-{number}" for number in best[:20]]
    for sort in (Sort.RELEVANCE, Sort.NAME, Sort.PRICE_DESC):
        rare = store.list(ProductQuery(search="common bbcde", sort=sort))
        expected = {f"egg-{number}" for number in range(1234, PRODUCT_COUNT, 2000)}
        assert {item.slug for item in rare.items} == expected
        assert (rare.total, rare.total_capped) == (len(expected), False)


def test_pages_sorted_by_price_continue_after_a_scan_without_matches(
    large_shop: RecordingDatabase,
) -> None:
    """The scan in sort order ends before the matches, which all have the highest prices."""
    with large_shop.long_transaction() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            sa.text(
                "UPDATE product_search SET words = words || 'Dlast' WHERE product_id IN"
                " (SELECT id FROM products ORDER BY price DESC LIMIT 1000)"
            )
        )
    store = PostgresProductStore(large_shop)
    query = ProductQuery(search="last", sort=Sort.PRICE_ASC, limit=100)
    first = PRODUCT_COUNT - 1000 + 1
    page = store.list(query)
    assert [item.slug for item in page.items] == [f"egg-{first + n}" for n in range(100)]
    assert page.next_query is not None
    second = store.list(page.next_query)
    assert [item.slug for item in second.items] == [f"egg-{first + 100 + n}" for n in range(100)]
    assert (page.total, page.total_capped) == (1000, False)


def test_a_frequent_beginning_is_scanned_and_not_looked_up() -> None:
    terms = (prefix_term("c"), prefix_term("p"))
    statistics = TermStatistics(1_000_000, {})
    sample = Sample([990, 980], [0, 0, 0, 220, 0, 700, 0, SAMPLE_ROWS])
    plan = SearchPlan(ParsedQuery(terms), statistics, 21, sample=sample)
    lookup = plan.tier_lookup(plan.tiers[3])
    assert plan.needs_sample
    assert plan.should_search_by_tier
    assert plan.surely_has(MAX_RANKED_RESULTS)
    assert lookup.scan_length > 0
    assert lookup.index_condition == NO_LEXEME


def test_words_that_never_occur_together_are_looked_up_once() -> None:
    terms = (prefix_term("c"), prefix_term("p"))
    sample = Sample([100, 90], [0] * 8)
    plan = SearchPlan(ParsedQuery(terms), TermStatistics(1_000_000, {}), 21, sample=sample)
    assert not plan.should_search_by_tier
    assert not plan.surely_has(MAX_RANKED_RESULTS)
    assert not plan.should_scan_in_order(21)


def test_a_rare_word_needs_no_sample() -> None:
    rare = Term("xylitol", {MatchKind.EXACT: Expansion(("xylitol",))})
    statistics = TermStatistics(1_000_000, {"Dcommon": 0.5})
    for terms in ((rare,), (rare, prefix_term("c"))):
        assert not SearchPlan(ParsedQuery(terms), statistics, 21).needs_sample
    common = Term("common", {MatchKind.EXACT: Expansion(("common",))})
    assert SearchPlan(ParsedQuery((common,)), statistics, 21).needs_sample


def prefix_term(prefix: str) -> Term:
    """Return a term with too many words that begin with it."""
    expansions = {MatchKind.EXACT: Expansion((prefix,)), MatchKind.PREFIX: Expansion(prefix=prefix)}
    return Term(prefix, expansions)
