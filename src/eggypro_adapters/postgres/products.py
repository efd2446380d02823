"""The products of a shop in Postgres."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from attrs import field, frozen
from sqlalchemy.dialects.postgresql import insert

from eggypro_adapters.postgres.category_queries import EVERY, draft_of
from eggypro_adapters.postgres.category_tree import ids_of
from eggypro_adapters.postgres.database import Database, Statement
from eggypro_adapters.postgres.image_registry import settle
from eggypro_adapters.postgres.listing.facets import facets_in
from eggypro_adapters.postgres.listing.pages import (
    facets_statement,
    page_of,
    page_statement,
    page_values,
)
from eggypro_adapters.postgres.listing.search import PostgresSearch
from eggypro_adapters.postgres.listing.term_statistics import FrequencyReader
from eggypro_adapters.postgres.product_keys import (
    _free_aliases,
    _free_slug,
    _refuse_slug,
    _slug,
    absent,
    absent_in,
    refuse_sku,
)
from eggypro_adapters.postgres.product_rows import changed_columns, columns_of, product_of, whole
from eggypro_adapters.postgres.schema import product_categories, products, slug_aliases
from eggypro_adapters.postgres.search_index import index
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import (
    HIGHEST_STOCK,
    ListedProduct,
    Product,
    ProductDraft,
    own_images,
    set_by_variants,
    stock_refused,
)
from eggypro_core.domain.product_files import Export
from eggypro_core.domain.product_query import Facets, ProductQuery, Suggestion
from eggypro_core.domain.slug import slug_of
from eggypro_core.search.results import Explained
from eggypro_core.search.text import SEARCHED_FIELDS, entry_of
from eggypro_core.validation.parameters import Status

if TYPE_CHECKING:
    from eggypro_adapters.postgres.product_import import PostgresLoad
_FIND = {
    status: Statement.of(sa.select(*whole(status)).where(products.c.slug == _slug))
    for status in Status
}
_EVERY = sa.select(*whole(Status.ALL, most=None, hidden=True)).order_by(products.c.id)
_CATEGORIES = Statement.of(EVERY)
_EXPORTS = {
    Status.ALL: Statement.of(_EVERY),
    Status.ACTIVE: Statement.of(_EVERY.where(products.c.is_active)),
    Status.ARCHIVED: Statement.of(_EVERY.where(sa.not_(products.c.is_active))),
}
_FIND_LOCKED = sa.select(*whole()).where(products.c.slug == _slug).with_for_update(of=products)


@frozen
class PostgresProductStore:
    """Products in Postgres. A read is one statement, a write one transaction."""

    _database: Database
    _search: PostgresSearch = field(init=False)

    @_search.default
    def _(self) -> PostgresSearch:
        return PostgresSearch(self._database, FrequencyReader(self._database))

    def find(self, slug: str, variants: Status = Status.ACTIVE) -> Product:
        rows = self._database.read(_FIND[variants], {"slug": slug})
        if not rows:
            raise absent(self._database, slug)
        return product_of(rows[0])

    def page(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        if query.search is not None:
            return self._search.page(query)
        rows = self._database.read(page_statement(query), page_values(query))
        return page_of(rows, query)

    def facets(self, query: ProductQuery, *, many: bool) -> Facets:
        if query.search is not None:
            return self._search.facets(query, many=many)
        if many:
            return self._search.sampled_facets(query)
        rows = self._database.read(facets_statement(query), page_values(query))
        return facets_in(rows[0])

    def explain(self, query: ProductQuery) -> Explained:
        return self._search.explain(query)

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        return self._search.suggest(search)

    def add(self, draft: ProductDraft, at: datetime) -> Product:
        while True:
            if product := self._database.write(lambda connection: _added(connection, draft, at)):
                return product
            # The slug that was made from its name was taken since it was looked for: look again.

    def change(self, slug: str, to: Callable[[Product], Product]) -> Product:
        return self._database.write(lambda connection: _changed(connection, slug, to))

    def adjust_stock(self, slug: str, by: int) -> int:
        left = self._stocked(slug, sa.cast(products.c.stock_quantity, sa.BigInteger) + by)
        if left is None:
            product = self.find(slug)
            raise (
                set_by_variants("stock_quantity")
                if product.has_variants
                else stock_refused(product.stock_quantity, by)
            )
        return left

    def set_stock(self, slug: str, to: int) -> int:
        while self._stocked(slug, sa.literal(to)) is None:
            if self.find(slug).has_variants:
                raise set_by_variants("stock_quantity")
        return to

    def remove(self, slug: str, check: Callable[[Product], None]) -> None:
        self._database.write(lambda connection: _remove(connection, slug, check))

    @contextmanager
    def export(self, status: Status) -> Iterator[Export]:
        with self._database.snapshot() as rows:
            categories = [draft_of(row) for row in rows(_CATEGORIES, {})]
            yield Export(categories, map(product_of, rows(_EXPORTS[status], {})))

    @contextmanager
    def load(self) -> Iterator["PostgresLoad"]:
        from eggypro_adapters.postgres.product_import import PostgresLoad

        with self._database.begin() as connection:
            with PostgresLoad.begin(connection) as load:
                yield load
            if not load.committed:
                connection.rollback()

    def _stocked(self, slug: str, stock: sa.ColumnElement[int]) -> int | None:
        """Change a stock that may be so, and return it; None if nothing was changed."""
        is_own = sa.or_(sa.not_(products.c.has_variants), stock == products.c.stock_quantity)
        changed = (
            sa.update(products)
            .where(products.c.slug == slug, is_own, stock.between(0, HIGHEST_STOCK))
            .values(stock_quantity=sa.cast(stock, sa.Integer))
            .returning(products.c.stock_quantity)
        )
        left: int | None = self._database.write(lambda connection: connection.scalar(changed))
        return left


def _added(connection: sa.Connection, draft: ProductDraft, at: datetime) -> Product | None:
    """Insert a product; return None where another took the slug that was made for it."""
    inside = ids_of(connection, draft.categories)  # wrong by itself: before conflicts
    refuse_sku(connection, draft.sku)
    slug = draft.slug or _free_slug(connection, slug_of(draft.name))
    values = {**columns_of(draft), "slug": slug, "created_at": at, "updated_at": at}
    new = insert(products).values(values).on_conflict_do_nothing().returning(products.c.id)
    if product_id := connection.scalar(new):
        settle(connection, frozenset(), own_images(draft.images))
        _free_aliases(connection, [slug])
        if inside:
            links = [{"product_id": product_id, "category_id": one} for one in inside.values()]
            connection.execute(sa.insert(product_categories), links)
        index(connection, [product_id])
        added = sa.select(*whole()).where(products.c.id == product_id)
        return product_of(connection.execute(added).one())
    if draft.slug:
        _refuse_slug(connection, slug)
    refuse_sku(connection, draft.sku)
    return None


def _changed(connection: sa.Connection, slug: str, to: Callable[[Product], Product]) -> Product:
    product = _locked(connection, slug)
    changed = to(product)
    if changed != product:
        _replace(connection, product, changed)
    if changed.images == product.images:
        return changed
    return product_of(connection.execute(_FIND_LOCKED, {"slug": changed.slug}).one())


def _remove(connection: sa.Connection, slug: str, check: Callable[[Product], None]) -> None:
    product = _locked(connection, slug)
    check(product)
    settle(connection, product.own_images, frozenset())
    connection.execute(sa.delete(products).where(products.c.id == product.id))


def _locked(connection: sa.Connection, slug: str) -> Product:
    """Return a product that nobody else changes until the transaction ends."""
    row = connection.execute(_FIND_LOCKED, {"slug": slug}).one_or_none()
    if row is None:
        raise absent_in(connection, slug)
    return product_of(row)


def _replace(connection: sa.Connection, product: Product, changed: Product) -> None:
    """Store what differs of a changed product, and what its new slug means for former ones."""
    values = changed_columns(product, changed)
    if "slug" in values:
        _refuse_slug(connection, changed.slug)
    if "sku" in values:
        refuse_sku(connection, changed.sku)
    if "images" in values:
        settle(connection, product.own_images, changed.own_images)
    version = {"version": changed.version, "updated_at": changed.updated_at}
    row = sa.update(products).where(products.c.id == product.id)
    connection.execute(row.values(values | version))
    if SEARCHED_FIELDS & values.keys() and entry_of(changed) != entry_of(product):
        index(connection, [product.id])
    if "slug" in values:
        _free_aliases(connection, [changed.slug])
        connection.execute(sa.insert(slug_aliases).values(slug=product.slug, product_id=product.id))
