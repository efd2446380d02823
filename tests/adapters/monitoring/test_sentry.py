import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from eggypro_adapters.monitoring.sentry import MAX_QUEUED_EVENTS, SentryErrorTracker
from eggypro_core.errors import UnavailableError
from eggypro_core.operations.error_tracking import ErrorContext
from tests.support.sentry_server import HANG_SECONDS, SentryServer, sentry_server

CONTEXT = ErrorContext("/api/products/{slug}", "PATCH", "admin", "mine", "curl/8", "203.0.113.0/24")
PRIVATE = "ada@example.com has the password hunter2"


@contextmanager
def open_tracker(server: SentryServer) -> Iterator[SentryErrorTracker]:
    tracker = SentryErrorTracker(server.dsn, environment="test", release="eggypro@1")
    yield tracker
    tracker.close()


def make_error() -> ValueError:
    password = PRIVATE
    try:
        int(password)
    except ValueError as error:
        return error
    raise AssertionError


def test_error_is_sent_with_its_location_and_request() -> None:
    with sentry_server() as server, open_tracker(server) as tracker:
        tracker.report_error(make_error(), CONTEXT)
        event = server.next()
    [exception] = event["exception"]["values"]
    assert exception["type"] == "ValueError"
    assert exception["stacktrace"]["frames"][-1]["function"] == "make_error"
    assert event["transaction"] == "PATCH /api/products/{slug}"
    assert event["user"] == {"id": "admin"}
    assert event["contexts"]["call"] == {
        "endpoint": "/api/products/{slug}",
        "method": "PATCH",
        "request_id": "mine",
        "user_agent": "curl/8",
        "network": "203.0.113.0/24",
    }
    assert (event["environment"], event["release"]) == ("test", "eggypro@1")


def test_messages_and_values_of_variables_are_not_sent() -> None:
    with sentry_server() as server, open_tracker(server) as tracker:
        error = RuntimeError(PRIVATE)
        error.__cause__ = make_error()
        tracker.report_error(error, None)
        event = server.next()
    assert [value["type"] for value in event["exception"]["values"]] == [
        "ValueError",
        "RuntimeError",
    ]
    [raw] = server.raw
    assert "hunter2" not in raw
    assert "vars" not in raw
    assert not {"user", "request", "breadcrumbs", "modules"} & set(event)
    assert not event.get("server_name")


def test_outage_is_sent_without_the_message_of_the_service() -> None:
    with sentry_server() as server, open_tracker(server) as tracker:
        tracker.report_outage("the database", UnavailableError(PRIVATE))
        event = server.next()
    assert event["message"] == "Outage of the database started"
    assert event["tags"]["service"] == "the database"
    assert "hunter2" not in server.raw[0]


def test_hanging_sentry_does_not_delay_requests() -> None:
    with sentry_server(hanging=True) as server:
        tracker = SentryErrorTracker(server.dsn, environment="test", release="eggypro@1")
        for _ in range(2 * MAX_QUEUED_EVENTS):
            tracker.report_error(make_error(), CONTEXT)
        start = monotonic()
        tracker.close(timeout_seconds=0.2)
        assert monotonic() - start < HANG_SECONDS / 2
        assert server.events.empty()


def test_unreachable_sentry_raises_nothing() -> None:
    with sentry_server() as server:
        pass
    with open_tracker(server) as tracker:
        tracker.report_error(make_error(), CONTEXT)


@pytest.mark.parametrize("module", ["sentry_sdk", "prometheus_client", "structlog"])
def test_wiring_imports_no_server_libraries(module: str) -> None:
    code = f"import sys, eggypro_adapters.wiring; print({module!r} in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"
