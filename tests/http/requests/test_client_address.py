"""Client addresses with and without trusted proxies."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_http.requests.client_address import UNKNOWN_CLIENT, ClientResolver

WITHOUT_PROXIES = ClientResolver()
BEHIND_PROXIES = ClientResolver((ip_network("10.0.0.0/8"), ip_network("fd00::/8")))


def client_of(
    clients: ClientResolver, peer: str | None, forwarded: str | None = None, **more: str
) -> str:
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded, **more}
    return clients.client({name: value for name, value in environ.items() if value is not None})


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:207", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("[2001:db8::1]:443", "2001:db8::/64"),
        ("", UNKNOWN_CLIENT),
        (None, UNKNOWN_CLIENT),
        ("unix:", UNKNOWN_CLIENT),
        ("1.2.3.4, 5.6.7.8", UNKNOWN_CLIENT),
        ("9" * 100_000, UNKNOWN_CLIENT),
    ],
)
def test_client_is_an_ipv4_address_or_an_ipv6_network(peer: str | None, client: str) -> None:
    assert client_of(WITHOUT_PROXIES, peer) == client
    assert client_of(BEHIND_PROXIES, peer) == client


def test_an_ipv6_network_is_one_client() -> None:
    assert client_of(WITHOUT_PROXIES, "2001:db8::1") == client_of(
        WITHOUT_PROXIES, "2001:db8::ffff:1"
    )
    assert client_of(WITHOUT_PROXIES, "2001:db8::1") != client_of(
        WITHOUT_PROXIES, "2001:db8:0:1::1"
    )


@pytest.mark.parametrize(
    "name",
    ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_CLIENT_IP", "HTTP_VIA"],
)
def test_forwarded_addresses_from_untrusted_peers_are_ignored(name: str) -> None:
    for clients in (WITHOUT_PROXIES, BEHIND_PROXIES):
        assert client_of(clients, "192.0.2.7", **{name: "6.6.6.6"}) == "192.0.2.7"


@pytest.mark.parametrize("name", ["HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_CF_CONNECTING_IP"])
def test_only_x_forwarded_for_is_trusted(name: str) -> None:
    assert client_of(BEHIND_PROXIES, "10.0.0.1", **{name: "6.6.6.6"}) == "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("6.6.6.6, 192.0.2.7", "192.0.2.7"),
        ("6.6.6.6,192.0.2.7,10.2.3.4", "192.0.2.7"),
        ("6.6.6.6, 192.0.2.7 , fd00::1,\t10.9.9.9", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("6.6.6.6, ::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("[2001:db8::1]:4711", "2001:db8::/64"),
        ("192.0.2.7, , ", "192.0.2.7"),
        ("10.5.5.5, 10.6.6.6", "10.5.5.5"),
        ("", "10.0.0.1"),
        ("6.6.6.6, unknown", "10.0.0.1"),
        ("6.6.6.6, _hidden, 10.7.7.7", "10.7.7.7"),
        ("6.6.6.6, 300.1.1.1", "10.0.0.1"),
        ("6.6.6.6, 1.2.3.4.5", "10.0.0.1"),
        ("6.6.6.6, 010.1.1.1", "10.0.0.1"),
        ("6.6.6.6 192.0.2.7", "10.0.0.1"),
    ],
)
def test_client_is_the_right_most_address_that_is_not_a_proxy(forwarded: str, client: str) -> None:
    assert client_of(BEHIND_PROXIES, "10.0.0.1", forwarded) == client
    assert client_of(BEHIND_PROXIES, "::ffff:10.0.0.1", forwarded) == client


def test_long_forged_proxy_chains_are_cheap() -> None:
    assert client_of(BEHIND_PROXIES, "10.0.0.1", "6.6.6.6," + "10.1.1.1," * 10_000) == "10.1.1.1"


@given(st.text(), st.text())
def test_any_header_gives_a_client(peer: str, forwarded: str) -> None:
    assert client_of(BEHIND_PROXIES, peer, forwarded)
    assert client_of(BEHIND_PROXIES, "10.0.0.1", f"{forwarded}, 192.0.2.7") == "192.0.2.7"
