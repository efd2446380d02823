"""A search in Postgres: the best of what fits it, at a cost that does not grow with what does.

Each tier is looked for in two ways, one behind the other: in the head of all rows, in the order of
their score, which soon gives enough of what is common; and by the index of words, for what is rare.
Together they are exact. How long the head is follows from how common the words are. An append stops
as soon as it has enough: later tiers are not looked for at all then.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import sqlalchemy as sa
from attrs import frozen
from psycopg.types.numeric import Int4

from eggypro_adapters.postgres.engine import Database, Statement
from eggypro_adapters.postgres.facets import DRAWN_OF_ALL, MATCHED, facets_in, facets_of
from eggypro_adapters.postgres.frequencies import FrequencyReader
from eggypro_adapters.postgres.indexing import FIELDS
from eggypro_adapters.postgres.pages import page_of, page_statement, page_values
from eggypro_adapters.postgres.ranking import NOTHING, Plan, everything
from eggypro_adapters.postgres.rows import LISTED, category_names
from eggypro_adapters.postgres.tables import products
from eggypro_adapters.postgres.vocabulary import INSIDE, Known
from eggypro_core.facets import Facets
from eggypro_core.listing import Explained
from eggypro_core.paging import COUNTED, HIGHEST_ID, Page
from eggypro_core.parameters import Status
from eggypro_core.products import ListedProduct
from eggypro_core.queries import RANKED, ProductQuery, Sort
from eggypro_core.search import (
    SCORES,
    Reading,
    Reason,
    Tier,
    read_search,
    relevance_of,
    score_of,
    tier_and_score,
    tokens_of,
)
from eggypro_core.words import Entry

SAMPLED = 1_000
"""Rows of a sample, taken to tell whether more fit than are counted."""
_SURELY = 4 * COUNTED
"""How many must fit by a sample, to be sure that more do than are counted."""
_MANY = 3_000
"""Rows that take longer to count than a sample of all takes to draw."""
_FRONT = (SCORES, HIGHEST_ID)
_BEHIND_ALL = (-1, -1)

_HEAD = """
(SELECT {relevance} + score AS relevance, product_id FROM (
  SELECT * FROM product_search WHERE (score, product_id) < (:score{n}, :id{n})
  ORDER BY score DESC, product_id DESC LIMIT :head{n}
) AS one WHERE {fits}{filters} LIMIT :most)"""
_REST = """
(SELECT {relevance} + score AS relevance, product_id FROM (
  SELECT * FROM product_search WHERE words @@ CAST(:lookup{n} AS tsquery) OFFSET 0
) AS one WHERE (score, product_id) < (:score{n}, :id{n})
  AND (:head{n} = 0 OR (score, product_id) < (
    SELECT score, product_id FROM product_search WHERE (score, product_id) < (:score{n}, :id{n})
    ORDER BY score DESC, product_id DESC LIMIT 1 OFFSET greatest(:head{n} - 1, 0)))
  AND {fits}{filters} ORDER BY score DESC, product_id DESC LIMIT :most)"""
_NAMED = """
(SELECT {relevance} + score AS relevance, product_id FROM product_search AS one
WHERE product_id = :named AND (score, product_id) < (:score_named, :id_named){filters})"""
_COUNT = f"""
SELECT count(*) FROM (
  SELECT 1 FROM product_search AS one WHERE product_id = :named{{filters}}
  UNION ALL (
    SELECT 1 FROM (
      SELECT * FROM product_search WHERE words @@ CAST(:lookup AS tsquery) OFFSET 0
    ) AS one WHERE words @@ CAST(:every AS tsquery) AND product_id <> :named{{filters}}
    LIMIT {COUNTED + 1})
) AS counted"""
_SAMPLE = f"""
SELECT count(*) FROM (
  SELECT * FROM product_search ORDER BY hashint4(product_id) LIMIT {SAMPLED}
) AS one WHERE words @@ CAST(:every AS tsquery){{filters}}"""
_WORDS = Statement(
    "SELECT product_id, tsvector_to_array(words) FROM product_search"
    " WHERE product_id = ANY(%(ids)s)",
    {},
)
_WITHIN = """EXISTS (
  SELECT FROM product_categories JOIN categories ON categories.id = category_id
  WHERE product_categories.product_id = one.product_id
    AND path @> ARRAY[CAST(:category AS text)] AND is_visible)"""


@frozen
class _Shape:
    """What of a search changes the statement, rather than its parameters."""

    tiers: tuple[Tier, ...]
    is_sampled: bool
    status: Status
    in_stock: bool | None
    min_price: bool
    max_price: bool
    is_listed: bool
    """Whether it is within few categories."""
    is_within: bool
    """Whether it is within many."""

    def filters(self) -> str:
        """Return the conditions on a row of product_search, besides its words."""
        wanted = {
            "is_active": self.status is Status.ACTIVE,
            "NOT is_active": self.status is Status.ARCHIVED,
            "score % 2 = 1": self.in_stock is True,
            "score % 2 = 0": self.in_stock is False,
            "price >= CAST(:min_price AS numeric)": self.min_price,
            "price <= CAST(:max_price AS numeric)": self.max_price,
            "words @@ CAST(:inside AS tsquery)": self.is_listed,
            _WITHIN: self.is_within,
        }
        return "".join(f" AND {condition}" for condition, is_wanted in wanted.items() if is_wanted)

    def total(self) -> str:
        """Return the statement that counts what fits; above COUNTED any number will do."""
        count, sample = (each.format(filters=self.filters()) for each in (_COUNT, _SAMPLE))
        if not self.is_sampled:
            return f"SELECT ({count}) AS total"
        is_above = f"({sample}) * CAST(:rows AS float8) > {_SURELY * SAMPLED}"
        return f"SELECT CASE WHEN {is_above} THEN {COUNTED + 1} ELSE ({count}) END AS total"


@frozen
class _Asked:
    """A search as it was understood, and the ids of the categories that it is within, if any."""

    reading: Reading
    inside: Sequence[int] | None


@frozen
class PostgresSearch:
    """Finds products by words. It takes two round trips: the words first, then what fits them."""

    _database: Database
    _frequencies: FrequencyReader

    def page(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        """Return a page of what a search finds, the best first.

        Where its words find nothing as they are, each is taken for what is one edit away too.
        """
        asked = self._read(query, forgiving=False)
        page = self._page(query, asked)
        if page.total:
            return page
        again = self._read(query, forgiving=True)
        return page if again.reading == asked.reading else self._page(query, again)

    def explain(self, query: ProductQuery) -> Explained:
        """Return the page of a search with the reasons for it."""
        asked = self._read(query, forgiving=False)
        page = self._page(query, asked)
        if not page.total:
            asked = self._read(query, forgiving=True)
            page = self._page(query, asked)
        rows = self._database.read(_WORDS, {"ids": [item.id for item in page.items]})
        words = dict(rows)
        reasons = [_reason(asked.reading, item, words.get(item.id, ())) for item in page.items]
        return Explained(page, asked.reading, reasons)

    def facets(self, query: ProductQuery, *, many: bool) -> Facets:
        """Return what all that a search finds comes to, from a sample if they are too `many`."""
        asked = self._read(query, forgiving=False)
        facets = self._facets(query, asked, many=many)
        if facets.lowest is not None:
            return facets
        again = self._read(query, forgiving=True)
        return facets if again.reading == asked.reading else self._facets(query, again, many=many)

    def sampled_facets(self, query: ProductQuery) -> Facets:
        """Return what a sample of a list without a search comes to."""
        inside = None if query.category is None else range(INSIDE + 1)
        return self._facets(query, _Asked(Reading(()), inside), many=True)

    def _facets(self, query: ProductQuery, asked: _Asked, *, many: bool) -> Facets:
        plan = Plan(asked.reading, self._frequencies(), 0)
        statement = _faceted(_shape(query, plan, asked.inside), many=many)
        rows = self._database.read(statement, _values(query, plan, asked.inside))
        return facets_in(rows[0], plan.known.rows if many else None)

    def _read(self, query: ProductQuery, *, forgiving: bool) -> _Asked:
        search = query.search or ""
        tokens = tokens_of(search)
        known = Known.of(self._database, tokens, search, query.category, forgiving=forgiving)
        terms = read_search(tokens, known, forgiving=forgiving)
        return _Asked(Reading(terms, known.named), known.inside)

    def _page(self, query: ProductQuery, asked: _Asked) -> Page[ListedProduct, ProductQuery]:
        reading = asked.reading
        if query.sort is not Sort.RELEVANCE:
            found = {"every": everything(reading).condition, "named": reading.named or 0}
            rows = self._database.read(page_statement(query), page_values(query) | found)
            return page_of(rows, query)
        plan = Plan(reading, self._frequencies(), _most(query))
        shape, values = _shape(query, plan, asked.inside), _values(query, plan, asked.inside)
        rows = self._database.read(_ranked(shape), values)
        return page_of(rows, query)


def _reason(reading: Reading, item: ListedProduct, words: Sequence[str]) -> Reason:
    """Return why an item that has words fits a search."""
    score = score_of(item.rating.average, in_stock=item.in_stock)
    if item.id == reading.named:
        return Reason(None, score)
    stems = {word[1:]: FIELDS[word[0]] for word in words if word[0] in FIELDS}
    inside = [int(word[1:]) for word in words if word[0] not in FIELDS]
    return reading.reason(Entry(stems, frozenset()), inside, score)


def _most(query: ProductQuery) -> int:
    """Return how many rows a query needs to see of its ranking."""
    left = max(0, RANKED - query.passed)
    return min(query.offset + query.limit + 1, query.offset + left)


def _shape(query: ProductQuery, plan: Plan, inside: Sequence[int] | None) -> _Shape:
    return _Shape(
        tiers=tuple(plan.tiers),
        is_sampled=plan.about() > _MANY and plan.known.rows > _SURELY,
        status=query.status,
        in_stock=query.in_stock,
        min_price=query.min_price is not None,
        max_price=query.max_price is not None,
        is_listed=inside is not None and len(inside) <= INSIDE,
        is_within=inside is not None and len(inside) > INSIDE,
    )


def _values(query: ProductQuery, plan: Plan, inside: Sequence[int] | None) -> dict[str, object]:
    """Return the parameters of the statements of a shape."""
    is_listed = inside is not None and len(inside) <= INSIDE
    within = " | ".join(f"'#{category}'" for category in inside or ()) or NOTHING
    values: dict[str, object] = {
        "named": Int4(plan.reading.named or 0),
        "rows": plan.known.rows,
        "inside": within,
        "category": query.category,
        "min_price": query.min_price,
        "max_price": query.max_price,
        "most": Int4(_most(query)),
        "skipped": Int4(query.offset),
    }
    every = everything(plan.reading)
    values |= {"every": every.condition, "lookup": every.lookup}
    for n, tier in enumerate(plan.tiers):
        wanted = plan.wanted(tier)
        values |= {f"fits{n}": wanted.condition, f"lookup{n}": wanted.lookup}
        values[f"head{n}"] = Int4(wanted.head)
    if is_listed:
        for name in [name for name in values if name.startswith("lookup")]:
            values[name] = f"({values[name]}) & ({within})"
    return values | dict(_places(query, plan))


def _places(query: ProductQuery, plan: Plan) -> Iterator[tuple[str, object]]:
    """Give the place that the rows of each tier must lie behind: score and id."""
    passed = None if query.after is None else query.after_key()
    tier, score = (None, SCORES) if passed is None else tier_and_score(int(str(passed[0])))
    row = HIGHEST_ID if passed is None else passed[1]
    for n, each in [("_named", None), *enumerate(plan.tiers)]:
        if passed is None or (each is not None and (tier is None or each > tier)):
            place = _FRONT
        else:
            place = (score, row) if each == tier else _BEHIND_ALL
        yield f"score{n}", Int4(place[0])
        yield f"id{n}", Int4(place[1])


@lru_cache(maxsize=1024)  # there are no more shapes than that in use
def _ranked(shape: _Shape) -> Statement:
    """Return the statement of a page: rows of total, relevance and what `listed_of` takes.

    There is one row more than the limit if another page follows. Where there is none to show, one
    row still tells the total, and its id is null.
    """
    found = sa.text(f"{' UNION ALL '.join(_branches(shape))} LIMIT :most").columns(
        sa.column("relevance", sa.Integer), sa.column("product_id", sa.Integer)
    )
    best = found.subquery("best")
    shown = (
        sa.select(best)
        .order_by(best.c.relevance.desc(), best.c.product_id.desc())
        .offset(sa.bindparam("skipped", type_=sa.Integer))
        .subquery("shown")
    )
    total = sa.text(shape.total()).columns(sa.column("total", sa.Integer)).subquery("counted")
    rows = total.outerjoin(shown, sa.true()).outerjoin(
        products, products.c.id == shown.c.product_id
    )
    return Statement.of(
        sa.select(total.c.total, shown.c.relevance, *LISTED, category_names(products))
        .select_from(rows)
        .order_by(shown.c.relevance.desc(), shown.c.product_id.desc())
    )


@lru_cache(maxsize=1024)
def _faceted(shape: _Shape, *, many: bool) -> Statement:
    """Return the statement of the facets of what is found, or if there are `many` of a sample."""
    fits = "words @@ CAST(:every AS tsquery)" if shape.tiers else "true"
    found = (DRAWN_OF_ALL if many else MATCHED).format(fits=fits, filters=shape.filters())
    columns = (
        sa.column("product_id", sa.Integer),
        sa.column("price", sa.Numeric),
        sa.column("in_stock", sa.Boolean),
        sa.column("place", sa.BigInteger),
    )
    return Statement.of(facets_of(sa.text(found).columns(*columns).cte("matched")))


def _branches(shape: _Shape) -> Iterator[str]:
    """Give the ways in which rows are looked for, the best tier first."""
    filters = shape.filters()
    yield _NAMED.format(relevance=relevance_of(None, 0), filters=filters)
    for n, tier in enumerate(shape.tiers):
        better = {index for index in (n - 1, _widest_before(shape.tiers, tier)) if index >= 0}
        fits = f"words @@ CAST(:fits{n} AS tsquery) AND product_id <> :named"
        fits += "".join(
            f" AND NOT words @@ CAST(:fits{each} AS tsquery)" for each in sorted(better)
        )
        values = {"n": n, "relevance": relevance_of(tier, 0), "fits": fits, "filters": filters}
        yield _HEAD.format(**values)
        yield _REST.format(**values)


def _widest_before(tiers: Sequence[Tier], tier: Tier) -> int:
    """Return the last tier of a better field, which takes all that those before it take; or -1."""
    return max((n for n, each in enumerate(tiers) if each.field < tier.field), default=-1)
