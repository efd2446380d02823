"""Health over real services that hang: it answers in time, and nothing piles up."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import active_count
from time import monotonic

import pytest
from attrs import frozen
from falcon.testing import Result, TestClient

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.embedded_postgres import attach
from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import open_migrations, open_shop
from eggypro_http.app import create_app
from tests.support.cloudinary_server import (
    API_KEY,
    API_SECRET,
    CLOUD,
    CloudinaryServer,
    cloudinary_server,
    hang,
)
from tests.support.redis_server import RedisServer, run_redis

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
ADMIN_KEY = "k" * 40
DEADLINE = 20.0
"""Seconds: far more than health takes on a busy machine, far less than what hangs here."""


@frozen
class World:
    """A shop, and everything that it stands on."""

    client: TestClient
    folder: Path
    redis: RedisServer
    cloudinary: CloudinaryServer

    def ask(self, path: str = "") -> Result:
        began = monotonic()
        answer = self.client.simulate_get(f"/api/health{path}")
        assert monotonic() - began < DEADLINE
        return answer

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.ask("/ready").status_code == 200)

    @contextmanager
    def frozen_database(self) -> Iterator[None]:
        processes = _processes_in(self.folder)
        assert len(processes) > 3
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)


@pytest.fixture
def world() -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="egg-"))
    with ExitStack() as opened:
        opened.callback(shutil.rmtree, folder, ignore_errors=True)
        redis = opened.enter_context(run_redis("redis"))
        cloudinary = opened.enter_context(cloudinary_server())
        server = opened.enter_context(attach(folder, linger=0))
        settings = Settings.read(
            {
                "POSTGRES_URL": server.url,
                "ADMIN_SECRET_KEY": ADMIN_KEY,
                "REDIS_URL": redis.url,
                "CLOUDINARY_CLOUD_NAME": CLOUD,
                "CLOUDINARY_API_KEY": API_KEY,
                "CLOUDINARY_API_SECRET": API_SECRET,
                "CLOUDINARY_UPLOAD_PREFIX": cloudinary.url,
                "ENABLE_API_METRICS": "false",
                "CACHE_TTL": "0",
            }
        )
        with open_migrations(settings) as migrations:
            migrations.upgrade()
        shop = opened.enter_context(open_shop(settings))
        yield World(TestClient(create_app(shop)), folder, redis, cloudinary)


def states(answer: Result) -> list[str]:
    services = answer.json["services"]
    return [services[name]["status"] for name in ("database", "cloudinary", "cache")]


def test_health_answers_in_time_whatever_hangs_and_all_is_well_afterwards(world: World) -> None:
    assert world.ask("/ready").status_code == 200
    world.cloudinary.faults.append(hang)
    world.redis.freeze()
    with world.frozen_database():
        found = world.ask()
        assert (found.status_code, found.json["status"]) == (503, "unhealthy")
        assert states(found) == ["unhealthy"] * 3
        assert not any(
            word in found.text for word in (str(world.folder), CLOUD, API_SECRET, "socket")
        )
        assert world.ask("/ready").status_code == 503
        assert world.ask("/live").status_code == 200
    world.redis.unfreeze()
    world.wait_until_ready()
    found = world.ask()
    assert states(found) == ["healthy", "unhealthy", "healthy"]
    assert (found.status_code, found.json["status"]) == (503, "degraded")
    assert len(world.cloudinary.requests) == 1, "what it said is kept"


def test_no_threads_pile_up_while_the_database_hangs(world: World) -> None:
    world.ask()
    with world.frozen_database(), ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: world.ask(), range(8)))
        before = active_count()
        list(threads.map(lambda _: world.ask(), range(100)))
        assert active_count() <= before + 1
    world.wait_until_ready()


def test_all_is_well_where_nothing_hangs_and_cloudinary_is_asked_once(world: World) -> None:
    answers = [world.ask() for _ in range(3)]
    assert [one.json["status"] for one in answers] == ["healthy"] * 3
    found = answers[-1]
    assert found.status_code == 200
    assert states(found) == ["healthy"] * 3
    assert found.json["services"]["environment"] == {
        "database": True,
        "cloudinary": True,
        "admin": True,
    }
    assert [call.path for call in world.cloudinary.requests] == [f"/v1_1/{CLOUD}/ping"]


def _processes_in(folder: Path) -> list[int]:
    """The processes of the database whose files are in a folder."""
    return [
        int(place.name)
        for place in Path("/proc").glob("[0-9]*")
        if _cwd(place).is_relative_to(folder)
    ]


def _cwd(place: Path) -> Path:
    try:
        return (place / "cwd").readlink()
    except OSError:
        return Path("/")
