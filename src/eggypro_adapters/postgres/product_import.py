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

from eggypro_adapters.postgres.category_queries import EVERY, draft_of
from eggypro_adapters.postgres.category_tree import add_all, ids_of
from eggypro_adapters.postgres.copy_format import copied
from eggypro_adapters.postgres.database import driver
from eggypro_adapters.postgres.image_registry import havable, settle_all
from eggypro_adapters.postgres.locks import IMPORT_LOCK, wait_for_lock
from eggypro_adapters.postgres.product_rows import (
    BARE,
    VARIANT,
    columns_of,
    product_of,
    variant_columns,
    variant_of,
)
from eggypro_adapters.postgres.rollups import derive
from eggypro_adapters.postgres.schema import (
    categories,
    product_categories,
    products,
    skus,
    slug_aliases,
    variants,
)
from eggypro_adapters.postgres.search_index import described, learn_words, search_row
from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product, ProductDraft
from eggypro_core.domain.variant import Variant, VariantDraft
from eggypro_core.search.text import entry_of

_SEEN = sa.text("CREATE TEMPORARY TABLE seen (key text PRIMARY KEY) ON COMMIT DROP")
_CHANGED = sa.text(
    "CREATE TEMPORARY TABLE changed (LIKE products INCLUDING DEFAULTS) ON COMMIT DROP"
)
_CHANGED_VARIANTS = sa.text(
    "CREATE TEMPORARY TABLE changed_variants (LIKE variants INCLUDING DEFAULTS) ON COMMIT DROP"
)
_texts = ARRAY(sa.Text)
_INDEXED = 500
"""Products that are indexed together."""
_REMEMBER = sa.text(
    "INSERT INTO seen SELECT unnest(CAST(:keys AS text[])) ON CONFLICT DO NOTHING RETURNING key"
)
_KNOWN = (
    sa.select(*BARE)
    .where(products.c.slug == sa.func.any(sa.bindparam("slugs", type_=_texts)))
    .order_by(products.c.id)  # every import locks in one order
    .with_for_update()
)
_HOLDERS = (
    sa.select(skus.c.sku, products.c.slug)
    .join(products, products.c.id == skus.c.product_id)
    .where(skus.c.sku == sa.func.any(sa.bindparam("skus", type_=_texts)))
)
_VARIANTS = (
    sa.select(variants.c.product_id, *VARIANT)
    .where(variants.c.product_id == sa.func.any(sa.bindparam("ids", type_=ARRAY(sa.Integer))))
    .order_by(variants.c.product_id, variants.c.position, variants.c.id)
)
_IDS = sa.select(products.c.slug, products.c.id).where(
    products.c.slug == sa.func.any(sa.bindparam("slugs", type_=_texts))
)
_LINKED = (
    sa.select(products.c.slug, sa.func.array_agg(categories.c.slug).label("inside"))
    .select_from(products.join(product_categories).join(categories))
    .where(products.c.slug == sa.func.any(sa.bindparam("slugs", type_=_texts)))
    .group_by(products.c.slug)
)
_WANTED = "SELECT * FROM unnest(CAST(:products AS int[]), CAST(:categories AS int[]))"
_UNLINK = sa.text(f"""
    DELETE FROM product_categories
    WHERE product_id = ANY(CAST(:ids AS int[])) AND (product_id, category_id) NOT IN ({_WANTED})
""")
_LINK = sa.text(
    f"INSERT INTO product_categories (product_id, category_id) {_WANTED} ON CONFLICT DO NOTHING"
)
_FREE = sa.delete(slug_aliases).where(
    slug_aliases.c.slug == sa.func.any(sa.bindparam("slugs", type_=_texts))
)


