"""The products of a shop within this process."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from attrs import asdict, define, evolve, field

from eggypro_adapters.memory.shelf import MemoryDatabase, Shelf
from eggypro_core.categories import no_categories
from eggypro_core.paging import COUNTED, Page
from eggypro_core.products import (
    HIGHEST_STOCK,
    ListedProduct,
    Product,
    ProductDraft,
    stock_refused,
)
from eggypro_core.queries import RANKED, ProductQuery, Sort, SortKey, sort_key
from eggypro_core.slugs import fold, free_slug, slug_of

_WORD = re.compile(r"\w+")
_TAG = re.compile(r"<[^>]*>")


class MemoryProductStore:
    """Products in this process. Everything is gone with it."""

    def __init__(self, database: MemoryDatabase | None = None) -> None:
        self._database = database or MemoryDatabase()

    def find(self, slug: str) -> Product:
        with self._database.lock:
            return self._database.shelf.find(slug)

    def page(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        with self._database.lock:
            shelf = self._database.shelf.copy()
        inside = None if query.category is None else _inside(query.category, shelf)
        every = [one for one in shelf.products.values() if inside is None or one.id in inside]
        found = [(_place(query, one), one) for one in every if _matches(query, one)]
        found.sort(key=lambda row: row[0], reverse=query.sort.descending)
        rows = found[:RANKED] if query.sort is Sort.RELEVANCE else found
        if query.after is not None:
            after = query.after_key()
            rows = [row for row in rows if _is_behind(row[0], after, query.sort)]
        rows = rows[query.offset :]
        shown = rows[: query.limit]
        return Page(
            items=tuple(_listed(product, shelf) for _, product in shown),
            total=min(len(found), COUNTED),
            total_capped=len(found) > COUNTED,
            next=query.following(shown[-1][1], _score(query, shown[-1][1]))
            if len(rows) > query.limit
            else None,
        )

    def add(self, draft: ProductDraft, at: datetime) -> Product:
        with self._database.lock:
            return _added(self._database.shelf, draft, next(self._database.ids), at)

    def change(self, slug: str, to: Callable[[Product], Product]) -> Product:
        with self._database.lock:
            shelf = self._database.shelf
            changed = to(shelf.find(slug))
            shelf.put(changed)
            return shelf.find(changed.slug)

    def adjust_stock(self, slug: str, by: int) -> int:
        with self._database.lock:
            product = self._database.shelf.find(slug)
            stock = product.stock_quantity + by
            if not 0 <= stock <= HIGHEST_STOCK:
                raise stock_refused(product.stock_quantity, by)
            self._database.shelf.put(evolve(product, stock_quantity=stock))
            return stock

    def set_stock(self, slug: str, to: int) -> int:
        with self._database.lock:
            product = self._database.shelf.find(slug)
            self._database.shelf.put(evolve(product, stock_quantity=to))
            return to

    def remove(self, slug: str, check: Callable[[Product], None]) -> None:
        with self._database.lock:
            product = self._database.shelf.find(slug)
            check(product)
            del self._database.shelf.products[product.id]
            self._database.shelf.links = {
                link for link in self._database.shelf.links if link[0] != product.id
            }
            self._database.shelf.aliases = {
                alias: holder
                for alias, holder in self._database.shelf.aliases.items()
                if holder != product.id
            }

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
        return {one.slug: one for one in self.shelf.products.values() if one.slug in wanted}

    def holders(self, skus: Collection[str]) -> Mapping[str, str]:
        wanted = set(skus)
        every = self.shelf.products.values()
        return {one.sku: one.slug for one in every if one.sku is not None and one.sku in wanted}

    def put(self, new: Sequence[ProductDraft], changed: Sequence[Product], at: datetime) -> None:
        for draft in new:
            _added(self.shelf, draft, next(self.ids), at)
        for product in changed:
            self.shelf.put(product)

    def commit(self) -> None:
        self.committed = True


def _added(shelf: Shelf, draft: ProductDraft, new_id: int, at: datetime) -> Product:
    values = asdict(draft, recurse=False)
    wanted = values.pop("categories")
    values["slug"] = draft.slug or free_slug(slug_of(draft.name), shelf.holds)
    product = Product(**values, id=new_id, version=1, created_at=at, updated_at=at)
    ids = {node.slug: node.id for node in shelf.categories.values()}
    if unknown := [slug for slug in wanted if slug not in ids]:
        raise no_categories(unknown)
    shelf.put(product)
    shelf.links.update((new_id, ids[slug]) for slug in wanted)
    return shelf.find(product.slug)


def _matches(query: ProductQuery, product: Product) -> bool:
    return (
        query.status.shows(is_active=product.is_active)
        and (query.in_stock is None or product.in_stock == query.in_stock)
        and (query.min_price is None or product.price >= query.min_price)
        and (query.max_price is None or product.price <= query.max_price)
        and (query.search is None or _score(query, product) > 0)
    )


def _inside(category: str, shelf: Shelf) -> set[int]:
    """Return the ids of the products in a visible category, or in what is visible below it."""
    roots = [node for node in shelf.categories.values() if node.slug == category]
    nodes = [node for root in roots for node in shelf.within(root) if shelf.is_visible(node)]
    shown = {node.id for node in nodes}
    return {product for product, category in shelf.links if category in shown}


def _listed(product: Product, shelf: Shelf) -> ListedProduct:
    return evolve(product.listed(), categories=shelf.names_of(product.id))


def _place(query: ProductQuery, product: Product) -> tuple[SortKey, int]:
    if query.sort is Sort.RELEVANCE:
        return _score(query, product), product.id
    return sort_key(query.sort, product), product.id


def _is_behind(place: tuple[SortKey, int], after: tuple[SortKey, int], sort: Sort) -> bool:
    # The two keys are of one sort, and so of one type.
    return place < after if sort.descending else place > after


def _score(query: ProductQuery, product: Product) -> int:
    """Return 3 where the name has all the words, 2 with the ingredients, 1 with the rest, or 0."""
    if query.search is None:
        return 0
    if query.search == product.sku:
        return 4
    words = _WORD.findall(fold(query.search))
    name = _WORD.findall(fold(product.name))
    some = [*name, *_WORD.findall(fold(" ".join(product.ingredients)))]
    details = _TAG.sub(" ", product.details)
    every = [*some, *_WORD.findall(fold(f"{product.description} {details}"))]
    tiers = (name, some, every)
    return next((3 - tier for tier, text in enumerate(tiers) if _has(text, words)), 0)


def _has(text: Sequence[str], words: Sequence[str]) -> bool:
    """Whether a text has all the words, the last of which may be unfinished."""
    return (
        bool(words)
        and set(words[:-1]).issubset(text)
        and any(word.startswith(words[-1]) for word in text)
    )
