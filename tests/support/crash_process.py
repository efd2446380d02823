"""A process that kills itself at a point of an image operation.

`python -m tests.support.crash_process URL FOLDER ACTION CRASH_POINT`.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.contracts.sample_images import make_image
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.image_registry import PostgresImageRegistry
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.image import StoredImage
from eggypro_core.domain.product import Product
from eggypro_core.shop import Shop
from tests.support.builders import ADMIN_KEY, make_shop

EGG = "egg-white-protein"
CRASH_POINTS: list[str] = []
"""The points at which this process kills itself."""


def crash_at(point: str) -> None:
    if point in CRASH_POINTS:
        os.kill(os.getpid(), signal.SIGKILL)


class CrashingImageStore(LocalImageStore):
    def upload(self, content: BinaryIO, **options: Any) -> StoredImage:
        crash_at("before the upload")
        stored = super().upload(content, **options)
        crash_at("after the upload")
        return stored

    def delete(self, public_id: str) -> None:
        crash_at("before the deletion")
        super().delete(public_id)
        crash_at("after the deletion")


class CrashingProductStore(PostgresProductStore):
    def update(self, slug: str, change: Callable[[Product], Product]) -> Product:
        crash_at("before the transaction")

        def change_and_crash(product: Product) -> Product:
            changed = change(product)
            crash_at("within the transaction")
            return changed

        product = super().update(slug, change_and_crash)
        crash_at("after the transaction")
        return product


def make_crashing_shop(database: Database, folder: Path, clock: FakeClock) -> Shop:
    return make_shop(
        CrashingProductStore(database),
        image_registry=PostgresImageRegistry(database),
        images=CrashingImageStore(folder, PillowImageCleaner(), ADMIN_KEY),
        clock=clock,
    )


ACTIONS: Mapping[str, Callable[[Shop], object]] = {
    "upload": lambda shop: shop.images.upload(EGG, [make_image(), make_image("png")]),
    "set_images": lambda shop: shop.images.set_images(EGG, {"images": []}),
    "delete": lambda shop: shop.products.delete(EGG),
}


def main(url: str, folder: str, action: str, point: str) -> None:
    CRASH_POINTS.append(point)
    ACTIONS[action](make_crashing_shop(Database.connect(url), Path(folder), FakeClock()))


if __name__ == "__main__":
    main(*sys.argv[1:])
