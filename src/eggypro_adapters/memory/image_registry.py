"""In-memory registry of images."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from attrs import evolve

from eggypro_adapters.memory.database import MemoryDatabase, RegisteredImage
from eggypro_core.domain.image import StoredImage, image_not_found


class MemoryImageRegistry:
    """Register images in memory."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def reserve(
        self, public_ids: Collection[str], *, expires_at: datetime, product: str | None = None
    ) -> None:
        with self._database.lock:
            state = self._database.state
            product_id = None if product is None else state.get(product).id
            entry = RegisteredImage(expires_at=expires_at, product=product_id)
            state.images.update(dict.fromkeys(public_ids, entry))

    def get_product_slug(self, public_id: str) -> str:
        with self._database.lock:
            state = self._database.state
            entry = state.images.get(public_id)
            reserved_for = state.products.get(entry.product or 0) if entry else None
            if reserved_for is None:
                raise image_not_found(public_id)
            return reserved_for.slug

    def confirm(self, stored_images: Iterable[StoredImage]) -> None:
        with self._database.lock:
            images = self._database.state.images
            for image in stored_images:
                if image.public_id in images:
                    images[image.public_id] = evolve(images[image.public_id], stored=image)

    def release(self, public_ids: Collection[str]) -> Collection[str]:
        requested = set(public_ids)
        return self._release(lambda public_id, _: public_id in requested)

    def release_expired(self, at: datetime) -> Collection[str]:
        return self._release(
            lambda _, entry: (entry.is_released and not entry.is_deleted) or entry.expires_at <= at
        )

    def forget(self, public_ids: Collection[str], at: datetime) -> None:
        with self._database.lock:
            images = self._database.state.images
            for public_id in public_ids:
                entry = images.get(public_id)
                if entry is None or not entry.is_released:
                    continue
                if entry.expires_at <= at:
                    del images[public_id]
                else:
                    images[public_id] = evolve(entry, is_deleted=True)

    def _release(self, matches: Callable[[str, RegisteredImage], bool]) -> Collection[str]:
        with self._database.lock:
            state = self._database.state
            released = [
                public_id
                for public_id, entry in state.images.items()
                if matches(public_id, entry) and not state.is_referenced(public_id)
            ]
            for public_id in released:
                state.images[public_id] = evolve(state.images[public_id], is_released=True)
            return released
