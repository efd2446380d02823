"""Contract suite of `IdempotencyStore`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from attrs import frozen

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.waiting import wait_for_event
from eggypro_core.errors import ConflictError, NotFoundError
from eggypro_core.operations.idempotency import (
    IDEMPOTENCY_RETENTION,
    IdempotencyStore,
    StoredResponse,
)
from eggypro_core.shop import Shop

SECOND = timedelta(seconds=1)
RESPONSE = StoredResponse("print", b"body", {"etag": '"1.a"'})


@frozen
class IdempotentShop:
    """A shop and its idempotency store."""

    shop: Shop
    store: IdempotencyStore[Shop]


_PRODUCT_VALUES = {"description": "", "details": "", "price": "24.99", "ingredients": ["egg white"]}


def sell_egg(shop: Shop) -> StoredResponse:
    """Sell one unit of the product and return the response."""
    shop.products.adjust_stock("egg-white-protein", -1)
    return RESPONSE


class IdempotencyStoreContract:
    """Subclasses provide the fixture `idempotent_shop`: a shop with 42 of `egg-white-protein`."""

    @pytest.fixture
    def idempotent_shop(self) -> IdempotentShop:
        raise NotImplementedError

    @pytest.fixture
    def get_stock(self, idempotent_shop: IdempotentShop) -> Callable[[], int]:
        return lambda: idempotent_shop.shop.products.get("egg-white-protein").stock_quantity

    def test_a_repeated_key_returns_the_stored_response(
        self, idempotent_shop: IdempotentShop, get_stock: Callable[[], int]
    ) -> None:
        shop, store = idempotent_shop.shop, idempotent_shop.store
        assert store.run(shop, "a", NOON, sell_egg) == (RESPONSE, False)
        assert store.run(shop, "a", NOON, sell_egg) == (RESPONSE, True)
        assert get_stock() == 41

    def test_keys_are_independent(
        self, idempotent_shop: IdempotentShop, get_stock: Callable[[], int]
    ) -> None:
        for key in ("a", "b"):
            assert idempotent_shop.store.run(idempotent_shop.shop, key, NOON, sell_egg) == (
                RESPONSE,
                False,
            )
        assert get_stock() == 40

    def test_a_failed_request_can_be_retried(
        self, idempotent_shop: IdempotentShop, get_stock: Callable[[], int]
    ) -> None:
        def fail(shop: Shop) -> StoredResponse:
            shop.products.create({**_PRODUCT_VALUES, "name": "Another"})
            raise ConflictError("no")

        for _ in range(2):
            with pytest.raises(ConflictError, match="no"):
                idempotent_shop.store.run(idempotent_shop.shop, "a", NOON, fail)
        assert idempotent_shop.store.run(idempotent_shop.shop, "a", NOON, sell_egg) == (
            RESPONSE,
            False,
        )
        assert get_stock() == 41

    def test_a_key_expires_after_its_retention(self, idempotent_shop: IdempotentShop) -> None:
        shop, store = idempotent_shop.shop, idempotent_shop.store
        store.run(shop, "a", NOON, sell_egg)
        assert store.run(shop, "a", NOON + IDEMPOTENCY_RETENTION - SECOND, sell_egg)[1]
        assert not store.run(shop, "a", NOON + IDEMPOTENCY_RETENTION, sell_egg)[1]
        assert store.run(shop, "a", NOON + IDEMPOTENCY_RETENTION + SECOND, sell_egg)[1]

    def test_prune_deletes_expired_keys(self, idempotent_shop: IdempotentShop) -> None:
        for key in "abc":
            idempotent_shop.store.run(idempotent_shop.shop, key, NOON, sell_egg)
        idempotent_shop.store.run(idempotent_shop.shop, "d", NOON + SECOND, sell_egg)
        assert idempotent_shop.store.prune(NOON + IDEMPOTENCY_RETENTION - SECOND, 10) == 0
        assert idempotent_shop.store.prune(NOON + IDEMPOTENCY_RETENTION, 2) == 2
        assert idempotent_shop.store.prune(NOON + IDEMPOTENCY_RETENTION, 2) == 1
        assert idempotent_shop.store.prune(NOON + IDEMPOTENCY_RETENTION, 2) == 0
        assert idempotent_shop.store.run(idempotent_shop.shop, "d", NOON + SECOND, sell_egg)[1]

    def test_concurrent_requests_with_one_key_run_once(
        self, idempotent_shop: IdempotentShop, get_stock: Callable[[], int]
    ) -> None:
        barrier = Barrier(8)

        def send_request(_: int) -> str:
            barrier.wait()
            try:
                return (
                    "replayed"
                    if idempotent_shop.store.run(idempotent_shop.shop, "a", NOON, sell_egg)[1]
                    else "run"
                )
            except ConflictError:
                return "refused"

        with ThreadPoolExecutor(8) as threads:
            outcomes = list(threads.map(send_request, range(8)))
        assert outcomes.count("run") == 1
        assert get_stock() == 41

    def test_a_key_in_use_is_refused_immediately(self, idempotent_shop: IdempotentShop) -> None:
        is_started, can_finish = Event(), Event()

        def run_slowly(shop: Shop) -> StoredResponse:
            is_started.set()
            wait_for_event(can_finish)
            return sell_egg(shop)

        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(
                idempotent_shop.store.run, idempotent_shop.shop, "a", NOON, run_slowly
            )
            wait_for_event(is_started)
            with pytest.raises(ConflictError, match="is being answered") as exc_info:
                idempotent_shop.store.run(idempotent_shop.shop, "a", NOON, sell_egg)
            can_finish.set()
            assert exc_info.value.code == "request-in-progress"
            assert first.result() == (RESPONSE, False)

    def test_work_reads_its_own_writes(self, idempotent_shop: IdempotentShop) -> None:
        def work(shop: Shop) -> StoredResponse:
            slug = shop.products.create(
                {**_PRODUCT_VALUES, "name": "Fresh", "stock_quantity": 3}
            ).slug
            shop.products.adjust_stock(slug, -2)
            with pytest.raises(ConflictError):
                shop.products.adjust_stock(slug, -2)
            with pytest.raises(NotFoundError):
                shop.products.adjust_stock("unknown", -2)
            assert shop.products.get(slug).stock_quantity == 1
            return RESPONSE

        idempotent_shop.store.run(idempotent_shop.shop, "a", NOON, work)
        assert idempotent_shop.shop.products.get("fresh").stock_quantity == 1
