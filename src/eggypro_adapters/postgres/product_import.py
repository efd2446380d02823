"""Import of products into Postgres: one transaction, by COPY."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from itertools import chain, groupby
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from attrs import define, evolve, field
from sqlalchemy.dialects.postgresql import ARRAY

from eggypro_adapters.postgres.category_queries import ALL_CATEGORIES, category_draft_from_row
from eggypro_adapters.postgres.category_tree import create_categories, lock_category_ids
from eggypro_adapters.postgres.copy_format import encode_rows
from eggypro_adapters.postgres.database import driver_connection
from eggypro_adapters.postgres.image_registry import find_attachable_images, update_all_references
from eggypro_adapters.postgres.locks import IMPORT_LOCK, wait_for_lock
from eggypro_adapters.postgres.product_rows import (
    BARE_PRODUCT_COLUMNS,
    VARIANT_COLUMNS,
    product_from_row,
    product_values,
    variant_from_row,
    variant_values,
)
from eggypro_adapters.postgres.rollups import refresh_variant_summary
from eggypro_adapters.postgres.schema import (
    categories,
    product_categories,
    products,
    skus,
    slug_aliases,
    variants,
)
from eggypro_adapters.postgres.search_index import add_words, index_without_vocabulary, search_row
from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product, ProductDraft
from eggypro_core.domain.variant import Variant, VariantDraft
from eggypro_core.search.text import document_terms

_CREATE_SEEN_KEYS = sa.text("CREATE TEMPORARY TABLE seen (key text PRIMARY KEY) ON COMMIT DROP")
_CREATE_CHANGED_PRODUCTS = sa.text(
    "CREATE TEMPORARY TABLE changed (LIKE products INCLUDING DEFAULTS) ON COMMIT DROP"
)
_CREATE_CHANGED_VARIANTS = sa.text(
    "CREATE TEMPORARY TABLE changed_variants (LIKE variants INCLUDING DEFAULTS) ON COMMIT DROP"
)
_texts = ARRAY(sa.Text)
_INDEX_BATCH_SIZE = 500
"""Products whose search rows are written together."""
_INSERT_SEEN_KEYS = sa.text(
    "INSERT INTO seen SELECT unnest(CAST(:keys AS text[])) ON CONFLICT DO NOTHING RETURNING key"
)
_LOCK_PRODUCTS = (
    sa.select(*BARE_PRODUCT_COLUMNS)
    .where(products.c.slug == sa.func.any(sa.bindparam("slugs", type_=_texts)))
    .order_by(products.c.id)  # every import locks in the same order
    .with_for_update()
)
_SKU_OWNERS = (
    sa.select(skus.c.sku, products.c.slug)
    .join(products, products.c.id == skus.c.product_id)
    .where(skus.c.sku == sa.func.any(sa.bindparam("skus", type_=_texts)))
)
_PRODUCT_VARIANTS = (
    sa.select(variants.c.product_id, *VARIANT_COLUMNS)
    .where(variants.c.product_id == sa.func.any(sa.bindparam("ids", type_=ARRAY(sa.Integer))))
    .order_by(variants.c.product_id, variants.c.position, variants.c.id)
)
_PRODUCT_IDS = sa.select(products.c.slug, products.c.id).where(
    products.c.slug == sa.func.any(sa.bindparam("slugs", type_=_texts))
)
_PRODUCT_CATEGORIES = (
    sa.select(products.c.slug, sa.func.array_agg(categories.c.slug).label("categories"))
    .select_from(products.join(product_categories).join(categories))
    .where(products.c.slug == sa.func.any(sa.bindparam("slugs", type_=_texts)))
    .group_by(products.c.slug)
)
_NEW_LINKS = "SELECT * FROM unnest(CAST(:products AS int[]), CAST(:categories AS int[]))"
_DELETE_LINKS = sa.text(f"""
    DELETE FROM product_categories
    WHERE product_id = ANY(CAST(:ids AS int[]))
        AND (product_id, category_id) NOT IN ({_NEW_LINKS})
