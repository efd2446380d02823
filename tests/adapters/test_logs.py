import json
import logging
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

from eggypro_adapters.buffered_writer import BufferedWriter
from eggypro_adapters.logs import LineWriter, Logs, set_up_logs
from eggypro_adapters.logs import access as access_log
from eggypro_adapters.logs.access import LIMITS
from eggypro_adapters.logs.rendering import Renderer, console_renderer, json_renderer
from eggypro_core.operations.request_metrics import RequestRecord
from tests.support.builders import NOON

FORGED = "egg\n\r2026-01-01T00:00:00Z [error] forged \x1b[31m\u2028\x85\u202e"
CALL = RequestRecord("/api/products", "GET", 200, 1.234, "203.0.113.0/24", "curl", "mine", NOON)
log = logging.getLogger("eggypro_http.test")


@frozen
class Log:
    """A log in a file."""

    path: Path

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines()]

    def set_up(self, *, json: bool = True, level: str = "info") -> Logs:
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        return set_up_logs(level, json=json, lines=LineWriter(file), colours=False)


@pytest.fixture
def kept(tmp_path: Path, restore_logging: None) -> Log:  # noqa: ARG001
    return Log(tmp_path / "log")


@contextmanager
def writing(logs: Logs) -> Iterator[BufferedWriter]:
    """An access log, which has written all by the end of the block."""
    access = logs.access()
    yield access
    access.close()


def test_a_line_for_machines_says_when_where_and_what(kept: Log) -> None:
    kept.set_up()
    log.warning("%d eggs broke", 2, extra={"request_id": "mine", "password": "hunter2"})
    [event] = kept.events()
    at = datetime.fromisoformat(event.pop("timestamp"))
    assert at.tzinfo == UTC
    assert event == {
        "level": "warning",
        "logger": "eggypro_http.test",
        "event": "2 eggs broke",
        "request_id": "mine",
    }


def test_a_line_for_people_begins_with_the_time_of_day(kept: Log) -> None:
    logs = kept.set_up(json=False)
    with writing(logs) as access:
        access.record(CALL)
    [line] = kept.lines()
    assert " ".join(line.split()) == (
        "12:00:00 [info ] 200 GET /api/products ms=1.23 network=203.0.113.0/24 request_id=mine"
    )


@pytest.mark.parametrize("form", [True, False], ids=["json", "console"])
def test_no_value_can_forge_a_line_or_reach_a_terminal(kept: Log, *, form: bool) -> None:
    kept.set_up(json=form)
    log.warning(FORGED, extra={"request_id": FORGED})
    text = kept.path.read_bytes()
    assert text.count(b"\n") == len(kept.lines()) == 1
    assert b"\x1b" not in text
    assert "\u202e" not in text.decode()
    if form:
        assert kept.events()[0]["event"] == FORGED


@pytest.mark.parametrize("status", [200, 503])
def test_colours_are_all_that_a_line_for_a_terminal_has_more(
    tmp_path: Path,
    status: int,
    restore_logging: None,  # noqa: ARG001
) -> None:
    lines = []
    for colours in (True, False):
        file = os.open(tmp_path / str(colours), os.O_WRONLY | os.O_CREAT)
        with writing(
            set_up_logs("info", json=False, lines=LineWriter(file), colours=colours)
        ) as access:
            access.record(evolve(CALL, status=status))
        lines.append((tmp_path / str(colours)).read_text())
    assert "\x1b" in lines[0]
    assert re.sub(r"\x1b\[\d+m", "", lines[0]) == lines[1]


@pytest.mark.parametrize("rendered", [json_renderer(), console_renderer(colours=False)])
def test_a_line_can_be_written_whatever_is_in_it(rendered: Renderer) -> None:
    line = rendered({"timestamp": NOON, "event": "egg \ud800", "user": 10**30})
    assert line.encode()
    assert str(10**30) in line


def fail() -> None:
    raise ValueError(FORGED)


