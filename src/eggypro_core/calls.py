"""A call of the API: what is noted of each one."""

from datetime import datetime
from functools import lru_cache
from ipaddress import ip_interface

from attrs import frozen

UNMATCHED = "(unmatched)"
"""The endpoint of all calls of addresses that do not exist."""
_KEPT_BITS = {4: 24, 6: 48}
_EXACT = 10
"""The milliseconds from which on no part of one is kept."""


@frozen
class Call:
    """A call that has been answered.

    `endpoint` is the template of its route, such as `/api/products/{slug}`: never the raw path, so
    that nobody can make new ones. `network` is what is kept of the caller's address. It was
    answered `at` that time, after so many `milliseconds`.
    """

    endpoint: str
    method: str
    status: int
    milliseconds: float
    network: str
    user_agent: str
    request_id: str
    at: datetime

    @property
    def response_time(self) -> float:
        """Return its milliseconds as they are kept: so few different ones soon sum up."""
        if self.milliseconds < 1:
            return round(self.milliseconds, 2)
        return round(self.milliseconds, 1 if self.milliseconds < _EXACT else 0)


@lru_cache(4096)
def network_of(client: str) -> str:
    """Return what is kept of a client: the /24 of an IPv4 address, the /48 of an IPv6 one.

    A client is as a limiter knows it: an address, a network, or a word where there is neither.
    """
    try:
        interface = ip_interface(client)
    except ValueError:
        return client
    address = interface.ip
    kept = ip_interface(f"{address}/{_KEPT_BITS[address.version]}").network
    return str(kept)
