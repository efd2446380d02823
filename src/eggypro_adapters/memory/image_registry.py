"""The ledger of stored images within this process."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from attrs import evolve

from eggypro_adapters.memory.database import MemoryDatabase, RegisteredImage
from eggypro_core.domain.image import StoredImage, image_not_found


class MemoryImageRegistry:
    """The record of images in this process. Everything is gone with it."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def reserve(
        self, public_ids: Collection[str], *, expires_at: datetime, product: str | None = None
    ) -> None:
        with self._database.lock:
            shelf = self._database.state
            whose = None if product is None else shelf.get(product).id
            new = RegisteredImage(expires_at=expires_at, product=whose)
            shelf.images.update(dict.fromkeys(public_ids, new))

    def get_product_slug(self, public_id: str) -> str:
        with self._database.lock:
            shelf = self._database.state
            found = shelf.images.get(public_id)
            product = shelf.products.get(found.product or 0) if found else None
            if product is None:
                raise image_not_found(public_id)
            return product.slug

    def confirm(self, stored_images: Iterable[StoredImage]) -> None:
        with self._database.lock:
            images = self._database.state.images
            for one in stored_images:
                if one.public_id in images:
                    images[one.public_id] = evolve(images[one.public_id], stored=one)

    def release(self, public_ids: Collection[str]) -> Collection[str]:
        wanted = set(public_ids)
        return self._release(lambda public_id, _: public_id in wanted)

    def release_expired(self, at: datetime) -> Collection[str]:
        return self._release(
            lambda _, one: (one.is_released and not one.is_deleted) or one.expires_at <= at
        )

    def forget(self, public_ids: Collection[str], at: datetime) -> None:
        with self._database.lock:
            images = self._database.state.images
            for public_id in public_ids:
                found = images.get(public_id)
                if found is None or not found.is_released:
                    continue
                if found.expires_at <= at:
                    del images[public_id]
                else:
                    images[public_id] = evolve(found, is_deleted=True)

    def _release(self, is_wanted: Callable[[str, RegisteredImage], bool]) -> Collection[str]:
        with self._database.lock:
            shelf = self._database.state
            found = [
                public_id
                for public_id, one in shelf.images.items()
                if is_wanted(public_id, one) and not shelf.is_referenced(public_id)
            ]
            for public_id in found:
                shelf.images[public_id] = evolve(shelf.images[public_id], is_released=True)
            return found
