import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from itertools import count
from pathlib import Path
from threading import enumerate as enumerate_threads
from typing import TypeAlias

import pytest
import sqlalchemy as sa
from attrs import evolve

from eggypro_adapters.contracts.request_log import make_record
from eggypro_adapters.contracts.sample_images import make_image
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.generated_secrets import (
    read_or_create_admin_key,
    read_or_create_jwt_secret,
)
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.request_log import PostgresRequestLog
from eggypro_adapters.settings import Settings
from eggypro_adapters.settings.types import AppEnvironment, ImageStoreKind
from eggypro_adapters.wiring import (
    DEMO_CATALOG_PATH,
    ServerParts,
    admin_key_file,
    image_store_and_server,
    logs_to_stderr,
    open_migrations,
    open_server,
    open_serverless,
    open_shop,
    require_tokens,
    startup_warnings,
)
from eggypro_core.access.authentication import (
    DEFAULT_TOKEN_PERMISSIONS,
    Permission,
    TokenRequest,
)
from eggypro_core.access.rate_limiting import RateLimiter
from eggypro_core.caching.entries import CachedResponse, CacheStatus
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.errors import (
    ConfigurationError,
    NotConfiguredError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from eggypro_core.operations.request_metrics import SAMPLED_ENDPOINT, UNMATCHED_ENDPOINT
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from eggypro_http.wsgi import config_of
from tests.support.cloudinary_server import API_KEY, API_SECRET, CLOUD, cloudinary_server
from tests.support.redis_server import run_redis

KEY = "k" * 40
OpenServer: TypeAlias = Callable[[Settings], AbstractContextManager[ServerParts]]


LIBPQ_ENVIRONMENT = {
    "PGSERVICE": "nowhere",
    "PGHOSTADDR": "10.0.0.1",
    "PGCHANNELBINDING": "require",
    "PGTARGETSESSIONATTRS": "read-only",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGGSSENCMODE": "require",
    "PGSSLNEGOTIATION": "direct",
    "PGCLIENTENCODING": "LATIN1",
    "PGOPTIONS": "-c search_path=nowhere",
    "PGDATESTYLE": "German",
}


@pytest.fixture
def folder() -> Iterator[Path]:
    parent = Path(tempfile.mkdtemp(prefix="egg-"))
    yield parent / "data"
    shutil.rmtree(parent, ignore_errors=True)


def postmaster(folder: Path) -> str:
    return (folder / "pg" / "postmaster.pid").read_text().split()[0]


def kill_embedded_server(folder: Path) -> str:
    """Kill the guardian and the server of a data folder; return the process ID of the server."""
    pids = [postmaster(folder)]
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            text = command.read_bytes()
            if b"guardian.py" in text and os.fsencode(folder) in text:
                pids.append(command.parent.name)
    assert len(pids) == 2
    for pid in reversed(pids):
        with suppress(ProcessLookupError):  # the server may shut down first when its guardian dies
            os.kill(int(pid), signal.SIGKILL)
    return pids[0]


def is_available(shop: Shop) -> bool:
    with suppress(UnavailableError):
        return shop.products.list(ProductQuery(status=Status.ALL)).total == 12
    return False


def test_empty_folder_is_enough_for_a_shop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in LIBPQ_ENVIRONMENT.items():  # none of them may reach the embedded database
        monkeypatch.setenv(name, text)
    settings = Settings(eggypro_data_dir=folder)
    with open_shop(settings) as shop, DEMO_CATALOG_PATH.open("rb") as demo:
        report = shop.products.import_file(demo)
        assert (report.created, report.refused, report.warnings) == (12, (), ())
    with open_shop(settings) as shop, open_migrations(settings) as migrations:
        assert shop.products.list(ProductQuery(status=Status.ALL)).total == 12
        killed = kill_embedded_server(folder)
        # Recovery may take long on a busy machine.
        wait_until(lambda: is_available(shop) and postmaster(folder) != killed)
        assert shop.products.list(ProductQuery(search="ostrich")).total == 0
        assert [search.words for search in shop.zero_results.list(10)] == ["ostrich"]
        assert not migrations.differences()
        key = (folder / "admin.key").read_text().strip()
        assert shop.authenticator.authorize(key, Permission.PRODUCTS_WRITE).id == "admin"
        assert key not in repr(shop)


def test_rights_are_checked_of_the_role_that_serves(folder: Path, database_url: sa.URL) -> None:
    role = "pg_read_all_data"  # exists in every cluster
    settings = Settings(
        eggypro_data_dir=folder,
        postgres_url=f"postgresql://{role}@localhost/shop",
        postgres_url_non_pooling=database_url.render_as_string(hide_password=False),
    )
    with open_migrations(settings) as migrations:
        assert f"role {role} lacks INSERT, UPDATE, DELETE on table products" in " ".join(
            migrations.missing()
        )


def test_images_are_stored_locally_without_cloudinary(folder: Path, database_url: sa.URL) -> None:
    url = database_url.render_as_string(hide_password=False)
    settings = Settings(eggypro_data_dir=folder, postgres_url=url)
    with open_shop(settings) as shop:
        key = (folder / "admin.key").read_text().strip()
        store = LocalImageStore(folder / "images", PillowImageCleaner(), key)
        signed = store.sign_upload(public_id="egg", at=datetime.now(UTC))
        stored = shop.images.receive_upload(signed.fields, make_image())
        assert store.get(stored.public_id) == stored
    with_cloudinary = evolve(settings, image_store=ImageStoreKind.CLOUDINARY)
    with open_shop(with_cloudinary) as shop, pytest.raises(NotFoundError):
        shop.images.receive_upload(signed.fields, make_image())


def test_images_are_stored_in_the_configured_cloudinary_account(folder: Path) -> None:
    with cloudinary_server() as server:
        environment = {
            "CLOUDINARY_CLOUD_NAME": CLOUD,
            "CLOUDINARY_API_KEY": API_KEY,
            "CLOUDINARY_API_SECRET": API_SECRET,
            "CLOUDINARY_UPLOAD_PREFIX": f"{server.url}/",
            "EGGYPRO_DATA_DIR": str(folder),
        }
        store, image_server = image_store_and_server(Settings.read(environment), KEY)
        assert image_server is None
        stored = store.upload(make_image())
        assert list(server.assets) == [stored.public_id]
        assert store.url(stored.public_id).startswith(f"https://res.cloudinary.com/{CLOUD}/")
        local_settings = Settings.read({**environment, "IMAGE_STORE": "local"})
        local, image_server = image_store_and_server(local_settings, KEY)
        assert image_server is not None
        assert id(image_server) == id(local)
        assert local.upload(make_image()).size == stored.size
        assert len(server.assets) == 1
    assert API_SECRET not in repr(store)


def test_configured_database_is_not_migrated(folder: Path, empty_database_url: sa.URL) -> None:
    url = empty_database_url.render_as_string(hide_password=False)
    settings = Settings(eggypro_data_dir=folder, postgres_url=url, admin_secret_key=KEY)
    with open_shop(settings) as shop, pytest.raises(UnavailableError, match="db upgrade"):
        shop.products.get("egg-white")
    with open_migrations(settings) as migrations:
        migrations.upgrade()
    with open_shop(settings) as shop:
        assert shop.products.list(ProductQuery()).total == 0
    assert not folder.exists()


def test_tokens_are_signed_with_the_configured_secret(database_url: sa.URL) -> None:
    url = database_url.render_as_string(hide_password=False)
    without_secret = Settings(
        app_env=AppEnvironment.PRODUCTION,
        postgres_url=url,
        admin_secret_key=KEY,
        image_store=ImageStoreKind.CLOUDINARY,
    )
    with open_shop(without_secret) as shop, pytest.raises(NotConfiguredError, match="JWT_SECRET"):
        shop.authenticator.issue_token(TokenRequest())
    with pytest.raises(ConfigurationError, match="JWT_SECRET"):
        require_tokens(without_secret)
    with_secret = evolve(without_secret, jwt_secret=KEY[1:])
    with open_shop(with_secret) as shop:
        token = shop.authenticator.issue_token(TokenRequest()).token
        assert require_tokens(with_secret).user_for(token).permissions == DEFAULT_TOKEN_PERMISSIONS
        rotated = evolve(with_secret, jwt_secret=f"{KEY}2", jwt_secret_previous=KEY[1:])
        assert require_tokens(rotated).user_for(token).permissions == DEFAULT_TOKEN_PERMISSIONS
        other_secret = evolve(with_secret, jwt_secret=KEY)
        other_key = evolve(with_secret, admin_secret_key=f"{KEY}2")
        for settings in (other_secret, other_key):
            with pytest.raises(UnauthenticatedError, match="no longer valid"):
                require_tokens(settings).user_for(token)
        for secret in (KEY, KEY[1:], token):
            assert secret not in repr((with_secret, shop))


@pytest.fixture
def open_test_server(tmp_path: Path, restore_logging: None) -> OpenServer:  # noqa: ARG001
    """Return a context manager that opens the parts of a server."""

    @contextmanager
    def open_parts(settings: Settings) -> Iterator[ServerParts]:
        logs = logs_to_stderr(settings, colours=False)
        parts = open_server(settings, logs, tmp_path / "metrics")
        with parts.shop:
            yield parts

    (tmp_path / "metrics").mkdir()
    return open_parts


def test_server_that_is_not_ready_logs_the_reason_at_its_start(
    empty_database_url: sa.URL, open_test_server: OpenServer, capfd: pytest.CaptureFixture[str]
) -> None:
    url = empty_database_url.render_as_string(hide_password=False)
    with open_test_server(Settings(postgres_url=url, admin_secret_key=KEY)):
        pass
    assert capfd.readouterr().err.count("run `eggypro db upgrade`") == 1


def test_server_records_ten_requests_without_a_route_per_second(
    database: Database, database_url: sa.URL, open_test_server: OpenServer
) -> None:
    url, now = database_url.render_as_string(hide_password=False), datetime.now(UTC)
    now = now.replace(second=30, microsecond=0)
    with open_test_server(Settings(postgres_url=url, admin_secret_key=KEY)) as parts:
        for second in range(3):
            request = make_record(
                endpoint=UNMATCHED_ENDPOINT, completed_at=now + timedelta(seconds=second)
            )
            for recorder in parts.recorders * 200:
                recorder.record(request)
        assert parts.exporter is not None
        page = parts.exporter.export("")[0]
    counts = {row.endpoint: row.requests for row in PostgresRequestLog(database).summarise(now)}
    assert counts == {UNMATCHED_ENDPOINT: 30, SAMPLED_ENDPOINT: 1}
    assert b'requests_total{method="GET",route="(unmatched)",status="2xx"} 600.0' in page


def test_server_deletes_expired_requests(
    database: Database, database_url: sa.URL, open_test_server: OpenServer
) -> None:
    url, now = database_url.render_as_string(hide_password=False), datetime.now(UTC)
    log = PostgresRequestLog(database)
    log.append([make_record(completed_at=now - timedelta(days=31))])
    with open_test_server(Settings(postgres_url=url, admin_secret_key=KEY)):
        wait_until(lambda: not log.summarise(now - timedelta(days=32)))


def test_requests_are_recorded_on_close_or_in_request_or_not_at_all(
    database_url: sa.URL,
    open_test_server: OpenServer,
    restore_logging: None,  # noqa: ARG001
) -> None:
    url = database_url.render_as_string(hide_password=False)
    settings = Settings(postgres_url=url, admin_secret_key=KEY)
    record = make_record(completed_at=datetime.now(UTC))

    def recorded_count() -> int:
        with open_shop(settings) as shop:
            return sum(row.requests for row in shop.request_metrics.summarise(1).routes)

    with open_test_server(settings) as parts:
        parts.recorders[0].record(record)
    assert recorded_count() == 1
    serverless = evolve(settings, image_store=ImageStoreKind.CLOUDINARY)
    parts = open_serverless(serverless, logs_to_stderr(serverless, colours=False))
    with parts.shop:
        parts.recorders[0].record(record)
        assert recorded_count() == 2
    with open_test_server(evolve(settings, enable_api_metrics=False)) as parts:
        for recorder in parts.recorders:
            recorder.record(record)
    assert recorded_count() == 2


def test_metrics_of_the_cache(
    folder: Path, database_url: sa.URL, open_test_server: OpenServer
) -> None:
    url = database_url.render_as_string(hide_password=False)
    settings = Settings(postgres_url=url, eggypro_data_dir=folder, admin_secret_key=KEY)

    def load() -> CachedResponse:
        parts.shop.products.list(ProductQuery())
        return CachedResponse(b"Twelve eggs")

    def metrics() -> dict[str, float]:
        assert parts.exporter is not None
        lines = parts.exporter.export("")[0].decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("eggypro_"))
        return {name: float(value) for name, value in pairs if "{" not in name}

    with open_test_server(settings) as parts:
        cache = parts.cache
        assert cache is not None
        wait_until(lambda: cache.get_or_load("/eggs", ("products",), load)[1] is CacheStatus.HIT)
        wait_until(lambda: metrics().get("eggypro_cache_hits_total"))
        values = metrics()
        assert values["eggypro_cache_hits_total"] == cache.counts.hits == 1
        assert values["eggypro_cache_misses_total"] == cache.counts.misses > 0
        assert values["eggypro_cache_kept"] == 1
        assert values["eggypro_cache_bytes"] > len(b"Twelve eggs")
        assert values["eggypro_calls_dropped_total"] == 0


