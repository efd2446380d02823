"""Vercel entry point, with environs as its runtime makes them (observed in vercel-runtime 0.24)."""

import atexit
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest
import sqlalchemy as sa
import urllib3
from attrs import frozen

from eggypro_core.errors import ConfigurationError
from eggypro_core.maintenance import MaintenanceJob
from tests.support import tcp_proxy
from tests.support.builders import ADMIN_KEY, CRON_SECRET, product_values
from tests.support.cloudinary_server import (
    API_KEY,
    API_SECRET,
    CLOUD,
    CloudinaryServer,
    cloudinary_server,
)
from tests.support.multipart import CONTENT_TYPE, JPG, encode_form, encode_part

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "ADMIN_SECRET_KEY": ADMIN_KEY,
    "CRON_SECRET": CRON_SECRET,
    "CLOUDINARY_CLOUD_NAME": CLOUD,
    "CLOUDINARY_API_KEY": API_KEY,
    "CLOUDINARY_API_SECRET": API_SECRET,
}
UNUSED_MODULES = {
    "PIL",
    "alembic",
    "cloudinary",
    "eggypro_adapters.embedded_postgres",
    "eggypro_adapters.files.reading",
    "eggypro_adapters.files.writing",
    "eggypro_adapters.postgres.product_import",
    "eggypro_adapters.postgres.migrations",
    "eggypro_adapters.monitoring.prometheus",
    "eggypro_adapters.redis",
    "flask",
    "granian",
    "limits",
    "prometheus_client",
    "redis",
    "sentry_sdk",
    "sqlite3",
    "typer",
    "urllib3",
}
"""Modules that a cold start must not import: neither the settings nor a product page need them."""
ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}


@frozen
class Reply:
    status: int
    headers: Mapping[str, str]
    body: Any


@frozen
class Site:
    """A deployment and its database."""

    app: Any
    url: str

    def ask(
        self,
        path: str,
        headers: Mapping[str, str | None] | None = None,
        *,
        method: str = "GET",
        body: object = None,
    ) -> Reply:
        """Send a request as `vercel_runtime.vc_init` does, with the header names of the client."""
        if not isinstance(body, bytes):
            body = b"" if body is None else orjson.dumps(body)
        header_fields = {
            "host": "shop.example",
            "x-forwarded-for": "203.0.113.7",
            **(headers or {}),
        }
        header_fields = {name: value for name, value in header_fields.items() if value is not None}
        address, _, query = path.partition("?")
        environ = {
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": header_fields.get("content-type", "application/json" if body else ""),
            "SCRIPT_NAME": "",
            "PATH_INFO": address,
            "QUERY_STRING": query,
            "REMOTE_ADDR": header_fields.get("x-forwarded-for"),
            "REQUEST_METHOD": method,
            "SERVER_NAME": "shop.example",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.errors": sys.stderr,
            "wsgi.input": BytesIO(body),
            "wsgi.multiprocess": False,
            "wsgi.multithread": False,
            "wsgi.run_once": False,
            "wsgi.url_scheme": "https",
            "wsgi.version": (1, 0),
        }
        for name, value in header_fields.items():
            environ["HTTP_" + name.replace("-", "_").upper()] = value
        calls: list[Any] = []
        parts = b"".join(self.app(environ, lambda *args: calls.append(args)))
        status, response_headers = calls[0][:2]
        return Reply(
            int(status[:3]), dict(response_headers), orjson.loads(parts) if parts else None
        )

    def post(self, path: str, body: object, **headers: str) -> Reply:
        """Send a POST as admin with a new Idempotency-Key."""
        idempotency = {"idempotency-key": uuid4().hex}
        return self.ask(path, {**ADMIN, **idempotency, **headers}, method="POST", body=body)

    def recorded(self) -> list[tuple[str, str]]:
        with psycopg.connect(self.url) as connection:
            rows = "SELECT endpoint, ip_address FROM api_metrics ORDER BY id"
            return connection.execute(rows).fetchall()

    def connections(self) -> int:
        with psycopg.connect(self.url) as connection:
            count = (
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            [(connections,)] = connection.execute(count)
            return int(connections)


@pytest.fixture
def cloudinary(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudinaryServer]:
    """The image store of a `site` that is requested after this fixture."""
    with cloudinary_server() as server:
        monkeypatch.setenv("CLOUDINARY_UPLOAD_PREFIX", server.url)
        yield server


@pytest.fixture
def site(
    database_url: sa.URL,
    monkeypatch: pytest.MonkeyPatch,
    restore_logging: None,  # noqa: ARG001
) -> Iterator[Site]:
    url = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    for name, value in {**SETTINGS, "POSTGRES_URL": url}.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as exit_stack:
        monkeypatch.setattr(atexit, "register", exit_stack.callback)
        monkeypatch.delitem(sys.modules, "eggypro_http.vercel", raising=False)
        yield Site(import_module("eggypro_http.vercel").app, url)
    monkeypatch.delitem(sys.modules, "eggypro_http.vercel")


def test_paths_are_decoded_once(site: Site) -> None:
    response = site.ask("/api/products", ADMIN, method="POST", body=product_values(name="Ei 100%"))
    assert (response.status, response.headers["location"]) == (201, "/api/products/ei-100")
    assert site.ask("/api/products/ei%2D100").body["name"] == "Ei 100%"
    assert site.ask("/api/products/ei%252D100").status == 404
    assert site.ask("/api/products/caf%C3%A9").status == 404


def test_client_address_comes_from_vercel_only(site: Site) -> None:
    for address in ("9.9.9.9", "8.8.8.8"):
        site.ask("/api/products", {"X_Forwarded_For": address})
    for forwarded in ("9.9.9.9, 198.51.100.4", None):
        site.ask("/api/products", {"x-forwarded-for": forwarded})
    networks = ["203.0.113.0/24", "203.0.113.0/24", "198.51.100.0/24", "unknown"]
    assert site.recorded() == [("/api/products", network) for network in networks]


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name != tcp_proxy.THREAD_NAME}


