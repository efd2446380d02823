"""Load generator: clients that send requests on keep-alive connections."""

import re
import socket
import threading
import time
from itertools import cycle

from attrs import frozen

CONTENT_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@frozen
class Result:
    """The number of requests and the duration of a load."""

    requests: int
    seconds: float


def load(port: int, paths: list[str], *, seconds: float, clients: int = 8) -> Result:
    """Request paths in turn with concurrent clients. Raises SystemExit for any status but 200."""
    counts = [0] * clients
    start = time.monotonic()
    stop = start + seconds

    def client(number: int) -> None:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for path in cycle(paths[number % len(paths) :] + paths[: number % len(paths)]):
                if time.monotonic() >= stop:
                    return
                _request(connection, path)
                counts[number] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Result(sum(counts), time.monotonic() - start)


def _request(connection: socket.socket, path: str) -> None:
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
    response = b""
    while b"\r\n\r\n" not in response:
        response += connection.recv(65536)
    head, _, body = response.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"{path} returned {head[:60]!r}")
    length = CONTENT_LENGTH.search(head)
    remaining = (int(length[1]) if length else 0) - len(body)
    while remaining > 0:
        remaining -= len(connection.recv(65536))
