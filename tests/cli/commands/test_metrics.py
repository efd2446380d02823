"""`eggypro metrics`: what the calls of the API came to."""

from datetime import timedelta

import orjson
import pytest

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.request_log import make_record
from eggypro_adapters.memory import MemoryRequestLog
from tests.support.builders import make_shop
from tests.support.runtime import MemoryRuntime, RunCommand

LONG = "/api/products/{slug}/variants/{id}/stock"


@pytest.fixture
def calls(world: MemoryRuntime) -> MemoryRequestLog:
    calls = MemoryRequestLog()
    world.shop = make_shop(calls=calls)
    return calls


@pytest.fixture
def called(calls: MemoryRequestLog) -> MemoryRequestLog:
    hour = timedelta(hours=1)
    calls.append(
        [
            make_record(0.25, completed_at=NOON - number % 9 * 24 * hour - hour)
            for number in range(90)
        ]
    )
    calls.append(
        [make_record(1234, endpoint=LONG, method="POST", status=409, completed_at=NOON - hour)] * 4
    )
    return calls


@pytest.mark.usefixtures("called")
def test_calls_are_summed_up_in_a_table_with_bars(typed: RunCommand) -> None:
    answer = typed("metrics", "summary", "--days", "7")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
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
    assert "\x1b" not in answer.out


@pytest.mark.usefixtures("called")
def test_machines_get_what_the_api_answers(typed: RunCommand) -> None:
    answer = typed("metrics", "summary", "--json")
    assert orjson.loads(answer.out)["items"][1] == {
        "endpoint": LONG,
        "method": "POST",
        "avgResponseTime": 1234,
        "p50": 1234,
        "p95": 1234,
        "p99": 1234,
        "totalRequests": 4,
        "errorCount": 4,
    }


@pytest.mark.usefixtures("called")
@pytest.mark.parametrize(
    ("days", "line"),
    [
        (1, "14 requests, per hour: ......................." + "█ now"),
        (90, "94 requests, per 2 days: " + "." * 40 + "▄▇▇▇█ now"),
    ],
)
def test_a_day_is_shown_by_hours_and_a_season_by_more_than_a_day(
    typed: RunCommand, days: int, line: str
) -> None:
    assert typed("metrics", "summary", "--days", str(days)).out.splitlines()[0] == line


@pytest.mark.usefixtures("called")
def test_the_slowest_and_those_with_most_errors_come_on_top(typed: RunCommand) -> None:
    out = typed("metrics", "top", "--limit", "1").out
    slow, failing = out.split("Most errors:")
    assert "POST" in slow
    assert "GET" not in slow
    assert "POST" in failing
    body = orjson.loads(typed("metrics", "top", "--json").out)
    assert [one["method"] for one in body["slowest"]] == ["POST", "GET"]
    assert [one["method"] for one in body["most_errors"]] == ["POST"]


def test_a_shop_that_nobody_calls_says_so(typed: RunCommand, calls: MemoryRequestLog) -> None:
    assert typed("metrics", "summary").out == "No requests.\n"
    assert typed("metrics", "top").out == "No requests.\n"
    calls.append([make_record(completed_at=NOON)])
    assert "No errors." in typed("metrics", "top").out


def test_old_calls_are_forgotten(typed: RunCommand, called: MemoryRequestLog) -> None:
    assert typed("metrics", "prune").out == "0 removed\n"
    assert typed("metrics", "prune", "--days", "5", "--json").out == '{"removed":40}\n'
    assert typed("metrics", "prune", "--days", "5").out == "0 removed\n"
    assert sum(called.count_by_step(NOON - timedelta(9), step=timedelta(9), step_count=1)) == 54


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
def test_numbers_that_make_no_sense_are_wrong_usage(
    typed: RunCommand, words: tuple[str, ...]
) -> None:
    answer = typed("metrics", *words)
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1
