"""Errors that nobody expected: told to the trackers, with no more than what helps to find them."""

import logging
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from eggypro_core.operations.error_tracking import Circumstances, ErrorTracker
from eggypro_core.operations.request_metrics import UNMATCHED, network_of
from eggypro_http.errors import REQUEST_ID
from eggypro_http.middleware.request_recording import LONGEST
from eggypro_http.requests.client_address import Clients
from eggypro_http.routing import ENDPOINT, USER

_log = logging.getLogger(__name__)


@frozen
class Reporter:
    """Tells the trackers of errors in calls. Where there are none, it logs them."""

    _trackers: tuple[ErrorTracker, ...]
    _clients: Clients

    def __call__(self, environ: Mapping[str, Any], error: Exception) -> None:
        """Tell of an error in the call that an environ is of."""
        if not self._trackers:
            _log.error("Unexpected error, request %s", environ[REQUEST_ID], exc_info=error)
            return
        during = Circumstances(
            environ.get(ENDPOINT, UNMATCHED),
            environ["REQUEST_METHOD"],
            environ.get(USER),
            environ[REQUEST_ID],
            environ.get("HTTP_USER_AGENT", "")[:LONGEST],
            network_of(self._clients.of(environ)),
        )
        for tracker in self._trackers:
            tracker.unexpected(error, during)
