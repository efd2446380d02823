"""Import session of the in-memory store."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from attrs import asdict, define, evolve, field

from eggypro_adapters.memory.categories import (
    create_category,
    list_category_drafts,
    update_category,
)
from eggypro_adapters.memory.database import MemoryDatabase, MemoryState
from eggypro_core.domain.category import Category, CategoryDraft, categories_not_found
from eggypro_core.domain.event import (
    EventDraft,
    EventType,
    Subject,
    categories_changed,
    category_changed,
    category_created,
    product_changed,
    product_created,
    variant_changed,
    variant_created,
    variant_deleted,
)
from eggypro_core.domain.product import Product, ProductDraft
from eggypro_core.domain.product_files import (
    FORMER_PREFIX,
    HANDLE_PREFIX,
    ImportItem,
    ImportMatch,
    MatchedBy,
    SkuHolder,
    StoredProduct,
    is_given_id,
)
from eggypro_core.domain.product_query import name_sort_key
from eggypro_core.domain.slug import free_slug, slugify
from eggypro_core.domain.variant import Variant, VariantDraft
from eggypro_core.ports import ImportStage


@define
class MemoryImportSession:
    """Import products into a copy of the state, which replaces it with the commit."""

    _database: MemoryDatabase
    stage: ImportStage
    _state: MemoryState = field(init=False)
    _matches: dict[int, tuple[int, MatchedBy]] = field(factory=dict, init=False)
    """Product id and key by item number."""
    _items: dict[int, int] = field(factory=dict, init=False)
    """Item number by product id."""
    _source: str = field(default="", init=False)
    _handles: Collection[str | None] = field(factory=set, init=False)
    """The handles of all items."""
    _claimed: Collection[int] = field(factory=set, init=False)
    """The ids of the products that the source knows by one of the handles."""
    _events: list[EventDraft] = field(factory=list, init=False)
    """The events of this import since the last chunk."""
    _released_skus: dict[int, str | None] = field(factory=dict, init=False)
    """The former SKUs of products, by id, until their changes are written."""
    _released_variant_skus: dict[int, str | None] = field(factory=dict, init=False)
    _new_slugs: set[str] = field(factory=set, init=False)
    """The slugs of new products, whose categories are part of their creation."""
    _batch_id: int | None = field(default=None, init=False)
    is_committed: bool = field(default=False, init=False)

    @_state.default
    def _(self) -> MemoryState:
        return self._database.state.copy()

    def match(self, source: str) -> None:
        self._source = source
        items = [item for batch in self.stage.batches() for item in batch]
        self._handles = {item.keys.handle for item in items}
        claimed = map(self._product_of_handle, self._handles)
        self._claimed = {product.id for product in claimed if product}
        for by, find in (
            (MatchedBy.SLUG, self._find_by_handle),
            (MatchedBy.SLUG, self._find_by_slug),
            (MatchedBy.SLUG, self._find_by_alias),
            (MatchedBy.SOURCE_ID, self._find_by_source_id),
        ):
            for item in items:
                self._assign(item, find(item), by)
        self._match_by_sku(items)
        self._match_by_name(items)

    def matches(self) -> Iterator[Sequence[ImportMatch]]:
        for items in self.stage.batches():
            yield [self._match_of(item) for item in items]

    def find_item(self, product_id: int) -> int | None:
        return self._items.get(product_id)

    def find_sku_holders(self, skus: Collection[str]) -> Mapping[str, SkuHolder]:
        requested = set(skus)
        return {
            sku: SkuHolder(holder.id, holder.slug)
            for sku, holder, _ in self._state.skus()
            if sku in requested
        }

    def find_product_ids(self, slugs: Collection[str]) -> Mapping[str, int]:
        return {
            product.slug: product.id
            for product in self._state.products.values()
            if product.slug in slugs
        }

    def find_taken_slugs(self, slugs: Collection[str]) -> Collection[str]:
        current = {product.slug for product in self._state.products.values()}
        return {slug for slug in slugs if slug in current or slug in self._state.aliases}

    def find_attachable_images(self, public_ids: Collection[str]) -> Collection[str]:
        return list(filter(self._state.is_attachable, public_ids))

    def lock_products(self, ids: Collection[int]) -> None:
        """Do nothing: the database is locked during the import."""

    def get_products(self, ids: Collection[int]) -> Mapping[int, StoredProduct]:
        return {
            product_id: self._stored(self._state.products[product_id])
            for product_id in ids
            if product_id in self._state.products
        }

    def release_skus(self, product_ids: Collection[int], variant_ids: Collection[int]) -> None:
        state, released = self._state, set(variant_ids)
        for product_id in product_ids:
            product = state.products[product_id]
            self._released_skus[product_id] = product.sku
            state.products[product_id] = evolve(product, sku=None)
        for product_id, variants in state.variants.items():
            self._released_variant_skus |= {v.id: v.sku for v in variants if v.id in released}
            state.variants[product_id] = tuple(
                evolve(variant, sku=None) if variant.id in released else variant
                for variant in variants
            )

    def delete_variants(self, product_ids: Collection[int]) -> None:
        for product_id in product_ids:
            product = self._state.products[product_id]
            subject = Subject.of_product(product)
            self._events += [
                variant_deleted(subject, variant.id, variant.options, product.version + 1)
                for variant in self._state.variants_of(product)
            ]
            self._state.save_variants(product, ())

    def write_products(
        self,
        new: Sequence[ProductDraft],
        changed: Sequence[tuple[Product, Product]],
        at: datetime,
    ) -> None:
        for draft in new:
            bare = evolve(draft, categories=())
            product = create_product(self._state, bare, next(self._database.ids), at)
            self._new_slugs.add(product.slug)
            self._events.append(product_created(product))
        for before, product in changed:
            self._state.save(product)
            former = evolve(before, sku=self._released_skus.pop(before.id, before.sku))
            self._events += product_changed(former, product)

    def write_variants(
        self,
        new: Sequence[tuple[str, VariantDraft]],
        changed: Sequence[tuple[str, Variant, Variant]],
    ) -> None:
        by_slug: dict[str, list[Variant]] = defaultdict(list)
        for slug, before, variant in changed:
            by_slug[slug].append(variant)
            sku = self._released_variant_skus.pop(before.id, before.sku)
            subject = Subject.of_product(self._state.get(slug))
            self._events += variant_changed(subject, evolve(before, sku=sku), variant)
        for slug, draft in new:
            values = asdict(draft, recurse=False)
            product = self._state.get(slug)
            variant = Variant(**values, id=next(self._database.ids), version=product.version)
            by_slug[slug].append(variant)
            subject = Subject.of_product(product)
            event = variant_created(subject, variant.id, draft.options, product.version)
            self._events.append(event)
        for slug, variants in by_slug.items():
            product = self._state.get(slug)
            merged = {
                variant.id: variant for variant in (*self._state.variants_of(product), *variants)
            }
            self._state.save_variants(product, merged.values())
        self._state.check_unique_skus()  # at the end, so that variants can swap SKUs

    def set_stock(self, stock: Mapping[tuple[int, int | None], int]) -> None:
        for (product_id, variant_id), quantity in stock.items():
            product = self._state.products[product_id]
            if variant_id is None:
                changed = evolve(product, stock_quantity=quantity, track_stock=True)
                self._state.save(changed)
                self._events += product_changed(product, changed)
                continue
            variants = {variant.id: variant for variant in self._state.variants_of(product)}
            before = variants[variant_id]
            after = evolve(before, stock_quantity=quantity, track_stock=True)
            self._state.save_variants(product, (variants | {variant_id: after}).values())
            self._events += variant_changed(Subject.of_product(product), before, after)

    def list_categories(self) -> Iterable[CategoryDraft]:
        return list_category_drafts(self._state)

    def create_categories(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        for draft in drafts:
            node = create_category(self._state, draft, next(self._database.ids), at)
            self._events.append(category_created(node.id, node.slug, node.name))

    def update_category(self, slug: str, change: Callable[[Category], Category]) -> None:
        before, after = update_category(self._state, slug, change)
        self._events += category_changed(before, after)

    def set_categories(self, categories: Mapping[str, Collection[str]]) -> None:
        products = [self._state.get(slug) for slug in categories]
        product_ids = {product.id for product in products}
        unchanged = {link for link in self._state.links if link[0] not in product_ids}
        links = {
            (product.id, category)
            for product in products
            for category in category_ids(self._state, categories[product.slug])
        }
        former = {product.id: self._category_slugs(product.id) for product in products}
        self._state.links = unchanged | links
        for product in products:
            if product.slug not in self._new_slugs:
                pair = former[product.id], self._category_slugs(product.id)
                subject = Subject.of_product(product)
                self._events += categories_changed(subject, *pair, product.version)

    def remember_sources(self, source: str, slugs: Mapping[str, str]) -> None:
        for source_id, slug in slugs.items():
            product_id, sources = self._state.get(slug).id, self._state.sources
            former = sources.get((source, source_id), product_id)
            if former != product_id and is_given_id(source_id):
                sources[source, f"{FORMER_PREFIX}{former}:{source_id}"] = former
            sources[source, source_id] = product_id

    def commit_chunk(self) -> None:
        self._add_released_skus()
        self._database.state = self._state
        self._state = self._state.copy()
        self._record()

    def commit(
        self, name: str = "import", kind: EventType | None = EventType.IMPORT_COMPLETED
    ) -> None:
        self._add_released_skus()
        if kind and (self._events or self._batch_id):
            subject = Subject(0, "", name)
            self._events.append(EventDraft(kind, subject))
        self.is_committed = True

    def store(self) -> None:
        """Replace the state of the database if the import was committed."""
        if self.is_committed:
            self._database.state = self._state
            self._record()

    def _record(self) -> None:
        batch_id = self._database.record(self._events, part_of=self._batch_id)
        self._batch_id = batch_id or self._batch_id
        self._events.clear()

    def _add_released_skus(self) -> None:
        """Add the events of variants whose SKU was released and not replaced."""
        for product in self._state.products.values():
            subject = Subject.of_product(product)
            for variant in self._state.variants_of(product):
                if variant.id in self._released_variant_skus:
                    sku = self._released_variant_skus.pop(variant.id)
                    self._events += variant_changed(subject, evolve(variant, sku=sku), variant)

    def _category_slugs(self, product_id: int) -> list[str]:
        return [node.slug for node in self._state.categories_of(product_id)]

    def _match_of(self, item: ImportItem) -> ImportMatch:
        if item.number not in self._matches:
            return ImportMatch(item)
        product_id, by = self._matches[item.number]
        return ImportMatch(item, self._stored(self._state.products[product_id]), by)

    def _stored(self, product: Product) -> StoredProduct:
        slugs = frozenset(node.slug for node in self._state.categories_of(product.id))
        return StoredProduct(evolve(product, variants=self._state.variants_of(product)), slugs)

    def _assign(self, item: ImportItem, product: Product | None, by: MatchedBy) -> None:
        if product is None or item.number in self._matches or product.id in self._items:
            return
        self._matches[item.number] = product.id, by
        self._items[product.id] = item.number

    def _find_by_handle(self, item: ImportItem) -> Product | None:
        product = self._product_of_handle(item.keys.handle)
        return None if product and self._is_handle_of_another(item, product) else product

    def _product_of_handle(self, handle: str | None) -> Product | None:
        key = (self._source, f"{HANDLE_PREFIX}{handle}")
        return self._state.products.get(self._state.sources.get(key, 0))

    def _is_handle_of_another(self, item: ImportItem, product: Product) -> bool:
        """Return whether the handle means the product that has it as slug now, as in an export."""
        holder = self._find_by_slug(item)
        if holder is None or holder.id in self._claimed:
            return False
        name = item.keys.name
        is_renamed = name == name_sort_key(holder.name) and name not in (
            None,
            name_sort_key(product.name),
        )
        return is_renamed or product.slug in self._handles

    def _find_by_slug(self, item: ImportItem) -> Product | None:
        products = self._state.products.values()
        return next((product for product in products if product.slug == item.keys.slug), None)

    def _find_by_alias(self, item: ImportItem) -> Product | None:
        return self._state.products.get(self._state.aliases.get(item.keys.slug or "", 0))

    def _find_by_source_id(self, item: ImportItem) -> Product | None:
        key = (self._source, item.keys.source_id or "")
        product = self._state.products.get(self._state.sources.get(key, 0))
        return product if product and self._agrees(item, product) else None

    def _agrees(self, item: ImportItem, product: Product) -> bool:
        """Return whether the name, the slug or a SKU of an item is that of a product, if given."""
        keys = item.keys
        return (
            (keys.name, keys.slug, keys.skus) == (None, None, ())
            or item.keys.name == name_sort_key(product.name)
            or item.keys.slug == product.slug
            or not self._skus_of(product).isdisjoint(item.keys.skus)
        )

    def _match_by_sku(self, items: Sequence[ImportItem]) -> None:
        candidates: dict[int, list[ImportItem]] = defaultdict(list)
        for item in items:
            holders = {
                holder.product_id for holder in self.find_sku_holders(item.keys.skus).values()
            }
            if len(holders) == 1:
                candidates[holders.pop()].append(item)
        matched = set(self._matches)
        for product_id, claimants in candidates.items():
            unmatched = [item for item in claimants if item.number not in matched]
            if len(unmatched) != 1:
                continue
            product, keys = self._state.products[product_id], unmatched[0].keys
            gtins = {product.gtin, *(v.gtin for v in self._state.variants_of(product))}
            is_same = keys.name in (None, name_sort_key(product.name)) or not gtins.isdisjoint(
                keys.gtins
            )
            if is_same and (keys.can_be_new or len(claimants) == 1):
                self._assign(unmatched[0], product, MatchedBy.SKU)

    def _match_by_name(self, items: Sequence[ImportItem]) -> None:
        stored: dict[str, list[Product]] = defaultdict(list)
        for product in self._state.products.values():
            stored[name_sort_key(product.name)].append(product)
        by_name: dict[str, list[ImportItem]] = defaultdict(list)
        for item in items:
            if item.keys.name is not None:
                by_name[item.keys.name].append(item)
        for name, namesakes in by_name.items():
            if len(namesakes) == len(stored[name]) == 1 and not self._contradicts(
                namesakes[0], stored[name][0]
            ):
                self._assign(namesakes[0], stored[name][0], MatchedBy.NAME)

    def _contradicts(self, item: ImportItem, product: Product) -> bool:
        """Return whether the slug, the source ID or the SKUs belong to different products."""
        ids = {
            id_
            for (source, id_), owner in self._state.sources.items()
            if (source, owner) == (self._source, product.id) and is_given_id(id_)
        }
        skus = self._skus_of(product)
        return (
            item.keys.slug is not None
            or (item.keys.has_given_id and bool(ids) and item.keys.source_id not in ids)
            or bool(skus and item.keys.skus and skus.isdisjoint(item.keys.skus))
        )

    def _skus_of(self, product: Product) -> set[str]:
        return {sku for sku, holder, _ in self._state.skus() if holder.id == product.id}


def create_product(state: MemoryState, draft: ProductDraft, new_id: int, at: datetime) -> Product:
    """Store a new product in a state and return it."""
    values = asdict(draft, recurse=False)
    del values["variants"]
    category_slugs = values.pop("categories")
    values["slug"] = draft.slug or free_slug(slugify(draft.name), state.has_slug)
    product = Product(**values, id=new_id, version=1, created_at=at, updated_at=at)
    links = {(new_id, category) for category in category_ids(state, category_slugs)}
    state.save(product)
    state.links.update(links)
    return evolve(product, categories=state.visible_category_names(new_id))


def category_ids(state: MemoryState, slugs: Collection[str]) -> list[int]:
    """Return the ids of categories. Raises ValidationError for unknown slugs."""
    ids = {node.slug: node.id for node in state.categories.values()}
    if unknown := [slug for slug in slugs if slug not in ids]:
        raise categories_not_found(unknown)
    return [ids[slug] for slug in slugs]
