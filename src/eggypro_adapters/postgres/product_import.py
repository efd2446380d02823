"""Import of products into Postgres: one transaction, by COPY."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import datetime
from itertools import groupby
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from attrs import define, evolve, field, frozen
from sqlalchemy.dialects.postgresql import ARRAY

from eggypro_adapters.postgres.bulk_write import copy_rows, replace_rows
from eggypro_adapters.postgres.category_queries import ALL_CATEGORIES, category_draft_from_row
from eggypro_adapters.postgres.category_tree import (
    create_categories,
    lock_category_ids,
    update_category,
)
from eggypro_adapters.postgres.database import CompiledStatement, Database, fetch_rows
from eggypro_adapters.postgres.event_writer import pending_events, record_events
from eggypro_adapters.postgres.image_registry import find_attachable_images, update_references
from eggypro_adapters.postgres.import_matching import (
    IS_GIVEN_ID,
    find_item,
    find_matches,
    match_items,
)
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
    slug_aliases,
    variants,
)
from eggypro_adapters.postgres.search_index import add_words, index_without_vocabulary, search_row
from eggypro_core.domain.category import Category, CategoryDraft
from eggypro_core.domain.event import (
    EventDraft,
    EventType,
    Subject,
    categories_changed,
    product_changed,
    stock_changed,
    variant_changed,
    variant_created,
    variant_deleted,
    variant_subject,
)
from eggypro_core.domain.product import Product, ProductDraft, own_image_ids
from eggypro_core.domain.product_files import (
    FORMER_PREFIX,
    ImportMatch,
    SkuHolder,
    StoredProduct,
)
from eggypro_core.domain.variant import Variant, VariantDraft
from eggypro_core.ports import ImportStage
from eggypro_core.search.text import SEARCHABLE_FIELDS, document_terms

_CREATE_TABLES = (
    sa.text("CREATE TEMPORARY TABLE changed (LIKE products INCLUDING DEFAULTS) ON COMMIT DROP"),
    sa.text(
        "CREATE TEMPORARY TABLE changed_variants (LIKE variants INCLUDING DEFAULTS) ON COMMIT DROP"
    ),
)
_TEXTS = ARRAY(sa.Text)
_INTEGERS = ARRAY(sa.Integer)
_INDEX_BATCH_SIZE = 500
"""Products whose search rows are written together."""


def _is_any_of(column: sa.Column[Any], parameter: str) -> sa.ColumnElement[bool]:
    """Return the condition that a column has one of the values of an array parameter."""
    type_ = _INTEGERS if isinstance(column.type, sa.Integer) else _TEXTS
    return column == sa.func.any(sa.bindparam(parameter, type_=type_))


_LOCK_PRODUCTS = (
    sa.select(products.c.id)
    .where(_is_any_of(products.c.id, "ids"))
    .order_by(products.c.id)  # every writer of several products locks in this order
    .with_for_update(key_share=True)
)
_GET_PRODUCTS = CompiledStatement.compile(
    sa.select(*BARE_PRODUCT_COLUMNS).where(_is_any_of(products.c.id, "ids"))
)
# One lookup per SKU: a prepared plan from the time when the table was empty would compare each SKU
# of a batch with each stored one.
SKU_HOLDERS = CompiledStatement.compile(
    sa.text("""
        SELECT given.sku, holder.product_id, holder.slug
        FROM unnest(CAST(:skus AS text[])) AS given (sku) CROSS JOIN LATERAL (
          SELECT product_id, (SELECT slug FROM products WHERE id = product_id) AS slug
          FROM skus WHERE skus.sku = given.sku OFFSET 0
        ) AS holder
    """)
)
_TAKEN_SLUGS = sa.union_all(
    *(
        sa.select(column).where(_is_any_of(column, "slugs"))
        for column in (products.c.slug, slug_aliases.c.slug)
    )
)
_PRODUCT_VARIANTS = (
    sa.select(variants.c.product_id, *VARIANT_COLUMNS)
    .where(_is_any_of(variants.c.product_id, "ids"))
    .order_by(variants.c.product_id, variants.c.position, variants.c.id)
)
_PRODUCT_IDS = CompiledStatement.compile(
    sa.select(products.c.slug, products.c.id).where(_is_any_of(products.c.slug, "slugs"))
)
_PRODUCT_SUBJECTS = CompiledStatement.compile(
    sa.select(
        products.c.slug, products.c.id, products.c.name, products.c.version, products.c.created_at
    ).where(_is_any_of(products.c.slug, "slugs"))
)
_VARIANT_IDS = CompiledStatement.compile(
    sa.select(variants.c.product_id, variants.c.combination, variants.c.id).where(
        _is_any_of(variants.c.product_id, "ids")
    )
)
_PRODUCT_CATEGORIES = (
    sa.select(
        product_categories.c.product_id, sa.func.array_agg(categories.c.slug).label("categories")
    )
    .join(categories)
    .where(_is_any_of(product_categories.c.product_id, "ids"))
    .group_by(product_categories.c.product_id)
)
_REMEMBER_SOURCES = sa.text(f"""
    WITH given AS (
      SELECT source_id, products.id
      FROM unnest(CAST(:source_ids AS text[]), CAST(:slugs AS text[])) AS given (source_id, slug)
      JOIN products USING (slug)
    ), former AS (
      INSERT INTO product_sources (source, source_id, product_id)
      SELECT source, '{FORMER_PREFIX}' || product_id || ':' || source_id, product_id
      FROM product_sources JOIN given USING (source_id)
      WHERE source = :source AND product_id <> given.id
        AND {IS_GIVEN_ID}
      ON CONFLICT DO NOTHING
    )
    INSERT INTO product_sources (source, source_id, product_id)
    SELECT :source, source_id, id FROM given ORDER BY source_id
    ON CONFLICT (source, source_id) DO UPDATE SET product_id = excluded.product_id
    WHERE product_sources.product_id <> excluded.product_id
