"""`eggypro metrics`."""

from datetime import timedelta

import orjson
import pytest
from attrs import evolve

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.request_log import make_record
from eggypro_adapters.memory import MemoryRequestLog
from eggypro_core.operations.request_metrics import SAMPLED_ENDPOINT, UNMATCHED_ENDPOINT
from tests.support.builders import make_shop
from tests.support.runtime import MemoryRuntime, RunCommand

LONG_ROUTE = "/api/products/{slug}/variants/{id}/stock"


@pytest.fixture
def request_log(runtime: MemoryRuntime) -> MemoryRequestLog:
    request_log = MemoryRequestLog()
    runtime.shop = make_shop(request_log=request_log)
    return request_log


@pytest.fixture
def filled_log(request_log: MemoryRequestLog) -> MemoryRequestLog:
    hour = timedelta(hours=1)
    request_log.append(
        [
            make_record(0.25, completed_at=NOON - number % 9 * 24 * hour - hour)
            for number in range(90)
        ]
    )
    request_log.append(
        [
            make_record(
                1234, endpoint=LONG_ROUTE, method="POST", status=409, completed_at=NOON - hour
            )
        ]
        * 4
    )
    return request_log


@pytest.mark.usefixtures("filled_log")
def test_summary_is_a_table_with_bars(run_command: RunCommand) -> None:
    result = run_command("metrics", "summary", "--days", "7")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "74 requests, per day: ▆▆▆▆▆▆█ now"
    assert lines[2].split() == [
        "route",
        "by",
        "requests",
        "requests",
        "errors",
        "p50",
        "p95",
        "p99",
    ]
    assert lines[3].split() == "GET /api/products/{slug} ███████████ 70 0 0.25 0.25 0.25".split()
    assert lines[4].split()[-5:] == ["4", "4", "1234", "1234", "1234"]
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in result.out


def test_summary_says_that_requests_without_a_route_are_sampled(
    run_command: RunCommand, request_log: MemoryRequestLog
) -> None:
    at = NOON - timedelta(hours=1)
    for endpoint in (UNMATCHED_ENDPOINT, SAMPLED_ENDPOINT):
        request_log.append([make_record(endpoint=endpoint, completed_at=at)])
    output = run_command("metrics", "summary").out
    assert "(unmatched) is sampled" in output
    assert SAMPLED_ENDPOINT not in output
    assert orjson.loads(run_command("metrics", "summary", "--json").out)["sampled"] is True


@pytest.fixture
def log_with_errors(request_log: MemoryRequestLog) -> MemoryRequestLog:
    hour = timedelta(hours=1)
    for number, status in enumerate((200, 404, 404, 503)):
        record = make_record(status=status, completed_at=NOON - (number + 1) * hour)
        request_log.append([evolve(record, request_id=f"id-{number}")])
    return request_log


@pytest.mark.usefixtures("log_with_errors")
def test_errors_are_a_table_with_server_errors_first(run_command: RunCommand) -> None:
    lines = run_command("metrics", "errors", "--since", "1d").out.splitlines()
    assert lines[0].startswith("3 errors since ")
    assert [line.split() for line in lines[3:]] == [
        ["GET", "/api/products/{slug}", "503", "1", f"{NOON:%m-%d}", "08:00:00", "id-3"],
        ["GET", "/api/products/{slug}", "404", "2", f"{NOON:%m-%d}", "10:00:00", "id-1"],
    ]
    assert max(map(len, lines)) <= 80


@pytest.mark.usefixtures("log_with_errors")
@pytest.mark.parametrize(
    ("since", "statuses"),
    [
        ("150m", [404]),
        ("3h", [404]),
        ("4h", [503, 404]),
        ("2d", [503, 404]),
        (f"{NOON - timedelta(hours=3):%Y-%m-%dT%H:%M:%S}", [404]),
        ((NOON - timedelta(hours=4)).isoformat(), [503, 404]),
        (f"{NOON:%Y-%m-%d}", [503, 404]),
        (f"{NOON:%Y-%m-%dT%H:%M}", []),
    ],
)
def test_errors_since_a_duration_or_a_time(
    run_command: RunCommand, since: str, statuses: list[int]
) -> None:
    body = orjson.loads(run_command("metrics", "errors", "--since", since, "--json").out)
    assert [item["status"] for item in body["items"]] == statuses