""")
_INSERT_LINKS = sa.text(
    f"INSERT INTO product_categories (product_id, category_id) {_NEW_LINKS} ON CONFLICT DO NOTHING"
)
_RELEASE_ALIASES = sa.delete(slug_aliases).where(
    slug_aliases.c.slug == sa.func.any(sa.bindparam("slugs", type_=_texts))
)


@define
class PostgresImportSession:
    """Import products in one transaction, with COPY in a background thread."""

    _connection: sa.Connection
    _unindexed_drafts: dict[str, ProductDraft] = field(factory=dict, init=False)
    """New products without a search row, by slug. Variants and categories may follow."""
    _unindexed_ids: set[int] = field(factory=set, init=False)
    """Ids of other products whose search row is out of date."""
    _words: set[str] = field(factory=set, init=False)
    """Words of the imported products, for the vocabulary."""
    _worker: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(1), init=False)
    _pending_write: Future[None] | None = field(default=None, init=False)
    is_committed: bool = field(default=False, init=False)

    @classmethod
    def begin(cls, connection: sa.Connection) -> Self:
        """Wait until no other import runs, and begin one."""
        wait_for_lock(connection, IMPORT_LOCK)
        for statement in (_CREATE_SEEN_KEYS, _CREATE_CHANGED_PRODUCTS, _CREATE_CHANGED_VARIANTS):
            connection.execute(statement)
        return cls(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._worker.shutdown()
        if error is None:
            self._await_pending_write()

    def find_repeated(self, keys: Sequence[str]) -> Collection[str]:
        self._await_pending_write()
        new = set(self._connection.scalars(_INSERT_SEEN_KEYS, {"keys": list(keys)}))
        return set(keys) - new

    def find_by_slugs(self, slugs: Collection[str]) -> Mapping[str, Product]:
        self._await_pending_write()
        rows = self._connection.execute(_LOCK_PRODUCTS, {"slugs": list(slugs)})
        products = {product.slug: product for product in map(product_from_row, rows)}
        return products | self._with_variants(
            [product for product in products.values() if product.has_variants]
        )

    def find_sku_owners(self, skus: Collection[str]) -> Mapping[str, str]:
        self._await_pending_write()
        rows = self._connection.execute(_SKU_OWNERS, {"skus": list(skus)})
        return {row.sku: row.slug for row in rows}

    def find_attachable_images(self, public_ids: Collection[str]) -> Collection[str]:
        self._await_pending_write()
        return find_attachable_images(self._connection, public_ids)

    def write_products(
        self, new: Sequence[ProductDraft], changed: Sequence[Product], at: datetime
    ) -> None:
        self._await_pending_write()
        # In a thread: Postgres stores this batch while this process validates the next one.
        self._pending_write = self._worker.submit(self._write_products, new, changed, at)

    def _await_pending_write(self) -> None:
        """Wait for the background write, so that this thread may use the connection.

        Raises the error of the write.
        """
        pending, self._pending_write = self._pending_write, None
        if pending is not None:
            pending.result()

    def _write_products(
        self, new: Sequence[ProductDraft], changed: Sequence[Product], at: datetime
    ) -> None:
        if len(self._unindexed_drafts) + len(self._unindexed_ids) >= _INDEX_BATCH_SIZE:
            self._write_search_rows()
        update_all_references(self._connection, new, changed)
        if new:
            times = {"created_at": at, "updated_at": at}
            self._copy("products", (product_values(draft) | times for draft in new))
            self._connection.execute(_RELEASE_ALIASES, {"slugs": [draft.slug for draft in new]})
            self._unindexed_drafts |= {str(draft.slug): draft for draft in new}
        if changed:
            rows = [_changed_values(product) for product in changed]
            self._replace("products", "changed", rows)
            self._unindexed_ids.update(product.id for product in changed)

    def write_variants(
        self,
        new: Sequence[tuple[str, VariantDraft]],
        changed: Sequence[tuple[str, Variant]],
    ) -> None:
        self._await_pending_write()
        ids = self._product_ids({slug for slug, _ in (*new, *changed)})
        if changed:
            # Two variants may swap their SKUs: clear the SKUs of all of them first.
            is_changed = variants.c.id.in_([variant.id for _, variant in changed])
            self._connection.execute(sa.update(variants).where(is_changed).values(sku=None))
            rows = [
                {"id": variant.id, "product_id": ids[slug], **variant_values(variant)}
                for slug, variant in changed
            ]
            self._replace("variants", "changed_variants", rows)
        if new:
            rows = [{"product_id": ids[slug], **variant_values(draft)} for slug, draft in new]
            self._copy("variants", rows)
        refresh_variant_summary(self._connection, ids.values())
        self._mark_unindexed(ids)

    def list_categories(self) -> Iterable[CategoryDraft]:
        self._await_pending_write()
        return map(category_draft_from_row, self._connection.execute(ALL_CATEGORIES))

    def create_categories(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        self._await_pending_write()
        create_categories(self._connection, drafts, at)

    def find_category_slugs(self, slugs: Collection[str]) -> Mapping[str, Collection[str]]:
        self._await_pending_write()
        rows = self._connection.execute(_PRODUCT_CATEGORIES, {"slugs": list(slugs)})
        return {row.slug: row.categories for row in rows}

    def set_categories(self, categories: Mapping[str, Collection[str]]) -> None:
        self._await_pending_write()
        category_ids = lock_category_ids(
            self._connection, {slug for slugs in categories.values() for slug in slugs}
        )
        product_ids = self._product_ids(categories)
        links = [
            (product_id, category_ids[category])
            for product, product_id in product_ids.items()
            for category in categories[product]
        ]
        values = {
            "ids": list(product_ids.values()),
            "products": [product for product, _ in links],
            "categories": [category for _, category in links],
        }
        for statement in (_DELETE_LINKS, _INSERT_LINKS):
            self._connection.execute(statement, values)
        self._mark_unindexed(product_ids)

    def commit(self) -> None:
        self._await_pending_write()
        self._write_search_rows()
        # Last: other writers of a new word wait until this transaction ends.
        add_words(self._connection, self._words)
        self.is_committed = True

    def _write_search_rows(self) -> None:
        """Write the search rows of the unindexed products."""
        self._copy("product_search", self._search_rows(self._product_ids(self._unindexed_drafts)))
        entries = index_without_vocabulary(self._connection, sorted(self._unindexed_ids))
        self._words.update(*(entry.words for entry in entries))
        self._unindexed_drafts.clear()
        self._unindexed_ids.clear()

    def _search_rows(self, ids: Mapping[str, int]) -> Iterator[dict[str, Any]]:
        for slug, draft in self._unindexed_drafts.items():
            entry = document_terms(draft)
            self._words |= entry.words
            yield search_row(ids[slug], draft, entry)

    def _mark_unindexed(self, ids: Mapping[str, int]) -> None:
        """Record that variants or categories of these products have changed."""
        self._unindexed_ids.update(ids.values())
        for slug in ids:
            self._unindexed_drafts.pop(slug, None)

    def _product_ids(self, slugs: Collection[str]) -> dict[str, int]:
        """Return the ids of products by slug."""
        rows = self._connection.execute(_PRODUCT_IDS, {"slugs": sorted(slugs)})
        return {row.slug: row.id for row in rows}

    def _with_variants(self, products: Sequence[Product]) -> dict[str, Product]:
        """Return the products by slug, each with all its variants."""
        if not products:
            return {}
        by_id = {product.id: product for product in products}
        rows = self._connection.execute(_PRODUCT_VARIANTS, {"ids": list(by_id)})
        complete = {product.slug: evolve(product, variants=()) for product in products}
        for product_id, group in groupby(rows, key=lambda row: row.product_id):
            product = by_id[product_id]
            variants = tuple(variant_from_row(row[1:], product.version) for row in group)
            complete[product.slug] = evolve(product, variants=variants)
        return complete

    def _replace(self, table: str, staging: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace rows of a table by id, through the temporary table `staging`."""
        self._copy(staging, rows)
        names = [name for name in rows[0] if name != "id"]
        new_values = ", ".join(f"{name} = {staging}.{name}" for name in names)
        self._connection.execute(
            sa.text(
                f"UPDATE {table} SET {new_values} FROM {staging} WHERE {table}.id = {staging}.id"
            )
        )
        self._connection.execute(sa.text(f"TRUNCATE {staging}"))

    def _copy(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows, all with the same columns, to a table. Streams `rows`."""
        remaining = iter(rows)
        first = next(remaining, None)
        if first is None:
            return
        cursor = driver_connection(self._connection.connection).cursor()
        with cursor, cursor.copy(f"COPY {table} ({', '.join(first)}) FROM STDIN") as copy:
            for chunk in encode_rows(row.values() for row in chain([first], remaining)):
                copy.write(chunk)


def _changed_values(product: Product) -> dict[str, Any]:
    """Return the values of a product that an import changed, by column."""
    identity = {"id": product.id, "version": product.version, "updated_at": product.updated_at}
    return product_values(product) | identity
