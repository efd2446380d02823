import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from eggypro_adapters.monitoring.sentry import MAX_QUEUED_EVENTS, SentryErrorTracker
from eggypro_core.errors import UnavailableError
from eggypro_core.operations.error_tracking import ErrorContext
from tests.support.sentry_server import HANGING, SentryServer, sentry_server

DURING = ErrorContext("/api/products/{slug}", "PATCH", "admin", "mine", "curl/8", "203.0.113.0/24")
PRIVATE = "ada@example.com has the password hunter2"


@contextmanager
def tracking(server: SentryServer) -> Iterator[SentryErrorTracker]:
    tracker = SentryErrorTracker(server.dsn, environment="test", release="eggypro@1")
    yield tracker
    tracker.close()


def an_error() -> ValueError:
    password = PRIVATE
    try:
        int(password)
    except ValueError as error:
        return error
    raise AssertionError


def test_an_error_is_sent_with_its_place_and_its_call() -> None:
    with sentry_server() as server, tracking(server) as tracker:
        tracker.report_error(an_error(), DURING)
        event = server.next()
    [told] = event["exception"]["values"]
    assert told["type"] == "ValueError"
    assert told["stacktrace"]["frames"][-1]["function"] == "an_error"
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


def test_nothing_that_an_error_says_or_a_variable_holds_is_sent() -> None:
    with sentry_server() as server, tracking(server) as tracker:
        error = RuntimeError(PRIVATE)
        error.__cause__ = an_error()
        tracker.report_error(error, None)
        event = server.next()
    assert [one["type"] for one in event["exception"]["values"]] == ["ValueError", "RuntimeError"]
    [raw] = server.raw
    assert "hunter2" not in raw
    assert "vars" not in raw
    assert not {"user", "request", "breadcrumbs", "modules"} & set(event)
    assert not event.get("server_name")


def test_the_start_of_an_outage_is_sent_without_what_the_service_said() -> None:
    with sentry_server() as server, tracking(server) as tracker:
        tracker.report_outage("the database", UnavailableError(PRIVATE))
        event = server.next()
    assert event["message"] == "An outage of the database has begun"
    assert event["tags"]["service"] == "the database"
    assert "hunter2" not in server.raw[0]


def test_a_tracker_that_hangs_costs_nobody_anything() -> None:
    with sentry_server(hanging=True) as server:
        tracker = SentryErrorTracker(server.dsn, environment="test", release="eggypro@1")
        for _ in range(2 * MAX_QUEUED_EVENTS):
            tracker.report_error(an_error(), DURING)
        began = monotonic()
        tracker.close(patience=0.2)
        assert monotonic() - began < HANGING / 2
        assert server.events.empty()


def test_a_tracker_that_is_away_raises_nothing() -> None:
    with sentry_server() as server:
        pass
    with tracking(server) as tracker:
        tracker.report_error(an_error(), DURING)


@pytest.mark.parametrize("module", ["sentry_sdk", "prometheus_client", "structlog"])
def test_nothing_of_it_is_imported_by_who_does_not_serve(module: str) -> None:
    code = f"import sys, eggypro_adapters.wiring; print({module!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