@define
class PostgresLoad:
    """Products on their way into a transaction, which ends with the load."""

    _connection: sa.Connection
    _new: dict[str, ProductDraft] = field(factory=dict, init=False)
    """New products, by slug, whose words are not written yet: variants and links may follow."""
    _touched: set[int] = field(factory=set, init=False)
    """Others, by id, whose words are not written yet."""
    _words: set[str] = field(factory=set, init=False)
    """What searches know, as far as this load has met it."""
    _worker: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(1), init=False)
    _putting: Future[None] | None = field(default=None, init=False)
    committed: bool = field(default=False, init=False)

    @classmethod
    def begin(cls, connection: sa.Connection) -> Self:
        """Wait for another import to end, and begin one."""
        wait_for_lock(connection, IMPORT_LOCK)
        for statement in (_SEEN, _CHANGED, _CHANGED_VARIANTS):
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
            self._settle()

    def repeated(self, keys: Sequence[str]) -> Collection[str]:
        self._settle()
        new = set(self._connection.scalars(_REMEMBER, {"keys": list(keys)}))
        return set(keys) - new

    def known(self, slugs: Collection[str]) -> Mapping[str, Product]:
        self._settle()
        rows = self._connection.execute(_KNOWN, {"slugs": list(slugs)})
        found = {product.slug: product for product in map(product_of, rows)}
        return found | self._with_variants([one for one in found.values() if one.has_variants])

    def holders(self, skus: Collection[str]) -> Mapping[str, str]:
        self._settle()
        rows = self._connection.execute(_HOLDERS, {"skus": list(skus)})
        return {row.sku: row.slug for row in rows}

    def images(self, public_ids: Collection[str]) -> Collection[str]:
        self._settle()
        return havable(self._connection, public_ids)

    def put(self, new: Sequence[ProductDraft], changed: Sequence[Product], at: datetime) -> None:
        self._settle()
        # Postgres and this process have a processor each: it works while the next are checked.
        self._putting = self._worker.submit(self._put, new, changed, at)

    def _settle(self) -> None:
        """Wait for what is being put. The connection is this thread's again; raises its error."""
        putting, self._putting = self._putting, None
        if putting is not None:
            putting.result()

    def _put(self, new: Sequence[ProductDraft], changed: Sequence[Product], at: datetime) -> None:
        if len(self._new) + len(self._touched) >= _INDEXED:
            self._index()
        settle_all(self._connection, new, changed)
        if new:
            times = {"created_at": at, "updated_at": at}
            self._copy("products", (columns_of(draft) | times for draft in new))
            self._connection.execute(_FREE, {"slugs": [draft.slug for draft in new]})
            self._new |= {str(draft.slug): draft for draft in new}
        if changed:
            rows = [_edited(product) for product in changed]
            self._replace("products", "changed", rows)
            self._touched.update(product.id for product in changed)

    def put_variants(
        self,
        new: Sequence[tuple[str, VariantDraft]],
        changed: Sequence[tuple[str, Variant]],
    ) -> None:
        self._settle()
        ids = self._ids({slug for slug, _ in (*new, *changed)})
        if changed:
            # Two variants may give one another their SKUs: first, none of them has one.
            those = variants.c.id.in_([variant.id for _, variant in changed])
            self._connection.execute(sa.update(variants).where(those).values(sku=None))
            rows = [
                {"id": one.id, "product_id": ids[slug], **variant_columns(one)}
                for slug, one in changed
            ]
            self._replace("variants", "changed_variants", rows)
        if new:
            rows = [{"product_id": ids[slug], **variant_columns(draft)} for slug, draft in new]
            self._copy("variants", rows)
        derive(self._connection, ids.values())
        self._touch(ids)

    def categories(self) -> Iterable[CategoryDraft]:
        self._settle()
        return map(draft_of, self._connection.execute(EVERY))

    def put_categories(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        self._settle()
        add_all(self._connection, drafts, at)

    def linked(self, slugs: Collection[str]) -> Mapping[str, Collection[str]]:
        self._settle()
        rows = self._connection.execute(_LINKED, {"slugs": list(slugs)})
        return {row.slug: row.inside for row in rows}

    def link(self, places: Mapping[str, Collection[str]]) -> None:
        self._settle()
        inside = ids_of(self._connection, {slug for slugs in places.values() for slug in slugs})
        found = self._ids(places)
        links = [(one, inside[slug]) for at, one in found.items() for slug in places[at]]
        values = {
            "ids": list(found.values()),
            "products": [product for product, _ in links],
            "categories": [category for _, category in links],
        }
        for statement in (_UNLINK, _LINK):
            self._connection.execute(statement, values)
        self._touch(found)

    def commit(self) -> None:
        self._settle()
        self._index()
        # Not before: others who write a word that is new here wait for it until the end.
        learn_words(self._connection, self._words)
        self.committed = True

    def _index(self) -> None:
        """Write what searches read of the products that are new or were touched."""
        self._copy("product_search", self._search_rows(self._ids(self._new)))
        touched = described(self._connection, sorted(self._touched))
        self._words.update(*(entry.words for entry in touched))
        self._new.clear()
        self._touched.clear()

    def _search_rows(self, ids: Mapping[str, int]) -> Iterator[dict[str, Any]]:
        for slug, draft in self._new.items():
            entry = entry_of(draft)
            self._words |= entry.words
            yield search_row(ids[slug], draft, entry)

    def _touch(self, ids: Mapping[str, int]) -> None:
        """Note that what hangs on the products at slugs has changed."""
        self._touched.update(ids.values())
        for slug in ids:
            self._new.pop(slug, None)

    def _ids(self, slugs: Collection[str]) -> dict[str, int]:
        """Return the ids of the products at slugs."""
        found = self._connection.execute(_IDS, {"slugs": sorted(slugs)})
        return {row.slug: row.id for row in found}

    def _with_variants(self, found: Sequence[Product]) -> dict[str, Product]:
        """Return products that have variants with all of them, by slug."""
        if not found:
            return {}
        rows = self._connection.execute(_VARIANTS, {"ids": [one.id for one in found]})
        by_id = {one.id: one for one in found}
        whole_ones = {one.slug: evolve(one, variants=()) for one in found}
        for product_id, group in groupby(rows, key=lambda row: row.product_id):
            product = by_id[product_id]
            every = tuple(variant_of(row[1:], product.version) for row in group)
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
        cursor = driver(self._connection.connection).cursor()
        with cursor, cursor.copy(f"COPY {table} ({', '.join(first)}) FROM STDIN") as copy:
            for part in copied(row.values() for row in chain([first], rest)):
                copy.write(part)


def _edited(product: Product) -> dict[str, Any]:
    """Return the columns of a product that an import changed."""
    own = {"id": product.id, "version": product.version, "updated_at": product.updated_at}
    return columns_of(product) | own
