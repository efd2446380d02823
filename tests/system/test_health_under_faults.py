"""Health while real dependencies hang: it responds in time and accumulates no threads."""

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

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
ADMIN_KEY = "k" * 40
DEADLINE_SECONDS = 20.0
"""Far longer than health takes on a busy machine, far shorter than the hanging services."""


@frozen
class World:
    """A shop and its dependencies."""

    client: TestClient
    folder: Path
    redis: RedisServer
    cloudinary: CloudinaryServer

    def get_health(self, path: str = "") -> Result:
        began = monotonic()
        response = self.client.simulate_get(f"/api/health{path}")
        assert monotonic() - began < DEADLINE_SECONDS
        return response

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.get_health("/ready").status_code == 200)

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
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        redis = stack.enter_context(run_redis("redis"))
        cloudinary = stack.enter_context(cloudinary_server())
        server = stack.enter_context(attach(folder, linger=0))
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
        shop = stack.enter_context(open_shop(settings))
        yield World(TestClient(create_app(shop)), folder, redis, cloudinary)


def states(response: Result) -> list[str]:
    services = response.json["services"]
    return [services[name]["status"] for name in ("database", "cloudinary", "cache")]


def test_health_responds_in_time_while_dependencies_hang_and_recovers(world: World) -> None:
    assert world.get_health("/ready").status_code == 200
    world.cloudinary.faults.append(hang)
    world.redis.freeze()
    with world.frozen_database():
        response = world.get_health()
        assert (response.status_code, response.json["status"]) == (503, "unhealthy")
        assert states(response) == ["unhealthy"] * 3
        assert not any(
            word in response.text for word in (str(world.folder), CLOUD, API_SECRET, "socket")
        )
        assert world.get_health("/ready").status_code == 503
        assert world.get_health("/live").status_code == 200
    world.redis.unfreeze()
    world.wait_until_ready()
    response = world.get_health()
    assert states(response) == ["healthy", "unhealthy", "healthy"]
    assert (response.status_code, response.json["status"]) == (503, "degraded")
    assert len(world.cloudinary.requests) == 1, "its result is cached"


def test_a_hanging_database_accumulates_no_threads(world: World) -> None:
    world.get_health()
    with world.frozen_database(), ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: world.get_health(), range(8)))
        before = active_count()
        list(threads.map(lambda _: world.get_health(), range(100)))
        assert active_count() <= before + 1
    world.wait_until_ready()


def test_health_is_good_and_checks_cloudinary_once(world: World) -> None:
    responses = [world.get_health() for _ in range(3)]
    assert [response.json["status"] for response in responses] == ["healthy"] * 3
    response = responses[-1]
    assert response.status_code == 200
    assert states(response) == ["healthy"] * 3
    assert response.json["services"]["environment"] == {
        "database": True,
        "cloudinary": True,
        "admin": True,
    }
    assert [request.path for request in world.cloudinary.requests] == [f"/v1_1/{CLOUD}/ping"]


def _processes_in(folder: Path) -> list[int]:
    """Return the processes whose working directory is in a folder."""
    return [
        int(process.name)
        for process in Path("/proc").glob("[0-9]*")
        if _cwd(process).is_relative_to(folder)
    ]


def _cwd(process: Path) -> Path:
    try:
        return (process / "cwd").readlink()
    except OSError:
        return Path("/")
