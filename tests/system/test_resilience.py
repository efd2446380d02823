"""Responses to each kind of request during each fault, as docs/reliability.md promises."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import open_shop
from tests.conftest import new_database
from tests.support.builders import product_values
from tests.support.faults import CLOCK, DISKS, FAULTS, WORKER, Dependencies, run_dependencies
from tests.support.served_shop import served
from tests.support.shifted_clock import shifted_clock_environment
from tests.support.shop_client import CACHED, PICTURED, SOLD, STOCK, Client, Response
from tests.support.small_disk import can_mount, command_on_small_disk

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
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


@pytest.fixture(scope="module")
def server(
    dependencies: Dependencies, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("server")
    environment = dependencies.environment(folder) | shifted_clock_environment(folder)
    prefix = list[str]()
    for name in DISKS.values():
        (folder / name).mkdir()
        prefix += command_on_small_disk(folder / name, DISK_SIZE, []) if can_mount() else []
    with open_shop(Settings.read(environment)) as shop:
        for slug in (CACHED, SOLD, PICTURED):
            shop.products.create(product_values(name=slug, stock_quantity=STOCK))
    with served(environment, prefix=prefix) as (address, process):
        dependencies.process, dependencies.folder = process.pid, folder
        dependencies.has_small_disks = can_mount()
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

    Afterwards it succeeds again. Each acknowledged write has happened exactly once, and no other
    write has happened.
    """
    promised = {name: text for name, text in PROMISES[service, fault].items() if text != NOT_TESTED}
    loses_connections = service == WORKER
    with ThreadPoolExecutor(len(REQUESTS)) as threads:
        wait_for_outcomes(threads, client, NORMAL, NORMAL)
        with FAULTS[service][fault](dependencies):
            wait_for_outcomes(
                threads, client, promised, NORMAL, loses_connections=loses_connections
            )
        wait_for_outcomes(threads, client, NORMAL, promised)
    assert client.stock() == STOCK - client.sold
    assert client.image_count() == client.uploaded


@pytest.mark.parametrize("fault", FAULTS[CLOCK])
def test_writes_invalidate_cached_responses_while_the_clock_is_wrong(
    client: Client, dependencies: Dependencies, fault: str
) -> None:
    with FAULTS[CLOCK][fault](dependencies):
        wait_until(lambda: client.cached_read().cache == "hit")
        stock = client.stock(CACHED)
        client.sell(CACHED, {})
        assert client.stock(CACHED) == stock - 1


def test_keyed_write_is_not_repeated_after_the_clock_jumps_backward(
    client: Client, dependencies: Dependencies
) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = client.sell(SOLD, key)
    with FAULTS[CLOCK]["jumps a day backward"](dependencies):
        assert client.sell(SOLD, key) == first
    assert client.stock() == STOCK - 1


def wait_for_outcomes(
    threads: ThreadPoolExecutor,
    client: Client,
    expected: Row,
    earlier: Row,
    *,
    loses_connections: bool = False,
) -> None:
    """Send each kind of request until it responds as expected; until then only as `earlier`.

    If the fault `loses_connections`, a request may also have no response until then.
    """

    def wait_for(name: str) -> None:
        def is_expected() -> bool:
            try:
                response = REQUESTS[name](client)
            except (OSError, HTTPException):
                assert loses_connections
                return False
            # Under load, a check of the image store may take too long for health.
            unready = "503" if name == "Health" else None
            assert str(response) in {expected[name], earlier.get(name), unready}, (name, response)
            return str(response) == expected[name]

        wait_until(is_expected)

    list(threads.map(wait_for, expected))
