"""Writes to the category tree: create, update, move and delete, one writer at a time."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from eggypro_adapters.postgres.category_queries import category_columns, category_from_row
from eggypro_adapters.postgres.event_writer import record_events
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
from eggypro_core.domain.event import (
    category_changed,
    category_created,
    category_deleted,
    category_moved,
)
from eggypro_core.domain.product_query import name_sort_key
from eggypro_core.domain.slug import free_slug, slug_conflict, slugify
from eggypro_core.search.text import tokenize

_UPDATE_PATHS = sa.text("""
    WITH RECURSIVE tree AS (
      SELECT root.id, parent.path || root.slug::text AS path,
        coalesce(parent.is_visible, true) AND root.is_active AS is_visible
      FROM categories root LEFT JOIN categories parent ON parent.id = root.parent_id
      WHERE root.id = ANY(CAST(:ids AS int[]))
      UNION ALL
      SELECT child.id, tree.path || child.slug::text, tree.is_visible AND child.is_active
      FROM categories child JOIN tree ON child.parent_id = tree.id
      WHERE cardinality(tree.path) < :depth
    )
    UPDATE categories SET path = tree.path, is_visible = tree.is_visible
    FROM tree WHERE categories.id = tree.id
      AND (categories.path, categories.is_visible) IS DISTINCT FROM (tree.path, tree.is_visible)
""")
"""Store the path and visibility of categories and their descendants."""
_SET_PARENTS = sa.text("""
    UPDATE categories SET parent_id = parent.id FROM categories parent
    WHERE parent.slug = categories.path[cardinality(categories.path) - 1]
      AND categories.id = ANY(CAST(:ids AS int[]))
""")
"""Set the parents of categories from their paths."""
_SUBTREE_ROOTS = sa.text("""
    SELECT id FROM categories
    WHERE id = ANY(CAST(:ids AS int[])) AND (parent_id = ANY(CAST(:ids AS int[]))) IS NOT TRUE
