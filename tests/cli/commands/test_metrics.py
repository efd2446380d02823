"""`eggypro metrics`."""

from datetime import timedelta

import orjson
import pytest

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
