"""What every ImageRegistry must do, together with the product store that settles it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from attrs import evolve, frozen

from eggypro_adapters.contracts.product_store import NOON, allow_delete, make_draft, moved_to
from eggypro_core.domain.image import StoredImage
from eggypro_core.domain.product import Image, Product
from eggypro_core.errors import NotFoundError, SlugMovedError, ValidationError
from eggypro_core.ports import ImageRegistry, ProductStore
from eggypro_core.validation.parameters import Status

EGG, OTHER = "eggypro-products/egg", "eggypro-products/other"
LATER = NOON + timedelta(hours=1)
SLUG = "egg-white"


@frozen
class RegistryStores:
    """A ledger and the products that have what it records."""

    registry: ImageRegistry
    products: ProductStore


def make_stored_image(public_id: str = EGG) -> StoredImage:
    """Return an image as a store describes it."""
    return StoredImage(public_id=public_id, width=60, height=40, format="jpg", size=900)


def set_images(*refs: str) -> Callable[[Product], Product]:
    """Return the edit that gives a product these images."""
    images = tuple(map(Image, refs))
    return lambda product: evolve(product, images=images, version=product.version + 1)


def store_images(stores: RegistryStores, *public_ids: str) -> None:
    """Have images be stored, which no product has."""
    stores.registry.reserve(public_ids, expires_at=LATER)
    stores.registry.confirm(map(make_stored_image, public_ids))


class ImageRegistryContract:
    """A subclass gives the fixture `stores`: empty ones."""

    def test_what_a_product_gets_it_shows_with_what_is_known(self, stores: RegistryStores) -> None:
        store_images(stores, EGG, OTHER)
        added = stores.products.create(make_draft(images=(Image(OTHER, "A tin"),)), NOON)
        assert added.stored_images == (make_stored_image(OTHER),)
        changed = stores.products.update(SLUG, set_images(OTHER, "https://x.example/1.jpg", EGG))
        assert changed.stored_images == (make_stored_image(EGG), make_stored_image(OTHER))
        assert stores.products.get(SLUG) == changed
        with stores.products.export_products(Status.ALL) as exported:
            found = [one.stored_images for one in exported.products]
            assert found == [changed.stored_images]

    @pytest.mark.parametrize("state", ["unknown", "not arrived", "given up"])
    def test_what_is_not_stored_no_product_gets(self, stores: RegistryStores, state: str) -> None:
        if state != "unknown":
            stores.registry.reserve([EGG], expires_at=LATER)
        if state == "given up":
            stores.registry.confirm([make_stored_image()])
            assert list(stores.registry.release([EGG])) == [EGG]
        with pytest.raises(ValidationError, match=EGG):
            stores.products.create(make_draft(images=(Image(EGG),)), NOON)
        stores.products.create(make_draft(), NOON)
        with pytest.raises(ValidationError, match=EGG) as refused:
            stores.products.update(SLUG, set_images(EGG))
        assert [fault.field for fault in refused.value.errors] == ["images"]
        assert stores.products.get(SLUG).images == ()

    def test_what_a_product_has_is_not_given_up(self, stores: RegistryStores) -> None:
        store_images(stores, EGG, OTHER)
        stores.products.create(make_draft(images=(Image(EGG), Image(EGG))), NOON)
        assert list(stores.registry.release([EGG, OTHER, "eggypro-products/no"])) == [OTHER]
        assert list(stores.registry.release_expired(LATER)) == [OTHER]

    def test_what_two_products_have_is_kept_for_the_last_of_them(
        self, stores: RegistryStores
    ) -> None:
        store_images(stores, EGG)
        for _ in range(2):
            stores.products.create(make_draft(images=(Image(EGG),)), NOON)
        stores.products.update(SLUG, set_images())
        assert list(stores.registry.release([EGG])) == []
        stores.products.delete(f"{SLUG}-2", allow_delete)
        assert list(stores.registry.release([EGG])) == [EGG]

    def test_a_change_that_fails_gets_nothing(self, stores: RegistryStores) -> None:
        store_images(stores, EGG)
        stores.products.create(make_draft(), NOON)
        stores.products.create(make_draft("Bacon"), NOON)
        with suppress(ValidationError):
            stores.products.update(SLUG, set_images(EGG, OTHER))
        assert list(stores.registry.release([EGG])) == [EGG]

    def test_what_was_never_got_is_overdue_when_it_can_arrive_no_more(
        self, stores: RegistryStores
    ) -> None:
        stores.registry.reserve([EGG], expires_at=LATER)
        assert list(stores.registry.release_expired(LATER - timedelta(seconds=1))) == []
        assert list(stores.registry.release_expired(LATER)) == [EGG]

    def test_what_is_given_up_waits_to_be_deleted(self, stores: RegistryStores) -> None:
        store_images(stores, EGG)
        stores.registry.release([EGG])
        for _ in range(2):
            assert list(stores.registry.release_expired(NOON)) == [EGG]
        stores.registry.forget([EGG], NOON)
        assert list(stores.registry.release_expired(NOON)) == []
        assert list(stores.registry.release_expired(LATER)) == [EGG]  # it may have come again
        stores.registry.forget([EGG], LATER)
        assert list(stores.registry.release_expired(LATER)) == []
        stores.registry.reserve([EGG], expires_at=LATER)  # it was forgotten

    def test_only_what_was_given_up_is_deleted(self, stores: RegistryStores) -> None:
        store_images(stores, EGG)
        stores.registry.forget([EGG, OTHER], LATER)
        stores.products.create(make_draft(images=(Image(EGG),)), NOON)

    def test_an_image_is_intended_for_a_product_whatever_that_is_called(
        self, stores: RegistryStores
    ) -> None:
        stores.products.create(make_draft(), NOON)
        stores.registry.reserve([EGG], expires_at=LATER, product=SLUG)
        stores.registry.reserve([OTHER], expires_at=LATER)
        stores.products.update(SLUG, moved_to("new"))
        assert stores.registry.get_product_slug(EGG) == "new"
        with pytest.raises(SlugMovedError):
            stores.registry.reserve(["eggypro-products/x"], expires_at=LATER, product=SLUG)
        stores.products.delete("new", allow_delete)
        for public_id in (EGG, OTHER, "eggypro-products/no"):
            with pytest.raises(NotFoundError) as refused:
                stores.registry.get_product_slug(public_id)
            assert refused.value.kind == "image"
        with pytest.raises(NotFoundError):
            stores.registry.reserve(["eggypro-products/x"], expires_at=LATER, product=SLUG)

    def test_an_image_is_got_or_given_up_and_never_both(self, stores: RegistryStores) -> None:
        ids = [f"eggypro-products/{number}" for number in range(20)]
        store_images(stores, *ids)
        for number in range(4):
            stores.products.create(make_draft(f"P{number}"), NOON)

        def get(number: int) -> None:
            with suppress(ValidationError):
                stores.products.update(
                    f"p{number % 4}",
                    lambda product: set_images(*(i.ref for i in product.images), ids[number])(
                        product
                    ),
                )

        def give_up(number: int) -> list[str]:
            return list(stores.registry.release([ids[number]]))

        with ThreadPoolExecutor(8) as threads:
            given_up = threads.map(give_up, range(20))
            list(threads.map(get, range(20)))
            gone = {one for some in given_up for one in some}
        had = [i.ref for number in range(4) for i in stores.products.get(f"p{number}").images]
        assert gone.isdisjoint(had)
        assert gone | set(had) == set(ids)
        assert len(had) == len(set(had))
