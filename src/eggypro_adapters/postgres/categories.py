"""Category store in Postgres."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.postgres import category_tree, keyset
from eggypro_adapters.postgres.category_queries import category_from_row, page_statement
from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.event_writer import record_events
from eggypro_adapters.postgres.product_keys import missing_product_error
from eggypro_adapters.postgres.search_index import index_products
from eggypro_core.domain.category import Category, CategoryDraft, CategoryQuery, category_not_found
from eggypro_core.domain.event import Subject, categories_changed
from eggypro_core.domain.pagination import Page
from eggypro_core.errors import SlugMovedError

_FIND = CompiledStatement.compile(category_tree.CATEGORY_BY_SLUG)
_LINK = sa.text("""
    WITH product AS (SELECT id FROM products WHERE slug = :product FOR NO KEY UPDATE),
      category AS (SELECT id FROM categories WHERE slug = :category FOR KEY SHARE),
      link AS (
        INSERT INTO product_categories (product_id, category_id)
        SELECT product.id, category.id FROM product, category ON CONFLICT DO NOTHING
        RETURNING product_id
      )
    SELECT (SELECT id FROM product), (SELECT id FROM category), (SELECT product_id FROM link)
""")
"""Link a product and a category; lock both until the end of the transaction.

Selects their ids, and the id of the product again if they were not linked before.

The lock on the product serializes its writers: without it, one of two concurrent writers would not
see the words of the other, and the search row would lack them.
"""
_CATEGORIES = sa.text("""
    SELECT name, version, ARRAY(
      SELECT categories.slug FROM product_categories JOIN categories ON id = category_id
      WHERE product_id = products.id
    )
    FROM products WHERE id = :product_id
""")
_UNLINK = sa.text("""
    WITH product AS (SELECT id FROM products WHERE slug = :product FOR NO KEY UPDATE)
    DELETE FROM product_categories USING product, categories
    WHERE product.id = product_id AND categories.id = category_id AND categories.slug = :category
    RETURNING product_id
""")


@frozen
class PostgresCategoryStore:
    """Store categories in Postgres. A read is one statement, a write one transaction.

    A write to the tree also stores the path and visibility of each row, so that reads need no
    recursion.
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
        category_rows = [row[1:] for row in rows if row[1] is not None]
        return Page.from_rows(query, category_rows, total=rows[0][0], item_of=category_from_row)

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
        slugs = {"product": product, "category": category}
        product_id, category_id = self._database.run_transaction(
            lambda connection: _link(connection, slugs)
        )
        if product_id is None:
            raise missing_product_error(self._database, product)
        if category_id is None:
            raise category_not_found(category)

    def unlink(self, product: str, category: str) -> None:
        slugs = {"product": product, "category": category}
        if not self._database.run_transaction(lambda connection: _unlink(connection, slugs)):
            error = missing_product_error(self._database, product)
            if isinstance(error, SlugMovedError):
                raise error


def _link(connection: sa.Connection, slugs: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Link a product and a category, and return their ids, None if one does not exist."""
    product_id, category_id, linked_id = connection.execute(_LINK, slugs).one()
    if linked_id is not None:
        index_products(connection, [linked_id])
        _record(connection, linked_id, slugs)
    return product_id, category_id


def _unlink(connection: sa.Connection, slugs: Mapping[str, str]) -> bool:
    """Remove a product from a category, and return whether it was in it."""
    product_id = connection.scalar(_UNLINK, slugs)
    if product_id is None:
        return False
    index_products(connection, [product_id])
    _record(connection, product_id, slugs)
    return True


def _record(connection: sa.Connection, product_id: int, slugs: Mapping[str, str]) -> None:
    """Record that a product was added to a category or removed from it."""
    name, version, after = connection.execute(_CATEGORIES, {"product_id": product_id}).one()
    subject = Subject(product_id, slugs["product"], name, product_id)
    before = {*after} ^ {slugs["category"]}
    record_events(connection, categories_changed(subject, before, after, version))