def test_no_work_is_left_after_a_response(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    threads_before = threads()
    for number in range(1, 3):
        response = site.ask("/api/products")
        assert "x-cache" not in response.headers
        assert len(site.recorded()) == number
        lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
        assert [line["route"] for line in lines if line["event"] == "request"] == ["/api/products"]
    assert threads() == threads_before


def run_concurrently(*asks: Callable[[], Reply]) -> Sequence[int]:
    """Send all requests concurrently and return the status of each response."""
    with ThreadPoolExecutor(len(asks)) as threads:
        return [future.result().status for future in [threads.submit(ask) for ask in asks]]


def test_concurrent_requests_use_two_connections(site: Site) -> None:
    reads = [partial(site.ask, "/api/products?search=egg") for _ in range(4)]
    plain_posts = [
        partial(
            site.ask, "/api/products", ADMIN, method="POST", body=product_values(name=f"Egg {n}")
        )
        for n in range(4)
    ]
    keyed_posts = [
        partial(site.post, "/api/products", product_values(name=f"Duck {n}")) for n in range(4)
    ]
    assert run_concurrently(*keyed_posts) == [201] * 4
    assert run_concurrently(*reads, *plain_posts) == [200] * 4 + [201] * 4
    assert site.connections() <= 2


def test_uploads_work_while_all_connections_are_in_use(
    cloudinary: CloudinaryServer, site: Site
) -> None:
    slug = site.post("/api/products", product_values()).body["slug"]
    form = encode_form([encode_part(JPG), encode_part(JPG)])
    headers = {"content-type": CONTENT_TYPE}
    images = f"/api/products/{slug}/images"
    assert run_concurrently(*[partial(site.post, images, form, **headers)] * 3) == [201] * 3
    assert len(cloudinary.assets) == 6
    assert site.connections() <= 2


def test_browser_uploads_bypass_the_function(cloudinary: CloudinaryServer, site: Site) -> None:
    slug = site.post("/api/products", product_values()).body["slug"]
    upload = site.post("/api/images/uploads", {"product": slug}).body
    fields = [encode_part(value.encode(), name, None) for name, value in upload["fields"].items()]
    form = encode_form([*fields, encode_part(JPG)])
    upload_response = urllib3.request(
        "POST", upload["url"], body=form, headers={"content-type": CONTENT_TYPE}
    )
    assert upload_response.status == 200
    response = site.post(f"/api/images/uploads/{upload['id']}/complete", None)
    assert (response.status, [response.body["public_id"]]) == (200, [*cloudinary.assets])
    assert site.ask(f"/api/products/{slug}").body["images"] == [response.body["original"]]


@pytest.mark.parametrize("job", MaintenanceJob)
def test_schedule_uses_existing_routes(site: Site, job: MaintenanceJob) -> None:
    schedules = json.loads((ROOT / "vercel.json").read_text())["crons"]
    [path] = [cron["path"] for cron in schedules if cron["path"].endswith(f"/{job}")]
    response = site.ask(path, {"authorization": f"Bearer {CRON_SECRET}"})
    assert (response.status, response.body["complete"]) == (200, True)


def test_local_images_are_rejected_at_startup(
    database_url: sa.URL,
    monkeypatch: pytest.MonkeyPatch,
    restore_logging: None,  # noqa: ARG001
) -> None:
    monkeypatch.setenv("POSTGRES_URL", database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("ADMIN_SECRET_KEY", ADMIN_KEY)
    monkeypatch.setenv("IMAGE_STORE", "local")
    monkeypatch.delitem(sys.modules, "eggypro_http.vercel", raising=False)
    with pytest.raises(ConfigurationError, match="IMAGE_STORE must be cloudinary"):
        import_module("eggypro_http.vercel")


def test_entry_point_is_where_vercel_looks() -> None:
    settings = json.loads((ROOT / "vercel.json").read_text())
    assert settings["framework"] == "python"  # without it all sources become static files
    assert settings["functions"]["src/eggypro_http/vercel.py"]["maxDuration"] == 30


def test_cold_start_imports_no_unused_modules(database_url: sa.URL) -> None:
    url = database_url.render_as_string(hide_password=False)
    program = "import sys, eggypro_http.vercel; print(*sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", program],
        env={**SETTINGS, "POSTGRES_URL": url},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert "eggypro_http.resources.products" in process
    assert UNUSED_MODULES.intersection(process) == set()
