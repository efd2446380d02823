"""What every Once must do."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from attrs import frozen

from eggypro_adapters.contracts.clock import NOON
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
class Setup:
    """A shop, and what does things once in it."""

    shop: Shop
    once: IdempotencyStore[Shop]


_PRODUCT = {"description": "", "details": "", "price": "24.99", "ingredients": ["egg white"]}


def sell_egg(shop: Shop) -> StoredResponse:
    """Sell one egg, and say so."""
    shop.products.adjust_stock("egg-white-protein", -1)
    return RESPONSE


class IdempotencyStoreContract:
    """A subclass gives the fixture `opened`, with a product of which there are 42."""

    @pytest.fixture
    def opened(self) -> Setup:
        raise NotImplementedError

    @pytest.fixture
    def left(self, opened: Setup) -> Callable[[], int]:
        return lambda: opened.shop.products.get("egg-white-protein").stock_quantity

    def test_what_was_done_is_not_done_again(self, opened: Setup, left: Callable[[], int]) -> None:
        shop, once = opened.shop, opened.once
        assert once.run(shop, "a", NOON, sell_egg) == (RESPONSE, False)
        assert once.run(shop, "a", NOON, sell_egg) == (RESPONSE, True)
        assert left() == 41

    def test_each_name_is_for_itself(self, opened: Setup, left: Callable[[], int]) -> None:
        for name in ("a", "b"):
            assert opened.once.run(opened.shop, name, NOON, sell_egg) == (RESPONSE, False)
        assert left() == 40

    def test_what_fails_can_be_tried_again(self, opened: Setup, left: Callable[[], int]) -> None:
        def fail(within: Shop) -> StoredResponse:
            within.products.create({**_PRODUCT, "name": "Another"})
            raise ConflictError("no")

        for _ in range(2):
            with pytest.raises(ConflictError, match="no"):
                opened.once.run(opened.shop, "a", NOON, fail)
        assert opened.once.run(opened.shop, "a", NOON, sell_egg) == (RESPONSE, False)
        assert left() == 41

    def test_it_is_forgotten_after_its_time(self, opened: Setup) -> None:
        shop, once = opened.shop, opened.once
        once.run(shop, "a", NOON, sell_egg)
        assert once.run(shop, "a", NOON + IDEMPOTENCY_RETENTION - SECOND, sell_egg)[1]
        assert not once.run(shop, "a", NOON + IDEMPOTENCY_RETENTION, sell_egg)[1]
        assert once.run(shop, "a", NOON + IDEMPOTENCY_RETENTION + SECOND, sell_egg)[1]

    def test_what_is_over_is_pruned(self, opened: Setup) -> None:
        for name in "abc":
            opened.once.run(opened.shop, name, NOON, sell_egg)
        opened.once.run(opened.shop, "d", NOON + SECOND, sell_egg)
        assert opened.once.prune(NOON + IDEMPOTENCY_RETENTION - SECOND, 10) == 0
        assert opened.once.prune(NOON + IDEMPOTENCY_RETENTION, 2) == 2
        assert opened.once.prune(NOON + IDEMPOTENCY_RETENTION, 2) == 1
        assert opened.once.prune(NOON + IDEMPOTENCY_RETENTION, 2) == 0
        assert opened.once.run(opened.shop, "d", NOON + SECOND, sell_egg)[1]

    def test_of_twins_one_is_done(self, opened: Setup, left: Callable[[], int]) -> None:
        together = Barrier(8)

        def one(_: int) -> str:
            together.wait()
            try:
                return "again" if opened.once.run(opened.shop, "a", NOON, sell_egg)[1] else "done"
            except ConflictError:
                return "refused"

        with ThreadPoolExecutor(8) as threads:
            outcomes = list(threads.map(one, range(8)))
        assert outcomes.count("done") == 1
        assert left() == 41

    def test_who_comes_meanwhile_is_refused_at_once(self, opened: Setup) -> None:
        is_begun, may_end = Event(), Event()

        def slow(within: Shop) -> StoredResponse:
            is_begun.set()
            may_end.wait()
            return sell_egg(within)

        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(opened.once.run, opened.shop, "a", NOON, slow)
            is_begun.wait()
            with pytest.raises(ConflictError, match="is being answered"):
                opened.once.run(opened.shop, "a", NOON, sell_egg)
            may_end.set()
            assert first.result() == (RESPONSE, False)

    def test_what_is_done_within_is_seen_within(self, opened: Setup) -> None:
        def work(within: Shop) -> StoredResponse:
            slug = within.products.create({**_PRODUCT, "name": "Fresh", "stock_quantity": 3}).slug
            within.products.adjust_stock(slug, -2)
            with pytest.raises(ConflictError):
                within.products.adjust_stock(slug, -2)
            with pytest.raises(NotFoundError):
                within.products.adjust_stock("nothing", -2)
            assert within.products.get(slug).stock_quantity == 1
            return RESPONSE

        opened.once.run(opened.shop, "a", NOON, work)
        assert opened.shop.products.get("fresh").stock_quantity == 1
