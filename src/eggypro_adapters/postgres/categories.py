"""The categories of a shop in Postgres."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.postgres import category_tree, keyset
from eggypro_adapters.postgres.category_queries import category_of, page_statement
from eggypro_adapters.postgres.database import Database, Statement
from eggypro_adapters.postgres.product_keys import absent
from eggypro_adapters.postgres.search_index import index
from eggypro_core.domain.category import Category, CategoryDraft, CategoryQuery, no_category
from eggypro_core.domain.pagination import Page
from eggypro_core.errors import MovedError

_FIND = Statement.of(category_tree.FOUND)
_LINK = sa.text("""
    WITH product AS (SELECT id FROM products WHERE slug = :product FOR NO KEY UPDATE),
      category AS (SELECT id FROM categories WHERE slug = :category FOR KEY SHARE),
      link AS (
        INSERT INTO product_categories (product_id, category_id)
        SELECT product.id, category.id FROM product, category ON CONFLICT DO NOTHING
      )
    SELECT (SELECT id FROM product), (SELECT id FROM category)
""")
"""Links, and returns what it found to link. What it found stays until the link is kept.

Nobody else writes the product meanwhile: of two that do, one would not see what the other's words
are, and what a search reads of it would lack them.
"""
_UNLINK = sa.text("""
    WITH product AS (SELECT id FROM products WHERE slug = :product FOR NO KEY UPDATE)
    DELETE FROM product_categories USING product, categories
    WHERE product.id = product_id AND categories.id = category_id AND categories.slug = :category
    RETURNING product_id
""")


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
        return category_of(rows[0])

    def page(self, query: CategoryQuery) -> Page[Category, CategoryQuery]:
        values = {"parent": query.parent, **keyset.page_values(query)}
        rows = self._database.read(page_statement(query), values)
        shown = [row[1:] for row in rows if row[1] is not None]
        return Page.of(query, shown, total=rows[0][0], item_of=category_of)

    def add(self, draft: CategoryDraft, at: datetime) -> Category:
        return self._database.write(lambda connection: category_tree.add(connection, draft, at))

    def add_all(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        if drafts:
            self._database.write(lambda connection: category_tree.add_all(connection, drafts, at))

    def change(self, slug: str, to: Callable[[Category], Category]) -> Category:
        return self._database.write(lambda connection: category_tree.change(connection, slug, to))

    def remove(self, slug: str) -> None:
        self._database.write(lambda connection: category_tree.remove(connection, slug))

    def link(self, product: str, category: str) -> None:
        names = {"product": product, "category": category}
        linked, into = self._database.write(lambda connection: _linked(connection, names))
        if linked is None:
            raise absent(self._database, product)
        if into is None:
            raise no_category(category)

    def unlink(self, product: str, category: str) -> None:
        names = {"product": product, "category": category}
        if not self._database.write(lambda connection: _unlinked(connection, names)):
            error = absent(self._database, product)
            if isinstance(error, MovedError):
                raise error


def _linked(connection: sa.Connection, names: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Link a product and a category, and return their ids, None for what there is not."""
    product, category = connection.execute(_LINK, names).one()
    if product is not None and category is not None:
        index(connection, [product])
    return product, category


def _unlinked(connection: sa.Connection, names: Mapping[str, str]) -> bool:
    """Take a product out of a category, and return whether it was in it."""
    products = connection.scalars(_UNLINK, names).all()
    index(connection, products)
    return bool(products)
