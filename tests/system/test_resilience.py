"""Responses to each kind of request during each fault, as docs/reliability.md promises."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import sqlalchemy as sa
from attrs import define, field, frozen

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import open_shop
from tests.conftest import new_database
from tests.support.builders import ADMIN_KEY, product_values
from tests.support.faults import FAULTS, Dependencies, run_dependencies
from tests.support.multipart import CONTENT_TYPE, JPG, encode_form, encode_part
from tests.support.small_disk import can_mount, command_on_small_disk
from tests.system.test_end_to_end import served

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
CACHED, SOLD, PICTURED, IMPORTED = "cached", "sold", "pictured", "imported"
"""Slugs: of a cached response, of the product of stock changes, of images and of imports."""
STOCK = 1_000_000
DISK_SIZE = "32m"
NOT_TESTED = "-"
Row = dict[str, str]


def read_promises() -> dict[tuple[str, str], Row]:
    """Return the table of promises: the response to each kind of request, by service and fault."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    first = next(number for number, row in enumerate(rows) if row[:2] == ["Service", "Fault"])
    names, _, *rest = rows[first:]
    return {
        (row[0], row[1]): dict(zip(names[2:], row[2:], strict=True))
        for row in rest
        if len(row) == len(names)
    }


PROMISES = read_promises()


@frozen
class Response:
    status: int
    cache: str | None
    body: bytes

    @property
    def is_stale(self) -> bool:
        return self.cache == "stale"

    def __str__(self) -> str:
        return f"{self.status} stale" if self.is_stale else str(self.status)


@define
class Client:
    """Sends each kind of request, and counts the writes that were acknowledged."""

    address: str
    sold: int = 0
    uploaded: int = 0
    _numbers: Iterator[int] = field(factory=count)

    def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        data = body if isinstance(body, bytes | None) else json.dumps(body)
        common = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
        with closing(HTTPConnection(self.address, timeout=60)) as connection:
            connection.request(method, path, data, {**common, **(headers or {})})
            response = connection.getresponse()
            return Response(response.status, response.getheader("X-Cache"), response.read())

    def cached_read(self) -> Response:
        return self.send("GET", f"/api/products/{CACHED}")

    def read(self) -> Response:
        return self.send("GET", f"/api/products?offset={next(self._numbers)}")

    def search(self) -> Response:
        return self.send("GET", f"/api/products/search?q=egg{next(self._numbers)}")

    def write(self) -> Response:
        return self.sell(SOLD, {})

    def keyed_write(self) -> Response:
        return self.sell(SOLD, {"Idempotency-Key": str(uuid4())})

    def upload(self) -> Response:
        form = encode_form([encode_part(JPG)])
        path, headers = f"/api/products/{PICTURED}/images", {"Content-Type": CONTENT_TYPE}
        response = self.send("POST", path, form, headers)
        self.uploaded += response.status == 201
        return response

    def import_file(self) -> Response:
        line = json.dumps(product_values(name=IMPORTED)).encode()
        return self.send("POST", "/api/imports?format=jsonl", line)

    def health(self) -> Response:
        return self.send("GET", "/api/health")

    def ready(self) -> Response:
        return self.send("GET", "/api/health/ready")

    def metrics(self) -> Response:
        return self.send("GET", "/metrics")

    def sell(self, slug: str, headers: Mapping[str, str]) -> Response:
        response = self.send("POST", f"/api/products/{slug}/stock", {"delta": -1}, headers)
        self.sold += response.status == 200
        return response

    def stock(self, slug: str = SOLD) -> int:
        return int(self._product(slug)["stock_quantity"])

    def image_count(self) -> int:
        return len(self._product(PICTURED)["images"])

    def _product(self, slug: str) -> Any:
        """Return a product as it is now, as soon as it can be read."""

        def read() -> Response | None:
            response = self.send("GET", f"/api/products/{slug}")
            return response if str(response) == "200" else None

        return json.loads(wait_until(read).body)

    def restore(self) -> None:
        """Restore the products, as soon as that is possible."""
        stock, images = f"/api/products/{SOLD}/stock", f"/api/products/{PICTURED}/images"
        wait_until(lambda: self.send("POST", stock, {"set": STOCK}).status == 200)
        wait_until(lambda: self.send("PUT", images, {"images": []}).status == 200)
        self.sold = self.uploaded = 0


