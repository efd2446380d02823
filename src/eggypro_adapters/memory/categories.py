"""The categories of a shop within this process."""

from collections.abc import Callable, Sequence
from datetime import datetime

from attrs import evolve

from eggypro_adapters.memory.database import MemoryDatabase, Node, Shelf
from eggypro_adapters.memory.keyset import page_of
from eggypro_core.domain.category import (
    ROOTS,
    SLUG,
    Category,
    CategoryDraft,
    CategoryQuery,
    no_category,
    no_parent,
    require_place,
)
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product_query import name_key
from eggypro_core.domain.slug import free_slug, slug_conflict, slug_of
from eggypro_core.errors import NotFoundError
from eggypro_core.search.text import words_of


class MemoryCategoryStore:
    """Categories in this process. Everything is gone with it."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def find(self, slug: str) -> Category:
        with self._database.lock:
            shelf = self._database.shelf
            return _category(shelf, _node(shelf, slug))

    def page(self, query: CategoryQuery) -> Page[Category, CategoryQuery]:
        with self._database.lock:
            shelf = self._database.shelf.copy()
        nodes = [node for node in shelf.categories.values() if _matches(query, node, shelf)]
        return page_of(query, nodes, place=_place, item_of=lambda node: _category(shelf, node))

    def add(self, draft: CategoryDraft, at: datetime) -> Category:
        with self._database.lock:
            shelf = self._database.shelf
            return _category(shelf, add_category(shelf, draft, next(self._database.ids), at))

    def add_all(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        with self._database.lock:
            shelf = self._database.shelf.copy()
            for draft in drafts:
                add_category(shelf, draft, next(self._database.ids), at)
            self._database.shelf = shelf

    def change(self, slug: str, to: Callable[[Category], Category]) -> Category:
        with self._database.lock:
            shelf = self._database.shelf
            node = _node(shelf, slug)
            new = to(_category(shelf, node))
            changed = evolve(
                node,
                name=new.name,
                slug=new.slug,
                description=new.description,
                is_active=new.is_active,
            )
            return _category(shelf, _put(shelf, changed, new.parent))

    def remove(self, slug: str) -> None:
        with self._database.lock:
            shelf = self._database.shelf
            gone = _node(shelf, slug)
            del shelf.categories[gone.id]
            for node in list(shelf.categories.values()):
                if node.parent == gone.id:
                    shelf.categories[node.id] = evolve(node, parent=gone.parent)
            shelf.links = {link for link in shelf.links if link[1] != gone.id}

    def link(self, product: str, category: str) -> None:
        with self._database.lock:
            shelf = self._database.shelf
            shelf.links.add((shelf.find(product).id, _node(shelf, category).id))

    def unlink(self, product: str, category: str) -> None:
        with self._database.lock:
            shelf = self._database.shelf
            try:
                shelf.links.discard((shelf.find(product).id, _node(shelf, category).id))
            except NotFoundError:
                return


def _node(shelf: Shelf, slug: str) -> Node:
    for node in shelf.categories.values():
        if node.slug == slug:
            return node
    raise no_category(slug)


def drafts_of(shelf: Shelf) -> list[CategoryDraft]:
    """Return every category as it would be added, each behind its parent."""
    lines = sorted((shelf.line_of(node) for node in shelf.categories.values()), key=_path)
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


def add_category(shelf: Shelf, draft: CategoryDraft, new_id: int, at: datetime) -> Node:
    """Put a new category on a shelf, and return it."""
    taken = {ROOTS, *(node.slug for node in shelf.categories.values())}
    wanted = slug_of(draft.name, SLUG, otherwise="category")
    node = Node(
        id=new_id,
        name=draft.name,
        slug=draft.slug or free_slug(wanted, taken, SLUG),
        description=draft.description,
        parent=None,
        is_active=draft.is_active,
        created_at=at,
    )
    return _put(shelf, node, draft.parent)


def _put(shelf: Shelf, node: Node, parent: str | None) -> Node:
    """Keep a category below a parent, in the place of its former self."""
    above = None if parent is None else _parent(shelf, parent)
    for other in shelf.categories.values():
        if other.id != node.id and other.slug == node.slug:
            raise slug_conflict(other.slug, "category", is_active=other.is_active)
    former = shelf.categories.get(node.id, node)
    if above is not None:
        require_place(former.slug, _path(shelf.line_of(above)), levels=_levels(shelf, former))
    kept = evolve(node, parent=None if above is None else above.id)
    shelf.categories[node.id] = kept
    shelf.words.update(words_of(kept.name))
    return kept


def _parent(shelf: Shelf, slug: str) -> Node:
    try:
        return _node(shelf, slug)
    except NotFoundError:
        raise no_parent(slug) from None


def _levels(shelf: Shelf, node: Node) -> int:
    """Return how many levels there are from a category down: 1 if there is nothing below it."""
    deepest = max(len(shelf.line_of(one)) for one in [node, *shelf.within(node)])
    return deepest - len(shelf.line_of(node)) + 1


def _category(shelf: Shelf, node: Node) -> Category:
    path = tuple(_path(shelf.line_of(node)))
    return Category(
        id=node.id,
        name=node.name,
        slug=node.slug,
        description=node.description,
        parent=path[-2] if node.parent is not None else None,
        path=path,
        is_active=node.is_active,
        is_visible=shelf.is_visible(node),
        product_count=_count(shelf, node),
        created_at=node.created_at,
    )


def _count(shelf: Shelf, node: Node) -> int:
    """Return how many active products are in a category, or in what is visible below it."""
    shown = {one.id for one in shelf.within(node) if shelf.is_visible(one)} | {node.id}
    inside = {product for product, category in shelf.links if category in shown}
    return sum(shelf.products[product].is_active for product in inside)


def _matches(query: CategoryQuery, node: Node, shelf: Shelf) -> bool:
    if not query.status.shows(is_active=shelf.is_visible(node)):
        return False
    if query.parent is None:
        return True
    if query.parent == ROOTS:
        return node.parent is None
    return node.parent is not None and shelf.categories[node.parent].slug == query.parent


def _path(line: Sequence[Node]) -> list[str]:
    return [node.slug for node in line]


def _place(node: Node) -> tuple[str, int]:
    return name_key(node.name), node.id
