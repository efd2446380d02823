"""Statements of product pages: filters, order and total in one round trip."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.postgres import keyset
from eggypro_adapters.postgres.database import CompiledStatement
from eggypro_adapters.postgres.listing import search_statements
from eggypro_adapters.postgres.listing.category_pages import category_page_statement
from eggypro_adapters.postgres.listing.facets import facets_select
from eggypro_adapters.postgres.listing.search_plan import MAX_ORDERED_SCAN
from eggypro_adapters.postgres.product_rows import (
    LISTED_PRODUCT_COLUMNS,
    category_names,
    is_in_category,
    listed_product_from_row,
    product_columns,
)
from eggypro_adapters.postgres.schema import categories, product_categories, products
from eggypro_core.domain.pagination import MAX_EXACT_TOTAL, MAX_LIMIT, Page
from eggypro_core.domain.product import ListedProduct
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.validation.parameters import Status

_IN_STOCK = sa.or_(products.c.stock_quantity > 0, sa.not_(products.c.track_stock))
_MAX_HIDDEN = 2_000
"""With more archived or unlisted products than this, public products are always counted."""
_MIN_PRODUCTS = 4 * MAX_EXACT_TOTAL + _MAX_HIDDEN
"""A catalogue with more rows than this surely has more than MAX_EXACT_TOTAL public products."""
# Postgres counts rows as transactions insert and delete them. A replica has no such counts.
_IS_LARGE_CATALOGUE = f"""(
  pg_stat_get_live_tuples(CAST('products' AS regclass)) > {_MIN_PRODUCTS}
  AND (SELECT count(*) FROM (
    SELECT FROM products WHERE NOT (is_active AND is_listed) LIMIT {_MAX_HIDDEN + 1}
  ) AS hidden) <= {_MAX_HIDDEN})"""
_SORT_COLUMNS: Mapping[Sort, sa.ColumnElement[Any]] = {
    Sort.NAME: products.c.name_key,
    Sort.NAME_DESC: products.c.name_key,
    Sort.PRICE_ASC: products.c.price,
    Sort.PRICE_DESC: products.c.price,
    Sort.NEWEST: products.c.created_at,
    Sort.RATING: sa.func.coalesce(products.c.rating_average, sa.text("0")),
}

_PRICE_SORTS = frozenset({Sort.PRICE_ASC, Sort.PRICE_DESC})


@frozen
class _ListShape:
    """The parts of a query that change the statement, not only its parameters."""

    sort: Sort
    status: Status | None
    listed: bool | None
    search: search_statements.SearchShape | None
    should_scan_in_order: bool
    """Whether to check the first MAX_ORDERED_SCAN rows in sort order for the search."""
    should_merge: bool
    """Whether to look up the matches, then to scan all rows in sort order for them."""
    has_category: bool
    in_stock: bool | None
    has_min_price: bool
    has_max_price: bool
    has_cursor: bool
    has_standard_limit: bool
    """Whether a page has no offset and at most MAX_LIMIT items."""

    @property
    def is_prepared(self) -> bool:
        """Return whether one plan suits all values of the parameters."""
        # One category or word has ten products, another half of all.
        return not (self.has_category or self.search)

    @property
    def is_whole_catalogue(self) -> bool:
        """Return whether all public products match."""
        return self._has_only_public and not self.has_category

    @property
    def is_whole_category(self) -> bool:
        """Return whether all public products of a category match."""
        return self._has_only_public and self.has_category

    @property
    def _has_only_public(self) -> bool:
        """Return whether no filter is set, except that of a category."""
        return (self.status, self.listed, self.in_stock) == (None, None, None) and not (
            self.search or self.has_min_price or self.has_max_price
        )


def page_statement(
    query: ProductQuery,
    search: search_statements.SearchShape | None = None,
    *,
    should_scan_in_order: bool = False,
) -> CompiledStatement:
    """Return the statement of a query: total, sort key and columns of `listed_product_from_row`.

    It has one row more than the limit if there is a next page. An empty page still has one row,
    with the total and a null id. Scanning in sort order is faster if many rows match the search,
    but misses those after the first MAX_ORDERED_SCAN rows.
    """
    shape = _list_shape(query, search, should_scan_in_order=should_scan_in_order)
    if shape.is_whole_category and shape.has_standard_limit:
        return category_page_statement(
            _SORT_COLUMNS[shape.sort],
            has_cursor=shape.has_cursor,
            descending=shape.sort.is_descending,
        )
    return _statement(shape)


def page_values(query: ProductQuery) -> dict[str, object]:
    """Return the parameters of the statement of a query."""
    filters = {name: getattr(query, name) for name in ("category", "min_price", "max_price")}
    return {**filters, **keyset.page_values(query)}


def export_statement(
    query: ProductQuery, search: search_statements.SearchShape | None = None
) -> CompiledStatement:
    """Return the statement of all complete products that match a query, by id.

    Its rows are those of `product_from_row`, with all variants and hidden categories.
    """
    shape = _list_shape(query, search)
    columns = product_columns(Status.ALL, max_variants=None, include_hidden=True)
    statement = sa.select(*columns).where(*_filters(shape)).order_by(products.c.id)
    return CompiledStatement.compile(_with_matches(statement, shape))


def facets_statement(query: ProductQuery) -> CompiledStatement:
    """Return the facet statement of a query without a search; `facets_from_row` reads its row."""
    return _facets_statement(_list_shape(query))


def page_from_rows(
    rows: Sequence[tuple[Any, ...]], query: ProductQuery
) -> Page[ListedProduct, ProductQuery]:
    """Return the page of the rows of a page or ranking statement."""
    return Page.from_rows(
        query,
        [row for row in rows if row[2] is not None],
        total=rows[0][0],
        item_of=lambda row: listed_product_from_row(row[2:]),
        key_of=lambda row: row[1],
    )


@lru_cache(maxsize=1024)  # more than the number of shapes in use
def _statement(shape: _ListShape) -> CompiledStatement:
    condition = sa.and_(sa.true(), *_filters(shape))
    descending = shape.sort.is_descending
    rows, position = _sorted_rows(shape, condition)
    page = keyset.page_rows(
        rows,
        position,
        after=shape.has_cursor,
        descending=descending,
        max_rows=MAX_LIMIT + 1 if shape.is_prepared and shape.has_standard_limit else None,
    ).subquery()
    columns = [*list(page.c)[:-1], category_names(page)]
    statement = keyset.with_total(_total(shape, condition), [page.c.key, *columns], page).order_by(
        *keyset.in_order((page.c.key, page.c.id), descending=descending)
    )
    return CompiledStatement.compile(_with_matches(statement, shape), is_prepared=shape.is_prepared)


def _with_matches(statement: sa.Select[Any], shape: _ListShape) -> sa.Select[Any]:
    """Return the statement with the table of the matches of its search, if it reads one."""
    if shape.search is None or shape.should_scan_in_order:
        return statement
    return statement.add_cte(search_statements.matches_cte(shape.search))


def _sorted_rows(
    shape: _ListShape, condition: sa.ColumnElement[bool]
) -> tuple[sa.Select[Any], tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]]:
    """Return the rows that match, each with its key, and their position in the sort order."""
    key = _SORT_COLUMNS[shape.sort]
    if shape.search is not None and (shape.should_scan_in_order or shape.should_merge):
        found = (
            _first_places(shape, key, shape.search)
            if shape.should_scan_in_order
            else _matching_places(shape, key)
        )
        # Laterally: Postgres must not sort the products before it has the first of them.
        matched = (
            sa.select(*LISTED_PRODUCT_COLUMNS)
            .where(products.c.id == found.c.id)
            .offset(sa.literal_column("0"))
            .lateral("matched")
        )
        rows = sa.select(*matched.c, found.c.key).select_from(found.join(matched, sa.true()))
        return rows, (found.c.key, found.c.id)
    rows = sa.select(*LISTED_PRODUCT_COLUMNS, key.label("key")).where(condition)
    if shape.search is None:
        return rows, (key, products.c.id)
    matches = rows.offset(sa.literal_column("0")).subquery(
        "matches"
    )  # or Postgres might scan in sort order
    return sa.select(*matches.c), (matches.c.key, matches.c.id)


def _first_places(
    shape: _ListShape, key: sa.ColumnElement[Any], search: search_statements.SearchShape
) -> sa.Subquery:
    """Return the positions of matches among the first MAX_ORDERED_SCAN rows from the cursor on."""
    # The other filters might leave out most products that the scan meets.
    filters = _price_filters(shape) if shape.sort in _PRICE_SORTS else []
    places = _places(shape, key, filters, MAX_ORDERED_SCAN).subquery("places")
    is_match = sa.type_coerce(sa.text(search_statements.matches_by_row(search)), sa.Boolean)
    position = (places.c.key, places.c.id)
    return (
        sa.select(places)
        .where(is_match)
        .order_by(*keyset.in_order(position, descending=shape.sort.is_descending))
        .offset(sa.literal_column("0"))  # Postgres must check the places before it joins products
        .subquery("found")
    )


def _matching_places(shape: _ListShape, key: sa.ColumnElement[Any]) -> sa.Subquery:
    """Return the positions of the next matches, among all rows in the sort order."""
    is_match = sa.type_coerce(sa.text(search_statements.IS_AMONG_MATCHES), sa.Boolean)
    return _places(shape, key, [is_match], MAX_LIMIT + 1).subquery("found")


def _places(
    shape: _ListShape,
    key: sa.ColumnElement[Any],
    conditions: Sequence[sa.ColumnElement[bool]],
    max_rows: int,
) -> sa.Select[Any]:
    """Return positions in the sort order, from the cursor on."""
    position, descending = (key, products.c.id), shape.sort.is_descending
    after = [keyset.is_after(position, descending=descending)] if shape.has_cursor else []
    return (
        sa.select(key.label("key"), products.c.id)
        .where(*conditions, *after)
        .order_by(*keyset.in_order(position, descending=descending))
        .limit(sa.literal_column(str(max_rows)))
    )


@lru_cache(maxsize=1024)
def _facets_statement(shape: _ListShape) -> CompiledStatement:
    matched = (
        sa.select(
            products.c.id.label("product_id"),
            products.c.price,
            _IN_STOCK.label("in_stock"),
            sa.literal_column("0").label("place"),
        )
        .where(*_filters(shape))
        .limit(MAX_EXACT_TOTAL + 1)
    )
    return CompiledStatement.compile(
        facets_select(matched.cte("matched")), is_prepared=not shape.has_category
    )


def _total(shape: _ListShape, condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    if shape.search is None:
        total = keyset.total_of(products, condition)
        return _uncounted_if_large(total) if shape.is_whole_catalogue else total
    sql = (
        search_statements.total_sql(shape.search)
        if shape.should_scan_in_order
        else search_statements.MATCHED_COUNT
    )
    count = sa.text(sql).columns(sa.column("total"))
    return sa.select(count.subquery("counted").c.total)


def _uncounted_if_large(total: sa.Select[Any]) -> sa.Select[Any]:
    """Return the total of the whole catalogue, which is not counted if it surely is too large."""
    is_large = sa.literal_column(_IS_LARGE_CATALOGUE, sa.Boolean)
    number = sa.case((is_large, keyset.CAPPED_TOTAL), else_=total.scalar_subquery())
    return sa.select(number.label("total"))


def _list_shape(
    query: ProductQuery,
    search: search_statements.SearchShape | None = None,
    *,
    should_scan_in_order: bool = False,
) -> _ListShape:
    has_standard_limit = query.offset == 0 and query.limit <= MAX_LIMIT
    return _ListShape(
        sort=query.sort,
        status=query.status,
        listed=query.listed,
        search=search,
        should_scan_in_order=should_scan_in_order,
        should_merge=search is not None and search.has_many_matches and has_standard_limit,
        has_category=query.category is not None,
        in_stock=query.in_stock,
        has_min_price=query.min_price is not None,
        has_max_price=query.max_price is not None,
        has_cursor=query.after is not None,
        has_standard_limit=has_standard_limit,
    )


def _filters(shape: _ListShape) -> list[sa.ColumnElement[bool]]:
    conditions: list[tuple[bool, sa.ColumnElement[bool]]] = [
        (shape.status is None, sa.and_(products.c.is_active, products.c.is_listed)),
        (shape.status is Status.ACTIVE, products.c.is_active),
        (shape.status is Status.ARCHIVED, sa.not_(products.c.is_active)),
        (shape.listed is True, products.c.is_listed),
        (shape.listed is False, sa.not_(products.c.is_listed)),
        (shape.in_stock is True, _IN_STOCK),
        (shape.in_stock is False, sa.not_(_IN_STOCK)),
        (shape.has_category, products.c.id.in_(_category_products())),
    ]
    filters = [condition for applies, condition in conditions if applies]
    if shape.search is not None:
        matches = sa.text(search_statements.MATCHES_BY_INDEX)
        filters.append(sa.type_coerce(matches, sa.Boolean))
    return [*filters, *_price_filters(shape)]


def _price_filters(shape: _ListShape) -> list[sa.ColumnElement[bool]]:
    conditions = [
        (shape.has_min_price, products.c.price >= _amount("min_price")),
        (shape.has_max_price, products.c.price <= _amount("max_price")),
    ]
    return [condition for applies, condition in conditions if applies]


def _amount(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.Numeric)


def _category_products() -> sa.Select[Any]:
    """Return the ids of products in a visible category or its visible descendants."""
    return (
        sa.select(product_categories.c.product_id)
        .join(categories)
        .where(is_in_category(sa.bindparam("category", type_=sa.Text)), categories.c.is_visible)
    )
