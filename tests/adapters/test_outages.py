"""Each outage of a service is reported once, no matter which code notices it."""

import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

import psycopg
import pytest
import sqlalchemy as sa
from attrs import evolve

from eggypro_adapters.contracts.sample_images import make_image
from eggypro_adapters.memory import MemoryErrorTracker
from eggypro_adapters.monitoring.thread_errors import report_thread_errors
from eggypro_adapters.settings import Settings
from eggypro_adapters.settings.types import ImageStoreKind
from eggypro_adapters.wiring import open_shop
from eggypro_adapters.wiring.access import open_rate_counter
from eggypro_core.access.authentication import Authenticator
from eggypro_core.access.rate_limiting import RateLimiter, rate_limit_policies
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.errors import UnavailableError, UpstreamError
from eggypro_core.operations.error_tracking import OutageDetector
from eggypro_core.shop import Shop
from tests.support.builders import ADMIN_KEY, product_values
from tests.support.redis_server import run_redis


@pytest.fixture
def tracker() -> MemoryErrorTracker:
    return MemoryErrorTracker()


@pytest.fixture
def settings(tmp_path: Path, database_url: sa.URL) -> Settings:
    return Settings(
        eggypro_data_dir=tmp_path,
        postgres_url=database_url.render_as_string(hide_password=False),
        admin_secret_key=ADMIN_KEY,
    )


def set_connections(url: sa.URL, *, connections: bool) -> None:
    """Allow connections to a database, or end and forbid them."""
    other_url = url.set(drivername="postgresql", database="postgres")
    with psycopg.connect(
        other_url.render_as_string(hide_password=False), autocommit=True
    ) as server:
        server.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS {connections}'.encode())
        server.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            [url.database if not connections else ""],
        )


def try_to_list(shop: Shop) -> None:
    with suppress(UnavailableError):
        shop.products.list(ProductQuery())


def test_database_outage_is_reported_once(
    settings: Settings, tracker: MemoryErrorTracker, database_url: sa.URL
) -> None:
    with open_shop(settings, (tracker,)) as shop:
        for outages in (1, 2):
            try_to_list(shop)
            set_connections(database_url, connections=False)
            for _ in range(3):
                try_to_list(shop)
            with suppress(UnavailableError):
                shop.products.create(product_values())
            set_connections(database_url, connections=True)
            assert tracker.outages == ["the database"] * outages


def test_redis_outage_is_reported_once(tracker: MemoryErrorTracker) -> None:
    with run_redis("valkey") as server:
        outage = OutageDetector("Redis", [tracker])
        with open_rate_counter(server.url, outage) as counter:
            limiter = RateLimiter(
                Authenticator(ADMIN_KEY), counter, rate_limit_policies(100, 60_000)
            )
            make_request(limiter)
            assert tracker.outages == []
            server.kill()
            for _ in range(3):
                make_request(limiter)
            assert tracker.outages == ["Redis"]


def test_image_store_outage_is_reported_once(
    settings: Settings, tracker: MemoryErrorTracker
) -> None:
    unreachable = evolve(
        settings,
        image_store=ImageStoreKind.CLOUDINARY,
        cloudinary_cloud_name="eggs",
        cloudinary_api_key="1",
        cloudinary_api_secret="s",  # noqa: S106  (for tests only)
        cloudinary_upload_prefix="http://127.0.0.1:1",
    )
    with open_shop(unreachable, (tracker,)) as shop:
        shop.products.create(product_values())
        for _ in range(2):
            with pytest.raises((UnavailableError, UpstreamError)):
                shop.images.upload("egg-white-protein", [make_image()])
    assert tracker.outages == ["the image store"]


def test_exception_that_ends_a_thread_is_reported(tracker: MemoryErrorTracker) -> None:
    def fail() -> None:
        raise RuntimeError

    with report_thread_errors([tracker]):
        for work in (fail, sys.exit):
            thread = Thread(target=work)
            thread.start()
            thread.join()
    [(error, context)] = tracker.errors
    assert isinstance(error, RuntimeError)
    assert context is None


def make_request(limiter: RateLimiter) -> None:
    limiter.admit("ada", "wrong", limiter.enabled_policies(["standard"]))
