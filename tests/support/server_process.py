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
from tests.support.builders import a_product, a_shop

HOST = "127.0.0.1"
AWAY = 3
DRAINS = {"draining": 4.0}
"""The seconds that a server of some manners goes on at the end."""


@frozen
class Told:
    """Tells the test, at its gate, what happens in a worker, and waits there if told to."""

    gate: int

    def __call__(self, event: str, *, wait: bool = False) -> None:
        with socket.create_connection((HOST, self.gate)) as there:
            there.sendall(f"{event} {os.getpid()}\n".encode())
            if wait:
                there.recv(1)


class GatedStore(MemoryProductStore):
    """Keeps whoever looks for `slow` waiting until the test lets them go."""

    def __init__(self, tell: Told) -> None:
        super().__init__()
        self.tell = tell

    def find(self, slug: str, variants: Status = Status.ACTIVE) -> Product:
        if slug == "slow":
            self.tell("in flight", wait=True)
        return super().find(slug, variants)


@frozen
class Opening:
    """Opens the shop in a worker."""

    tell: Told
    manner: str

    def __call__(self) -> tuple[Shop, HttpConfig]:
        self.tell("opening", wait=self.manner == "slowly")
        if self.manner == "never":
            raise UnavailableError("The database is away")
        shop = a_shop(GatedStore(self.tell))
        shop.products.add(a_product(name="Slow"))
        return evolve(shop, close=lambda: self.tell("closed")), HttpConfig()


def main(host: str, port: str, workers: str, gate: str, manner: str) -> None:
    opening = Opening(Told(int(gate)), manner)
    try:
        serve(
            opening,
            host=host,
            port=int(port),
            workers=int(workers),
            drain=DRAINS.get(manner, 0),
        )
    except EggyProError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(AWAY)


if __name__ == "__main__":
    main(*sys.argv[1:])