REQUESTS: dict[str, Callable[[Client], Response]] = {
    "Cached read": Client.cached_read,
    "Read": Client.read,
    "Search": Client.search,
    "Write": Client.write,
    "Keyed write": Client.keyed_write,
    "Upload": Client.upload,
    "Import": Client.import_file,
    "Ready": Client.ready,
    "Health": Client.health,
    "Metrics": Client.metrics,
}
NORMAL = {name: "201" if name == "Upload" else "200" for name in REQUESTS}


@pytest.fixture(scope="module")
def dependencies(postgres: sa.URL) -> Iterator[Dependencies]:
    with new_database(postgres) as url, run_dependencies(url) as dependencies:
        yield dependencies


def server_environment(dependencies: Dependencies, folder: Path) -> dict[str, str]:
    return {
        **dependencies.environment,
        "EGGYPRO_DATA_DIR": str(folder / "data"),
        "TMPDIR": str(folder),
        "ADMIN_SECRET_KEY": ADMIN_KEY,
        "RATE_LIMIT_MAX_REQUESTS": "1000000",  # counted in Redis
    }


@pytest.fixture(scope="module")
def server(
    dependencies: Dependencies, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    disk = tmp_path_factory.mktemp("disk")
    environment = server_environment(dependencies, disk)
    prefix = command_on_small_disk(disk, DISK_SIZE, []) if can_mount() else []
    with open_shop(Settings.read(environment)) as shop:
        for slug in (CACHED, SOLD, PICTURED):
            shop.products.create(product_values(name=slug, stock_quantity=STOCK))
    with served(environment, prefix=prefix) as (address, process):
        dependencies.disk = Path(f"/proc/{process.pid}/root{disk}") if prefix else None
        yield Client(urlsplit(address).netloc)


def test_every_fault_is_in_the_table() -> None:
    assert list(PROMISES) == [(service, name) for service in FAULTS for name in FAULTS[service]]
    assert all(row.keys() == REQUESTS.keys() for row in PROMISES.values())


@pytest.fixture
def client(server: Client) -> Iterator[Client]:
    """A client of the server, with all stock, without images, and with the cached response."""
    wait_until(lambda: server.cached_read().cache == "hit")
    yield server
    server.restore()


@pytest.mark.parametrize(("service", "fault"), PROMISES)
def test_responses_during_a_fault(
    client: Client, dependencies: Dependencies, service: str, fault: str
) -> None:
    """A request responds as before the fault, or as promised; from then on as promised.

    Afterwards it succeeds again, and each acknowledged write happened once, and no other.
    """
    promised = {name: text for name, text in PROMISES[service, fault].items() if text != NOT_TESTED}
    with ThreadPoolExecutor(len(REQUESTS)) as threads:
        wait_for_outcomes(threads, client, NORMAL, NORMAL)
        with FAULTS[service][fault](dependencies):
            wait_for_outcomes(threads, client, promised, NORMAL)
        wait_for_outcomes(threads, client, NORMAL, promised)
    assert client.stock() == STOCK - client.sold
    assert client.image_count() == client.uploaded


def wait_for_outcomes(
    threads: ThreadPoolExecutor, client: Client, expected: Row, earlier: Row
) -> None:
    """Send each kind of request until it responds as expected; until then only as `earlier`."""

    def wait_for(name: str) -> None:
        def is_expected() -> bool:
            response = REQUESTS[name](client)
            # Under load, a check of the image store may take too long for health.
            unready = "503" if name == "Health" else None
            assert str(response) in {expected[name], earlier.get(name), unready}, (name, response)
            return str(response) == expected[name]

        wait_until(is_expected)

    list(threads.map(wait_for, expected))
