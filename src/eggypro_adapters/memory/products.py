"""The products of a shop within this process."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from attrs import asdict, define, evolve, field

from eggypro_adapters.memory.categories import create_category, list_category_drafts
from eggypro_adapters.memory.database import MemoryDatabase, MemoryState, category_names
from eggypro_adapters.memory.keyset import page_of
from eggypro_adapters.memory.search import explain_rank, run_search
from eggypro_core.domain.category import CategoryDraft, categories_not_found
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import (
    MAX_STOCK,
    ListedProduct,
    Product,
    ProductDraft,
    derived_field_error,
    insufficient_stock,
)
from eggypro_core.domain.product_files import CatalogSnapshot
from eggypro_core.domain.product_query import (
    MAX_FACET_CATEGORIES,
    MAX_SUGGESTIONS,
    CategoryCount,
    Facets,
    ProductQuery,
    Sort,
    SortKey,
    Suggestion,
    name_sort_key,
    sort_key,
)
from eggypro_core.domain.slug import free_slug, slugify
from eggypro_core.domain.variant import Variant, VariantDraft
from eggypro_core.search.results import ExplainedPage
from eggypro_core.validation.parameters import Status


class MemoryProductStore:
    """Products in this process. Everything is gone with it."""

    def __init__(self, database: MemoryDatabase | None = None) -> None:
        self._database = database or MemoryDatabase()

    def get(self, slug: str, variant_status: Status = Status.ACTIVE) -> Product:
        with self._database.lock:
            shelf = self._database.state
            return shelf.with_details(shelf.get(slug), variant_status)

    def list(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        with self._database.lock:
            shelf = self._database.state.copy()
        return page_of(
            query,
            _list_rows(query, shelf),
            place=lambda row: row[0],
            item_of=lambda row: _to_listed(row[1], shelf),
            most=query.ranked_rows_left if query.sort is Sort.RELEVANCE else None,
        )

    def get_facets(self, query: ProductQuery, *, allow_sample: bool) -> Facets:  # noqa: ARG002  (all are counted)
        with self._database.lock:
            shelf = self._database.state.copy()
        found = [product for _, product in _list_rows(query, shelf)]
        prices = [product.price for product in found]
        return Facets(
            categories=_count_categories(found, shelf),
            min_price=min(prices, default=None),
            max_price=max(prices, default=None),
            in_stock_count=sum(product.in_stock for product in found),
        )

    def explain(self, query: ProductQuery) -> ExplainedPage:
        with self._database.lock:
            page, shelf = self.list(query), self._database.state.copy()
        reading = run_search(shelf, query.search or "", _make_filter(query, shelf)).parsed_query
        reasons = [explain_rank(shelf, reading, shelf.products[item.id]) for item in page.items]
        return ExplainedPage(page, reading, reasons)

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        page = self.list(ProductQuery(search=search, sort=Sort.RELEVANCE, limit=MAX_SUGGESTIONS))
        return tuple(map(Suggestion.from_product, page.items))

    def create(self, draft: ProductDraft, at: datetime) -> Product:
        with self._database.lock:
            shelf = self._database.state
            return shelf.with_details(_create(shelf, draft, next(self._database.ids), at))

    def update(self, slug: str, change: Callable[[Product], Product]) -> Product:
        with self._database.lock:
            changed = change(self.get(slug))
            self._database.state.save(changed)
            return self.get(changed.slug)

    def adjust_stock(self, slug: str, delta: int) -> int:
        with self._database.lock:
            product = self._database.state.get(slug)
            stock = product.stock_quantity + delta
            if delta and product.has_variants:
                raise derived_field_error("stock_quantity")
            if not 0 <= stock <= MAX_STOCK:
                raise insufficient_stock(product.stock_quantity, delta)
            return self.set_stock(slug, stock)

    def set_stock(self, slug: str, quantity: int) -> int:
        with self._database.lock:
            product = self._database.state.get(slug)
            if product.has_variants and quantity != product.stock_quantity:
                raise derived_field_error("stock_quantity")
            self._database.state.save(evolve(product, stock_quantity=quantity))
            return quantity

    def delete(self, slug: str, check: Callable[[Product], None]) -> None:
        with self._database.lock:
            product = self._database.state.get(slug)
            check(product)
            self._database.state.delete(product)

    @contextmanager
    def export_products(self, status: Status) -> Iterator[CatalogSnapshot]:
        with self._database.lock:
            shelf = self._database.state.copy()
        found = sorted(shelf.products.values(), key=lambda product: product.id)
        shown = (one for one in found if status.includes(is_active=one.is_active))
        yield CatalogSnapshot(
            list_category_drafts(shelf), (_export_product(one, shelf) for one in shown)
        )

    @contextmanager
    def begin_import(self) -> Iterator["_MemoryImportSession"]:
        with self._database.lock:
            load = _MemoryImportSession(self._database.state.copy(), self._database.ids)
            yield load
            if load.is_committed:
                self._database.state = load.state


@define
class _MemoryImportSession:
    state: MemoryState
    ids: Iterator[int]
    seen_keys: set[str] = field(factory=set)
    is_committed: bool = False

    def find_repeated(self, keys: Sequence[str]) -> Collection[str]:
        again = self.seen_keys.intersection(keys)
        self.seen_keys.update(keys)
        return again

    def find_by_slugs(self, slugs: Collection[str]) -> Mapping[str, Product]:
        wanted = set(slugs)
        return {
            one.slug: evolve(one, variants=self.state.variants_of(one))
            for one in self.state.products.values()
            if one.slug in wanted
        }

    def find_sku_owners(self, skus: Collection[str]) -> Mapping[str, str]:
        wanted = set(skus)
        return {sku: holder.slug for sku, holder, _ in self.state.skus() if sku in wanted}

    def find_attachable_images(self, public_ids: Collection[str]) -> Collection[str]:
        return list(filter(self.state.is_attachable, public_ids))

    def write_products(
        self, new: Sequence[ProductDraft], changed: Sequence[Product], at: datetime
    ) -> None:
        for draft in new:
            _create(self.state, draft, next(self.ids), at)
        for product in changed:
            self.state.save(product)

    def write_variants(
        self,
        new: Sequence[tuple[str, VariantDraft]],
        changed: Sequence[tuple[str, Variant]],
    ) -> None:
        by_slug: dict[str, list[Variant]] = defaultdict(list)
        for slug, variant in changed:
            by_slug[slug].append(variant)
        for slug, draft in new:
            values = asdict(draft, recurse=False)
            by_slug[slug].append(Variant(**values, id=next(self.ids)))
        for slug, variants in by_slug.items():
            product = self.state.get(slug)
            every = {one.id: one for one in (*self.state.variants_of(product), *variants)}
            self.state.save_variants(product, every.values())
        self.state.check_unique_skus()  # only now: variants may give one another theirs

    def list_categories(self) -> Iterable[CategoryDraft]:
        return list_category_drafts(self.state)

    def create_categories(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        for draft in drafts:
            create_category(self.state, draft, next(self.ids), at)

    def find_category_slugs(self, slugs: Collection[str]) -> Mapping[str, Collection[str]]:
        found = self.find_by_slugs(slugs).values()
        inside = {
            one.slug: [node.slug for node in self.state.categories_of(one.id)] for one in found
        }
        return {slug: every for slug, every in inside.items() if every}

    def set_categories(self, categories: Mapping[str, Collection[str]]) -> None:
        found = [(one.id, categories[one.slug]) for one in self.find_by_slugs(categories).values()]
        products = {product for product, _ in found}
        others = {link for link in self.state.links if link[0] not in products}
        links = {
            (product, one) for product, slugs in found for one in _category_ids(self.state, slugs)
        }
        self.state.links = others | links

    def commit(self) -> None:
        self.is_committed = True


def _create(shelf: MemoryState, draft: ProductDraft, new_id: int, at: datetime) -> Product:
    values = asdict(draft, recurse=False)
    del values["variants"]
    wanted = values.pop("categories")
    values["slug"] = draft.slug or free_slug(slugify(draft.name), shelf.has_slug)
    product = Product(**values, id=new_id, version=1, created_at=at, updated_at=at)
    inside = _category_ids(shelf, wanted)
    shelf.save(product)
    shelf.links.update((new_id, category) for category in inside)
    return evolve(product, categories=shelf.visible_category_names(new_id))


def _category_ids(shelf: MemoryState, slugs: Collection[str]) -> list[int]:
    """Return the ids of categories. Raises ValidationError where one of them is missing."""
    ids = {node.slug: node.id for node in shelf.categories.values()}
    if unknown := [slug for slug in slugs if slug not in ids]:
        raise categories_not_found(unknown)
    return [ids[slug] for slug in slugs]


def _export_product(product: Product, shelf: MemoryState) -> Product:
    """Return a product with all its variants and categories."""
    categories = category_names(shelf.categories_of(product.id))
    return evolve(
        product,
        variants=shelf.variants_of(product),
        categories=categories,
        stored_images=shelf.stored_images_of(product),
    )


def _list_rows(
    query: ProductQuery, shelf: MemoryState
) -> list[tuple[tuple[SortKey, int], Product]]:
    """Return the products of a query, each with its place in the order."""
    matches = _make_filter(query, shelf)
    if query.search is None:
        relevance = dict.fromkeys((one.id for one in filter(matches, shelf.products.values())), 0)
    else:
        relevance = dict(run_search(shelf, query.search, matches).relevance)
    rows = [(shelf.products[one], fit) for one, fit in relevance.items()]
    return [(_sort_position(query, product, fit), product) for product, fit in rows]


def _make_filter(query: ProductQuery, shelf: MemoryState) -> Callable[[Product], bool]:
    """Return what tells the products that match a query, apart from its search."""
    inside = None if query.category is None else _product_ids_in(query.category, shelf)
    return lambda one: _matches(query, one) and (inside is None or one.id in inside)


def _count_categories(found: Collection[Product], shelf: MemoryState) -> tuple[CategoryCount, ...]:
    """Return the visible categories that products are in or below, those of the most first."""
    ids = {product.id for product in found}
    inside: dict[int, set[int]] = defaultdict(set)
    for product, category in shelf.links:
        node = shelf.categories[category]
        if product in ids and shelf.is_visible(node):
            for above in shelf.path_to(node):
                inside[above.id].add(product)
    nodes = [(shelf.categories[one], len(those)) for one, those in inside.items()]
    nodes.sort(key=lambda pair: (-pair[1], name_sort_key(pair[0].name), pair[0].slug))
    return tuple(
        CategoryCount(one.slug, one.name, number) for one, number in nodes[:MAX_FACET_CATEGORIES]
    )


def _matches(query: ProductQuery, product: Product) -> bool:
    return (
        query.status.includes(is_active=product.is_active)
        and (query.in_stock is None or product.in_stock == query.in_stock)
        and (query.min_price is None or product.price >= query.min_price)
        and (query.max_price is None or product.price <= query.max_price)
    )


def _product_ids_in(category: str, shelf: MemoryState) -> set[int]:
    """Return the ids of the products in a visible category, or in what is visible below it."""
    roots = [node for node in shelf.categories.values() if node.slug == category]
    nodes = [node for root in roots for node in shelf.subtree(root) if shelf.is_visible(node)]
    shown = {node.id for node in nodes}
    return {product for product, category in shelf.links if category in shown}


def _to_listed(product: Product, shelf: MemoryState) -> ListedProduct:
    return evolve(product.to_listed(), categories=shelf.visible_category_names(product.id))


def _sort_position(query: ProductQuery, product: Product, relevance: int) -> tuple[SortKey, int]:
    if query.sort is Sort.RELEVANCE:
        return relevance, product.id
    return sort_key(query.sort, product), product.id
