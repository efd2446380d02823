"""A real server over a shop in memory.

`python -m tests.support.server_process PORT WORKERS GATE`.
"""

import os
import socket
import sys

from attrs import evolve, frozen

from eggypro_adapters.memory import MemoryProductStore
from eggypro_core.domain.product import Product
from eggypro_core.errors import EggyProError, UnavailableError
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from eggypro_http.config import HttpConfig
from eggypro_http.server.granian import serve
from tests.support.builders import make_shop, product_values

HOST = "127.0.0.1"
UNAVAILABLE_EXIT_CODE = 3
DRAIN_SECONDS = {"draining": 4.0}
"""The seconds that a server of some manners goes on at the end."""


@frozen
class EventReporter:
    """Tells the test, at its gate, what happens in a worker, and waits there if told to."""

    gate: int

    def __call__(self, event: str, *, wait: bool = False) -> None:
        with socket.create_connection((HOST, self.gate)) as there:
            there.sendall(f"{event} {os.getpid()}\n".encode())
            if wait:
                there.recv(1)


class GatedStore(MemoryProductStore):
    """Keeps whoever looks for `slow` waiting until the test lets them go."""

    def __init__(self, tell: EventReporter) -> None:
        super().__init__()
        self.tell = tell

    def get(self, slug: str, variant_status: Status = Status.ACTIVE) -> Product:
        if slug == "slow":
            self.tell("in flight", wait=True)
        return super().get(slug, variant_status)


@frozen
class ShopFactory:
    """Opens the shop in a worker."""

    tell: EventReporter
    manner: str

    def __call__(self) -> tuple[Shop, HttpConfig]:
        self.tell("opening", wait=self.manner == "slowly")
        if self.manner == "never":
            raise UnavailableError("The database is away")
        shop = make_shop(GatedStore(self.tell))
        shop.products.create(product_values(name="Slow"))
        return evolve(shop, close=lambda: self.tell("closed")), HttpConfig()


def main(host: str, port: str, workers: str, gate: str, manner: str) -> None:
    opening = ShopFactory(EventReporter(int(gate)), manner)
    try:
        serve(
            opening,
            host=host,
            port=int(port),
            workers=int(workers),
            drain=DRAIN_SECONDS.get(manner, 0),
        )
    except EggyProError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(UNAVAILABLE_EXIT_CODE)


if __name__ == "__main__":
    main(*sys.argv[1:])
