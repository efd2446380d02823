"""Reporting of unexpected errors to the error trackers, with only the context needed to debug."""

import logging
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from eggypro_core.operations.error_tracking import ErrorContext, ErrorTracker
from eggypro_core.operations.request_metrics import UNMATCHED_ENDPOINT, network_of
from eggypro_http.errors import REQUEST_ID_KEY
from eggypro_http.middleware.request_recording import MAX_USER_AGENT_LENGTH
from eggypro_http.requests.client_address import ClientResolver
from eggypro_http.requests.rate_limits import USER_KEY
from eggypro_http.routing import ENDPOINT_KEY

_log = logging.getLogger(__name__)


@frozen
class ErrorReporter:
    """Report unexpected errors in requests to the trackers, or log them if there are none."""

    _trackers: tuple[ErrorTracker, ...]
    _clients: ClientResolver

    def __call__(self, environ: Mapping[str, Any], error: Exception) -> None:
        """Report an error raised by the request that `environ` belongs to."""
        if not self._trackers:
            _log.error("Unexpected error, request %s", environ[REQUEST_ID_KEY], exc_info=error)
            return
        context = ErrorContext(
            environ.get(ENDPOINT_KEY, UNMATCHED_ENDPOINT),
            environ["REQUEST_METHOD"],
            environ.get(USER_KEY),
            environ[REQUEST_ID_KEY],
            environ.get("HTTP_USER_AGENT", "")[:MAX_USER_AGENT_LENGTH],
            network_of(self._clients.client(environ)),
        )
        for tracker in self._trackers:
            tracker.report_error(error, context)