""")
_NEW_LINKS = "SELECT * FROM unnest(CAST(:products AS int[]), CAST(:categories AS int[]))"
_DELETE_LINKS = sa.text(f"""
    DELETE FROM product_categories
    WHERE product_id = ANY(CAST(:ids AS int[]))
        AND (product_id, category_id) NOT IN ({_NEW_LINKS})
""")
_INSERT_LINKS = sa.text(
    f"INSERT INTO product_categories (product_id, category_id) {_NEW_LINKS} ON CONFLICT DO NOTHING"
)
_DELETE_VARIANTS = (
    sa.delete(variants)
    .where(_is_any_of(variants.c.product_id, "ids"), products.c.id == variants.c.product_id)
    .returning(
        products.c.id,
        products.c.slug,
        products.c.name,
        products.c.version,
        variants.c.id.label("variant_id"),
        variants.c.options,
    )
)
_RELEASE_SKUS = sa.text("""
    UPDATE products SET sku = NULL FROM products AS former
    WHERE products.id = ANY(CAST(:ids AS int[])) AND former.id = products.id
    RETURNING products.id, former.sku
""")
_RELEASE_VARIANT_SKUS = sa.text("""
    UPDATE variants SET sku = NULL FROM variants AS former, products
    WHERE variants.id = ANY(CAST(:ids AS int[])) AND former.id = variants.id
      AND products.id = variants.product_id
    RETURNING products.id, products.slug, products.name, products.version,
      variants.id AS variant_id, variants.options, former.sku
