"""SentryErrorTracker: errors and outages, sent to a Sentry project."""

from typing import TYPE_CHECKING

from attrs import asdict
from sentry_sdk import Client
from sentry_sdk.utils import event_from_exception

from eggypro_core.errors import EggyProError
from eggypro_core.operations.error_tracking import ErrorContext

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

MAX_QUEUED_EVENTS = 100
"""Limit of queued events; further events are dropped."""
FLUSH_TIMEOUT_SECONDS = 1.0
"""Seconds that a request waits for an event to be sent, if `in_request`."""


class SentryErrorTracker:
    """Send the type and location of an error and its request, never its message.

    The message may quote a request body; it is in the log under the same request id. SDK
    integrations are off: only this class sends anything. A thread of the SDK sends the events;
    with `in_request`, reports wait for it, for at most FLUSH_TIMEOUT_SECONDS.
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
        for exception in event.get("exception", {}).get("values", []):
            exception["value"] = ""
        if context is not None:
            event.update(_event_context(context))
        self._send(event, hint)

    def report_outage(self, service: str, error: EggyProError) -> None:
        self._send(
            {
                "level": "error",
                "message": f"Outage of {service} started",
                "fingerprint": ["outage", service],
                "tags": {"service": service, "kind": type(error).__name__},
            }
        )

    def _send(self, event: "Event", hint: "Hint | None" = None) -> None:
        self._client.capture_event(event, hint)
        if self._in_request:
            self._client.flush(timeout=FLUSH_TIMEOUT_SECONDS)

    def close(self, timeout_seconds: float = 2.0) -> None:
        """Send the queued events, for at most `timeout_seconds`."""
        self._client.close(timeout=timeout_seconds)


def _event_context(context: ErrorContext) -> "Event":
    values = asdict(context)
    user = values.pop("user_id")
    event: Event = {
        "transaction": f"{context.method} {context.endpoint}",
        "tags": {name: values[name] for name in ("endpoint", "method", "request_id")},
        "contexts": {"call": values},
    }
    if user is not None:
        event["user"] = {"id": user}
    return event
