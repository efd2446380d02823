"""Client addresses of requests, safe against forged headers."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from attrs import frozen

UNKNOWN_CLIENT = "unknown"
"""The client of a request without a peer address, for example over a Unix socket."""
_MAX_PROXIES = 20
"""The most forwarded addresses that are examined."""
_MAX_ADDRESS_LENGTH = 64
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@frozen
class ClientResolver:
    """Identify the clients of requests. Only addresses forwarded by trusted proxies count."""

    _trusted: tuple[Network, ...] = ()

    def client(self, environ: Mapping[str, Any]) -> str:
        """Return the client of a request: an IPv4 address, or the /64 network of an IPv6 one."""
        peer: str = environ.get("REMOTE_ADDR") or ""
        forwarded: str | None = environ.get("HTTP_X_FORWARDED_FOR")
        if forwarded is None or not self._trusted:
            return _client_name_of_peer(peer[:_MAX_ADDRESS_LENGTH])
        return _client_name(self._origin(_address(peer), forwarded))

    def trusts_peer(self, environ: Mapping[str, Any]) -> bool:
        """Return whether the peer of a request is a trusted proxy."""
        peer = peer_address(environ)
        return peer is not None and self._trusts(peer)

    def is_within(self, environ: Mapping[str, Any], networks: Sequence[Network]) -> bool:
        """Return whether the client address of a request is in one of `networks`."""
        peer = peer_address(environ)
        origin = self._origin(peer, environ.get("HTTP_X_FORWARDED_FOR") or "")
        return origin is not None and any(origin in network for network in networks)

    def _origin(self, peer: Address | None, forwarded: str) -> Address | None:
        """Return the right-most address that is not a trusted proxy.

        An invalid forwarded address ends the search at the address to its right.
        """
        origin = peer
        for hop in reversed(forwarded.rsplit(",", _MAX_PROXIES)):
            if origin is None or not self._trusts(origin):
                break
            if hop.strip():
                address = _address(hop.strip())
                if address is None:
                    break
                origin = address
        return origin

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def peer_address(environ: Mapping[str, Any]) -> Address | None:
    """Return the address of the peer of a request; None over a Unix socket."""
    return _address((environ.get("REMOTE_ADDR") or "")[:_MAX_ADDRESS_LENGTH])


@lru_cache(4096)
def _client_name_of_peer(peer: str) -> str:
    return _client_name(_address(peer))


def _client_name(address: Address | None) -> str:
    if address is None:
        return UNKNOWN_CLIENT
    if isinstance(address, IPv6Address):
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)


def _address(text: str) -> Address | None:
    """Return the parsed address without its port, or None if `text` is not an address."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text[:_MAX_ADDRESS_LENGTH])
    except ValueError:
        return None
    ipv4 = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return ipv4 or address