""")
"""Select the categories whose parents are not among them."""
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
    insertion = sa.insert(categories).values(values).returning(categories.c.id)
    _update_paths(connection, connection.scalars(insertion).all())
    add_words(connection, tokenize(draft.name))
    category = _get_category(connection, slug)
    record_events(connection, [category_created(category.id, slug, category.name)])
    return category


def create_categories(
    connection: sa.Connection, drafts: Sequence[CategoryDraft], at: datetime
) -> None:
    """Insert many categories: first the rows with their paths, then their parents and visibility.

    Parents come before their children.
    """
    _lock_tree(connection)
    statement = sa.select(categories.c.slug, categories.c.path, categories.c.is_active)
    positions = {
        slug: _TreePosition(path, is_active)
        for slug, path, is_active in connection.execute(statement)
    }
    rows = []
    for draft in drafts:
        slug, path = _new_position(draft, positions)
        positions[slug] = _TreePosition(path, draft.is_active)
        rows.append({**_values(draft), "slug": slug, "path": path, "created_at": at})
    insertion = sa.insert(categories).returning(
        categories.c.id, categories.c.slug, categories.c.name
    )
    created = sorted(connection.execute(insertion, rows).all())
    record_events(connection, [category_created(*row) for row in created])
    ids = [row.id for row in created]
    connection.execute(_SET_PARENTS, {"ids": ids})
    _update_paths(connection, connection.scalars(_SUBTREE_ROOTS, {"ids": ids}).all())
    add_words(connection, {word for draft in drafts for word in tokenize(draft.name)})


class _TreePosition(NamedTuple):
    """Path and status of a category."""

    path: Sequence[str]
    is_active: bool


def _new_position(
    draft: CategoryDraft, positions: Mapping[str, _TreePosition]
) -> tuple[str, Sequence[str]]:
    """Return the slug and path of a new category among the existing `positions`, by slug."""
    slug = draft.slug or free_slug(
        slugify(draft.name, MAX_SLUG_LENGTH, fallback="category"),
        lambda slug: slug == NO_PARENT or slug in positions,
        MAX_SLUG_LENGTH,
    )
    if draft.parent is not None and draft.parent not in positions:
        raise parent_not_found(draft.parent)
    if slug in positions:
        raise slug_conflict(slug, "category", is_active=positions[slug].is_active)
    parent_path = [] if draft.parent is None else positions[draft.parent].path
    check_position(slug, parent_path, levels=1)
    return slug, [*parent_path, slug]


def update_category(
    connection: sa.Connection, slug: str, change: Callable[[Category], Category]
) -> Category:
    """Update a category, move it with its descendants if its parent changes, and return it."""
    _lock_tree(connection)
    category = _get_category(connection, slug)
    changed = change(category)
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
    stored = _get_category(connection, changed.slug)
    record_events(connection, category_changed(category, stored))
    return stored


def delete_category(connection: sa.Connection, slug: str) -> None:
    """Delete a category. Its children move to its parent."""
    _lock_tree(connection)
    category = _get_category(connection, slug)
    former = categories.alias("former")
    parent_id = sa.select(former.c.parent_id).where(former.c.id == category.id).scalar_subquery()
    update = (
        sa.update(categories)
        .where(categories.c.parent_id == category.id)
        .values(parent_id=parent_id)
        .returning(categories.c.id, categories.c.slug, categories.c.name)
    )
    children = sorted(connection.execute(update).all())
    connection.execute(sa.delete(categories).where(categories.c.id == category.id))
    _update_paths(connection, [child.id for child in children])
    moves = [
        category_moved(child.id, child.slug, child.name, slug, category.parent)
        for child in children
    ]
    record_events(connection, [category_deleted(category), *moves])


def _lock_tree(connection: sa.Connection) -> None:
    """Lock the tree against other writers until the transaction ends."""
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
    """Return the values of a category that do not depend on the tree, by column."""
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
    """Return the id of the parent of a category, None for a root, after checking its position.

    The category is new, or `former` with changes. Validation errors come before conflicts.
    """
    parent_row = None if parent is None else _find_row(connection, parent)
    if parent is not None and parent_row is None:
        raise parent_not_found(parent)
    _check_slug_is_free(connection, slug, excluded_id=former.id if former else 0)
    if parent_row is None:
        return None
    levels = _level_count(connection, former) if former else 1
    check_position(former.slug if former else slug, parent_row.path, levels=levels)
    return int(parent_row.id)


def _level_count(connection: sa.Connection, category: Category) -> int:
    """Return the number of levels of a category's subtree: 1 if it has no children."""
    statement = sa.select(sa.func.max(sa.func.cardinality(categories.c.path)))
    depth = connection.scalar(statement.where(is_in_category(sa.literal(category.slug))))
    return int(depth or 0) - len(category.path) + 1


def _check_slug_is_free(connection: sa.Connection, slug: str, *, excluded_id: int = 0) -> None:
    """Raise ConflictError if a category other than `excluded_id` has the slug."""
    owner = sa.select(categories.c.is_active).where(
        categories.c.slug == slug, categories.c.id != excluded_id
    )
    is_active = connection.scalar(owner)
    if is_active is not None:
        raise slug_conflict(slug, "category", is_active=is_active)


def _find_free_slug(connection: sa.Connection, slug: str) -> str:
    """Return `slug`, or its first numbered form, that no category has."""
    pattern = f"{slug[: MAX_SLUG_LENGTH // 3]}%"  # a long slug is shortened to fit the number
    similar = sa.select(categories.c.slug).where(categories.c.slug.like(pattern))
    return free_slug(slug, {NO_PARENT, *connection.scalars(similar)}, MAX_SLUG_LENGTH)


def lock_category_ids(connection: sa.Connection, slugs: Collection[str]) -> Mapping[str, int]:
    """Return the ids of categories by slug, and lock their slugs until the transaction ends.

    Raises ValidationError if one of them does not exist.
    """
    if not slugs:
        return {}
    statement = (
        sa.select(categories.c.slug, categories.c.id)
        .where(categories.c.slug.in_(slugs))
        .order_by(categories.c.id)
        .with_for_update(read=True, key_share=True)
    )
    ids = {row.slug: row.id for row in connection.execute(statement)}
    if unknown := [slug for slug in slugs if slug not in ids]:
        raise categories_not_found(unknown)
    return ids