def test_health_checks_the_configured_services(folder: Path, database_url: sa.URL) -> None:
    url = database_url.render_as_string(hide_password=False)
    with open_shop(Settings(postgres_url=url, eggypro_data_dir=folder)) as shop:
        report = shop.health.report()
    assert report.configured == {"database": True, "cloudinary": False, "admin": False}
    assert (report.version, report.environment) == (version("eggypro"), "development")
    states = [str(service.status) for service in report.services.values()]
    assert states == ["healthy", "disabled", "disabled"]


def test_shop_opener_can_be_pickled(folder: Path) -> None:
    opener = partial(open_shop, Settings(eggypro_data_dir=folder))
    assert pickle.loads(pickle.dumps(opener)).args == opener.args  # noqa: S301  (our own)


@pytest.mark.parametrize(
    ("read_or_create", "name"),
    [(read_or_create_admin_key, "admin.key"), (read_or_create_jwt_secret, "jwt.secret")],
)
def test_secret_is_generated_once_in_a_private_file(
    folder: Path, read_or_create: Callable[[Path], str], name: str
) -> None:
    with ThreadPoolExecutor(8) as threads:
        secrets = set(threads.map(lambda _: read_or_create(folder), range(8)))
    assert len(secrets) == 1
    assert len(secrets.pop()) >= 32
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_tokens_of_a_development_machine_outlive_its_processes(folder: Path) -> None:
    token = require_tokens(Settings(eggypro_data_dir=folder)).issue(TokenRequest()).token
    tokens = require_tokens(Settings(eggypro_data_dir=folder))
    assert tokens.user_for(token).permissions == DEFAULT_TOKEN_PERMISSIONS
    assert (folder / "jwt.secret").read_text().strip() not in repr(tokens)


