"""SentryErrorTracker: what goes wrong, sent to a project at Sentry."""

from typing import TYPE_CHECKING

from attrs import asdict
from sentry_sdk import Client
from sentry_sdk.utils import event_from_exception

from eggypro_core.errors import EggyProError
from eggypro_core.operations.error_tracking import ErrorContext

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

MAX_QUEUED_EVENTS = 100
"""How many reports wait to be sent at most; what comes on top is not sent."""
FLUSH_TIMEOUT_SECONDS = 1.0
"""The seconds that a request waits for a report to be sent, where it has to."""


class SentryErrorTracker:
    """Sends type and place of an error, and in which call it was: never what it says.

    That may quote a body, and is in the log under the same request id. Nothing is sent but by this
    class: no integration looks at the process. A thread of the SDK sends; `in_request` it is waited
    for, FLUSHING seconds at most.
    """

    def __init__(
        self, dsn: str, *, environment: str, release: str, in_request: bool = False
    ) -> None:
        self._in_request = in_request
        self._client = Client(
            dsn=dsn,
            environment=environment,
            release=release,
            server_name="",
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            auto_session_tracking=False,
            send_client_reports=False,
            max_breadcrumbs=0,
            max_request_body_size="never",
            transport_queue_size=MAX_QUEUED_EVENTS,
            spotlight=False,
        )

    def report_error(self, error: BaseException, context: ErrorContext | None) -> None:
        event, hint = event_from_exception(error, client_options=self._client.options)
        for told in event.get("exception", {}).get("values", []):
            told["value"] = ""
        if context is not None:
            event.update(_event_context(context))
        self._send(event, hint)

    def report_outage(self, service: str, error: EggyProError) -> None:
        self._send(
            {
                "level": "error",
                "message": f"An outage of {service} has begun",
                "fingerprint": ["outage", service],
                "tags": {"service": service, "kind": type(error).__name__},
            }
        )

    def _send(self, event: "Event", hint: "Hint | None" = None) -> None:
        self._client.capture_event(event, hint)
        if self._in_request:
            self._client.flush(timeout=FLUSH_TIMEOUT_SECONDS)

    def close(self, patience: float = 2.0) -> None:
        """Send what waits, for so many seconds at most."""
        self._client.close(timeout=patience)


def _event_context(during: ErrorContext) -> "Event":
    told = asdict(during)
    user = told.pop("user_id")
    event: Event = {
        "transaction": f"{during.method} {during.endpoint}",
        "tags": {name: told[name] for name in ("endpoint", "method", "request_id")},
        "contexts": {"call": told},
    }
    if user is not None:
        event["user"] = {"id": user}
    return event
