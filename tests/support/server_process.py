"""A real server with a shop in memory.

`python -m tests.support.server_process HOST PORT WORKERS GATE MODE IMAGE_FOLDER`.
"""

import os
import socket
import sys
from pathlib import Path

from attrs import evolve, frozen

from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.memory import MemoryProductStore
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_core.domain.product import Product
from eggypro_core.errors import EggyProError, UnavailableError
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from eggypro_http.config import HttpConfig
from eggypro_http.server.granian import DEFAULT_LIMITS, serve
from eggypro_http.server.transfer_limits import TransferLimits
from tests.support.builders import ADMIN_KEY, make_shop, product_values
from tests.support.ports import HOST

UNAVAILABLE_EXIT_CODE = 3
DRAIN_SECONDS = {"draining": 4.0}
"""Seconds that a server keeps serving on shutdown, by its mode."""
LIMITS = {
    "impatient": TransferLimits(
        json_seconds=1, bytes_per_second=4096, window_seconds=1, file_seconds=4
    )
}
"""Limits of slow clients, by mode."""


@frozen
class EventReporter:
    """Reports events of a worker to the test at port `gate`, and waits there if requested."""

    gate: int

    def __call__(self, event: str, *, wait: bool = False) -> None:
        with socket.create_connection((HOST, self.gate)) as connection:
            connection.sendall(f"{event} {os.getpid()}\n".encode())
            if wait:
                connection.recv(1)


class GatedStore(MemoryProductStore):
    """Blocks reads of `slow` until the test releases them."""

    def __init__(self, report: EventReporter) -> None:
        super().__init__()
        self.report = report

    def get(self, slug: str, variant_status: Status = Status.ACTIVE) -> Product:
        if slug == "slow":
            self.report("in flight", wait=True)
        return super().get(slug, variant_status)


@frozen
class ShopFactory:
    """Opens the shop in a worker."""

    report: EventReporter
    mode: str
    image_folder: str

    def __call__(self) -> tuple[Shop, HttpConfig]:
        self.report("opening", wait=self.mode == "slowly")
        if self.mode == "never":
            raise UnavailableError("The database is down")
        if self.mode == "failing":
            raise RuntimeError("a bug in the factory")
        images = LocalImageStore(Path(self.image_folder), PillowImageCleaner(), ADMIN_KEY)
        shop = make_shop(GatedStore(self.report), images=images, files=images)
        shop.products.create(product_values(name="Slow"))
        return evolve(shop, close=lambda: self.report("closed")), HttpConfig()


def main(host: str, port: str, workers: str, gate: str, mode: str, image_folder: str) -> None:
    open_shop = ShopFactory(EventReporter(int(gate)), mode, image_folder)
    try:
        serve(
            open_shop,
            host=host,
            port=int(port),
            workers=int(workers),
            drain=DRAIN_SECONDS.get(mode, 0),
            limits=LIMITS.get(mode, DEFAULT_LIMITS),
        )
    except EggyProError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(UNAVAILABLE_EXIT_CODE)


if __name__ == "__main__":
    main(*sys.argv[1:])
