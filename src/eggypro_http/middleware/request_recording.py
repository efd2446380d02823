"""Middleware that records each request: route, status, duration and client network."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from attrs import frozen

from eggypro_core.operations.request_metrics import UNMATCHED_ENDPOINT, RequestRecord, network_of
from eggypro_http.config import HttpConfig
from eggypro_http.errors import REQUEST_ID_KEY
from eggypro_http.requests.client_address import ClientResolver
from eggypro_http.routing import ENDPOINT_KEY

_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_OTHER_METHOD = "OTHER"
"""The recorded name of any other method."""
MAX_USER_AGENT_LENGTH = 512
"""The most characters of a user agent that are recorded or reported."""


def record_requests(app: WSGIApplication, config: HttpConfig) -> WSGIApplication:
    """Return an application whose requests are reported to the recorders."""
    if not config.recorders:
        return app
    clients = ClientResolver(config.trusted_proxies)
    return RequestRecorderMiddleware(
        app, [recorder.record for recorder in config.recorders], clients
    )


@frozen
class RequestRecorderMiddleware:
    """WSGI middleware that records requests. The duration ends when the response body starts."""

    _app: WSGIApplication
    _writers: list[Callable[[RequestRecord], None]]
    _clients: ClientResolver

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request and record it."""
        started_at, status_line = perf_counter(), ""
        method = environ["REQUEST_METHOD"]

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status_line
            status_line = status
            return start_response(status, headers, exc_info)

        body = self._app(environ, start)
        record = RequestRecord(
            environ.get(ENDPOINT_KEY, UNMATCHED_ENDPOINT),
            method if method in _METHODS else _OTHER_METHOD,
            int(status_line[:3]),
            (perf_counter() - started_at) * 1000,
            network_of(self._clients.client(environ)),
            environ.get("HTTP_USER_AGENT", "")[:MAX_USER_AGENT_LENGTH],
            environ[REQUEST_ID_KEY],
            datetime.now(UTC),
        )
        for write in self._writers:
            write(record)
        return body
