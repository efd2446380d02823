"""Load on a server: clients that ask again and again on connections that stay open."""

import re
import socket
import threading
import time
from itertools import cycle

from attrs import frozen

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@frozen
class Result:
    """What a stretch of load came to."""

    requests: int
    seconds: float


def load(port: int, paths: list[str], *, seconds: float, clients: int = 8) -> Result:
    """Ask for paths in turn with some clients at once. Any answer but 200 ends the measuring."""
    counts = [0] * clients
    stop = time.monotonic() + seconds
    began = time.monotonic()

    def client(number: int) -> None:
        with socket.create_connection(("127.0.0.1", port), 10) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for path in cycle(paths[number % len(paths) :] + paths[: number % len(paths)]):
                if time.monotonic() >= stop:
                    return
                _ask(line, path)
                counts[number] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Result(sum(counts), time.monotonic() - began)


def _ask(line: socket.socket, path: str) -> None:
    line.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += line.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"{path} gave {head[:60]!r}")
    length = LENGTH.search(head)
    missing = (int(length[1]) if length else 0) - len(body)
    while missing > 0:
        missing -= len(line.recv(65536))