def test_configured_admin_key_is_not_stored(folder: Path) -> None:
    assert admin_key_file(Settings(eggypro_data_dir=folder, admin_secret_key=KEY)) is None
    assert admin_key_file(Settings(eggypro_data_dir=folder)) == folder / "admin.key"


def test_admin_key_that_cannot_be_stored_is_an_error(folder: Path) -> None:
    folder.write_text("a file")
    with pytest.raises(UnavailableError, match="ADMIN_SECRET_KEY"):
        read_or_create_admin_key(folder)


@pytest.mark.parametrize("redis", [True, False])
def test_rate_limits_follow_the_settings(
    folder: Path, database_url: sa.URL, open_test_server: OpenServer, *, redis: bool
) -> None:
    url = database_url.render_as_string(hide_password=False)
    threads = set(enumerate_threads())
    with run_redis("valkey") as server:
        settings = Settings(
            eggypro_data_dir=folder,
            postgres_url=url,
            admin_secret_key=KEY,
            redis_url=server.url if redis else None,
            rate_limit_max_requests=7,
            rate_limit_window_ms=60_000,
        )
        with open_test_server(settings) as parts:
            config = config_of(settings, parts)
            limiter = RateLimiter(parts.shop.authenticator, config.rate_counter, config.rate_limits)
            [status] = limiter.admit("ada", None, limiter.enabled_policies(["standard"])).statuses
            assert (status.policy.limit, status.policy.window_seconds) == (7, 60)
            limiter.admit("ada", "wrong", ())
            with server.client as client:
                assert not client.keys() or redis
                sequence = count()

                def is_counted_in_redis() -> bool:  # a slow Redis is skipped for a moment
                    limiter.admit(f"ada-{next(sequence)}", "wrong", ())
                    return bool(client.keys())

                if redis:
                    wait_until(is_counted_in_redis)
        assert "limits" not in [thread.name for thread in set(enumerate_threads()) - threads]
        assert bool(startup_warnings(settings)) != redis


def test_wiring_imports_no_redis_library() -> None:
    code = "import sys, eggypro_adapters.wiring; print({'redis', 'limits'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"