""")
_RELEASE_ALIASES = sa.delete(slug_aliases).where(_is_any_of(slug_aliases.c.slug, "slugs"))

_SET_STOCK, _SET_VARIANT_STOCK = (
    sa.text(f"""
        UPDATE {table} SET stock_quantity = new.quantity, track_stock = true
        FROM unnest(:ids, :quantities) AS new (id, quantity)
          JOIN {table} AS former ON former.id = new.id {join}
        WHERE {table}.id = new.id
        RETURNING products.id, products.slug, products.name, products.version,
          {variant_columns}, former.stock_quantity, former.track_stock, new.quantity
    """).bindparams(
        sa.bindparam("ids", type_=_INTEGERS), sa.bindparam("quantities", type_=_INTEGERS)
    )
    for table, join, variant_columns in (
        ("products", "", "NULL AS variant_id, NULL AS options"),
        (
            "variants",
            "JOIN products ON products.id = former.product_id",
            "variants.id AS variant_id, variants.options",
        ),
    )
)


@frozen
class _WrittenProduct:
    """A product of the import, its version, and whether this import creates it."""

    subject: Subject
    version: int
    is_new: bool


class _Discard(Exception):  # noqa: N818  (no error)
    """Makes a transaction roll back."""


@define
class PostgresImportSession:
    """Import products in one transaction, with COPY in a background thread.

    The transaction begins with the first use of the database.
    """

    _database: Database
    stage: ImportStage
    _transaction: ExitStack = field(factory=ExitStack, init=False)
    _open_connection: sa.Connection | None = field(default=None, init=False)
    _unindexed_drafts: dict[str, ProductDraft] = field(factory=dict, init=False)
    """New products without a search row, by slug. Variants may follow."""
    _slugs_to_link: frozenset[str] = field(default=frozenset(), init=False)
    """Slugs of the last new products that will get categories, and a search row with them."""
    _unindexed_ids: set[int] = field(factory=set, init=False)
    """Ids of other products whose search row is out of date."""
    _words: set[str] = field(factory=set, init=False)
    """Words of the imported products, for the vocabulary."""
    _released_skus: dict[int, str | None] = field(factory=dict, init=False)
    """Former SKUs of products, by id, until their changes are written."""
    _released_variants: dict[int, sa.Row[Any]] = field(factory=dict, init=False)
    """Rows of variants with their former SKUs, by id, until their changes are written."""
    _created_at: datetime | None = field(default=None, init=False)
    """The creation time of the new products."""
    _first_batch_id: int | None = field(default=None, init=False)
    """The batch of the first chunk."""
    _worker: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(1), init=False)
    _pending_write: Future[None] | None = field(default=None, init=False)
    _is_committed: bool = field(default=False, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._worker.shutdown()
        if error is not None or self._open_connection is None:
            self._transaction.__exit__(kind, error, trace)
        elif self._is_committed:
            self._transaction.close()
        else:
            discard = _Discard()
            with suppress(_Discard):
                self._transaction.__exit__(_Discard, discard, None)

    @property
    def _connection(self) -> sa.Connection:
        """Return the connection, in a transaction that excludes other imports.

        Waits for the background write first.
        """
        if self._open_connection is None:
            connection = self._transaction.enter_context(self._database.long_transaction())
            wait_for_lock(connection, IMPORT_LOCK)
            for statement in _CREATE_TABLES:
                connection.execute(statement)
            pending_events(connection).part_of = self._first_batch_id
            self._open_connection = connection
        self._await_pending_write()
        return self._open_connection

    def match(self, source: str) -> None:
        match_items(self._connection, self.stage.keys(), source)

    def matches(self) -> Iterator[Sequence[ImportMatch]]:
        for items in self.stage.batches():
            matched = find_matches(self._connection, items[0].number, items[-1].number)
            stored = self.get_products([product_id for product_id, _ in matched.values()])
            yield [
                ImportMatch(item, stored[matched[item.number][0]], matched[item.number][1])
                if item.number in matched
                else ImportMatch(item)
                for item in items
            ]

    def find_item(self, product_id: int) -> int | None:
        return find_item(self._connection, product_id)

    def find_sku_holders(self, skus: Collection[str]) -> Mapping[str, SkuHolder]:
        rows = fetch_rows(self._connection, SKU_HOLDERS, {"skus": list(skus)})
        return {sku: SkuHolder(product_id, slug) for sku, product_id, slug in rows}

    def find_product_ids(self, slugs: Collection[str]) -> Mapping[str, int]:
        return _product_ids(self._connection, slugs) if slugs else {}

    def find_taken_slugs(self, slugs: Collection[str]) -> Collection[str]:
        return set(self._connection.scalars(_TAKEN_SLUGS, {"slugs": list(slugs)}))

    def find_attachable_images(self, public_ids: Collection[str]) -> Collection[str]:
        return find_attachable_images(self._connection, public_ids)

    def lock_products(self, ids: Collection[int]) -> None:
        self._connection.execute(_LOCK_PRODUCTS, {"ids": sorted(ids)})

    def get_products(self, ids: Collection[int]) -> Mapping[int, StoredProduct]:
        if not ids:
            return {}
        rows = fetch_rows(self._connection, _GET_PRODUCTS, {"ids": list(ids)})
        by_id = {product.id: product for product in map(product_from_row, rows)}
        by_id |= self._with_variants([p for p in by_id.values() if p.has_variants])
        slugs = self._category_slugs(by_id)
        return {
            id_: StoredProduct(product, slugs.get(id_, frozenset()))
            for id_, product in by_id.items()
        }

    def release_skus(self, product_ids: Collection[int], variant_ids: Collection[int]) -> None:
        if product_ids:
            rows = self._connection.execute(_RELEASE_SKUS, {"ids": list(product_ids)})
            self._released_skus |= {row.id: row.sku for row in rows}
        if variant_ids:
            rows = self._connection.execute(_RELEASE_VARIANT_SKUS, {"ids": list(variant_ids)})
            self._released_variants |= {row.variant_id: row for row in rows}
        self._unindexed_ids.update(product_ids)

    def delete_variants(self, product_ids: Collection[int]) -> None:
        rows = self._connection.execute(_DELETE_VARIANTS, {"ids": list(product_ids)}).all()
        for row in rows:
            self._released_variants.pop(row.variant_id, None)
        self._record(
            variant_deleted(_subject_of(row), row.variant_id, row.options, row.version + 1)
            for row in sorted(rows, key=lambda row: row.variant_id)
        )
        refresh_variant_summary(self._connection, product_ids)
        self._unindexed_ids.update(product_ids)

    def write_products(
        self,
        new: Sequence[ProductDraft],
        changed: Sequence[tuple[Product, Product]],
        at: datetime,
    ) -> None:
        connection = self._connection
        # In a thread: Postgres stores this batch while this process compares the next one.
        self._pending_write = self._worker.submit(
            self._write_products, connection, new, changed, at
        )

    def _await_pending_write(self) -> None:
        """Wait for the background write, so that this thread may use the connection.

        Raises the error of the write.
        """
        pending, self._pending_write = self._pending_write, None
        if pending is not None:
            pending.result()

    def _write_products(
        self,
        connection: sa.Connection,
        new: Sequence[ProductDraft],
        changed: Sequence[tuple[Product, Product]],
        at: datetime,
    ) -> None:
        self._write_search_rows_if_many(connection)
        for draft in new:
            update_references(connection, frozenset(), own_image_ids(draft.images))
        for before, after in changed:
            update_references(connection, before.own_image_ids, after.own_image_ids)
        if new:
            self._created_at = at
            times = {"created_at": at, "updated_at": at}
            copy_rows(connection, "products", (product_values(draft) | times for draft in new))
            ids = _product_ids(connection, [str(draft.slug) for draft in new])
            record_events(
                connection, (_creation_event(ids[str(draft.slug)], draft) for draft in new)
            )
            connection.execute(_RELEASE_ALIASES, {"slugs": [draft.slug for draft in new]})
            self._slugs_to_link = frozenset(str(draft.slug) for draft in new if draft.categories)
            self._unindexed_drafts |= {
                str(draft.slug): draft for draft in new if not draft.categories
            }
        if changed:
            replace_rows(
                connection, "products", "changed", [_changed_values(after) for _, after in changed]
            )
            _rename(connection, changed)
            for before, after in changed:
                former = evolve(before, sku=self._released_skus.pop(before.id, before.sku))
                record_events(connection, product_changed(former, after))
            self._unindexed_ids.update(
                after.id for before, after in changed if _has_other_words(before, after)
            )
        pending_events(connection).flush(connection)

    def write_variants(
        self,
        new: Sequence[tuple[str, VariantDraft]],
        changed: Sequence[tuple[str, Variant, Variant]],
    ) -> None:
        connection = self._connection
        slugs = {slug for slug, _ in new} | {slug for slug, *_ in changed}
        written = self._find_products(slugs)
        if changed:
            # Two variants may swap their SKUs: clear the SKUs of all of them first.
            is_changed = variants.c.id.in_([before.id for _, before, _ in changed])
            connection.execute(sa.update(variants).where(is_changed).values(sku=None))
            rows = [
                {"id": after.id, "product_id": written[slug].subject.id, **variant_values(after)}
                for slug, _, after in changed
            ]
            replace_rows(connection, "variants", "changed_variants", rows)
            for slug, before, after in changed:
                product = written[slug]
                former = self._with_former_sku(before)
                with_version = evolve(after, version=product.version)
                record_events(connection, variant_changed(product.subject, former, with_version))
        if new:
            rows = [
                {"product_id": written[slug].subject.id, **variant_values(draft)}
                for slug, draft in new
            ]
            copy_rows(connection, "variants", rows)
            ids = {
                (product_id, combination): id_
                for product_id, combination, id_ in fetch_rows(
                    connection, _VARIANT_IDS, {"ids": [row["product_id"] for row in rows]}
                )
            }
            for row, (slug, draft) in zip(rows, new, strict=True):
                product = written[slug]
                variant_id = ids[product.subject.id, row["combination"]]
                event = variant_created(product.subject, variant_id, draft.options, product.version)
                record_events(connection, [event])
        refresh_variant_summary(connection, [product.subject.id for product in written.values()])
        self._mark_unindexed(
            {
                slug: product.subject.id
                for slug, product in written.items()
                if slug not in self._slugs_to_link
            }
        )
        pending_events(connection).flush(connection)

    def set_stock(self, stock: Mapping[tuple[int, int | None], int]) -> None:
        own = {product: quantity for (product, variant), quantity in stock.items() if not variant}
        by_variant = {variant: quantity for (_, variant), quantity in stock.items() if variant}
        for statement, quantities in ((_SET_STOCK, own), (_SET_VARIANT_STOCK, by_variant)):
            values = {"ids": list(quantities), "quantities": list(quantities.values())}
            rows = self._connection.execute(statement, values)
            for row in sorted(rows, key=lambda row: (row.id, row.variant_id)):
                self._record(_stock_events(row))
        refresh_variant_summary(
            self._connection, {product for product, variant in stock if variant}
        )

    def list_categories(self) -> Iterable[CategoryDraft]:
        return map(category_draft_from_row, self._connection.execute(ALL_CATEGORIES))

    def create_categories(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        create_categories(self._connection, drafts, at)

    def update_category(self, slug: str, change: Callable[[Category], Category]) -> None:
        update_category(self._connection, slug, change)

    def set_categories(self, categories: Mapping[str, Collection[str]]) -> None:
        self._write_search_rows_if_many(self._connection)
        category_ids = lock_category_ids(
            self._connection, {slug for slugs in categories.values() for slug in slugs}
        )
        products = self._find_products(categories)
        product_ids = {slug: product.subject.id for slug, product in products.items()}
        links = [
            (product_id, category_ids[category])
            for product, product_id in product_ids.items()
            for category in categories[product]
        ]
        existing = {slug: product for slug, product in products.items() if not product.is_new}
        former = self._category_slugs([product.subject.id for product in existing.values()])
        for slug, product in existing.items():
            before, after = former.get(product.subject.id, frozenset()), categories[slug]
            events = categories_changed(product.subject, before, after, product.version)
            self._record(events)
        values = {
            "ids": list(product_ids.values()),
            "products": [product for product, _ in links],
            "categories": [category for _, category in links],
        }
        for statement in (_DELETE_LINKS, _INSERT_LINKS):
            self._connection.execute(statement, values)
        self._mark_unindexed(product_ids)

    def remember_sources(self, source: str, slugs: Mapping[str, str]) -> None:
        values = {"source": source, "source_ids": list(slugs), "slugs": list(slugs.values())}
        self._connection.execute(_REMEMBER_SOURCES, values)

    def commit_chunk(self) -> None:
        self._complete()
        if self._open_connection is not None and self._first_batch_id is None:
            pending = pending_events(self._open_connection)
            self._first_batch_id = pending.begin_batch(self._open_connection)
        self._transaction.close()
        self._open_connection = None

    def commit(
        self, name: str = "import", kind: EventType | None = EventType.IMPORT_COMPLETED
    ) -> None:
        self._complete()
        if self._open_connection is not None or self._first_batch_id is not None:
            events = pending_events(self._connection)
            if kind and (events.has_changes or self._first_batch_id is not None):
                events.add([EventDraft(kind, Subject(0, "", name))])
        self._is_committed = True

    def _complete(self) -> None:
        """Write the search rows and, last, the vocabulary: other writers of a new word wait."""
        if self._open_connection is not None:
            self._write_search_rows(self._connection)
            add_words(self._connection, self._words)
            self._words.clear()
            self._record(map(_released_sku_event, self._released_variants.values()))
            self._released_variants.clear()

    def _record(self, events: Iterable[EventDraft]) -> None:
        pending = pending_events(self._connection)
        pending.add(events)
        pending.flush(self._connection)

    def _with_former_sku(self, variant: Variant) -> Variant:
        released = self._released_variants.pop(variant.id, None)
        return variant if released is None else evolve(variant, sku=released.sku)

    def _find_products(self, slugs: Collection[str]) -> dict[str, "_WrittenProduct"]:
        """Return products by slug."""
        rows = fetch_rows(self._connection, _PRODUCT_SUBJECTS, {"slugs": sorted(slugs)})
        return {
            slug: _WrittenProduct(
                Subject(id_, slug, name, id_), version, created_at == self._created_at
            )
            for slug, id_, name, version, created_at in rows
        }

    def _category_slugs(self, product_ids: Collection[int]) -> dict[int, frozenset[str]]:
        if not product_ids:
            return {}
        rows = self._connection.execute(_PRODUCT_CATEGORIES, {"ids": list(product_ids)})
        return {row.product_id: frozenset(row.categories) for row in rows}

    def _write_search_rows_if_many(self, connection: sa.Connection) -> None:
        if len(self._unindexed_drafts) + len(self._unindexed_ids) >= _INDEX_BATCH_SIZE:
            self._write_search_rows(connection)

    def _write_search_rows(self, connection: sa.Connection) -> None:
        """Write the search rows of the unindexed products."""
        ids = _product_ids(connection, self._unindexed_drafts)
        copy_rows(connection, "product_search", self._search_rows(ids))
        entries = index_without_vocabulary(connection, sorted(self._unindexed_ids))
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

    def _with_variants(self, products: Sequence[Product]) -> dict[int, Product]:
        """Return the products by id, each with all its variants."""
        if not products:
            return {}
        complete = {product.id: product for product in products}
        rows = self._connection.execute(_PRODUCT_VARIANTS, {"ids": list(complete)})
        for product_id, group in groupby(rows, key=lambda row: row.product_id):
            product = complete[product_id]
            variants = tuple(variant_from_row(row[1:], product.version) for row in group)
            complete[product_id] = evolve(product, variants=variants)
        return complete


def _creation_event(product_id: int, draft: ProductDraft) -> EventDraft:
    subject = Subject(product_id, str(draft.slug), draft.name, product_id)
    return EventDraft(EventType.PRODUCT_CREATED, subject, version=1)


def _subject_of(row: Any) -> Subject:
    return Subject(row.id, row.slug, row.name, row.id)


def _released_sku_event(row: sa.Row[Any]) -> EventDraft:
    """Return the event of a variant whose SKU was released and not replaced."""
    subject = variant_subject(_subject_of(row), row.variant_id, row.options)
    changes = {"sku": [row.sku, None]}
    return EventDraft(EventType.VARIANT_UPDATED, subject, row.version, changes)


def _stock_events(row: sa.Row[Any]) -> Iterator[EventDraft]:
    """Yield the events of a product or variant whose stock was set."""
    is_variant = row.variant_id is not None
    subject = _subject_of(row)
    if is_variant:
        subject = variant_subject(subject, row.variant_id, row.options)
    if not row.track_stock:
        kind = EventType.VARIANT_UPDATED if is_variant else EventType.PRODUCT_UPDATED
        yield EventDraft(kind, subject, row.version, {"track_stock": [False, True]})
    if row.stock_quantity != row.quantity:
        quantities = row.stock_quantity, row.quantity
        yield stock_changed(subject, *quantities, row.version, of_variant=is_variant)


def _product_ids(connection: sa.Connection, slugs: Collection[str]) -> dict[str, int]:
    """Return the ids of products by slug."""
    return dict(fetch_rows(connection, _PRODUCT_IDS, {"slugs": sorted(slugs)}))


def _rename(connection: sa.Connection, changed: Sequence[tuple[Product, Product]]) -> None:
    """Keep the former slugs of renamed products as aliases."""
    renamed = [(before, after) for before, after in changed if before.slug != after.slug]
    if renamed:
        connection.execute(_RELEASE_ALIASES, {"slugs": [after.slug for _, after in renamed]})
        aliases = [{"slug": before.slug, "product_id": before.id} for before, _ in renamed]
        connection.execute(sa.insert(slug_aliases), aliases)


def _has_other_words(before: Product, after: Product) -> bool:
    """Return whether a field that is searched differs."""
    return any(getattr(before, name) != getattr(after, name) for name in SEARCHABLE_FIELDS)


def _changed_values(product: Product) -> dict[str, Any]:
    """Return the values of a product that an import changed, by column."""
    identity = {"id": product.id, "version": product.version, "updated_at": product.updated_at}
    return product_values(product) | identity