def test_no_line_of_a_traceback_looks_like_one_of_the_log(kept: Log) -> None:
    kept.set_up(json=False)
    try:
        fail()
    except ValueError:
        log.exception("It failed")
    head, *trace = kept.lines()
    assert "It failed" in head
    assert any("Traceback" in line for line in trace)
    assert all(line.startswith("    ") for line in trace)


@pytest.mark.parametrize("form", [True, False], ids=["json", "console"])
def test_a_traceback_shows_no_values_of_variables(kept: Log, *, form: bool) -> None:
    kept.set_up(json=form)
    hidden = str(10**20 + 7)
    try:
        print(hidden[len(hidden)])  # noqa: T201  (it never does)
    except IndexError:
        log.exception("It failed")
    text = kept.path.read_text()
    assert "IndexError" in text
    assert hidden not in text


def test_libraries_and_warnings_speak_in_the_same_form_but_tell_no_details(kept: Log) -> None:
    kept.set_up(level="debug")
    library = logging.getLogger("some.library")
    library.info("the password is hunter2")
    library.warning("old")
    log.debug("ours")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("soon gone", stacklevel=1)
    events = kept.events()
    assert [one["level"] for one in events] == ["warning", "debug", "warning"]
    assert "soon gone" in events[-1]["event"]


def test_set_up_again_each_line_is_written_once(kept: Log) -> None:
    kept.set_up()
    kept.set_up()
    log.warning("once")
    assert len(kept.lines()) == 1


def test_a_call_is_a_line_with_all_that_is_kept_of_it(kept: Log) -> None:
    with writing(kept.set_up()) as access:
        access.record(CALL)
    assert kept.events() == [
        {
            "timestamp": "2026-01-01T12:00:00Z",
            "level": "info",
            "logger": "eggypro_adapters.logs.access",
            "event": "request",
            "method": "GET",
            "route": "/api/products",
            "status": 200,
            "ms": 1.23,
            "network": "203.0.113.0/24",
            "request_id": "mine",
        }
    ]


def test_calls_are_as_serious_as_their_status(kept: Log) -> None:
    with writing(kept.set_up(level="error")) as access:
        for status in (200, 404, 500, 503):
            access.record(evolve(CALL, status=status))
    assert [(one["status"], one["level"]) for one in kept.events()] == [
        (500, "error"),
        (503, "error"),
    ]


def test_what_nobody_writes_down_is_dropped_and_counted(
    kept: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "LIMITS", evolve(LIMITS, max_records=3, delay_seconds=600))
    with writing(kept.set_up()) as access:
        for number in range(10):
            access.record(evolve(CALL, request_id=str(number)))
        assert access.dropped() == 7
    events = kept.events()
    assert [one["request_id"] for one in events[:3]] == ["0", "1", "2"]
    assert [one["event"][:22] for one in events[3:]] == ["7 requests are not in "]


def test_lines_are_whole_however_many_processes_write_to_one_pipe(tmp_path: Path) -> None:
    script = tmp_path / "writer.py"
    script.write_text(
        "import sys\n"
        "from eggypro_adapters.logs import Lines\n"
        "lines = Lines(1)\n"
        "for _ in range(20):\n"
        "    lines.write(sys.argv[1] * 200_000 + '\\n' + sys.argv[1] * 10 + '\\n')\n"
    )
    ours, theirs = os.pipe()
    writers = [subprocess.Popen([sys.executable, script, one], stdout=theirs) for one in "abc"]
    os.close(theirs)
    with open(ours) as pipe:  # noqa: PTH123  (it has no path)
        lines = pipe.read().splitlines()
    assert [one.wait() for one in writers] == [0, 0, 0]
    assert len(lines) == 3 * 40
    assert all(len(set(line)) == 1 and len(line) in {10, 200_000} for line in lines)


def test_a_log_that_nobody_reads_stops_nothing() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    LineWriter(theirs).write("nobody reads this\n")
    os.close(theirs)


def test_what_waits_can_be_written_at_once_by_anybody(
    kept: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "LIMITS", evolve(LIMITS, delay_seconds=600))
    with writing(kept.set_up()) as access:
        for _ in range(5_000):
            access.record(CALL)
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: access.flush(), range(8)))
        assert len(kept.lines()) == 5_000
