"""A process that dies while it changes images.

`python -m tests.support.crash_process URL FOLDER DEED PLACE`.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.contracts.sample_images import a_picture
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.image_registry import PostgresImageLedger
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.image import StoredImage
from eggypro_core.domain.product import Product
from eggypro_core.shop import Shop
from tests.support.builders import ADMIN_KEY, a_shop

EGG = "egg-white-protein"
PLACES: list[str] = []
"""Where this process is to die."""


def pass_by(place: str) -> None:
    if place in PLACES:
        os.kill(os.getpid(), signal.SIGKILL)


class Images(LocalImageStore):
    def upload(self, content: BinaryIO, **named: Any) -> StoredImage:
        pass_by("before the upload")
        stored = super().upload(content, **named)
        pass_by("after the upload")
        return stored

    def delete(self, public_id: str) -> None:
        pass_by("before the deletion")
        super().delete(public_id)
        pass_by("after the deletion")


class Products(PostgresProductStore):
    def change(self, slug: str, to: Callable[[Product], Product]) -> Product:
        pass_by("before the transaction")

        def dying(product: Product) -> Product:
            changed = to(product)
            pass_by("within the transaction")
            return changed

        product = super().change(slug, dying)
        pass_by("after the transaction")
        return product


def shop(database: Database, folder: Path, clock: FakeClock) -> Shop:
    return a_shop(
        Products(database),
        ledger=PostgresImageLedger(database),
        images=Images(folder, PillowImageCleaner(), ADMIN_KEY),
        clock=clock,
    )


DEEDS: Mapping[str, Callable[[Shop], object]] = {
    "upload": lambda shop: shop.images.add(EGG, [a_picture(), a_picture("png")]),
    "arrange": lambda shop: shop.images.arrange(EGG, {"images": []}),
    "remove": lambda shop: shop.products.remove(EGG),
}


def main(url: str, folder: str, deed: str, place: str) -> None:
    PLACES.append(place)
    DEEDS[deed](shop(Database.connect(url), Path(folder), FakeClock()))


if __name__ == "__main__":
    main(*sys.argv[1:])
