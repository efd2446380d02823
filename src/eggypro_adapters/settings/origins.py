"""Origins of web pages, exactly as browsers write them, and patterns for all subdomains."""

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile("[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")
_NUMBER = re.compile("[0-9]+|0x[0-9a-f]*")
_ANY_SUBDOMAIN = "*."


def parse_origin(text: str, parse_url: Callable[[str], str]) -> str:
    """Return an origin, or the pattern of an origin with `*.` for any subdomains.

    Written as browsers do: lower case, without the default port. Raises ValueError for one that no
    browser ever sends.
    """
    parts = urlsplit(parse_url(text))
    if parts.path:
        raise ValueError
    host = _host(parts.hostname or "", is_ipv6="[" in parts.netloc)
    default = parts.port in {None, _DEFAULT_PORTS[parts.scheme]}
    return f"{parts.scheme}://{host}" if default else f"{parts.scheme}://{host}:{parts.port}"


def _host(name: str, *, is_ipv6: bool) -> str:
    if is_ipv6:
        return f"[{IPv6Address(name).compressed}]"
    domain = name.removeprefix(_ANY_SUBDOMAIN)
    labels = domain.removesuffix(".").split(".")
    if not all(map(_LABEL.fullmatch, labels)):
        raise ValueError
    if _NUMBER.fullmatch(labels[-1]) and (domain != name or not _is_ipv4(name)):
        raise ValueError  # browsers take it for an address, and write that in full
    if domain != name and len(labels) == 1 and domain != "localhost":
        raise ValueError  # all sites of a top-level domain
    return name


def _is_ipv4(text: str) -> bool:
    try:
        return str(IPv4Address(text)) == text
    except AddressValueError:
        return False
