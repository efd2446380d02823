"""Free TCP ports."""

import socket
from contextlib import ExitStack

HOST = "127.0.0.1"


def free_port(host: str = HOST) -> int:
    """Return a free port of an IPv4 or IPv6 address of this machine."""
    [port] = free_ports(1, host)
    return port


def free_ports(number: int, host: str = HOST) -> list[int]:
    """Return several different free ports."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        listeners = [
            stack.enter_context(socket.create_server((host, 0), family=family))
            for _ in range(number)
        ]
        return [listener.getsockname()[1] for listener in listeners]
