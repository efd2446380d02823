"""The statement behind a page of products: filters, order and total, in one round trip."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.postgres.database import Statement
from eggypro_adapters.postgres.listing import search_statements
from eggypro_adapters.postgres.listing.facets import facets_of
from eggypro_adapters.postgres.product_rows import LISTED, category_names, is_within, listed_of
from eggypro_adapters.postgres.schema import categories, product_categories, products
from eggypro_core.domain.pagination import COUNTED, Page
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
    values: dict[str, object] = {
        "category": query.category,
        "min_price": query.min_price,
        "max_price": query.max_price,
        "one_more": query.limit + 1,
        "skipped": query.offset,
    }
    if query.after is not None:
        values["after_key"], values["after_id"] = query.after_key()
    return values


def facets_statement(query: ProductQuery) -> Statement:
    """Return the statement of the facets of a query without a search: the row of `facets_in`."""
    return _facets(_shape_of(query))


def page_of(
    rows: Sequence[tuple[Any, ...]], query: ProductQuery
) -> Page[ListedProduct, ProductQuery]:
    """Return the page that the rows of a statement are."""
    total = rows[0][0]
    found = [row for row in rows if row[2] is not None][: query.limit]
    items = tuple(listed_of(row[2:]) for row in found)
    return Page(
        items=items,
        total=min(total, COUNTED),
        total_capped=total > COUNTED,
        next=query.following(items[-1], found[-1][1]) if len(rows) > query.limit else None,
    )


@lru_cache(maxsize=1024)  # there are no more shapes than that in use
def _statement(shape: _Shape) -> Statement:
    matching = sa.and_(sa.true(), *_filters(shape))
    found = sa.select(*LISTED, _KEYS[shape.sort].label("key")).where(matching)
    shown = _shown(found, shape)
    one = sa.select(sa.literal_column("1").label("one")).subquery()
    rows = one.outerjoin(shown, sa.true())
    listed = [*list(shown.c)[:-1], category_names(shown)]
    return Statement.of(
        sa.select(_total(shape, matching).label("total"), shown.c.key, *listed)
        .select_from(rows)
        .order_by(*_order(shown.c, shape.sort)),
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
        .limit(COUNTED + 1)
    )
    return Statement.of(facets_of(matched.cte("matched")), is_prepared=not shape.category)


def _total(shape: _Shape, matching: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    if shape.search is not None:
        counted = sa.text(search_statements.total(shape.search)).columns(sa.column("total"))
        return sa.select(counted.subquery("counted").c.total).scalar_subquery()
    rows: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(products).where(matching)
    number = sa.select(sa.func.count()).select_from(rows.limit(COUNTED + 1).subquery())
    return number.scalar_subquery()


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


def _shown(found: sa.Select[Any], shape: _Shape) -> sa.Subquery:
    """Return the rows of a page: those behind its position, in order, and one more."""
    columns = found.selected_columns
    key, id_ = columns.key, columns.id
    if isinstance(key, sa.Label):
        key = key.element
    if shape.after:
        place = sa.tuple_(key, id_)
        after = sa.tuple_(
            sa.bindparam("after_key", type_=key.type), sa.bindparam("after_id", type_=sa.BigInteger)
        )
        found = found.where(place < after if shape.sort.descending else place > after)
    directed = (key.desc(), id_.desc()) if shape.sort.descending else (key, id_)
    return (
        found.order_by(*directed)
        .limit(sa.bindparam("one_more", type_=sa.Integer))
        .offset(sa.bindparam("skipped", type_=sa.Integer))
        .subquery()
    )


def _order(columns: Any, sort: Sort) -> tuple[sa.ColumnElement[Any], ...]:
    by_key = (columns.key, columns.id)
    return tuple(column.desc() for column in by_key) if sort.descending else by_key


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
