"""Writing to the tree of categories: what is added, changed, moved and removed, one at a time."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from eggypro_adapters.postgres.category_queries import category_columns, category_of
from eggypro_adapters.postgres.locks import CATEGORY_TREE_LOCK, wait_for_lock
from eggypro_adapters.postgres.product_rows import is_within
from eggypro_adapters.postgres.schema import categories
from eggypro_adapters.postgres.search_index import category_stems, learn_words
from eggypro_core.domain.category import (
    DEPTH,
    ROOTS,
    SLUG,
    Category,
    CategoryDraft,
    no_categories,
    no_category,
    no_parent,
    require_place,
)
from eggypro_core.domain.product_query import name_key
from eggypro_core.domain.slug import free_slug, slug_conflict, slug_of
from eggypro_core.search.text import words_of

_SETTLE = sa.text("""
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
_HANG = sa.text("""
    UPDATE categories SET parent_id = above.id FROM categories above
    WHERE above.slug = categories.path[cardinality(categories.path) - 1]
      AND categories.id = ANY(CAST(:ids AS int[]))
""")
"""Gives categories the parent that their path names."""
_TOPS = sa.text("""
    SELECT id FROM categories
    WHERE id = ANY(CAST(:ids AS int[])) AND (parent_id = ANY(CAST(:ids AS int[]))) IS NOT TRUE
""")
"""Finds those of some categories whose parents are not among them."""
FOUND = sa.select(*category_columns(categories)).where(
    categories.c.slug == sa.bindparam("slug", type_=sa.Text)
)


def add(connection: sa.Connection, draft: CategoryDraft, at: datetime) -> Category:
    """Insert a category, and return it."""
    _lock_tree(connection)
    slug = draft.slug or _free_slug(connection, slug_of(draft.name, SLUG, otherwise="category"))
    parent_id = _place_below(connection, draft.parent, slug)
    values = {**_values(draft), "slug": slug, "parent_id": parent_id, "created_at": at}
    new = sa.insert(categories).values(values).returning(categories.c.id)
    _settle(connection, connection.scalars(new).all())
    learn_words(connection, words_of(draft.name))
    return _found(connection, slug)


def add_all(connection: sa.Connection, drafts: Sequence[CategoryDraft], at: datetime) -> None:
    """Insert many: first each by itself, with its path, and then what follows from their places."""
    _lock_tree(connection)
    every = sa.select(categories.c.slug, categories.c.path, categories.c.is_active)
    there = {slug: _Place(path, active) for slug, path, active in connection.execute(every)}
    rows = []
    for draft in drafts:
        slug, path = _new_place(draft, there)
        there[slug] = _Place(path, draft.is_active)
        rows.append({**_values(draft), "slug": slug, "path": path, "created_at": at})
    new = connection.scalars(sa.insert(categories).returning(categories.c.id), rows).all()
    connection.execute(_HANG, {"ids": list(new)})
    _settle(connection, connection.scalars(_TOPS, {"ids": list(new)}).all())
    learn_words(connection, {word for draft in drafts for word in words_of(draft.name)})


class _Place(NamedTuple):
    """Where a category is, and whether it is archived."""

    path: Sequence[str]
    is_active: bool


def _new_place(draft: CategoryDraft, there: Mapping[str, _Place]) -> tuple[str, Sequence[str]]:
    """Return the slug and the path of a new category, where these are."""
    wanted = slug_of(draft.name, SLUG, otherwise="category")
    slug = draft.slug or free_slug(wanted, lambda one: one == ROOTS or one in there, SLUG)
    if draft.parent is not None and draft.parent not in there:
        raise no_parent(draft.parent)
    if slug in there:
        raise slug_conflict(slug, "category", is_active=there[slug].is_active)
    above = [] if draft.parent is None else there[draft.parent].path
    require_place(slug, above, levels=1)
    return slug, [*above, slug]


