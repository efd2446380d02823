"""In-memory store of categories, and the category functions of an import."""

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
from eggypro_core.domain.event import (
    Subject,
    categories_changed,
    category_changed,
    category_created,
    category_deleted,
    category_moved,
)
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product_query import name_sort_key
from eggypro_core.domain.slug import free_slug, slug_conflict, slugify
from eggypro_core.errors import NotFoundError
from eggypro_core.search.text import tokenize


class MemoryCategoryStore:
    """Store categories in memory."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def get(self, slug: str) -> Category:
        with self._database.lock:
            state = self._database.state
            return _to_category(state, _get_node(state, slug))

    def list(self, query: CategoryQuery) -> Page[Category, CategoryQuery]:
        with self._database.lock:
            state = self._database.state.copy()
        nodes = [node for node in state.categories.values() if _matches(query, node, state)]
        return page_of(
            query, nodes, position_of=_sort_key, item_of=lambda node: _to_category(state, node)
        )

    def create(self, draft: CategoryDraft, at: datetime) -> Category:
        with self._database.lock:
            state = self._database.state
            node = create_category(state, draft, next(self._database.ids), at)
            self._database.record([category_created(node.id, node.slug, node.name)])
            return _to_category(state, node)

    def create_many(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        with self._database.lock:
            state = self._database.state.copy()
            nodes = [
                create_category(state, draft, next(self._database.ids), at) for draft in drafts
            ]
            self._database.state = state
            self._database.record(category_created(node.id, node.slug, node.name) for node in nodes)

    def update(self, slug: str, change: Callable[[Category], Category]) -> Category:
        with self._database.lock:
            before, after = update_category(self._database.state, slug, change)
            self._database.record(category_changed(before, after))
            return after

    def delete(self, slug: str) -> None:
        with self._database.lock:
            state = self._database.state
            deleted = _get_node(state, slug)
            category = _to_category(state, deleted)
            children = [node for node in state.categories.values() if node.parent == deleted.id]
            del state.categories[deleted.id]
            for node in children:
                state.categories[node.id] = evolve(node, parent=deleted.parent)
            state.links = {link for link in state.links if link[1] != deleted.id}
            moves = [
                category_moved(node.id, node.slug, node.name, slug, category.parent)
                for node in children
            ]
            self._database.record([category_deleted(category), *moves])

    def link(self, product: str, category: str) -> None:
        with self._database.lock:
            state = self._database.state
            link = state.get(product).id, _get_node(state, category).id
            self._set_links(product, state.links | {link})

    def unlink(self, product: str, category: str) -> None:
        with self._database.lock:
            state = self._database.state
            try:
                link = state.get(product).id, _get_node(state, category).id
            except NotFoundError:
                return
            self._set_links(product, state.links - {link})

    def _set_links(self, product: str, links: set[tuple[int, int]]) -> None:
        state = self._database.state
        stored = state.get(product)
        before = [node.slug for node in state.categories_of(stored.id)]
        state.links = links
        after = [node.slug for node in state.categories_of(stored.id)]
        subject = Subject.of_product(stored)
        self._database.record(categories_changed(subject, before, after, stored.version))


def _get_node(state: MemoryState, slug: str) -> CategoryNode:
    for node in state.categories.values():
        if node.slug == slug:
            return node
    raise category_not_found(slug)


def list_category_drafts(state: MemoryState) -> list[CategoryDraft]:
    """Return a draft of every category, parents before children."""
    paths = sorted((state.path_to(node) for node in state.categories.values()), key=_slugs)
    return [
        CategoryDraft(
            name=node.name,
            slug=node.slug,
            description=node.description,
            parent=ancestors[-1].slug if ancestors else None,
            is_active=node.is_active,
        )
        for *ancestors, node in paths
    ]


def create_category(
    state: MemoryState, draft: CategoryDraft, new_id: int, at: datetime
) -> CategoryNode:
    """Add a category to the state and return its node."""
    taken_slugs = {NO_PARENT, *(node.slug for node in state.categories.values())}
    base_slug = slugify(draft.name, MAX_SLUG_LENGTH, fallback="category")
    node = CategoryNode(
        id=new_id,
        name=draft.name,
        slug=draft.slug or free_slug(base_slug, taken_slugs, MAX_SLUG_LENGTH),
        description=draft.description,
        parent=None,
        is_active=draft.is_active,
        created_at=at,
    )
    return _save(state, node, draft.parent)


def update_category(
    state: MemoryState, slug: str, change: Callable[[Category], Category]
) -> tuple[Category, Category]:
    """Replace a category in the state; return it as it was, and as it is."""
    node = _get_node(state, slug)
    before = _to_category(state, node)
    new = change(before)
    changed = evolve(
        node,
        name=new.name,
        slug=new.slug,
        description=new.description,
        is_active=new.is_active,
    )
    return before, _to_category(state, _save(state, changed, new.parent))


def _save(state: MemoryState, node: CategoryNode, parent: str | None) -> CategoryNode:
    """Store the node below a parent, replacing its former version. Raises ConflictError."""
    parent_node = None if parent is None else _get_parent(state, parent)
    for other in state.categories.values():
        if other.id != node.id and other.slug == node.slug:
            raise slug_conflict(other.slug, "category", is_active=other.is_active)
    former = state.categories.get(node.id, node)
    if parent_node is not None:
        check_position(
            former.slug, _slugs(state.path_to(parent_node)), levels=_subtree_depth(state, former)
        )
    saved = evolve(node, parent=None if parent_node is None else parent_node.id)
    state.categories[node.id] = saved
    state.words.update(tokenize(saved.name))
    return saved


def _get_parent(state: MemoryState, slug: str) -> CategoryNode:
    try:
        return _get_node(state, slug)
    except NotFoundError:
        raise parent_not_found(slug) from None


def _subtree_depth(state: MemoryState, node: CategoryNode) -> int:
    """Return the number of levels from a category down: 1 for a leaf."""
    deepest = max(len(state.path_to(child)) for child in [node, *state.subtree(node)])
    return deepest - len(state.path_to(node)) + 1


def _to_category(state: MemoryState, node: CategoryNode) -> Category:
    path = tuple(_slugs(state.path_to(node)))
    return Category(
        id=node.id,
        name=node.name,
        slug=node.slug,
        description=node.description,
        parent=path[-2] if node.parent is not None else None,
        path=path,
        is_active=node.is_active,
        is_visible=state.is_visible(node),
        product_count=_count_products(state, node),
        created_at=node.created_at,
    )


def _count_products(state: MemoryState, node: CategoryNode) -> int:
    """Return the number of public products in a category and its visible descendants."""
    visible = {child.id for child in state.subtree(node) if state.is_visible(child)} | {node.id}
    product_ids = {product for product, category in state.links if category in visible}
    products = [state.products[product] for product in product_ids]
    return sum(product.is_active and product.is_listed for product in products)


def _matches(query: CategoryQuery, node: CategoryNode, state: MemoryState) -> bool:
    if not query.status.includes(is_active=state.is_visible(node)):
        return False
    if query.parent is None:
        return True
    if query.parent == NO_PARENT:
        return node.parent is None
    return node.parent is not None and state.categories[node.parent].slug == query.parent


def _slugs(path: Sequence[CategoryNode]) -> list[str]:
    return [node.slug for node in path]


def _sort_key(node: CategoryNode) -> tuple[str, int]:
    return name_sort_key(node.name), node.id
