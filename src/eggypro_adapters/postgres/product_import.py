"""An import into Postgres: one transaction, COPY underneath."""

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
"""Products that are indexed together."""
_INSERT_SEEN_KEYS = sa.text(
    "INSERT INTO seen SELECT unnest(CAST(:keys AS text[])) ON CONFLICT DO NOTHING RETURNING key"
)
_LOCK_PRODUCTS = (
    sa.select(*BARE_PRODUCT_COLUMNS)
    .where(products.c.slug == sa.func.any(sa.bindparam("slugs", type_=_texts)))
    .order_by(products.c.id)  # every import locks in one order
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
    sa.select(products.c.slug, sa.func.array_agg(categories.c.slug).label("inside"))
    .select_from(products.join(product_categories).join(categories))
    .where(products.c.slug == sa.func.any(sa.bindparam("slugs", type_=_texts)))
    .group_by(products.c.slug)
)
_WANTED_LINKS = "SELECT * FROM unnest(CAST(:products AS int[]), CAST(:categories AS int[]))"
_DELETE_LINKS = sa.text(f"""
    DELETE FROM product_categories
    WHERE product_id = ANY(CAST(:ids AS int[]))
        AND (product_id, category_id) NOT IN ({_WANTED_LINKS})
""")
_INSERT_LINKS = sa.text(
    f"INSERT INTO product_categories (product_id, category_id) {_WANTED_LINKS}"
    " ON CONFLICT DO NOTHING"
)
_RELEASE_ALIASES = sa.delete(slug_aliases).where(
    slug_aliases.c.slug == sa.func.any(sa.bindparam("slugs", type_=_texts))
)


@define
class PostgresImportSession:
    """Products on their way into a transaction, which ends with the load."""

    _connection: sa.Connection
    _unindexed_drafts: dict[str, ProductDraft] = field(factory=dict, init=False)
    """New products, by slug, whose words are not written yet: variants and links may follow."""
    _unindexed_ids: set[int] = field(factory=set, init=False)
    """Others, by id, whose words are not written yet."""
    _words: set[str] = field(factory=set, init=False)
    """What searches know, as far as this load has met it."""
    _worker: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(1), init=False)
    _pending_write: Future[None] | None = field(default=None, init=False)
    is_committed: bool = field(default=False, init=False)

    @classmethod
    def begin(cls, connection: sa.Connection) -> Self:
        """Wait for another import to end, and begin one."""
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
        found = {product.slug: product for product in map(product_from_row, rows)}
        return found | self._with_variants([one for one in found.values() if one.has_variants])

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
        # Postgres and this process have a processor each: it works while the next are checked.
        self._pending_write = self._worker.submit(self._write_products, new, changed, at)

    def _await_pending_write(self) -> None:
        """Wait for what is being put. The connection is this thread's again; raises its error."""
        putting, self._pending_write = self._pending_write, None
        if putting is not None:
            putting.result()

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
            # Two variants may give one another their SKUs: first, none of them has one.
            those = variants.c.id.in_([variant.id for _, variant in changed])
            self._connection.execute(sa.update(variants).where(those).values(sku=None))
            rows = [
                {"id": one.id, "product_id": ids[slug], **variant_values(one)}
                for slug, one in changed
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
        return {row.slug: row.inside for row in rows}

    def set_categories(self, categories: Mapping[str, Collection[str]]) -> None:
        self._await_pending_write()
        inside = lock_category_ids(
            self._connection, {slug for slugs in categories.values() for slug in slugs}
        )
        found = self._product_ids(categories)
        links = [(one, inside[slug]) for at, one in found.items() for slug in categories[at]]
        values = {
            "ids": list(found.values()),
            "products": [product for product, _ in links],
            "categories": [category for _, category in links],
        }
        for statement in (_DELETE_LINKS, _INSERT_LINKS):
            self._connection.execute(statement, values)
        self._mark_unindexed(found)

    def commit(self) -> None:
        self._await_pending_write()
        self._write_search_rows()
        # Not before: others who write a word that is new here wait for it until the end.
        add_words(self._connection, self._words)
        self.is_committed = True

    def _write_search_rows(self) -> None:
        """Write what searches read of the products that are new or were touched."""
        self._copy("product_search", self._search_rows(self._product_ids(self._unindexed_drafts)))
        touched = index_without_vocabulary(self._connection, sorted(self._unindexed_ids))
        self._words.update(*(entry.words for entry in touched))
        self._unindexed_drafts.clear()
        self._unindexed_ids.clear()

    def _search_rows(self, ids: Mapping[str, int]) -> Iterator[dict[str, Any]]:
        for slug, draft in self._unindexed_drafts.items():
            entry = document_terms(draft)
            self._words |= entry.words
            yield search_row(ids[slug], draft, entry)

    def _mark_unindexed(self, ids: Mapping[str, int]) -> None:
        """Note that what hangs on the products at slugs has changed."""
        self._unindexed_ids.update(ids.values())
        for slug in ids:
            self._unindexed_drafts.pop(slug, None)

    def _product_ids(self, slugs: Collection[str]) -> dict[str, int]:
        """Return the ids of the products at slugs."""
        found = self._connection.execute(_PRODUCT_IDS, {"slugs": sorted(slugs)})
        return {row.slug: row.id for row in found}

    def _with_variants(self, found: Sequence[Product]) -> dict[str, Product]:
        """Return products that have variants with all of them, by slug."""
        if not found:
            return {}
        rows = self._connection.execute(_PRODUCT_VARIANTS, {"ids": [one.id for one in found]})
        by_id = {one.id: one for one in found}
        whole_ones = {one.slug: evolve(one, variants=()) for one in found}
        for product_id, group in groupby(rows, key=lambda row: row.product_id):
            product = by_id[product_id]
            every = tuple(variant_from_row(row[1:], product.version) for row in group)
            whole_ones[product.slug] = evolve(product, variants=every)
        return whole_ones

    def _replace(self, table: str, changed: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace rows of a table by id, through the temporary table `changed`."""
        self._copy(changed, rows)
        names = [name for name in rows[0] if name != "id"]
        new_values = ", ".join(f"{name} = {changed}.{name}" for name in names)
        self._connection.execute(
            sa.text(
                f"UPDATE {table} SET {new_values} FROM {changed} WHERE {table}.id = {changed}.id"
            )
        )
        self._connection.execute(sa.text(f"TRUNCATE {changed}"))

    def _copy(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows to a table, each with the same columns. They are made while others are sent."""
        rest = iter(rows)
        first = next(rest, None)
        if first is None:
            return
        cursor = driver_connection(self._connection.connection).cursor()
        with cursor, cursor.copy(f"COPY {table} ({', '.join(first)}) FROM STDIN") as copy:
            for part in encode_rows(row.values() for row in chain([first], rest)):
                copy.write(part)


def _changed_values(product: Product) -> dict[str, Any]:
    """Return the columns of a product that an import changed."""
    own = {"id": product.id, "version": product.version, "updated_at": product.updated_at}
    return product_values(product) | own
