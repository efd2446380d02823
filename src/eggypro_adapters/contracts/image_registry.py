"""Contract suite of `ImageRegistry` and the product store that attaches images."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from attrs import evolve, frozen

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import allow_delete, make_draft, set_product_slug
from eggypro_core.domain.image import StoredImage
from eggypro_core.domain.product import Image, Product
from eggypro_core.domain.product_query import ALL_PRODUCTS
from eggypro_core.errors import NotFoundError, SlugMovedError, ValidationError
from eggypro_core.ports import ImageRegistry, ProductStore

EGG, OTHER = "eggypro-products/egg", "eggypro-products/other"
LATER = NOON + timedelta(hours=1)
SLUG = "egg-white"


@frozen
class RegistryStores:
    """An image registry and the store of the products that use its images."""

    registry: ImageRegistry
    products: ProductStore


def make_stored_image(public_id: str = EGG) -> StoredImage:
    """Return the metadata of a stored image."""
    return StoredImage(public_id=public_id, width=60, height=40, format="jpg", size=900)


def set_images(*refs: str) -> Callable[[Product], Product]:
    """Return the change that sets the images of a product."""
    images = tuple(map(Image, refs))
    return lambda product: evolve(product, images=images, version=product.version + 1)


def store_images(stores: RegistryStores, *public_ids: str) -> None:
    """Reserve and confirm images that no product uses."""
    stores.registry.reserve(public_ids, expires_at=LATER)
    stores.registry.confirm(map(make_stored_image, public_ids))


class ImageRegistryContract:
    """Subclasses provide the fixture `stores`: empty stores of one shop."""

    def test_products_return_the_metadata_of_their_images(self, stores: RegistryStores) -> None:
        store_images(stores, EGG, OTHER)
        product = stores.products.create(make_draft(images=(Image(OTHER, "A tin"),)), NOON)
        assert product.stored_images == (make_stored_image(OTHER),)
        changed = stores.products.update(SLUG, set_images(OTHER, "https://x.example/1.jpg", EGG))
        assert changed.stored_images == (make_stored_image(EGG), make_stored_image(OTHER))
        assert stores.products.get(SLUG) == changed
        with stores.products.export_products(ALL_PRODUCTS) as exported:
            stored_images = [product.stored_images for product in exported.products]
            assert stored_images == [changed.stored_images]

    @pytest.mark.parametrize("state", ["unknown", "reserved", "released"])
    def test_an_unconfirmed_image_cannot_be_attached(
        self, stores: RegistryStores, state: str
    ) -> None:
        if state != "unknown":
            stores.registry.reserve([EGG], expires_at=LATER)
        if state == "released":
            stores.registry.confirm([make_stored_image()])
            assert list(stores.registry.release([EGG])) == [EGG]
        with pytest.raises(ValidationError, match=EGG):
            stores.products.create(make_draft(images=(Image(EGG),)), NOON)
        stores.products.create(make_draft(), NOON)
        with pytest.raises(ValidationError, match=EGG) as exc_info:
            stores.products.update(SLUG, set_images(EGG))
        assert [error.field for error in exc_info.value.errors] == ["images"]
        assert stores.products.get(SLUG).images == ()

    def test_an_attached_image_is_not_released(self, stores: RegistryStores) -> None:
        store_images(stores, EGG, OTHER)
        stores.products.create(make_draft(images=(Image(EGG), Image(EGG))), NOON)
        assert list(stores.registry.release([EGG, OTHER, "eggypro-products/no"])) == [OTHER]
        assert list(stores.registry.release_expired(LATER)) == [OTHER]

    def test_an_image_is_released_after_its_last_product(self, stores: RegistryStores) -> None:
        store_images(stores, EGG)
        for _ in range(2):
            stores.products.create(make_draft(images=(Image(EGG),)), NOON)
        stores.products.update(SLUG, set_images())
        assert list(stores.registry.release([EGG])) == []
        stores.products.delete(f"{SLUG}-2", allow_delete)
        assert list(stores.registry.release([EGG])) == [EGG]

    def test_a_failed_update_attaches_no_image(self, stores: RegistryStores) -> None:
        store_images(stores, EGG)
        stores.products.create(make_draft(), NOON)
        stores.products.create(make_draft("Bacon"), NOON)
        with suppress(ValidationError):
            stores.products.update(SLUG, set_images(EGG, OTHER))
        assert list(stores.registry.release([EGG])) == [EGG]

    def test_an_unused_reservation_is_released_when_it_expires(
        self, stores: RegistryStores
    ) -> None:
        stores.registry.reserve([EGG], expires_at=LATER)
        assert list(stores.registry.release_expired(LATER - timedelta(seconds=1))) == []
        assert list(stores.registry.release_expired(LATER)) == [EGG]

    def test_a_released_image_is_listed_until_it_is_forgotten(self, stores: RegistryStores) -> None:
        store_images(stores, EGG)
        stores.registry.release([EGG])
        for _ in range(2):
            assert list(stores.registry.release_expired(NOON)) == [EGG]
        stores.registry.forget([EGG], NOON)
        assert list(stores.registry.release_expired(NOON)) == []
        assert list(stores.registry.release_expired(LATER)) == [
            EGG
        ]  # it may have been uploaded again
        stores.registry.forget([EGG], LATER)
        assert list(stores.registry.release_expired(LATER)) == []
        stores.registry.reserve([EGG], expires_at=LATER)  # the id is free again

    def test_only_released_images_are_forgotten(self, stores: RegistryStores) -> None:
        store_images(stores, EGG)
        stores.registry.forget([EGG, OTHER], LATER)
        stores.products.create(make_draft(images=(Image(EGG),)), NOON)

    def test_a_reservation_follows_its_renamed_product(self, stores: RegistryStores) -> None:
        stores.products.create(make_draft(), NOON)
        stores.registry.reserve([EGG], expires_at=LATER, product=SLUG)
        stores.registry.reserve([OTHER], expires_at=LATER)
        stores.products.update(SLUG, set_product_slug("new"))
        assert stores.registry.get_product_slug(EGG) == "new"
        with pytest.raises(SlugMovedError):
            stores.registry.reserve(["eggypro-products/x"], expires_at=LATER, product=SLUG)
        stores.products.delete("new", allow_delete)
        for public_id in (EGG, OTHER, "eggypro-products/no"):
            with pytest.raises(NotFoundError) as exc_info:
                stores.registry.get_product_slug(public_id)
            assert exc_info.value.kind == "image"
        with pytest.raises(NotFoundError):
            stores.registry.reserve(["eggypro-products/x"], expires_at=LATER, product=SLUG)

    def test_a_concurrently_released_image_is_never_attached(self, stores: RegistryStores) -> None:
        ids = [f"eggypro-products/{number}" for number in range(20)]
        store_images(stores, *ids)
        for number in range(4):
            stores.products.create(make_draft(f"P{number}"), NOON)

        def attach(number: int) -> None:
            with suppress(ValidationError):
                stores.products.update(
                    f"p{number % 4}",
                    lambda product: set_images(*(i.ref for i in product.images), ids[number])(
                        product
                    ),
                )

        def release(number: int) -> list[str]:
            return list(stores.registry.release([ids[number]]))

        with ThreadPoolExecutor(8) as threads:
            batches = threads.map(release, range(20))
            list(threads.map(attach, range(20)))
            released = {public_id for batch in batches for public_id in batch}
        attached = [i.ref for number in range(4) for i in stores.products.get(f"p{number}").images]
        assert released.isdisjoint(attached)
        assert released | set(attached) == set(ids)
        assert len(attached) == len(set(attached))
