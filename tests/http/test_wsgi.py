import atexit
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path

import pytest
import sqlalchemy as sa
from falcon.testing import TestClient

from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import ServerParts
from eggypro_core.access.rate_limiting import NullRateCounter, rate_limit_policies
from eggypro_core.errors import ConfigurationError
from eggypro_http.config import HttpConfig
from eggypro_http.wsgi import application, config_of
from tests.support.builders import ADMIN_KEY, make_shop, product_values
from tests.support.wsgi import ADMIN, PRODUCTS


@pytest.fixture(autouse=True)
def _without_settings_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    restore_logging: None,  # noqa: ARG001
) -> None:
    """Run without a settings file."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def exit_stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExitStack]:
    """The functions registered to run at exit."""

    def register(call: Callable[[], None]) -> None:
        stack.callback(call)

    with ExitStack() as stack:
        monkeypatch.setattr(atexit, "register", register)
        yield stack


def test_environment_selects_the_shop(
    database_url: sa.URL,
    exit_stack: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with exit_stack:
        monkeypatch.setenv("POSTGRES_URL", database_url.render_as_string(hide_password=False))
        monkeypatch.setenv("ADMIN_SECRET_KEY", ADMIN_KEY)
        monkeypatch.setenv("CURRENCY", "USD")
        client = TestClient(application())
        creation = client.simulate_post(PRODUCTS, headers=ADMIN, json=product_values())
        assert (creation.status_code, creation.json["currency"]) == (201, "USD")
        response = client.simulate_get(creation.headers["location"])
        assert response.headers["etag"] == creation.headers["etag"]
        assert response.headers["ratelimit-policy"] == '"standard";q=100;w=900'
        assert "REDIS_URL is not set" in caplog.text


@pytest.mark.parametrize("shared", [True, False])
def test_workers_share_metrics_in_a_shared_folder(
    database_url: sa.URL,
    exit_stack: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    shared: bool,
) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    monkeypatch.setenv("POSTGRES_URL", database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("ADMIN_SECRET_KEY", ADMIN_KEY)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder) if shared else "")
    with exit_stack:
        workers = [TestClient(application()) for _ in range(2)]
        assert workers[0].simulate_get(PRODUCTS).status_code == 200
        text = workers[1].simulate_get("/metrics", headers=ADMIN).text
        assert ('route="/api/products"' in text) == shared
    assert any(folder.iterdir()) == shared


def test_invalid_settings_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "production")
    monkeypatch.delenv("POSTGRES_URL", raising=False)
    with pytest.raises(ConfigurationError, match="POSTGRES_URL"):
        application()


def test_settings_configure_the_api() -> None:
    counter = NullRateCounter()
    parts = ServerParts(shop=make_shop(), trackers=(), recorders=(), rate_counter=counter)
    assert config_of(Settings(), parts) == HttpConfig(
        cors_origins=("http://localhost:3000",),
        rate_limits=rate_limit_policies(100, 900_000),
        rate_counter=counter,
    )
    environment = {
        "APP_ENV": "production",
        "POSTGRES_URL": "postgresql://db.example/shop",
        "ADMIN_SECRET_KEY": ADMIN_KEY,
        "IMAGE_STORE": "local",
        "CORS_ORIGIN": "https://shop.example",
        "CDN_TTL": "60",
        "TRUSTED_PROXIES": "10.0.0.0/8",
        "METRICS_NETWORKS": "10.1.0.0/16",
        "RATE_LIMIT_MAX_REQUESTS": "7",
        "RATE_LIMIT_WINDOW_MS": "60000",
    }
    assert config_of(Settings.read(environment), parts) == HttpConfig(
        trusted_proxies=(ip_network("10.0.0.0/8"),),
        cors_origins=("https://shop.example",),
        cdn_ttl=60,
        in_production=True,
        metrics_networks=(ip_network("10.1.0.0/16"),),
        rate_limits=rate_limit_policies(7, 60_000),
        rate_counter=counter,
    )
