"""The warning about a proxy that TRUSTED_PROXIES does not name."""

from ipaddress import ip_network

import pytest
from falcon.testing import TestClient

from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.support.wsgi import EGG, send_request

HEADERS = {
    "X-Forwarded-For": "HTTP_X_FORWARDED_FOR",
    "Forwarded": "HTTP_FORWARDED",
    "X-Real-IP": "HTTP_X_REAL_IP",
    "CF-Connecting-IP": "HTTP_CF_CONNECTING_IP",
    "True-Client-IP": "HTTP_TRUE_CLIENT_IP",
}


@pytest.fixture
def client(shop: Shop) -> TestClient:
    proxies = (ip_network("10.0.0.0/8"),)
    return TestClient(create_app(shop, HttpConfig(trusted_proxies=proxies)))


@pytest.mark.parametrize("header", HEADERS)
def test_forwarded_header_of_an_untrusted_peer_is_logged_once(
    client: TestClient, caplog: pytest.LogCaptureFixture, header: str
) -> None:
    for peer in ("172.18.0.1", "172.18.0.2"):
        environ = {"REMOTE_ADDR": peer, HEADERS[header]: "192.0.2.66"}
        assert send_request(client.app, EGG, **environ).status == 200
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert f"The peer 172.18.0.1 sends {header}, but" in record.message
    assert "set TRUSTED_PROXIES=172.18.0.1 and" in record.message
    assert "192.0.2.66" not in record.message


@pytest.mark.parametrize(
    ("peer", "advice"),
    [
        ("", "The peer of a Unix socket sends"),
        ("2001:db8::1", "set TRUSTED_PROXIES=2001:db8::1 and"),
        ("::ffff:192.0.2.7", "set TRUSTED_PROXIES=192.0.2.7 and"),
    ],
)
def test_warning_fits_the_peer(
    client: TestClient, caplog: pytest.LogCaptureFixture, peer: str, advice: str
) -> None:
    send_request(client.app, EGG, REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR="192.0.2.66")
    assert advice in caplog.text


def test_trusted_peers_and_direct_clients_are_not_logged(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    send_request(client.app, EGG, REMOTE_ADDR="10.0.0.7", HTTP_X_FORWARDED_FOR="192.0.2.66")
    send_request(client.app, EGG, REMOTE_ADDR="192.0.2.66")
    assert caplog.records == []
