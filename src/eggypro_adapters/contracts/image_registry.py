"""What every ImageLedger must do, together with the product store that settles it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from attrs import evolve, frozen

from eggypro_adapters.contracts.product_store import NOON, a_draft, anyway, moved_to
from eggypro_core.domain.image import StoredImage
from eggypro_core.domain.product import Image, Product
from eggypro_core.errors import InvalidError, MovedError, NotFoundError
from eggypro_core.ports import ImageLedger, ProductStore
from eggypro_core.validation.parameters import Status

EGG, OTHER = "eggypro-products/egg", "eggypro-products/other"
LATER = NOON + timedelta(hours=1)
SLUG = "egg-white"


@frozen
class Stores:
    """A ledger and the products that have what it records."""

    ledger: ImageLedger
    products: ProductStore


def a_stored(public_id: str = EGG) -> StoredImage:
    """Return an image as a store describes it."""
    return StoredImage(public_id=public_id, width=60, height=40, format="jpg", size=900)


def showing(*refs: str) -> Callable[[Product], Product]:
    """Return the edit that gives a product these images."""
    images = tuple(map(Image, refs))
    return lambda product: evolve(product, images=images, version=product.version + 1)


def arrive(stores: Stores, *public_ids: str) -> None:
    """Have images be stored, which no product has."""
    stores.ledger.intend(public_ids, until=LATER)
    stores.ledger.note(map(a_stored, public_ids))


class ImageLedgerContract:
    """A subclass gives the fixture `stores`: empty ones."""

    def test_what_a_product_gets_it_shows_with_what_is_known(self, stores: Stores) -> None:
        arrive(stores, EGG, OTHER)
        added = stores.products.add(a_draft(images=(Image(OTHER, "A tin"),)), NOON)
        assert added.stored_images == (a_stored(OTHER),)
        changed = stores.products.change(SLUG, showing(OTHER, "https://x.example/1.jpg", EGG))
        assert changed.stored_images == (a_stored(EGG), a_stored(OTHER))
        assert stores.products.find(SLUG) == changed
        with stores.products.export(Status.ALL) as exported:
            found = [one.stored_images for one in exported.products]
            assert found == [changed.stored_images]

    @pytest.mark.parametrize("state", ["unknown", "not arrived", "given up"])
    def test_what_is_not_stored_no_product_gets(self, stores: Stores, state: str) -> None:
        if state != "unknown":
            stores.ledger.intend([EGG], until=LATER)
        if state == "given up":
            stores.ledger.note([a_stored()])
            assert list(stores.ledger.give_up([EGG])) == [EGG]
        with pytest.raises(InvalidError, match=EGG):
            stores.products.add(a_draft(images=(Image(EGG),)), NOON)
        stores.products.add(a_draft(), NOON)
        with pytest.raises(InvalidError, match=EGG) as refused:
            stores.products.change(SLUG, showing(EGG))
        assert [fault.field for fault in refused.value.faults] == ["images"]
        assert stores.products.find(SLUG).images == ()

    def test_what_a_product_has_is_not_given_up(self, stores: Stores) -> None:
        arrive(stores, EGG, OTHER)
        stores.products.add(a_draft(images=(Image(EGG), Image(EGG))), NOON)
        assert list(stores.ledger.give_up([EGG, OTHER, "eggypro-products/no"])) == [OTHER]
        assert list(stores.ledger.give_up_overdue(LATER)) == [OTHER]

    def test_what_two_products_have_is_kept_for_the_last_of_them(self, stores: Stores) -> None:
        arrive(stores, EGG)
        for _ in range(2):
            stores.products.add(a_draft(images=(Image(EGG),)), NOON)
        stores.products.change(SLUG, showing())
        assert list(stores.ledger.give_up([EGG])) == []
        stores.products.remove(f"{SLUG}-2", anyway)
        assert list(stores.ledger.give_up([EGG])) == [EGG]

    def test_a_change_that_fails_gets_nothing(self, stores: Stores) -> None:
        arrive(stores, EGG)
        stores.products.add(a_draft(), NOON)
        stores.products.add(a_draft("Bacon"), NOON)
        with suppress(InvalidError):
            stores.products.change(SLUG, showing(EGG, OTHER))
        assert list(stores.ledger.give_up([EGG])) == [EGG]

    def test_what_was_never_got_is_overdue_when_it_can_arrive_no_more(self, stores: Stores) -> None:
        stores.ledger.intend([EGG], until=LATER)
        assert list(stores.ledger.give_up_overdue(LATER - timedelta(seconds=1))) == []
        assert list(stores.ledger.give_up_overdue(LATER)) == [EGG]

    def test_what_is_given_up_waits_to_be_deleted(self, stores: Stores) -> None:
        arrive(stores, EGG)
        stores.ledger.give_up([EGG])
        for _ in range(2):
            assert list(stores.ledger.give_up_overdue(NOON)) == [EGG]
        stores.ledger.deleted([EGG], NOON)
        assert list(stores.ledger.give_up_overdue(NOON)) == []
        assert list(stores.ledger.give_up_overdue(LATER)) == [EGG]  # it may have come again
        stores.ledger.deleted([EGG], LATER)
        assert list(stores.ledger.give_up_overdue(LATER)) == []
        stores.ledger.intend([EGG], until=LATER)  # it was forgotten

    def test_only_what_was_given_up_is_deleted(self, stores: Stores) -> None:
        arrive(stores, EGG)
        stores.ledger.deleted([EGG, OTHER], LATER)
        stores.products.add(a_draft(images=(Image(EGG),)), NOON)

    def test_an_image_is_intended_for_a_product_whatever_that_is_called(
        self, stores: Stores
    ) -> None:
        stores.products.add(a_draft(), NOON)
        stores.ledger.intend([EGG], until=LATER, product=SLUG)
        stores.ledger.intend([OTHER], until=LATER)
        stores.products.change(SLUG, moved_to("new"))
        assert stores.ledger.intended_for(EGG) == "new"
        with pytest.raises(MovedError):
            stores.ledger.intend(["eggypro-products/x"], until=LATER, product=SLUG)
        stores.products.remove("new", anyway)
        for public_id in (EGG, OTHER, "eggypro-products/no"):
            with pytest.raises(NotFoundError) as refused:
                stores.ledger.intended_for(public_id)
            assert refused.value.kind == "image"
        with pytest.raises(NotFoundError):
            stores.ledger.intend(["eggypro-products/x"], until=LATER, product=SLUG)

    def test_an_image_is_got_or_given_up_and_never_both(self, stores: Stores) -> None:
        ids = [f"eggypro-products/{number}" for number in range(20)]
        arrive(stores, *ids)
        for number in range(4):
            stores.products.add(a_draft(f"P{number}"), NOON)

        def get(number: int) -> None:
            with suppress(InvalidError):
                stores.products.change(
                    f"p{number % 4}",
                    lambda product: showing(*(i.ref for i in product.images), ids[number])(product),
                )

        def give_up(number: int) -> list[str]:
            return list(stores.ledger.give_up([ids[number]]))

        with ThreadPoolExecutor(8) as threads:
            given_up = threads.map(give_up, range(20))
            list(threads.map(get, range(20)))
            gone = {one for some in given_up for one in some}
        had = [i.ref for number in range(4) for i in stores.products.find(f"p{number}").images]
        assert gone.isdisjoint(had)
        assert gone | set(had) == set(ids)
        assert len(had) == len(set(had))
