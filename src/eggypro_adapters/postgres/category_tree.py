"""Writing to the tree of categories: what is added, changed, moved and removed, one at a time."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from eggypro_adapters.postgres.category_queries import category_columns, category_from_row
from eggypro_adapters.postgres.locks import CATEGORY_TREE_LOCK, wait_for_lock
from eggypro_adapters.postgres.product_rows import is_in_category
from eggypro_adapters.postgres.schema import categories
from eggypro_adapters.postgres.search_index import add_words, category_stems
from eggypro_core.domain.category import (
    MAX_DEPTH,
    MAX_SLUG_LENGTH,
    NO_PARENT,
    Category,
    CategoryDraft,
    categories_not_found,
    category_not_found,
    check_position,
    parent_not_found,
)
from eggypro_core.domain.product_query import name_sort_key
from eggypro_core.domain.slug import free_slug, slug_conflict, slugify
from eggypro_core.search.text import tokenize

_UPDATE_PATHS = sa.text("""
    WITH RECURSIVE tree AS (
      SELECT one.id, above.path || one.slug::text AS path,
        coalesce(above.is_visible, true) AND one.is_active AS is_visible
      FROM categories one LEFT JOIN categories above ON above.id = one.parent_id
      WHERE one.id = ANY(CAST(:ids AS int[]))
      UNION ALL
      SELECT below.id, tree.path || below.slug::text, tree.is_visible AND below.is_active
      FROM categories below JOIN tree ON below.parent_id = tree.id
      WHERE cardinality(tree.path) < :depth
    )
    UPDATE categories SET path = tree.path, is_visible = tree.is_visible
    FROM tree WHERE categories.id = tree.id
      AND (categories.path, categories.is_visible) IS DISTINCT FROM (tree.path, tree.is_visible)
""")
"""Writes down, for some categories and all below them, what follows from the tree."""
_SET_PARENTS = sa.text("""
    UPDATE categories SET parent_id = above.id FROM categories above
    WHERE above.slug = categories.path[cardinality(categories.path) - 1]
      AND categories.id = ANY(CAST(:ids AS int[]))
""")
"""Gives categories the parent that their path names."""
_SUBTREE_ROOTS = sa.text("""
    SELECT id FROM categories
    WHERE id = ANY(CAST(:ids AS int[])) AND (parent_id = ANY(CAST(:ids AS int[]))) IS NOT TRUE
