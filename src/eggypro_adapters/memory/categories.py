"""The categories of a shop within this process."""

from collections.abc import Callable, Sequence
from datetime import datetime

from attrs import evolve

from eggypro_adapters.memory.database import CategoryNode, MemoryDatabase, MemoryState
from eggypro_adapters.memory.keyset import page_of
from eggypro_core.domain.category import (
    MAX_SLUG_LENGTH,
    NO_PARENT,
    Category,
    CategoryDraft,
    CategoryQuery,
    category_not_found,
    check_position,
    parent_not_found,
)
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product_query import name_sort_key
from eggypro_core.domain.slug import free_slug, slug_conflict, slugify
from eggypro_core.errors import NotFoundError
from eggypro_core.search.text import tokenize


class MemoryCategoryStore:
    """Categories in this process. Everything is gone with it."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def get(self, slug: str) -> Category:
        with self._database.lock:
            shelf = self._database.state
            return _to_category(shelf, _get_node(shelf, slug))

    def list(self, query: CategoryQuery) -> Page[Category, CategoryQuery]:
        with self._database.lock:
            shelf = self._database.state.copy()
        nodes = [node for node in shelf.categories.values() if _matches(query, node, shelf)]
        return page_of(
            query, nodes, place=_sort_key, item_of=lambda node: _to_category(shelf, node)
        )

    def create(self, draft: CategoryDraft, at: datetime) -> Category:
        with self._database.lock:
            shelf = self._database.state
            return _to_category(shelf, create_category(shelf, draft, next(self._database.ids), at))

    def create_many(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        with self._database.lock:
            shelf = self._database.state.copy()
            for draft in drafts:
                create_category(shelf, draft, next(self._database.ids), at)
            self._database.state = shelf

    def update(self, slug: str, change: Callable[[Category], Category]) -> Category:
        with self._database.lock:
            shelf = self._database.state
            node = _get_node(shelf, slug)
            new = change(_to_category(shelf, node))
            changed = evolve(
                node,
                name=new.name,
                slug=new.slug,
                description=new.description,
                is_active=new.is_active,
            )
            return _to_category(shelf, _save(shelf, changed, new.parent))

    def delete(self, slug: str) -> None:
        with self._database.lock:
            shelf = self._database.state
            gone = _get_node(shelf, slug)
            del shelf.categories[gone.id]
            for node in list(shelf.categories.values()):
                if node.parent == gone.id:
                    shelf.categories[node.id] = evolve(node, parent=gone.parent)
            shelf.links = {link for link in shelf.links if link[1] != gone.id}

    def link(self, product: str, category: str) -> None:
        with self._database.lock:
            shelf = self._database.state
            shelf.links.add((shelf.get(product).id, _get_node(shelf, category).id))

    def unlink(self, product: str, category: str) -> None:
        with self._database.lock:
            shelf = self._database.state
            try:
                shelf.links.discard((shelf.get(product).id, _get_node(shelf, category).id))
            except NotFoundError:
                return


def _get_node(shelf: MemoryState, slug: str) -> CategoryNode:
    for node in shelf.categories.values():
        if node.slug == slug:
            return node
    raise category_not_found(slug)


def list_category_drafts(shelf: MemoryState) -> list[CategoryDraft]:
    """Return every category as it would be added, each behind its parent."""
    lines = sorted((shelf.path_to(node) for node in shelf.categories.values()), key=_slugs)
    return [
        CategoryDraft(
            name=node.name,
            slug=node.slug,
            description=node.description,
            parent=above[-1].slug if above else None,
            is_active=node.is_active,
        )
        for *above, node in lines
    ]


def create_category(
    shelf: MemoryState, draft: CategoryDraft, new_id: int, at: datetime
) -> CategoryNode:
    """Put a new category on a shelf, and return it."""
    taken = {NO_PARENT, *(node.slug for node in shelf.categories.values())}
    wanted = slugify(draft.name, MAX_SLUG_LENGTH, fallback="category")
    node = CategoryNode(
        id=new_id,
        name=draft.name,
        slug=draft.slug or free_slug(wanted, taken, MAX_SLUG_LENGTH),
        description=draft.description,
        parent=None,
        is_active=draft.is_active,
        created_at=at,
    )
    return _save(shelf, node, draft.parent)


def _save(shelf: MemoryState, node: CategoryNode, parent: str | None) -> CategoryNode:
    """Keep a category below a parent, in the place of its former self."""
    above = None if parent is None else _get_parent(shelf, parent)
    for other in shelf.categories.values():
        if other.id != node.id and other.slug == node.slug:
            raise slug_conflict(other.slug, "category", is_active=other.is_active)
    former = shelf.categories.get(node.id, node)
    if above is not None:
        check_position(
            former.slug, _slugs(shelf.path_to(above)), levels=_subtree_depth(shelf, former)
        )
    kept = evolve(node, parent=None if above is None else above.id)
    shelf.categories[node.id] = kept
    shelf.words.update(tokenize(kept.name))
    return kept


def _get_parent(shelf: MemoryState, slug: str) -> CategoryNode:
    try:
        return _get_node(shelf, slug)
    except NotFoundError:
        raise parent_not_found(slug) from None


def _subtree_depth(shelf: MemoryState, node: CategoryNode) -> int:
    """Return how many levels there are from a category down: 1 if there is nothing below it."""
    deepest = max(len(shelf.path_to(one)) for one in [node, *shelf.subtree(node)])
    return deepest - len(shelf.path_to(node)) + 1


def _to_category(shelf: MemoryState, node: CategoryNode) -> Category:
    path = tuple(_slugs(shelf.path_to(node)))
    return Category(
        id=node.id,
        name=node.name,
        slug=node.slug,
        description=node.description,
        parent=path[-2] if node.parent is not None else None,
        path=path,
        is_active=node.is_active,
        is_visible=shelf.is_visible(node),
        product_count=_count_products(shelf, node),
        created_at=node.created_at,
    )


def _count_products(shelf: MemoryState, node: CategoryNode) -> int:
    """Return how many active products are in a category, or in what is visible below it."""
    shown = {one.id for one in shelf.subtree(node) if shelf.is_visible(one)} | {node.id}
    inside = {product for product, category in shelf.links if category in shown}
    return sum(shelf.products[product].is_active for product in inside)


def _matches(query: CategoryQuery, node: CategoryNode, shelf: MemoryState) -> bool:
    if not query.status.includes(is_active=shelf.is_visible(node)):
        return False
    if query.parent is None:
        return True
    if query.parent == NO_PARENT:
        return node.parent is None
    return node.parent is not None and shelf.categories[node.parent].slug == query.parent


def _slugs(line: Sequence[CategoryNode]) -> list[str]:
    return [node.slug for node in line]


def _sort_key(node: CategoryNode) -> tuple[str, int]:
    return name_sort_key(node.name), node.id
