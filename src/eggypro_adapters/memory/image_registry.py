"""The ledger of stored images within this process."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from attrs import evolve

from eggypro_adapters.memory.database import MemoryDatabase, RecordedImage
from eggypro_core.domain.image import StoredImage, image_absent


class MemoryImageLedger:
    """The record of images in this process. Everything is gone with it."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def intend(
        self, public_ids: Collection[str], *, until: datetime, product: str | None = None
    ) -> None:
        with self._database.lock:
            shelf = self._database.shelf
            whose = None if product is None else shelf.find(product).id
            new = RecordedImage(until=until, product=whose)
            shelf.images.update(dict.fromkeys(public_ids, new))

    def intended_for(self, public_id: str) -> str:
        with self._database.lock:
            shelf = self._database.shelf
            found = shelf.images.get(public_id)
            product = shelf.products.get(found.product or 0) if found else None
            if product is None:
                raise image_absent(public_id)
            return product.slug

    def note(self, stored: Iterable[StoredImage]) -> None:
        with self._database.lock:
            images = self._database.shelf.images
            for one in stored:
                if one.public_id in images:
                    images[one.public_id] = evolve(images[one.public_id], stored=one)

    def give_up(self, public_ids: Collection[str]) -> Collection[str]:
        wanted = set(public_ids)
        return self._give_up(lambda public_id, _: public_id in wanted)

    def give_up_overdue(self, at: datetime) -> Collection[str]:
        return self._give_up(
            lambda _, one: (one.is_given_up and not one.is_deleted) or one.until <= at
        )

    def deleted(self, public_ids: Collection[str], at: datetime) -> None:
        with self._database.lock:
            images = self._database.shelf.images
            for public_id in public_ids:
                found = images.get(public_id)
                if found is None or not found.is_given_up:
                    continue
                if found.until <= at:
                    del images[public_id]
                else:
                    images[public_id] = evolve(found, is_deleted=True)

    def _give_up(self, is_wanted: Callable[[str, RecordedImage], bool]) -> Collection[str]:
        with self._database.lock:
            shelf = self._database.shelf
            found = [
                public_id
                for public_id, one in shelf.images.items()
                if is_wanted(public_id, one) and not shelf.is_had(public_id)
            ]
            for public_id in found:
                shelf.images[public_id] = evolve(shelf.images[public_id], is_given_up=True)
            return found
