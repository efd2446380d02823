"""The categories of a shop in Postgres."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.postgres.engine import Database, Statement
from eggypro_adapters.postgres.rows import is_within
from eggypro_adapters.postgres.tables import (
    categories,
    product_categories,
    products,
    slug_aliases,
)
from eggypro_core.categories import (
    DEPTH,
    ROOTS,
    SLUG,
    Category,
    CategoryDraft,
    CategoryQuery,
    no_category,
    no_parent,
    require_place,
    slug_taken,
)
from eggypro_core.errors import MovedError, NotFoundError
from eggypro_core.paging import COUNTED, Page
from eggypro_core.queries import Status, name_key
from eggypro_core.slugs import free_slug, slug_of

LOCK = 7_305_941_121
"""The advisory lock of the tree, which every writer of it holds until its transaction ends.

So no two of them overlap, and each statement behind the lock sees all that was committed before:
the path that a move is checked against is still the path when the move is kept.
"""
_LOCK = sa.text("SELECT pg_advisory_xact_lock(:lock)")
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
_LINK = sa.text("""
    WITH product AS (SELECT id FROM products WHERE slug = :product FOR KEY SHARE),
      category AS (SELECT id FROM categories WHERE slug = :category FOR KEY SHARE),
      link AS (
        INSERT INTO product_categories (product_id, category_id)
        SELECT product.id, category.id FROM product, category ON CONFLICT DO NOTHING
      )
    SELECT (SELECT count(*) FROM product), (SELECT count(*) FROM category)
""")
"""Links, and counts what it found to link. What it found stays until the link is kept."""
_UNLINK = sa.text("""
    DELETE FROM product_categories USING products, categories
    WHERE products.id = product_id AND products.slug = :product
      AND categories.id = category_id AND categories.slug = :category
