"""The categories of a shop in Postgres."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.postgres import category_tree, keyset
from eggypro_adapters.postgres.category_queries import category_from_row, page_statement
from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.product_keys import missing_product_error
from eggypro_adapters.postgres.search_index import index_products
from eggypro_core.domain.category import Category, CategoryDraft, CategoryQuery, category_not_found
from eggypro_core.domain.pagination import Page
from eggypro_core.errors import SlugMovedError

_FIND = CompiledStatement.compile(category_tree.CATEGORY_BY_SLUG)
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

    def get(self, slug: str) -> Category:
        rows = self._database.fetch(_FIND, {"slug": slug})
        if not rows:
            raise category_not_found(slug)
        return category_from_row(rows[0])

    def list(self, query: CategoryQuery) -> Page[Category, CategoryQuery]:
        values = {"parent": query.parent, **keyset.page_values(query)}
        rows = self._database.fetch(page_statement(query), values)
        shown = [row[1:] for row in rows if row[1] is not None]
        return Page.of(query, shown, total=rows[0][0], item_of=category_from_row)

    def create(self, draft: CategoryDraft, at: datetime) -> Category:
        return self._database.run_transaction(
            lambda connection: category_tree.create_category(connection, draft, at)
        )

    def create_many(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        if drafts:
            self._database.run_transaction(
                lambda connection: category_tree.create_categories(connection, drafts, at)
            )

    def update(self, slug: str, change: Callable[[Category], Category]) -> Category:
        return self._database.run_transaction(
            lambda connection: category_tree.update_category(connection, slug, change)
        )

    def delete(self, slug: str) -> None:
        self._database.run_transaction(
            lambda connection: category_tree.delete_category(connection, slug)
        )

    def link(self, product: str, category: str) -> None:
        names = {"product": product, "category": category}
        linked, into = self._database.run_transaction(lambda connection: _link(connection, names))
        if linked is None:
            raise missing_product_error(self._database, product)
        if into is None:
            raise category_not_found(category)

    def unlink(self, product: str, category: str) -> None:
        names = {"product": product, "category": category}
        if not self._database.run_transaction(lambda connection: _unlink(connection, names)):
            error = missing_product_error(self._database, product)
            if isinstance(error, SlugMovedError):
                raise error


def _link(connection: sa.Connection, names: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Link a product and a category, and return their ids, None for what there is not."""
    product, category = connection.execute(_LINK, names).one()
    if product is not None and category is not None:
        index_products(connection, [product])
    return product, category


def _unlink(connection: sa.Connection, names: Mapping[str, str]) -> bool:
    """Take a product out of a category, and return whether it was in it."""
    products = connection.scalars(_UNLINK, names).all()
    index_products(connection, products)
    return bool(products)