@pytest.mark.usefixtures("log_with_errors")
def test_errors_as_json(run_command: RunCommand) -> None:
    body = orjson.loads(run_command("metrics", "errors", "--json").out)
    assert body["items"][1] == {
        "endpoint": "/api/products/{slug}",
        "method": "GET",
        "status": 404,
        "count": 2,
        "last_seen": f"{NOON - timedelta(hours=2):%Y-%m-%dT%H:%M:%S.000000Z}",
        "request_id": "id-1",
    }
    assert body["since"] == f"{NOON - timedelta(days=1):%Y-%m-%dT%H:%M:%S.000000Z}"


@pytest.mark.parametrize("since", ["", "yesterday", "5", "-1h", "3w", "0001-01-01T00+14:00"])
def test_invalid_since_is_a_usage_error(run_command: RunCommand, since: str) -> None:
    result = run_command("metrics", "errors", "--since", since)
    assert result.code == 2
    assert "30m, 24h or 7d" in result.err


def test_no_errors_is_a_sentence(run_command: RunCommand) -> None:
    assert run_command("metrics", "errors").out.startswith("No errors since ")


@pytest.mark.usefixtures("filled_log")
def test_json_is_the_http_body(run_command: RunCommand) -> None:
    result = run_command("metrics", "summary", "--json")
    assert orjson.loads(result.out)["items"][1] == {
        "endpoint": LONG_ROUTE,
        "method": "POST",
        "avgResponseTime": 1234,
        "p50": 1234,
        "p95": 1234,
        "p99": 1234,
        "totalRequests": 4,
        "errorCount": 4,
    }


@pytest.mark.usefixtures("filled_log")
@pytest.mark.parametrize(
    ("days", "line"),
    [
        (1, "14 requests, per hour: ......................." + "█ now"),
        (90, "94 requests, per 2 days: " + "." * 40 + "▄▇▇▇█ now"),
    ],
)
def test_chart_resolution_depends_on_the_period(
    run_command: RunCommand, days: int, line: str
) -> None:
    assert run_command("metrics", "summary", "--days", str(days)).out.splitlines()[0] == line


@pytest.mark.usefixtures("filled_log")
def test_top_shows_the_slowest_routes_and_most_errors(run_command: RunCommand) -> None:
    out = run_command("metrics", "top", "--limit", "1").out
    slow, failing = out.split("Most errors:")
    assert "POST" in slow
    assert "GET" not in slow
    assert "POST" in failing
    body = orjson.loads(run_command("metrics", "top", "--json").out)
    assert [route["method"] for route in body["slowest"]] == ["POST", "GET"]
    assert [route["method"] for route in body["most_errors"]] == ["POST"]


def test_no_requests_are_reported(run_command: RunCommand, request_log: MemoryRequestLog) -> None:
    assert run_command("metrics", "summary").out == "No requests.\n"
    assert run_command("metrics", "top").out == "No requests.\n"
    request_log.append([make_record(completed_at=NOON)])
    assert "No errors." in run_command("metrics", "top").out


def test_prune_deletes_old_requests(run_command: RunCommand, filled_log: MemoryRequestLog) -> None:
    assert run_command("metrics", "prune").out == "0 removed\n"
    assert run_command("metrics", "prune", "--days", "5", "--json").out == '{"removed":40}\n'
    assert run_command("metrics", "prune", "--days", "5").out == "0 removed\n"
    assert sum(filled_log.count_by_step(NOON - timedelta(9), step=timedelta(9), step_count=1)) == 54


@pytest.mark.parametrize(
    "words",
    [
        ("summary", "--days", "0"),
        ("summary", "--days", "91"),
        ("top", "--days", "x"),
        ("top", "--limit", "0"),
        ("prune", "--days", "0"),
    ],
)
def test_options_out_of_range_are_usage_errors(
    run_command: RunCommand, words: tuple[str, ...]
) -> None:
    result = run_command("metrics", *words)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