""")
"""Finds those of some categories whose parents are not among them."""
CATEGORY_BY_SLUG = sa.select(*category_columns(categories)).where(
    categories.c.slug == sa.bindparam("slug", type_=sa.Text)
)


def create_category(connection: sa.Connection, draft: CategoryDraft, at: datetime) -> Category:
    """Insert a category, and return it."""
    _lock_tree(connection)
    slug = draft.slug or _find_free_slug(
        connection, slugify(draft.name, MAX_SLUG_LENGTH, fallback="category")
    )
    parent_id = _checked_parent_id(connection, draft.parent, slug)
    values = {**_values(draft), "slug": slug, "parent_id": parent_id, "created_at": at}
    new = sa.insert(categories).values(values).returning(categories.c.id)
    _update_paths(connection, connection.scalars(new).all())
    add_words(connection, tokenize(draft.name))
    return _get_category(connection, slug)


def create_categories(
    connection: sa.Connection, drafts: Sequence[CategoryDraft], at: datetime
) -> None:
    """Insert many: first each by itself, with its path, and then what follows from their places."""
    _lock_tree(connection)
    every = sa.select(categories.c.slug, categories.c.path, categories.c.is_active)
    there = {slug: _TreePosition(path, active) for slug, path, active in connection.execute(every)}
    rows = []
    for draft in drafts:
        slug, path = _new_position(draft, there)
        there[slug] = _TreePosition(path, draft.is_active)
        rows.append({**_values(draft), "slug": slug, "path": path, "created_at": at})
    new = connection.scalars(sa.insert(categories).returning(categories.c.id), rows).all()
    connection.execute(_SET_PARENTS, {"ids": list(new)})
    _update_paths(connection, connection.scalars(_SUBTREE_ROOTS, {"ids": list(new)}).all())
    add_words(connection, {word for draft in drafts for word in tokenize(draft.name)})


class _TreePosition(NamedTuple):
    """Where a category is, and whether it is archived."""

    path: Sequence[str]
    is_active: bool


def _new_position(
    draft: CategoryDraft, there: Mapping[str, _TreePosition]
) -> tuple[str, Sequence[str]]:
    """Return the slug and the path of a new category, where these are."""
    wanted = slugify(draft.name, MAX_SLUG_LENGTH, fallback="category")
    slug = draft.slug or free_slug(
        wanted, lambda one: one == NO_PARENT or one in there, MAX_SLUG_LENGTH
    )
    if draft.parent is not None and draft.parent not in there:
        raise parent_not_found(draft.parent)
    if slug in there:
        raise slug_conflict(slug, "category", is_active=there[slug].is_active)
    above = [] if draft.parent is None else there[draft.parent].path
    check_position(slug, above, levels=1)
    return slug, [*above, slug]


def update_category(
    connection: sa.Connection, slug: str, to: Callable[[Category], Category]
) -> Category:
    """Change and perhaps move a category with all that is below it, and return it."""
    _lock_tree(connection)
    category = _get_category(connection, slug)
    changed = to(category)
    if changed == category:
        return category
    parent_id = _checked_parent_id(connection, changed.parent, changed.slug, category)
    connection.execute(
        sa.update(categories)
        .where(categories.c.id == category.id)
        .values({**_values(changed), "slug": changed.slug, "parent_id": parent_id})
    )
    _update_paths(connection, [category.id])
    add_words(connection, tokenize(changed.name))
    return _get_category(connection, changed.slug)


def delete_category(connection: sa.Connection, slug: str) -> None:
    """Delete a category, whose children go to its parent."""
    _lock_tree(connection)
    gone = _find_row(connection, slug)
    if gone is None:
        raise category_not_found(slug)
    lifted = (
        sa.update(categories)
        .where(categories.c.parent_id == gone.id)
        .values(parent_id=gone.parent_id)
        .returning(categories.c.id)
    )
    children = connection.scalars(lifted).all()
    connection.execute(sa.delete(categories).where(categories.c.id == gone.id))
    _update_paths(connection, children)


def _lock_tree(connection: sa.Connection) -> None:
    """Keep every other writer of the tree waiting until the transaction ends."""
    wait_for_lock(connection, CATEGORY_TREE_LOCK)


def _update_paths(connection: sa.Connection, ids: Sequence[int]) -> None:
    connection.execute(_UPDATE_PATHS, {"ids": list(ids), "depth": MAX_DEPTH})


def _get_category(connection: sa.Connection, slug: str) -> Category:
    row = connection.execute(CATEGORY_BY_SLUG, {"slug": slug}).one_or_none()
    if row is None:
        raise category_not_found(slug)
    return category_from_row(row)


def _find_row(connection: sa.Connection, slug: str) -> Any:
    columns = (categories.c.id, categories.c.parent_id, categories.c.path)
    return connection.execute(sa.select(*columns).where(categories.c.slug == slug)).one_or_none()


def _values(category: Category | CategoryDraft) -> dict[str, Any]:
    """Return what is stored of a category just as it says, by column."""
    return {
        "name": category.name,
        "description": category.description,
        "is_active": category.is_active,
        "name_key": name_sort_key(category.name),
        "stems": category_stems(category.name),
    }


def _checked_parent_id(
    connection: sa.Connection, parent: str | None, slug: str, former: Category | None = None
) -> int | None:
    """Return the id of the parent that a category of that slug may have, None for a root.

    It is a new one, or a `former` one as changed. What is wrong by itself is refused first.
    """
    above = None if parent is None else _find_row(connection, parent)
    if parent is not None and above is None:
        raise parent_not_found(parent)
    _check_slug_is_free(connection, slug, excluded_id=former.id if former else 0)
    if above is None:
        return None
    levels = _level_count(connection, former) if former else 1
    check_position(former.slug if former else slug, above.path, levels=levels)
    return int(above.id)


def _level_count(connection: sa.Connection, category: Category) -> int:
    """Return how many levels there are from a category down: 1 if there is nothing below it."""
    deepest = sa.select(sa.func.max(sa.func.cardinality(categories.c.path)))
    found = connection.scalar(deepest.where(is_in_category(sa.literal(category.slug))))
    return int(found or 0) - len(category.path) + 1


def _check_slug_is_free(connection: sa.Connection, slug: str, *, excluded_id: int = 0) -> None:
    """Raise ConflictError if a slug is another category's than `but`'s."""
    holder = sa.select(categories.c.is_active).where(
        categories.c.slug == slug, categories.c.id != excluded_id
    )
    is_active = connection.scalar(holder)
    if is_active is not None:
        raise slug_conflict(slug, "category", is_active=is_active)


def _find_free_slug(connection: sa.Connection, wanted: str) -> str:
    """Return the first of a slug and its numbered forms that nobody has."""
    begun = (
        f"{wanted[: MAX_SLUG_LENGTH // 3]}%"  # a number may need the room of some of its letters
    )
    alike = sa.select(categories.c.slug).where(categories.c.slug.like(begun))
    return free_slug(wanted, {NO_PARENT, *connection.scalars(alike)}, MAX_SLUG_LENGTH)


def lock_category_ids(connection: sa.Connection, slugs: Collection[str]) -> Mapping[str, int]:
    """Return the ids of categories by slug, which stay theirs until the transaction ends.

    Raises ValidationError where one of them is missing.
    """
    if not slugs:
        return {}
    there = (
        sa.select(categories.c.slug, categories.c.id)
        .where(categories.c.slug.in_(slugs))
        .order_by(categories.c.id)
        .with_for_update(read=True, key_share=True)
    )
    ids = {row.slug: row.id for row in connection.execute(there)}
    if unknown := [slug for slug in slugs if slug not in ids]:
        raise categories_not_found(unknown)
    return ids
