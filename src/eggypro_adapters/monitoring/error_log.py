"""LogErrorTracker: what goes wrong, in the log."""

import logging

from eggypro_core.errors import EggyProError
from eggypro_core.operations.error_tracking import Circumstances

_log = logging.getLogger(__name__)


class LogErrorTracker:
    """Writes what goes wrong to the log; an error with its traceback, which shows no values."""

    def unexpected(self, error: BaseException, during: Circumstances | None) -> None:
        if during is None:
            _log.error("Unexpected error in a thread", exc_info=error)
            return
        _log.error(
            "Unexpected error: %s %s, request %s",
            during.method,
            during.endpoint,
            during.request_id,
            exc_info=error,
            extra={"request_id": during.request_id, "user": during.user_id},
        )

    def outage(self, service: str, error: EggyProError) -> None:
        _log.error("An outage of %s has begun. %s", service, error)
