"""The products of a shop within this process."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from attrs import asdict, define, evolve, field

from eggypro_adapters.memory.categories import add_category, drafts_of
from eggypro_adapters.memory.database import MemoryDatabase, Shelf, named
from eggypro_adapters.memory.keyset import page_of
from eggypro_adapters.memory.search import find, reason_of
from eggypro_core.domain.category import CategoryDraft, no_categories
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import (
    HIGHEST_STOCK,
    ListedProduct,
    Product,
    ProductDraft,
    set_by_variants,
    stock_refused,
)
from eggypro_core.domain.product_files import Export
from eggypro_core.domain.product_query import (
    FACETED,
    SUGGESTED,
    CategoryCount,
    Facets,
    ProductQuery,
    Sort,
    SortKey,
    Suggestion,
    name_key,
    sort_key,
)
from eggypro_core.domain.slug import free_slug, slug_of
from eggypro_core.domain.variant import Variant, VariantDraft
from eggypro_core.search.results import Explained
from eggypro_core.validation.parameters import Status


class MemoryProductStore:
    """Products in this process. Everything is gone with it."""

    def __init__(self, database: MemoryDatabase | None = None) -> None:
        self._database = database or MemoryDatabase()

    def find(self, slug: str, variants: Status = Status.ACTIVE) -> Product:
        with self._database.lock:
            shelf = self._database.shelf
            return shelf.whole(shelf.find(slug), variants)

    def page(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        with self._database.lock:
            shelf = self._database.shelf.copy()
        return page_of(
            query,
            _found(query, shelf),
            place=lambda row: row[0],
            item_of=lambda row: _listed(row[1], shelf),
            most=query.ranked_rows_left if query.sort is Sort.RELEVANCE else None,
        )

    def facets(self, query: ProductQuery, *, many: bool) -> Facets:  # noqa: ARG002  (all are counted)
        with self._database.lock:
            shelf = self._database.shelf.copy()
        found = [product for _, product in _found(query, shelf)]
        prices = [product.price for product in found]
        return Facets(
            categories=_counts(found, shelf),
            lowest=min(prices, default=None),
            highest=max(prices, default=None),
            in_stock=sum(product.in_stock for product in found),
        )

    def explain(self, query: ProductQuery) -> Explained:
        with self._database.lock:
            page, shelf = self.page(query), self._database.shelf.copy()
        reading = find(shelf, query.search or "", _matching(query, shelf)).reading
        reasons = [reason_of(shelf, reading, shelf.products[item.id]) for item in page.items]
        return Explained(page, reading, reasons)

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        page = self.page(ProductQuery(search=search, sort=Sort.RELEVANCE, limit=SUGGESTED))
        return tuple(map(Suggestion.of, page.items))

    def add(self, draft: ProductDraft, at: datetime) -> Product:
        with self._database.lock:
            shelf = self._database.shelf
            return shelf.whole(_added(shelf, draft, next(self._database.ids), at))

    def change(self, slug: str, to: Callable[[Product], Product]) -> Product:
        with self._database.lock:
            changed = to(self.find(slug))
            self._database.shelf.put(changed)
            return self.find(changed.slug)

    def adjust_stock(self, slug: str, by: int) -> int:
        with self._database.lock:
            product = self._database.shelf.find(slug)
            stock = product.stock_quantity + by
            if by and product.has_variants:
                raise set_by_variants("stock_quantity")
            if not 0 <= stock <= HIGHEST_STOCK:
                raise stock_refused(product.stock_quantity, by)
            return self.set_stock(slug, stock)

    def set_stock(self, slug: str, to: int) -> int:
        with self._database.lock:
            product = self._database.shelf.find(slug)
            if product.has_variants and to != product.stock_quantity:
                raise set_by_variants("stock_quantity")
            self._database.shelf.put(evolve(product, stock_quantity=to))
            return to

    def remove(self, slug: str, check: Callable[[Product], None]) -> None:
        with self._database.lock:
            product = self._database.shelf.find(slug)
            check(product)
            self._database.shelf.remove(product)

    @contextmanager
    def export(self, status: Status) -> Iterator[Export]:
        with self._database.lock:
            shelf = self._database.shelf.copy()
        found = sorted(shelf.products.values(), key=lambda product: product.id)
        shown = (one for one in found if status.shows(is_active=one.is_active))
        yield Export(drafts_of(shelf), (_exported(one, shelf) for one in shown))

    @contextmanager
    def load(self) -> Iterator["_MemoryLoad"]:
        with self._database.lock:
            load = _MemoryLoad(self._database.shelf.copy(), self._database.ids)
            yield load
            if load.committed:
                self._database.shelf = load.shelf


@define
class _MemoryLoad:
    shelf: Shelf
    ids: Iterator[int]
    seen: set[str] = field(factory=set)
    committed: bool = False

    def repeated(self, keys: Sequence[str]) -> Collection[str]:
        again = self.seen.intersection(keys)
        self.seen.update(keys)
        return again

    def known(self, slugs: Collection[str]) -> Mapping[str, Product]:
        wanted = set(slugs)
        return {
            one.slug: evolve(one, variants=self.shelf.variants_of(one))
            for one in self.shelf.products.values()
            if one.slug in wanted
        }

    def holders(self, skus: Collection[str]) -> Mapping[str, str]:
        wanted = set(skus)
        return {sku: holder.slug for sku, holder, _ in self.shelf.skus() if sku in wanted}

    def images(self, public_ids: Collection[str]) -> Collection[str]:
        return list(filter(self.shelf.can_have, public_ids))

    def put(self, new: Sequence[ProductDraft], changed: Sequence[Product], at: datetime) -> None:
        for draft in new:
            _added(self.shelf, draft, next(self.ids), at)
        for product in changed:
            self.shelf.put(product)

    def put_variants(
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
            product = self.shelf.find(slug)
            every = {one.id: one for one in (*self.shelf.variants_of(product), *variants)}
            self.shelf.put_variants(product, every.values())
        self.shelf.refuse_skus_twice()  # only now: variants may give one another theirs

    def categories(self) -> Iterable[CategoryDraft]:
        return drafts_of(self.shelf)

    def put_categories(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        for draft in drafts:
            add_category(self.shelf, draft, next(self.ids), at)

    def linked(self, slugs: Collection[str]) -> Mapping[str, Collection[str]]:
        found = self.known(slugs).values()
        inside = {one.slug: [node.slug for node in self.shelf.inside(one.id)] for one in found}
        return {slug: every for slug, every in inside.items() if every}

    def link(self, places: Mapping[str, Collection[str]]) -> None:
        found = [(one.id, places[one.slug]) for one in self.known(places).values()]
        products = {product for product, _ in found}
        others = {link for link in self.shelf.links if link[0] not in products}
        links = {(product, one) for product, slugs in found for one in _ids(self.shelf, slugs)}
        self.shelf.links = others | links

    def commit(self) -> None:
        self.committed = True


def _added(shelf: Shelf, draft: ProductDraft, new_id: int, at: datetime) -> Product:
    values = asdict(draft, recurse=False)
    del values["variants"]
    wanted = values.pop("categories")
    values["slug"] = draft.slug or free_slug(slug_of(draft.name), shelf.holds)
    product = Product(**values, id=new_id, version=1, created_at=at, updated_at=at)
    inside = _ids(shelf, wanted)
    shelf.put(product)
    shelf.links.update((new_id, category) for category in inside)
    return evolve(product, categories=shelf.names_of(new_id))


def _ids(shelf: Shelf, slugs: Collection[str]) -> list[int]:
    """Return the ids of categories. Raises InvalidError where one of them is missing."""
    ids = {node.slug: node.id for node in shelf.categories.values()}
    if unknown := [slug for slug in slugs if slug not in ids]:
        raise no_categories(unknown)
    return [ids[slug] for slug in slugs]


def _exported(product: Product, shelf: Shelf) -> Product:
    """Return a product with all its variants and categories."""
    categories = named(shelf.inside(product.id))
    return evolve(
        product,
        variants=shelf.variants_of(product),
        categories=categories,
        stored_images=shelf.stored_images_of(product),
    )


def _found(query: ProductQuery, shelf: Shelf) -> list[tuple[tuple[SortKey, int], Product]]:
    """Return the products of a query, each with its place in the order."""
    matches = _matching(query, shelf)
    if query.search is None:
        relevance = dict.fromkeys((one.id for one in filter(matches, shelf.products.values())), 0)
    else:
        relevance = dict(find(shelf, query.search, matches).relevance)
    rows = [(shelf.products[one], fit) for one, fit in relevance.items()]
    return [(_place(query, product, fit), product) for product, fit in rows]


def _matching(query: ProductQuery, shelf: Shelf) -> Callable[[Product], bool]:
    """Return what tells the products that match a query, apart from its search."""
    inside = None if query.category is None else _inside(query.category, shelf)
    return lambda one: _matches(query, one) and (inside is None or one.id in inside)


def _counts(found: Collection[Product], shelf: Shelf) -> tuple[CategoryCount, ...]:
    """Return the visible categories that products are in or below, those of the most first."""
    ids = {product.id for product in found}
    inside: dict[int, set[int]] = defaultdict(set)
    for product, category in shelf.links:
        node = shelf.categories[category]
        if product in ids and shelf.is_visible(node):
            for above in shelf.line_of(node):
                inside[above.id].add(product)
    nodes = [(shelf.categories[one], len(those)) for one, those in inside.items()]
    nodes.sort(key=lambda pair: (-pair[1], name_key(pair[0].name), pair[0].slug))
    return tuple(CategoryCount(one.slug, one.name, number) for one, number in nodes[:FACETED])


def _matches(query: ProductQuery, product: Product) -> bool:
    return (
        query.status.shows(is_active=product.is_active)
        and (query.in_stock is None or product.in_stock == query.in_stock)
        and (query.min_price is None or product.price >= query.min_price)
        and (query.max_price is None or product.price <= query.max_price)
    )


def _inside(category: str, shelf: Shelf) -> set[int]:
    """Return the ids of the products in a visible category, or in what is visible below it."""
    roots = [node for node in shelf.categories.values() if node.slug == category]
    nodes = [node for root in roots for node in shelf.within(root) if shelf.is_visible(node)]
    shown = {node.id for node in nodes}
    return {product for product, category in shelf.links if category in shown}


def _listed(product: Product, shelf: Shelf) -> ListedProduct:
    return evolve(product.listed(), categories=shelf.names_of(product.id))


def _place(query: ProductQuery, product: Product, relevance: int) -> tuple[SortKey, int]:
    if query.sort is Sort.RELEVANCE:
        return relevance, product.id
    return sort_key(query.sort, product), product.id
