from ipaddress import ip_network
from typing import Any

import pytest
from falcon.testing import TestClient

from eggypro_adapters.memory import MemoryMetricsExporter
from eggypro_adapters.monitoring.prometheus import PrometheusMetrics
from eggypro_core.access.authentication import TokenRequest
from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.support.builders import make_shop
from tests.support.wsgi import ADMIN, EGG, Reply, send_request

METRICS = "/metrics"
INSIDE, OUTSIDE, PROXY = "198.51.100.7", "203.0.113.7", "10.0.0.1"
V6 = "2001:db8:1:2::7"


@pytest.fixture
def metrics_config() -> HttpConfig:
    """Configuration that opens /metrics to one IPv4 and one IPv6 address, behind a proxy."""
    return HttpConfig(
        exporter=MemoryMetricsExporter(),
        metrics_networks=(ip_network(INSIDE), ip_network(V6)),
        trusted_proxies=(ip_network(PROXY),),
    )


def get(config: HttpConfig, address: str, **environ: Any) -> Reply:
    return send_request(create_app(make_shop(), config), METRICS, REMOTE_ADDR=address, **environ)


def test_metrics_read_opens_the_metrics(shop: Shop) -> None:
    client = TestClient(create_app(shop, HttpConfig(exporter=MemoryMetricsExporter())))
    assert client.simulate_get(METRICS).status_code == 401
    assert client.simulate_get(METRICS, headers=ADMIN).status_code == 200
    for permission, status in (("metrics:read", 200), ("products:read", 403)):
        token = shop.authenticator.issue_token(
            TokenRequest.parse({"permissions": [permission]})
        ).token
        response = client.simulate_get(METRICS, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == status


@pytest.mark.parametrize(
    ("address", "forwarded", "status"),
    [
        (INSIDE, None, 200),
        (V6, None, 200),
        (f"::ffff:{INSIDE}", None, 200),
        (OUTSIDE, None, 401),
        ("2001:db8:1:2::8", None, 401),
        ("", None, 401),
        (PROXY, None, 401),
        (PROXY, INSIDE, 200),
        (PROXY, f"{INSIDE}, {OUTSIDE}", 401),
        (OUTSIDE, INSIDE, 401),
    ],
)
def test_metrics_networks_need_no_credential_and_cannot_be_forged(
    metrics_config: HttpConfig, address: str, forwarded: str | None, status: int
) -> None:
    assert get(metrics_config, address, HTTP_X_FORWARDED_FOR=forwarded).status == status


def test_clients_in_metrics_networks_need_no_valid_credential(
    metrics_config: HttpConfig,
) -> None:
    assert get(metrics_config, INSIDE, HTTP_AUTHORIZATION="Bearer wrong").status == 200


def test_metrics_are_not_cacheable(metrics_config: HttpConfig) -> None:
    for reply in (get(metrics_config, INSIDE), get(metrics_config, OUTSIDE)):
        assert reply.headers["cache-control"] == "no-store"


def test_metrics_have_the_accepted_media_type(shop: Shop, tmp_path: Any) -> None:
    prometheus = PrometheusMetrics(tmp_path)
    app = create_app(shop, HttpConfig(recorders=(prometheus,), exporter=prometheus))
    client = TestClient(app, headers=ADMIN)
    client.simulate_get(EGG)
    response = client.simulate_get(METRICS)
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'eggypro_http_requests_total{method="GET",route="/api/products/{slug}"' in response.text
    open_metrics = client.simulate_get(METRICS, headers={"Accept": "application/openmetrics-text"})
    assert open_metrics.headers["content-type"].startswith("application/openmetrics-text")
    prometheus.close()


def test_without_an_exporter_metrics_are_not_found(shop: Shop) -> None:
    client = TestClient(create_app(shop), headers=ADMIN)
    assert client.simulate_get(METRICS).status_code == 404
    assert client.simulate_get(METRICS, params={"days": "1"}).status_code == 422


def test_memory_exporter_counts_requests(shop: Shop) -> None:
    figures = MemoryMetricsExporter()
    client = TestClient(create_app(shop, HttpConfig(recorders=(figures,), exporter=figures)))
    client.simulate_get(EGG)
    client.simulate_get(EGG)
    text = client.simulate_get(METRICS, headers=ADMIN).text
    assert text == "/api/products/{slug} GET 200 2\n"
