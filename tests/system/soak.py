"""Random faults of all services under load: `make soak`.

Runs until both numbers or the time limit are reached, and prints the responses by kind. Fails if a
response was unexpected or older than an acknowledged write, or if a write was lost or repeated.
"""

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPException
from math import inf
from pathlib import Path
from threading import Event, Lock
from time import monotonic
from urllib.parse import urlsplit
from uuid import uuid4

import sqlalchemy as sa
from attrs import define, field

from eggypro_adapters.embedded_postgres import attach
from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import open_migrations, open_shop
from tests.conftest import new_database
from tests.support.builders import product_values
from tests.support.faults import (
    CLOCK,
    DISKS,
    FAULTS,
    WORKER,
    Dependencies,
    Fault,
    pause_worker,
    run_dependencies,
)
from tests.support.served_shop import served
from tests.support.shop_client import CACHED, PICTURED, SOLD, STOCK, Client, Response

CLIENTS = 8
KEYED = "keyed"
"""Slug of the product that is sold with Idempotency-Keys."""
EXPECTED = {200, 201, 409, 502, 503}
REQUESTS = {
    "cached read": 40,
    "read": 20,
    "search": 8,
    "write": 10,
    "keyed write": 15,
    "upload": 1,
    "import": 1,
    "health": 4,
    "metrics": 1,
}
"""Percentages of the kinds of requests."""
MAX_FAULT_SECONDS = 0.06
PAUSE_SECONDS = 0.05
KILL_INTERVAL = 100
"""Number of faults after which a worker is killed: it takes seconds of work to replace it."""
LOST_CONNECTION_SECONDS = 1.0
"""Seconds after a kill in which a new request may lose its connection."""
MAX_IMAGES = 40
MAX_SHOWN_FAILURES = 20


