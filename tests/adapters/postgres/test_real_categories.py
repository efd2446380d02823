"""A real shop's categories, thousands of them, in Postgres through the library."""

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
    "Dell Studio|XPS Desktops",
    (
        "Don¿t have a BestBuy.com account? A BestBuy.com account is required to download digital"
        " videos and digital PC games."
    ),
    None,
    "|DV Recorder",
    "|DVD Players",
    "|Digital TV",
    "|Hm Theater",
    "|Large TVs",
    "|Midsze TV",
    "|P. MiniDisc",
    "|Project TVs",
    "|Receivers",
    "|Speakers",
    "|TV Acc",
]
"""Those of the file that no category may have: too long, none at all, or with a sign of markup."""


@frozen
class Entry:
    """A category of the file, and the ids of those above it."""

    id: str
    name: str | None
    above: tuple[str, ...]

    def values(self, known: set[str]) -> dict[str, object]:
        """What the library is given of it, below the nearest that is known."""
        parents = [None, *(one.lower() for one in self.above if one in known)]
        return {"name": self.name, "slug": self.id.lower(), "parent": parents[-1]}


def entries() -> list[Entry]:
    """The categories of the file, each behind its parent; some of those above it lack in it."""
    found = [
        Entry(one["id"], one["name"], tuple(step["id"] for step in one["path"][:-1]))
        for one in json.loads(FILE.read_text())
    ]
    return sorted(found, key=lambda entry: len(entry.above))


def valid_entries(every: list[Entry]) -> list[Entry]:
    return [entry for entry in every if entry.name not in INVALID_NAMES]


@pytest.mark.skipif(not FILE.exists(), reason="the real files lie beside the checkout")
def test_the_categories_of_a_real_shop_make_a_tree(
    database: Database, database_url: str, connect_database: Connect, tmp_path: Path
) -> None:
    every = entries()
    assert len(every) == 4584
    taxonomy = CategoryService(PostgresCategoryStore(database), FakeClock())
    known = {entry.id for entry in every}
    with pytest.raises(ValidationError) as refused:
        taxonomy.create_many([entry.values(known) for entry in every])
    places = [fault.field.partition(".") for fault in refused.value.errors]
    assert {name for _, _, name in places} == {"name"}
    names = [every[int(place)].name for place, _, _ in places]
    assert sorted(names, key=str) == sorted(INVALID_NAMES, key=str)

    known = {entry.id for entry in valid_entries(every)}
    assert taxonomy.create_many(
        [entry.values(known) for entry in valid_entries(every)]
    ) == 4584 - len(INVALID_NAMES)
    page = taxonomy.list(CategoryQuery(limit=1000))
    shown = {category.slug: category for category in page.items}
    while page.next_query is not None:
        page = taxonomy.list(page.next_query)
        shown |= {category.slug: category for category in page.items}
    assert len(shown) == page.total == 4584 - len(INVALID_NAMES)
    for entry in valid_entries(every):
        above = tuple(one.lower() for one in entry.above if one in known)
        assert shown[entry.id.lower()].path == (*above, entry.id.lower())
    assert max(len(category.path) for category in shown.values()) == 6

    inside = [one.slug for one in shown.values() if ROOT in one.path]
    deepest = max(inside, key=lambda slug: len(shown[slug].path))
    one_connection = connect_database(database_url, size=1)
    catalog = ProductService(PostgresProductStore(one_connection), NhHtmlCleaner(), FakeClock())
    catalog.create(product_values(name="Egg", categories=[deepest, *inside[:50]]))
    catalog.create(product_values(name="Bacon"))
    query = ProductQuery(category=ROOT)
    assert [product.slug for product in catalog.list(query).items] == ["egg"]
    assert taxonomy.get(ROOT).product_count == 1
    messages = sent_messages(one_connection, tmp_path / "trace", lambda: catalog.list(query))
    assert messages.count("Execute") == messages.count("Sync") == 1
