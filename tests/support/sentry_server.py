"""Fake Sentry server that stores received events."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from attrs import field, frozen

HANG_SECONDS = 60.0
"""Seconds that a hanging server waits before it responds."""


@frozen
class SentryServer:
    """The received events and their raw envelopes. Responses wait for `can_continue`."""

    dsn: str
    events: "SimpleQueue[dict[str, Any]]" = field(factory=SimpleQueue)
    raw: list[str] = field(factory=list)
    can_continue: Event = field(factory=Event)

    def next(self) -> dict[str, Any]:
        """Wait for the next event and return it."""
        return self.events.get(timeout=60)

    def add_envelope(self, envelope: str) -> None:
        self.raw.append(envelope)
        _, *items = envelope.splitlines()
        for head, body in zip(items[::2], items[1::2], strict=True):
            assert json.loads(head)["type"] == "event"
            self.events.put(json.loads(body))


@contextmanager
def sentry_server(*, hanging: bool = False) -> Iterator[SentryServer]:
    """Run a server on a free local port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/api/7/envelope/"
            content = self.rfile.read(int(self.headers["Content-Length"]))
            is_compressed = self.headers.get("Content-Encoding") == "gzip"
            store.can_continue.wait(HANG_SECONDS)
            store.add_envelope((gzip.decompress(content) if is_compressed else content).decode())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        store = SentryServer(f"http://public@127.0.0.1:{server.server_port}/7")
        if not hanging:
            store.can_continue.set()
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield store
        store.can_continue.set()
        server.shutdown()
        thread.join()