def change(connection: sa.Connection, slug: str, to: Callable[[Category], Category]) -> Category:
    """Change and perhaps move a category with all that is below it, and return it."""
    _lock_tree(connection)
    category = _found(connection, slug)
    changed = to(category)
    if changed == category:
        return category
    parent_id = _place_below(connection, changed.parent, changed.slug, category)
    connection.execute(
        sa.update(categories)
        .where(categories.c.id == category.id)
        .values({**_values(changed), "slug": changed.slug, "parent_id": parent_id})
    )
    _settle(connection, [category.id])
    learn_words(connection, words_of(changed.name))
    return _found(connection, changed.slug)


def remove(connection: sa.Connection, slug: str) -> None:
    """Delete a category, whose children go to its parent."""
    _lock_tree(connection)
    gone = _row(connection, slug)
    if gone is None:
        raise no_category(slug)
    lifted = (
        sa.update(categories)
        .where(categories.c.parent_id == gone.id)
        .values(parent_id=gone.parent_id)
        .returning(categories.c.id)
    )
    children = connection.scalars(lifted).all()
    connection.execute(sa.delete(categories).where(categories.c.id == gone.id))
    _settle(connection, children)


def _lock_tree(connection: sa.Connection) -> None:
    """Keep every other writer of the tree waiting until the transaction ends."""
    wait_for_lock(connection, CATEGORY_TREE_LOCK)


def _settle(connection: sa.Connection, ids: Sequence[int]) -> None:
    connection.execute(_SETTLE, {"ids": list(ids), "depth": DEPTH})


def _found(connection: sa.Connection, slug: str) -> Category:
    row = connection.execute(FOUND, {"slug": slug}).one_or_none()
    if row is None:
        raise no_category(slug)
    return category_of(row)


def _row(connection: sa.Connection, slug: str) -> Any:
    columns = (categories.c.id, categories.c.parent_id, categories.c.path)
    return connection.execute(sa.select(*columns).where(categories.c.slug == slug)).one_or_none()


def _values(category: Category | CategoryDraft) -> dict[str, Any]:
    """Return what is stored of a category just as it says, by column."""
    return {
        "name": category.name,
        "description": category.description,
        "is_active": category.is_active,
        "name_key": name_key(category.name),
        "stems": category_stems(category.name),
    }


def _place_below(
    connection: sa.Connection, parent: str | None, slug: str, former: Category | None = None
) -> int | None:
    """Return the id of the parent that a category of that slug may have, None for a root.

    It is a new one, or a `former` one as changed. What is wrong by itself is refused first.
    """
    above = None if parent is None else _row(connection, parent)
    if parent is not None and above is None:
        raise no_parent(parent)
    _refuse_taken(connection, slug, but=former.id if former else 0)
    if above is None:
        return None
    levels = _levels(connection, former) if former else 1
    require_place(former.slug if former else slug, above.path, levels=levels)
    return int(above.id)


def _levels(connection: sa.Connection, category: Category) -> int:
    """Return how many levels there are from a category down: 1 if there is nothing below it."""
    deepest = sa.select(sa.func.max(sa.func.cardinality(categories.c.path)))
    found = connection.scalar(deepest.where(is_within(sa.literal(category.slug))))
    return int(found or 0) - len(category.path) + 1


def _refuse_taken(connection: sa.Connection, slug: str, *, but: int = 0) -> None:
    """Raise ConflictError if a slug is another category's than `but`'s."""
    holder = sa.select(categories.c.is_active).where(
        categories.c.slug == slug, categories.c.id != but
    )
    is_active = connection.scalar(holder)
    if is_active is not None:
        raise slug_conflict(slug, "category", is_active=is_active)


def _free_slug(connection: sa.Connection, wanted: str) -> str:
    """Return the first of a slug and its numbered forms that nobody has."""
    begun = f"{wanted[: SLUG // 3]}%"  # a number may need the room of some of its letters
    alike = sa.select(categories.c.slug).where(categories.c.slug.like(begun))
    return free_slug(wanted, {ROOTS, *connection.scalars(alike)}, SLUG)


def ids_of(connection: sa.Connection, slugs: Collection[str]) -> Mapping[str, int]:
    """Return the ids of categories by slug, which stay theirs until the transaction ends.

    Raises InvalidError where one of them is missing.
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
        raise no_categories(unknown)
    return ids