@define
class Soak:
    """The state of a run."""

    client: Client
    dependencies: Dependencies
    request_limit: int
    fault_limit: int
    deadline: float
    responses: Counter[tuple[str, str]] = field(factory=Counter)
    fault_count: int = 0
    last_kill: float = -inf
    """The time of the last kill of a worker."""
    sold: Counter[str] = field(factory=Counter)
    """Acknowledged sales by slug."""
    unknown_sales: int = 0
    """Sales without a key whose outcome the client does not know."""
    failures: list[str] = field(factory=list)
    _lock: Lock = field(factory=Lock)
    _stop: Event = field(factory=Event)

    def is_over(self) -> bool:
        with self._lock:
            is_complete = (
                self.responses.total() >= self.request_limit
                and self.fault_count >= self.fault_limit
            )
        return is_complete or monotonic() > self.deadline

    def cause_faults(self) -> None:
        dice = random.Random(1)  # noqa: S311
        services = FAULTS.keys() - DISKS.keys() - {WORKER, CLOCK}
        faults = [fault for service in sorted(services) for fault in FAULTS[service].values()]
        while not self.is_over():
            if self.fault_count % KILL_INTERVAL == KILL_INTERVAL - 1:
                self.last_kill = monotonic()
                self._cause(FAULTS[WORKER]["is killed"], 0)
            else:
                fault = dice.choice([*faults, pause_worker])
                seconds = dice.random() * MAX_FAULT_SECONDS
                self._cause(fault, PAUSE_SECONDS if fault is pause_worker else seconds)
            self._stop.wait(dice.random() * MAX_FAULT_SECONDS)

    def _cause(self, fault: Fault, seconds: float) -> None:
        with fault(self.dependencies):
            self._stop.wait(seconds)
        self.fault_count += 1

    def send_requests(self, seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311
        kinds, weights = list(REQUESTS), list(REQUESTS.values())
        while not self.is_over():
            [kind] = dice.choices(kinds, weights)
            self._send(kind)

    def _send(self, kind: str) -> None:
        match kind:
            case "keyed write":
                self._sell_once()
            case "write":
                response = self._count(kind, lambda: self.client.sell(SOLD, {}))
                if response is not None and response.status == 200:
                    self._acknowledge(SOLD)
                else:
                    with self._lock:
                        self.unknown_sales += 1
            case "read":
                self._read(kind, SOLD)
            case "cached read":
                self._read(kind, KEYED)
            case "search":
                self._count(kind, self.client.search)
            case "upload":
                self._upload()
            case "import":
                self._count(kind, self.client.import_file)
            case "health":
                self._count(kind, self.client.health)
            case _:
                self._count(kind, self.client.metrics)

    def _count(self, kind: str, send: Callable[[], Response]) -> Response | None:
        """Send a request and count its response; None if a killed worker closed the connection."""
        started = monotonic()
        try:
            response = send()
        except (OSError, HTTPException) as error:
            with self._lock:
                self.responses[kind, type(error).__name__] += 1
                if self.last_kill < started - LOST_CONNECTION_SECONDS:
                    self.failures.append(f"{kind}: {error!r}")
            return None
        with self._lock:
            self.responses[kind, str(response)] += 1
            if response.status not in EXPECTED:
                self.failures.append(f"{kind}: {response} {response.body[:300]!r}")
        return response

    def _sell_once(self) -> None:
        """Sell with a key, and repeat the request until it succeeds."""
        headers = {"Idempotency-Key": str(uuid4())}
        while monotonic() < self.deadline + 60:
            response = self._count("keyed write", lambda: self.client.sell(KEYED, headers))
            if response is not None and response.status == 200:
                self._acknowledge(KEYED)
                return

    def _acknowledge(self, slug: str) -> None:
        with self._lock:
            self.sold[slug] += 1

    def _read(self, kind: str, slug: str) -> None:
        """Read the stock, which must include all sales acknowledged before."""
        acknowledged = self.sold[slug]
        response = self._count(kind, lambda: self.client.send("GET", f"/api/products/{slug}"))
        if response is None or response.status != 200 or response.is_stale:
            return
        stock = json.loads(response.body)["stock_quantity"]
        if stock > STOCK - acknowledged:
            self.failures.append(f"{kind}: stale, {stock} after {acknowledged} sales")

    def _upload(self) -> None:
        self._count("upload", self.client.upload)
        if self.client.uploaded >= MAX_IMAGES:
            path = f"/api/products/{PICTURED}/images"
            self._count("upload", lambda: self.client.send("PUT", path, {"images": []}))
            self.client.uploaded = 0

    def run(self) -> None:
        """Send requests and cause faults until the run is over, then compare the stock."""
        with ThreadPoolExecutor(CLIENTS + 1) as threads:
            tasks = [threads.submit(self.cause_faults)]
            tasks += [threads.submit(self.send_requests, seed) for seed in range(CLIENTS)]
        for task in tasks:
            task.result()
        self._check_stock()

    def result(self) -> Iterator[str]:
        """Yield lines: responses by kind, the numbers of requests and faults, and the failures."""
        for (kind, response), number in sorted(self.responses.items()):
            yield f"{kind:12} {response:10} {number:8}"
        yield f"{self.responses.total()} requests, {self.fault_count} faults"
        yield f"{len(self.failures)} failures"
        yield from self.failures[:MAX_SHOWN_FAILURES]

    def _check_stock(self) -> None:
        """Compare the stock with the acknowledged sales."""
        keyed, plain = (STOCK - self.client.stock(slug) for slug in (KEYED, SOLD))
        if keyed != self.sold[KEYED]:
            self.failures.append(f"{keyed} sales with keys, {self.sold[KEYED]} acknowledged")
        if not 0 <= plain - self.sold[SOLD] <= self.unknown_sales:
            self.failures.append(f"{plain} sales, {self.sold[SOLD]} acknowledged")


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="egg-")))
        postgres = stack.enter_context(attach(folder / "pg", linger=0))
        url = stack.enter_context(new_database(sa.make_url(postgres.url), "template0"))
        with open_migrations(_migration_settings(url)) as migrations:
            migrations.upgrade()
        dependencies = stack.enter_context(run_dependencies(url))
        environment = dependencies.environment(folder) | {"LOG_LEVEL": "critical"}
        (folder / "tmp").mkdir()
        with open_shop(Settings.read(environment)) as shop:
            for slug in (CACHED, SOLD, KEYED, PICTURED):
                shop.products.create(product_values(name=slug, stock_quantity=STOCK))
        address, process = stack.enter_context(served(environment, workers=2))
        dependencies.process = process.pid
        soak = Soak(
            Client(urlsplit(address).netloc),
            dependencies,
            options.requests,
            options.faults,
            monotonic() + options.minutes * 60,
        )
        soak.run()
    sys.stdout.writelines(f"{line}\n" for line in soak.result())
    sys.exit(bool(soak.failures))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300_000)
    parser.add_argument("--faults", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=60, help="maximum duration")
    return parser.parse_args()


def _migration_settings(url: sa.URL) -> Settings:
    text = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return Settings.read({"POSTGRES_URL": text})


if __name__ == "__main__":
    main()
