"""Product store in Postgres."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from attrs import evolve, field, frozen
from sqlalchemy.dialects.postgresql import insert

from eggypro_adapters.postgres.category_queries import ALL_CATEGORIES, category_draft_from_row
from eggypro_adapters.postgres.category_tree import lock_category_ids
from eggypro_adapters.postgres.database import MAX_ATTEMPTS, CompiledStatement, Database
from eggypro_adapters.postgres.errors import concurrent_write_error
from eggypro_adapters.postgres.event_writer import record_events
from eggypro_adapters.postgres.image_registry import update_references
from eggypro_adapters.postgres.listing.facets import facets_from_row
from eggypro_adapters.postgres.listing.pages import (
    export_statement,
    facets_statement,
    page_from_rows,
    page_statement,
    page_values,
)
from eggypro_adapters.postgres.listing.search import PostgresSearch
from eggypro_adapters.postgres.listing.term_statistics import TermStatisticsReader
from eggypro_adapters.postgres.product_keys import (
    check_sku_is_free,
    check_slug_is_free,
    find_free_slug,
    missing_product_error,
    missing_product_error_in,
    release_aliases,
    slug_parameter,
)
from eggypro_adapters.postgres.product_rows import (
    changed_columns,
    product_columns,
    product_from_row,
    product_values,
)
from eggypro_adapters.postgres.schema import product_categories, products, slug_aliases
from eggypro_adapters.postgres.search_index import index_products
from eggypro_adapters.postgres.stock_levels import change_stock
from eggypro_core.domain.event import (
    Subject,
    product_changed,
    product_created,
    product_deleted,
    stock_changed,
)
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import (
    MAX_STOCK,
    ListedProduct,
    Product,
    ProductDraft,
    derived_field_error,
    insufficient_stock,
    own_image_ids,
)
from eggypro_core.domain.product_files import CatalogSnapshot
from eggypro_core.domain.product_query import Facets, ProductQuery, Sort, Suggestion
from eggypro_core.domain.slug import slugify
from eggypro_core.domain.stock_change import StockLevel, StockLine
from eggypro_core.search.results import ExplainedPage
from eggypro_core.search.text import SEARCHABLE_FIELDS, document_terms
from eggypro_core.validation.parameters import Status

if TYPE_CHECKING:
    from eggypro_adapters.postgres.product_import import PostgresImportSession
MAX_SLUG_ATTEMPTS = 50
"""Generated slugs that `create` tries: other writers may take each of them first."""
_FIND = {
    status: CompiledStatement.compile(
        sa.select(*product_columns(status)).where(products.c.slug == slug_parameter)
    )
    for status in Status
}
_ALL_CATEGORIES = CompiledStatement.compile(ALL_CATEGORIES)
_FIND_LOCKED = (
    sa.select(*product_columns())
    .where(products.c.slug == slug_parameter)
    .with_for_update(of=products)
)
_ADJUST_STOCK, _SET_STOCK = (
    sa.text(f"""
        WITH former AS (
          SELECT id, stock_quantity, CAST({stock} AS bigint) AS new_quantity
          FROM products WHERE slug = :slug FOR NO KEY UPDATE
        )
        UPDATE products SET stock_quantity = former.new_quantity FROM former
        WHERE products.id = former.id AND former.new_quantity BETWEEN 0 AND {MAX_STOCK}
          AND (NOT has_variants OR former.new_quantity = former.stock_quantity)
        RETURNING products.id, products.name, products.version, former.stock_quantity,
          products.stock_quantity
    """)
    for stock in ("stock_quantity + CAST(:number AS bigint)", ":number")
)
"""Change a stock, unless it would be out of range, or is derived from variants.

