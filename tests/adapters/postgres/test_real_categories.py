"""Thousands of categories of a real shop, created in Postgres through the services."""

import json
from pathlib import Path

import pytest
from attrs import frozen

from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.category import CategoryQuery
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.errors import ValidationError
from eggypro_core.services.categories import CategoryService
from eggypro_core.services.products import ProductService
from tests.adapters.postgres.test_database import Connect, sent_messages
from tests.support.builders import product_values

FILE = Path(__file__).parents[3].parent / "shared/data/bestbuy/categories.json"
ROOT = "pcmcat128500050004"
INVALID_NAMES = [
    (
        "Don¿t have a BestBuy.com account? A BestBuy.com account is required to download digital"
        " videos and digital PC games."
    ),
    None,
]
"""Names of the file that are invalid: too long, or missing."""


@frozen
class Entry:
    """A category of the file, and the ids of its ancestors."""

    id: str
    name: str | None
    ancestor_ids: tuple[str, ...]

    def values(self, ids: set[str]) -> dict[str, object]:
        """Return the input of the service, with the nearest ancestor in `ids` as parent."""
        parents = [None, *(ancestor.lower() for ancestor in self.ancestor_ids if ancestor in ids)]
        return {"name": self.name, "slug": self.id.lower(), "parent": parents[-1]}


def read_entries() -> list[Entry]:
    """Return the categories of the file, parents first. The file lacks some ancestors."""
    entries = [
        Entry(item["id"], item["name"], tuple(step["id"] for step in item["path"][:-1]))
        for item in json.loads(FILE.read_text())
    ]
    return sorted(entries, key=lambda entry: len(entry.ancestor_ids))


@pytest.mark.skipif(not FILE.exists(), reason="the real files lie beside the checkout")
def test_categories_of_a_real_shop_form_a_tree(
    database: Database, database_url: str, connect_database: Connect, tmp_path: Path
) -> None:
    entries = read_entries()
    assert len(entries) == 4584
    service = CategoryService(PostgresCategoryStore(database), FakeClock())
    ids = {entry.id for entry in entries}
    with pytest.raises(ValidationError) as raised:
        service.create_many([entry.values(ids) for entry in entries])
    fields = [error.field.partition(".") for error in raised.value.errors]
    assert {name for _, _, name in fields} == {"name"}
    names = [entries[int(index)].name for index, _, _ in fields]
    assert sorted(names, key=str) == sorted(INVALID_NAMES, key=str)

    valid_entries = [entry for entry in entries if entry.name not in INVALID_NAMES]
    ids = {entry.id for entry in valid_entries}
    count = service.create_many([entry.values(ids) for entry in valid_entries])
    assert count == 4584 - len(INVALID_NAMES)
    page = service.list(CategoryQuery(limit=1000))
    categories = {category.slug: category for category in page.items}
    while page.next_query is not None:
        page = service.list(page.next_query)
        categories |= {category.slug: category for category in page.items}
    assert len(categories) == page.total == 4584 - len(INVALID_NAMES)
    for entry in valid_entries:
        ancestors = tuple(ancestor.lower() for ancestor in entry.ancestor_ids if ancestor in ids)
        assert categories[entry.id.lower()].path == (*ancestors, entry.id.lower())
    assert max(len(category.path) for category in categories.values()) == 6

    subtree = [category.slug for category in categories.values() if ROOT in category.path]
    deepest = max(subtree, key=lambda slug: len(categories[slug].path))
    one_connection = connect_database(database_url, size=1)
    products = ProductService(PostgresProductStore(one_connection), NhHtmlCleaner(), FakeClock())
    products.create(product_values(name="Egg", categories=[deepest, *subtree[:50]]))
    products.create(product_values(name="Bacon"))
    query = ProductQuery(category=ROOT)
    assert [product.slug for product in products.list(query).items] == ["egg"]
    assert service.get(ROOT).product_count == 1
    messages = sent_messages(one_connection, tmp_path / "trace", lambda: products.list(query))
    assert messages.count("Execute") == messages.count("Sync") == 1
