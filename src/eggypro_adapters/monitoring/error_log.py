"""LogErrorTracker: errors and outages in the log."""

import logging

from eggypro_core.errors import EggyProError
from eggypro_core.operations.error_tracking import ErrorContext

_log = logging.getLogger(__name__)


class LogErrorTracker:
    """Log errors, with tracebacks that show no values, and outages."""

    def report_error(self, error: BaseException, context: ErrorContext | None) -> None:
        if context is None:
            _log.error("Unexpected error in a thread", exc_info=error)
            return
        _log.error(
            "Unexpected error: %s %s, request %s",
            context.method,
            context.endpoint,
            context.request_id,
            exc_info=error,
            extra={"request_id": context.request_id, "user": context.user_id},
        )

    def report_outage(self, service: str, error: EggyProError) -> None:
        _log.error("Outage of %s started. %s", service, error)