""")
_OWN = ("id", "name", "slug", "description", "path", "is_active", "is_visible", "created_at")
_slug = sa.bindparam("slug", type_=sa.Text)
_place = (categories.c.name_key, categories.c.id)


def _count(of: sa.FromClause) -> sa.ScalarSelect[int]:
    """Return how many active products are in a category, or in what is visible below it.

    It is a query for each row, so let it see no more rows than are shown.
    """
    within = categories.alias("within")
    product_id = product_categories.c.product_id
    # Few products are archived, and an index knows them: to look for one costs less than to look
    # up each that is not.
    is_archived = sa.exists().where(products.c.id == product_id, sa.not_(products.c.is_active))
    return (
        sa.select(sa.func.count(sa.distinct(product_id)))
        .select_from(within.join(product_categories))
        .where(
            is_within(of.c.slug, within),
            sa.or_(within.c.is_visible, within.c.id == of.c.id),
            sa.not_(is_archived),
        )
        .correlate(of)
        .scalar_subquery()
    )


def _columns(of: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """Return the columns of `_category_of`, in its order."""
    return [*(of.c[name] for name in _OWN), _count(of).label("product_count")]


_FOUND = sa.select(*_columns(categories)).where(categories.c.slug == _slug)
_FIND = Statement.of(_FOUND)
_PRODUCT = sa.bindparam("product", type_=sa.Text)
_ALIAS = Statement.of(
    sa.select(products.c.slug).join(slug_aliases).where(slug_aliases.c.slug == _PRODUCT)
)


@frozen
class PostgresCategoryStore:
    """Categories in Postgres. A read is one statement, a write one transaction.

    Whoever writes to the tree also writes down what follows from it, each row's path and whether
    it is visible, so that no read has to climb it.
    """

    _database: Database

    def find(self, slug: str) -> Category:
        rows = self._database.read(_FIND, {"slug": slug})
        if not rows:
            raise no_category(slug)
        return _category_of(rows[0])

    def page(self, query: CategoryQuery) -> Page[Category, CategoryQuery]:
        rows = self._database.read(_page_statement(query), _page_values(query))
        total = rows[0][0]
        found = [row[1:] for row in rows if row[1] is not None]
        items = tuple(_category_of(row) for row in found[: query.limit])
        return Page(
            items=items,
            total=min(total, COUNTED),
            total_capped=total > COUNTED,
            next=query.following(items[-1]) if len(found) > query.limit else None,
        )

    def add(self, draft: CategoryDraft, at: datetime) -> Category:
        return self._database.write(lambda connection: _added(connection, draft, at))

    def add_all(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        if drafts:
            self._database.write(lambda connection: _add_all(connection, drafts, at))

    def change(self, slug: str, to: Callable[[Category], Category]) -> Category:
        return self._database.write(lambda connection: _changed(connection, slug, to))

    def remove(self, slug: str) -> None:
        self._database.write(lambda connection: _remove(connection, slug))

    def link(self, product: str, category: str) -> None:
        names = {"product": product, "category": category}
        found = self._database.write(lambda connection: connection.execute(_LINK, names).one())
        if not found[0]:
            self._refuse_moved(product)
            raise NotFoundError(f"There is no product '{product}'")
        if not found[1]:
            raise no_category(category)

    def unlink(self, product: str, category: str) -> None:
        names = {"product": product, "category": category}
        if not self._database.write(lambda connection: connection.execute(_UNLINK, names).rowcount):
            self._refuse_moved(product)

    def _refuse_moved(self, product: str) -> None:
        if now_at := self._database.read(_ALIAS, {"product": product}):
            raise MovedError(now_at[0][0])


def _added(connection: sa.Connection, draft: CategoryDraft, at: datetime) -> Category:
    _lock_tree(connection)
    slug = draft.slug or _free_slug(connection, slug_of(draft.name, SLUG, otherwise="category"))
    parent_id = _place_below(connection, draft.parent, slug)
    values = {**_values(draft), "slug": slug, "parent_id": parent_id, "created_at": at}
    new = sa.insert(categories).values(values).returning(categories.c.id)
    _settle(connection, connection.scalars(new).all())
    return _found(connection, slug)


def _add_all(connection: sa.Connection, drafts: Sequence[CategoryDraft], at: datetime) -> None:
    """Insert many: first each by itself, with its path, and then what follows from their places."""
    _lock_tree(connection)
    there = connection.execute(sa.select(categories.c.slug, categories.c.path))
    paths: dict[str, Sequence[str]] = {row.slug: row.path for row in there}
    rows = []
    for draft in drafts:
        slug, path = _new_place(connection, draft, paths)
        paths[slug] = path
        rows.append({**_values(draft), "slug": slug, "path": path, "created_at": at})
    new = connection.scalars(sa.insert(categories).returning(categories.c.id), rows).all()
    connection.execute(_HANG, {"ids": list(new)})
    _settle(connection, connection.scalars(_TOPS, {"ids": list(new)}).all())


def _new_place(
    connection: sa.Connection, draft: CategoryDraft, paths: Mapping[str, Sequence[str]]
) -> tuple[str, Sequence[str]]:
    """Return the slug and the path of a new category, where those in `paths` are."""
    wanted = slug_of(draft.name, SLUG, otherwise="category")
    slug = draft.slug or free_slug(wanted, lambda one: one == ROOTS or one in paths, SLUG)
    if draft.parent is not None and draft.parent not in paths:
        raise no_parent(draft.parent)
    if slug in paths:
        _refuse_taken(connection, slug)  # or one of those that are being added has it:
        raise slug_taken(slug, is_active=True)
    above = [] if draft.parent is None else paths[draft.parent]
    require_place(slug, above, levels=1)
    return slug, [*above, slug]


def _changed(connection: sa.Connection, slug: str, to: Callable[[Category], Category]) -> Category:
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
    return _found(connection, changed.slug)


def _remove(connection: sa.Connection, slug: str) -> None:
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
    connection.execute(_LOCK, {"lock": LOCK})


def _settle(connection: sa.Connection, ids: Sequence[int]) -> None:
    connection.execute(_SETTLE, {"ids": list(ids), "depth": DEPTH})


def _found(connection: sa.Connection, slug: str) -> Category:
    row = connection.execute(_FOUND, {"slug": slug}).one_or_none()
    if row is None:
        raise no_category(slug)
    return _category_of(row)


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
        raise slug_taken(slug, is_active=is_active)


def _free_slug(connection: sa.Connection, wanted: str) -> str:
    """Return the first of a slug and its numbered forms that nobody has."""
    begun = f"{wanted[: SLUG // 3]}%"  # a number may need the room of some of its letters
    alike = sa.select(categories.c.slug).where(categories.c.slug.like(begun))
    return free_slug(wanted, {ROOTS, *connection.scalars(alike)}, SLUG)


@lru_cache(maxsize=18)  # three states, three kinds of parent, at the front or behind a place
def _statement(status: Status, parent: str | None, *, after: bool) -> Statement:
    """Return the statement of a page: rows of the total and what `_category_of` takes.

    There is one row more than the limit if another page follows. Where there is none to show, one
    row still tells the total, and its id is null.
    """
    matching = sa.and_(sa.true(), *_filters(status, parent))
    counted: sa.Select[Any] = (
        sa.select(sa.literal_column("1")).select_from(categories).where(matching)
    )
    total = sa.select(sa.func.count()).select_from(counted.limit(COUNTED + 1).subquery())
    found = sa.select(*(categories.c[name] for name in (*_OWN, "name_key"))).where(matching)
    if after:
        place = sa.tuple_(
            sa.bindparam("after_key", type_=sa.Text), sa.bindparam("after_id", type_=sa.BigInteger)
        )
        found = found.where(sa.tuple_(*_place) > place)
    shown = (
        found.order_by(*_place)
        .limit(sa.bindparam("one_more", type_=sa.Integer))
        .offset(sa.bindparam("skipped", type_=sa.Integer))
        .subquery("shown")
    )
    one = sa.select(sa.literal_column("1").label("one")).subquery()
    return Statement.of(
        sa.select(total.scalar_subquery().label("total"), *_columns(shown))
        .select_from(one.outerjoin(shown, sa.true()))
        .order_by(shown.c.name_key, shown.c.id)
    )


def _page_statement(query: CategoryQuery) -> Statement:
    parent = query.parent if query.parent in {None, ROOTS} else "one"
    return _statement(query.status, parent, after=query.after is not None)


def _page_values(query: CategoryQuery) -> Mapping[str, object]:
    values: dict[str, object] = {
        "parent": query.parent,
        "one_more": query.limit + 1,
        "skipped": query.offset,
    }
    if query.after is not None:
        values |= {"after_key": query.after.key, "after_id": query.after.id}
    return values


def _filters(status: Status, parent: str | None) -> list[sa.ColumnElement[bool]]:
    named = categories.alias("named")
    its_id = sa.select(named.c.id).where(named.c.slug == sa.bindparam("parent", type_=sa.Text))
    wanted: list[tuple[bool, sa.ColumnElement[bool]]] = [
        (status is Status.ACTIVE, categories.c.is_visible),
        (status is Status.ARCHIVED, sa.not_(categories.c.is_visible)),
        (parent == ROOTS, categories.c.parent_id.is_(None)),
        (parent not in {None, ROOTS}, categories.c.parent_id == its_id.scalar_subquery()),
    ]
    return [condition for is_wanted, condition in wanted if is_wanted]


def _category_of(row: Sequence[Any]) -> Category:
    fields = dict(zip((*_OWN, "product_count"), row, strict=True))
    path = tuple(fields.pop("path"))
    return Category(**fields, path=path, parent=path[-2] if len(path) > 1 else None)
