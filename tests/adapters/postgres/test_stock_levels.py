"""Orders that change the stock of several items at once, in Postgres."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.event_log import EventStores
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_adapters.postgres.database import Database
from eggypro_core.domain.event import EventType
from eggypro_core.domain.stock_change import StockKey, StockLine
from eggypro_core.errors import ConflictError, ValidationError
from tests.adapters.postgres.test_events import make_stores
from tests.support.builders import ShopStores, make_shop, product_values, variant_values

STOCK, ORDERS = 20, 40


@pytest.fixture
def stores(database: Database) -> EventStores:
    stores = make_stores(database)
    for slug in ("a", "b", "c"):
        stores.products.create(make_draft(slug=slug, stock_quantity=STOCK), NOON)
    return stores


def test_concurrent_orders_sell_nothing_twice_and_do_not_deadlock(stores: EventStores) -> None:
    def order(number: int) -> bool:
        slugs = ["a", "b", "c"] if number % 2 else ["c", "b", "a"]
        lines = [StockLine(StockKey.PRODUCT, slug, delta=-1) for slug in slugs]
        try:
            stores.products.change_stock(lines)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        accepted = list(threads.map(order, range(ORDERS)))
    assert sum(accepted) == STOCK
    assert [stores.products.get(slug).stock_quantity for slug in "abc"] == [0, 0, 0]
    sold = stores.events(types=(EventType.PRODUCT_STOCK_CHANGED,))
    assert len(sold) == 3 * STOCK


LINES: list[list[StockLine]] = [
    [StockLine(StockKey.SKU, "S-1", delta=-2), StockLine(StockKey.PRODUCT, "old", quantity=7)],
    [StockLine(StockKey.PRODUCT, "shake", delta=-1)],
    [StockLine(StockKey.SKU, "S-1", delta=-9), StockLine(StockKey.SKU, "B-1", delta=-1)],
    [StockLine(StockKey.VARIANT, 999, delta=1), StockLine(StockKey.SKU, "b-1", delta=1)],
    [StockLine(StockKey.SKU, "B-1", delta=0)],
]


@pytest.mark.parametrize("lines", LINES, ids=str)
def test_postgres_and_memory_agree(database: Database, lines: Sequence[StockLine]) -> None:
    results: list[object] = []
    for stores in (ShopStores.in_memory(), ShopStores.in_postgres(database)):
        shop = make_shop(stores=stores)
        shop.products.create(product_values(slug="old", name="Bar", sku="B-1", stock_quantity=3))
        shop.products.update("old", {"slug": "bar"})
        shop.products.create(product_values(slug="shake", name="Shake"))
        shop.variants.create("shake", variant_values(sku="S-1", stock_quantity=5))
        try:
            levels = stores.products.change_stock(lines)
            result: object = [(level.name, level.stock_quantity) for level in levels]
        except (ConflictError, ValidationError) as error:
            result = str(error)
        stock = [shop.products.get(slug).stock_quantity for slug in ("bar", "shake")]
        results.append((result, stock))
    assert results[0] == results[1]
