"""What is noted of each call: its route, its status, how long it took, where it came from."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from attrs import frozen

from eggypro_core.operations.request_metrics import UNMATCHED, Call, network_of
from eggypro_http.config import HttpConfig
from eggypro_http.errors import REQUEST_ID
from eggypro_http.requests.client_address import Clients
from eggypro_http.routing import ENDPOINT

_KNOWN = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_OTHER = "OTHER"
"""What any other method is noted as."""
LONGEST = 512
"""How much of a user agent is noted, or told of."""


def watched(app: WSGIApplication, config: HttpConfig) -> WSGIApplication:
    """Return an application whose requests are reported to the recorders."""
    if not config.recorders:
        return app
    clients = Clients(config.trusted_proxies)
    return Watched(app, [recorder.record for recorder in config.recorders], clients)


@frozen
class Watched:
    """An application with recorders around it. A call counts as answered when its body begins."""

    _app: WSGIApplication
    _record: list[Callable[[Call], None]]
    _clients: Clients

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        began, said = perf_counter(), ""
        method = environ["REQUEST_METHOD"]

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal said
            said = status
            return start_response(status, headers, exc_info)

        body = self._app(environ, start)
        call = Call(
            environ.get(ENDPOINT, UNMATCHED),
            method if method in _KNOWN else _OTHER,
            int(said[:3]),
            (perf_counter() - began) * 1000,
            network_of(self._clients.of(environ)),
            environ.get("HTTP_USER_AGENT", "")[:LONGEST],
            environ[REQUEST_ID],
            datetime.now(UTC),
        )
        for record in self._record:
            record(call)
        return body
