"""The statement behind a page of products: filters, order and total, in one round trip."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.postgres import keyset
from eggypro_adapters.postgres.database import Statement
from eggypro_adapters.postgres.listing import search_statements
from eggypro_adapters.postgres.listing.facets import facets_of
from eggypro_adapters.postgres.product_rows import LISTED, category_names, is_within, listed_of
from eggypro_adapters.postgres.schema import categories, product_categories, products
from eggypro_core.domain.pagination import MAX_EXACT_TOTAL, Page
from eggypro_core.domain.product import ListedProduct
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.validation.parameters import Status

_IN_STOCK = sa.or_(products.c.stock_quantity > 0, sa.not_(products.c.track_stock))
_KEYS: Mapping[Sort, sa.ColumnElement[Any]] = {
    Sort.NAME: products.c.name_key,
    Sort.NAME_DESC: products.c.name_key,
    Sort.PRICE_ASC: products.c.price,
    Sort.PRICE_DESC: products.c.price,
    Sort.NEWEST: products.c.created_at,
    Sort.RATING: sa.func.coalesce(products.c.rating_average, sa.text("0")),
}


@frozen
class _Shape:
    """What of a query changes the statement, rather than its parameters."""

    sort: Sort
    status: Status
    search: search_statements.Shape | None
    is_walked: bool
    """Whether rows are looked through in their order until enough of them fit the search."""
    category: bool
    in_stock: bool | None
    min_price: bool
    max_price: bool
    after: bool


def page_statement(
    query: ProductQuery,
    search: search_statements.Shape | None = None,
    *,
    is_walked: bool = False,
) -> Statement:
    """Return the statement of a query: rows of total, sort key and what `listed_of` takes.

    There is one row more than the limit if another page follows. Where there is none to show, one
    row still tells the total, and its id is null. What fits a search is best found by walking
    through the rows in their order if many do.
    """
    return _statement(_shape_of(query, search, is_walked=is_walked))


def page_values(query: ProductQuery) -> dict[str, object]:
    """Return the parameters of the statement of a query."""
    filters = {name: getattr(query, name) for name in ("category", "min_price", "max_price")}
    return {**filters, **keyset.page_values(query)}


def facets_statement(query: ProductQuery) -> Statement:
    """Return the statement of the facets of a query without a search: the row of `facets_in`."""
    return _facets(_shape_of(query))


def page_of(
    rows: Sequence[tuple[Any, ...]], query: ProductQuery
) -> Page[ListedProduct, ProductQuery]:
    """Return the page that the rows of a statement are."""
    return Page.of(
        query,
        [row for row in rows if row[2] is not None],
        total=rows[0][0],
        item_of=lambda row: listed_of(row[2:]),
        key_of=lambda row: row[1],
    )


@lru_cache(maxsize=1024)  # there are no more shapes than that in use
def _statement(shape: _Shape) -> Statement:
    matching = sa.and_(sa.true(), *_filters(shape))
    key, descending = _KEYS[shape.sort], shape.sort.descending
    found = sa.select(*LISTED, key.label("key")).where(matching)
    place = (key, products.c.id)
    shown = keyset.page_rows(found, place, after=shape.after, descending=descending).subquery()
    columns = [*list(shown.c)[:-1], category_names(shown)]
    return Statement.of(
        keyset.with_total(_total(shape, matching), [shown.c.key, *columns], shown).order_by(
            *keyset.in_order((shown.c.key, shown.c.id), descending=descending)
        ),
        # One category or word has ten products, another half of all: no plan is right for both.
        is_prepared=not (shape.category or shape.search),
    )


@lru_cache(maxsize=1024)
def _facets(shape: _Shape) -> Statement:
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
    return Statement.of(facets_of(matched.cte("matched")), is_prepared=not shape.category)


def _total(shape: _Shape, matching: sa.ColumnElement[bool]) -> sa.Select[Any]:
    if shape.search is None:
        return keyset.total_of(products, matching)
    counted = sa.text(search_statements.total(shape.search)).columns(sa.column("total"))
    return sa.select(counted.subquery("counted").c.total)


def _shape_of(
    query: ProductQuery,
    search: search_statements.Shape | None = None,
    *,
    is_walked: bool = False,
) -> _Shape:
    return _Shape(
        sort=query.sort,
        status=query.status,
        search=search,
        is_walked=is_walked,
        category=query.category is not None,
        in_stock=query.in_stock,
        min_price=query.min_price is not None,
        max_price=query.max_price is not None,
        after=query.after is not None,
    )


def _filters(shape: _Shape) -> list[sa.ColumnElement[bool]]:
    wanted: list[tuple[bool, sa.ColumnElement[bool]]] = [
        (shape.status is Status.ACTIVE, products.c.is_active),
        (shape.status is Status.ARCHIVED, sa.not_(products.c.is_active)),
        (shape.in_stock is True, _IN_STOCK),
        (shape.in_stock is False, sa.not_(_IN_STOCK)),
        (shape.min_price, products.c.price >= _amount("min_price")),
        (shape.max_price, products.c.price <= _amount("max_price")),
        (shape.category, products.c.id.in_(_of_category())),
        (shape.search is not None, _fits(shape)),
    ]
    return [condition for is_wanted, condition in wanted if is_wanted]


def _amount(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.Numeric)


def _fits(shape: _Shape) -> sa.ColumnElement[bool]:
    fits = search_statements.FITS if shape.is_walked else search_statements.IS_FITTING
    return sa.type_coerce(sa.text(fits), sa.Boolean)


def _of_category() -> sa.Select[Any]:
    """Return the products of a visible category and of what is visible below it."""
    return (
        sa.select(product_categories.c.product_id)
        .join(categories)
        .where(is_within(sa.bindparam("category", type_=sa.Text)), categories.c.is_visible)
    )
