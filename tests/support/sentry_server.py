"""A server that takes what the SDK of Sentry sends, and keeps it."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from attrs import field, frozen

HANGING = 60.0
"""The seconds for which a server that hangs says nothing."""


@frozen
class SentryServer:
    """What has arrived: each event, and the raw text that it came in. It may be told to hang."""

    dsn: str
    events: "SimpleQueue[dict[str, Any]]" = field(factory=SimpleQueue)
    raw: list[str] = field(factory=list)
    can_continue: Event = field(factory=Event)

    def next(self) -> dict[str, Any]:
        """Wait for an event."""
        return self.events.get(timeout=60)

    def take(self, envelope: str) -> None:
        self.raw.append(envelope)
        _, *items = envelope.splitlines()
        for head, body in zip(items[::2], items[1::2], strict=True):
            assert json.loads(head)["type"] == "event"
            self.events.put(json.loads(body))


@contextmanager
def sentry_server(*, hanging: bool = False) -> Iterator[SentryServer]:
    """A server on this machine, and what it took."""

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/api/7/envelope/"
            content = self.rfile.read(int(self.headers["Content-Length"]))
            is_packed = self.headers.get("Content-Encoding") == "gzip"
            taken.can_continue.wait(HANGING)
            taken.take((gzip.decompress(content) if is_packed else content).decode())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        server.daemon_threads = True
        taken = SentryServer(f"http://public@127.0.0.1:{server.server_port}/7")
        if not hanging:
            taken.can_continue.set()
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield taken
        taken.can_continue.set()
        server.shutdown()
        thread.join()