They return id, name and version of the product, and its stock before and after.
"""


@frozen
class PostgresProductStore:
    """Store products in Postgres. A read is one statement, a write one transaction."""

    _database: Database
    _search: PostgresSearch = field(init=False)

    @_search.default
    def _(self) -> PostgresSearch:
        return PostgresSearch(self._database, TermStatisticsReader(self._database))

    def get(self, slug: str, variant_status: Status = Status.ACTIVE) -> Product:
        rows = self._database.fetch(_FIND[variant_status], {"slug": slug})
        if not rows:
            raise missing_product_error(self._database, slug)
        return product_from_row(rows[0])

    def list(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        if query.search is not None:
            return self._search.list(query)
        rows = self._database.fetch(page_statement(query), page_values(query))
        return page_from_rows(rows, query)

    def get_facets(self, query: ProductQuery, *, allow_sample: bool) -> Facets:
        if query.search is not None:
            return self._search.facets(query, allow_sample=allow_sample)
        if allow_sample:
            return self._search.sampled_facets(query)
        rows = self._database.fetch(facets_statement(query), page_values(query))
        return facets_from_row(rows[0])

    def explain(self, query: ProductQuery) -> ExplainedPage:
        return self._search.explain(query)

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        return self._search.suggest(search)

    def create(self, draft: ProductDraft, at: datetime) -> Product:
        for _ in range(MAX_SLUG_ATTEMPTS):
            if product := self._database.run_transaction(
                lambda connection: _create(connection, draft, at)
            ):
                return product
            # Another writer has taken the generated slug: generate the next one.
        raise concurrent_write_error()

    def update(self, slug: str, change: Callable[[Product], Product]) -> Product:
        return self._database.run_transaction(lambda connection: _update(connection, slug, change))

    def adjust_stock(self, slug: str, delta: int) -> int:
        stock = self._update_stock(_ADJUST_STOCK, slug, delta)
        if stock is None:
            product = self.get(slug)
            raise (
                derived_field_error("stock_quantity")
                if product.has_variants
                else insufficient_stock(product.stock_quantity, delta)
            )
        return stock

    def set_stock(self, slug: str, quantity: int) -> int:
        for _ in range(MAX_ATTEMPTS):
            if self._update_stock(_SET_STOCK, slug, quantity) is not None:
                return quantity
            if self.get(slug).has_variants:
                raise derived_field_error("stock_quantity")
            # Another writer has just removed the last variant.
        raise concurrent_write_error()

    def change_stock(self, lines: Sequence[StockLine]) -> tuple[StockLevel, ...]:
        return self._database.run_transaction(lambda connection: change_stock(connection, lines))

    def delete(self, slug: str, check: Callable[[Product], None]) -> None:
        self._database.run_transaction(lambda connection: _delete(connection, slug, check))

    @contextmanager
    def export_products(self, query: ProductQuery) -> Iterator[CatalogSnapshot]:
        query = evolve(query, sort=Sort.NAME, after=None)
        search = None if query.search is None else self._search.condition(query)
        statement = export_statement(query, search.shape if search else None)
        values = page_values(query) | (search.values() if search else {})
        with self._database.snapshot() as rows:
            categories = [category_draft_from_row(row) for row in rows(_ALL_CATEGORIES, {})]
            yield CatalogSnapshot(categories, map(product_from_row, rows(statement, values)))

    @contextmanager
    def begin_import(self) -> Iterator["PostgresImportSession"]:
        from eggypro_adapters.import_stage import open_import_stage
        from eggypro_adapters.postgres.product_import import PostgresImportSession

        with (
            open_import_stage() as stage,
            PostgresImportSession(self._database, stage) as session,
        ):
            yield session

    def _update_stock(self, statement: sa.TextClause, slug: str, number: int) -> int | None:
        """Change the stock and return it; return None if the product does not allow it."""
        values = {"slug": slug, "number": number}

        def work(connection: sa.Connection) -> int | None:
            row = connection.execute(statement, values).one_or_none()
            if row is None:
                return None
            product_id, name, version, before, after = row
            if before != after:
                subject = Subject(product_id, slug, name, product_id)
                record_events(connection, [stock_changed(subject, before, after, version)])
            return int(after)

        return self._database.run_transaction(work)


def _create(connection: sa.Connection, draft: ProductDraft, at: datetime) -> Product | None:
    """Insert a product; return None if another writer has taken its generated slug."""
    # Validation errors come before conflicts.
    category_ids = lock_category_ids(connection, draft.categories)
    check_sku_is_free(connection, draft.sku)
    slug = draft.slug or find_free_slug(connection, slugify(draft.name))
    values = {**product_values(draft), "slug": slug, "created_at": at, "updated_at": at}
    insertion = insert(products).values(values).on_conflict_do_nothing().returning(products.c.id)
    if product_id := connection.scalar(insertion):
        update_references(connection, frozenset(), own_image_ids(draft.images))
        release_aliases(connection, [slug])
        if category_ids:
            links = [
                {"product_id": product_id, "category_id": category_id}
                for category_id in category_ids.values()
            ]
            connection.execute(sa.insert(product_categories), links)
        index_products(connection, [product_id])
        statement = sa.select(*product_columns()).where(products.c.id == product_id)
        product = product_from_row(connection.execute(statement).one())
        record_events(connection, [product_created(product)])
        return product
    if draft.slug:
        check_slug_is_free(connection, slug)
    check_sku_is_free(connection, draft.sku)
    return None


def _update(connection: sa.Connection, slug: str, change: Callable[[Product], Product]) -> Product:
    product = _lock_product(connection, slug)
    changed = change(product)
    if changed != product:
        _replace(connection, product, changed)
        record_events(connection, product_changed(product, changed))
    if changed.images == product.images:
        return changed
    return product_from_row(connection.execute(_FIND_LOCKED, {"slug": changed.slug}).one())


def _delete(connection: sa.Connection, slug: str, check: Callable[[Product], None]) -> None:
    product = _lock_product(connection, slug)
    check(product)
    update_references(connection, product.own_image_ids, frozenset())
    connection.execute(sa.delete(products).where(products.c.id == product.id))
    record_events(connection, [product_deleted(Subject.of_product(product))])


def _lock_product(connection: sa.Connection, slug: str) -> Product:
    """Return a product, locked against other writers until the transaction ends."""
    row = connection.execute(_FIND_LOCKED, {"slug": slug}).one_or_none()
    if row is None:
        raise missing_product_error_in(connection, slug)
    return product_from_row(row)


def _replace(connection: sa.Connection, product: Product, changed: Product) -> None:
    """Store the changed columns of a product, and keep its former slug as an alias."""
    values = changed_columns(product, changed)
    if "slug" in values:
        check_slug_is_free(connection, changed.slug)
    if "sku" in values:
        check_sku_is_free(connection, changed.sku)
    if "images" in values:
        update_references(connection, product.own_image_ids, changed.own_image_ids)
    version = {"version": changed.version, "updated_at": changed.updated_at}
    update = sa.update(products).where(products.c.id == product.id)
    connection.execute(update.values(values | version))
    if SEARCHABLE_FIELDS & values.keys() and document_terms(changed) != document_terms(product):
        index_products(connection, [product.id])
    if "slug" in values:
        release_aliases(connection, [changed.slug])
        connection.execute(sa.insert(slug_aliases).values(slug=product.slug, product_id=product.id))
