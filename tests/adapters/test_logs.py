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
from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.logs import LineWriter, Logs, set_up_logs
from eggypro_adapters.logs import access as access_log
from eggypro_adapters.logs.access import ACCESS_LOG_LIMITS
from eggypro_adapters.logs.rendering import Renderer, console_renderer, json_renderer
from eggypro_core.operations.request_metrics import RequestRecord
from tests.support.small_disk import command_on_small_disk

ROOT = Path(__file__).parents[2]
FULL_DISK = """
import os, sys
from pathlib import Path
from eggypro_adapters.logs import LineWriter
from tests.support.small_disk import fill_disk

log = Path(sys.argv[1], "log")
lines = LineWriter(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT))
filler = fill_disk(Path(sys.argv[1]))
os.truncate(filler, filler.stat().st_size - 4096)
lines.write("x" * 10_000 + "\\n")
lines.write("lost\\n")
filler.unlink()
lines.write("second\\n")
lines.write("third\\n")
print(log.read_text(), end="")
"""
"""Write a line that only half fits on the disk of a folder, and others afterwards."""

FORGED = "egg\n\r2026-01-01T00:00:00Z [error] forged \x1b[31m\u2028\x85\u202e"
RECORD = RequestRecord("/api/products", "GET", 200, 1.234, "203.0.113.0/24", "curl", "mine", NOON)
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
def log_file(tmp_path: Path, restore_logging: None) -> Log:  # noqa: ARG001
    return Log(tmp_path / "log")


@contextmanager
def open_access_log(logs: Logs) -> Iterator[BufferedWriter]:
    """Yield an access log, which is written at the end of the block."""
    access = logs.access()
    yield access
    access.close()


def test_json_line_has_time_level_logger_and_event(log_file: Log) -> None:
    log_file.set_up()
    log.warning("%d eggs broke", 2, extra={"request_id": "mine", "password": "hunter2"})
    [event] = log_file.events()
    timestamp = datetime.fromisoformat(event.pop("timestamp"))
    assert timestamp.tzinfo == UTC
    assert event == {
        "level": "warning",
        "logger": "eggypro_http.test",
        "event": "2 eggs broke",
        "request_id": "mine",
    }


def test_console_line_starts_with_the_time_of_day(log_file: Log) -> None:
    logs = log_file.set_up(json=False)
    with open_access_log(logs) as access:
        access.record(RECORD)
    [line] = log_file.lines()
    assert " ".join(line.split()) == (
        "12:00:00 [info ] 200 GET /api/products ms=1.23 network=203.0.113.0/24 request_id=mine"
    )


@pytest.mark.parametrize("json_format", [True, False], ids=["json", "console"])
def test_values_cannot_forge_lines_or_control_the_terminal(
    log_file: Log, *, json_format: bool
) -> None:
    log_file.set_up(json=json_format)
    log.warning(FORGED, extra={"request_id": FORGED})
    text = log_file.path.read_bytes()
    assert text.count(b"\n") == len(log_file.lines()) == 1
    assert b"\x1b" not in text
    assert "\u202e" not in text.decode()
    if json_format:
        assert log_file.events()[0]["event"] == FORGED


@pytest.mark.parametrize("status", [200, 503])
def test_terminal_lines_differ_only_in_their_colours(
    tmp_path: Path,
    status: int,
    restore_logging: None,  # noqa: ARG001
) -> None:
    lines = []
    for colours in (True, False):
        file = os.open(tmp_path / str(colours), os.O_WRONLY | os.O_CREAT)
        with open_access_log(
            set_up_logs("info", json=False, lines=LineWriter(file), colours=colours)
        ) as access:
            access.record(evolve(RECORD, status=status))
        lines.append((tmp_path / str(colours)).read_text())
    assert "\x1b" in lines[0]
    assert re.sub(r"\x1b\[\d+m", "", lines[0]) == lines[1]


@pytest.mark.parametrize("render", [json_renderer(), console_renderer(colours=False)])
def test_any_value_can_be_rendered(render: Renderer) -> None:
    line = render({"timestamp": NOON, "event": "egg \ud800", "user": 10**30})
    assert line.encode()
    assert str(10**30) in line


def fail() -> None:
    raise ValueError(FORGED)


def test_traceback_lines_are_indented(log_file: Log) -> None:
    log_file.set_up(json=False)
    try:
        fail()
    except ValueError:
        log.exception("It failed")
    head, *trace = log_file.lines()
    assert "It failed" in head
    assert any("Traceback" in line for line in trace)
    assert all(line.startswith("    ") for line in trace)


@pytest.mark.parametrize("json_format", [True, False], ids=["json", "console"])
def test_traceback_contains_no_values_of_variables(log_file: Log, *, json_format: bool) -> None:
    log_file.set_up(json=json_format)
    value = str(10**20 + 7)
    try:
        print(value[len(value)])  # noqa: T201  (it raises)
    except IndexError:
        log.exception("It failed")
    text = log_file.path.read_text()
    assert "IndexError" in text
    assert value not in text


def test_libraries_and_warnings_are_logged_in_the_same_format_without_details(
    log_file: Log,
) -> None:
    log_file.set_up(level="debug")
    library = logging.getLogger("some.library")
    library.info("the password is hunter2")
    library.warning("old")
    log.debug("own")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("soon gone", stacklevel=1)
    events = log_file.events()
    assert [event["level"] for event in events] == ["warning", "debug", "warning"]
    assert "soon gone" in events[-1]["event"]


def test_second_setup_replaces_the_first(log_file: Log) -> None:
    log_file.set_up()
    log_file.set_up()
    log.warning("once")
    assert len(log_file.lines()) == 1


def test_access_log_line_has_all_fields_of_a_request(log_file: Log) -> None:
    with open_access_log(log_file.set_up()) as access:
        access.record(RECORD)
    assert log_file.events() == [
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


def test_level_of_a_request_follows_its_status(log_file: Log) -> None:
    with open_access_log(log_file.set_up(level="error")) as access:
        for status in (200, 404, 500, 503):
            access.record(evolve(RECORD, status=status))
    assert [(event["status"], event["level"]) for event in log_file.events()] == [
        (500, "error"),
        (503, "error"),
    ]


def test_requests_beyond_the_buffer_are_dropped_and_counted(
    log_file: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        access_log, "ACCESS_LOG_LIMITS", evolve(ACCESS_LOG_LIMITS, max_records=3, delay_seconds=600)
    )
    with open_access_log(log_file.set_up()) as access:
        for number in range(10):
            access.record(evolve(RECORD, request_id=str(number)))
        assert access.dropped() == 7
    events = log_file.events()
    assert [event["request_id"] for event in events[:3]] == ["0", "1", "2"]
    assert [event["event"][:22] for event in events[3:]] == ["7 requests are missing"]


def test_lines_of_concurrent_processes_are_not_interleaved(tmp_path: Path) -> None:
    script = tmp_path / "writer.py"
    script.write_text(
        "import sys\n"
        "from eggypro_adapters.logs import LineWriter\n"
        "lines = LineWriter(1)\n"
        "for _ in range(20):\n"
        "    lines.write(sys.argv[1] * 200_000 + '\\n' + sys.argv[1] * 10 + '\\n')\n"
    )
    read_end, write_end = os.pipe()
    writers = [
        subprocess.Popen([sys.executable, script, letter], stdout=write_end) for letter in "abc"
    ]
    os.close(write_end)
    with open(read_end) as pipe:  # noqa: PTH123  (it has no path)
        lines = pipe.read().splitlines()
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert len(lines) == 3 * 40
    assert all(len(set(line)) == 1 and len(line) in {10, 200_000} for line in lines)


def test_closed_pipe_is_ignored() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    LineWriter(write_end).write("lost line\n")
    os.close(write_end)


def test_line_that_a_full_disk_cut_off_is_ended_by_the_next_one(tmp_path: Path) -> None:
    command = command_on_small_disk(
        tmp_path, "64k", [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    )
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    first, *others = output.splitlines()
    assert first == "x" * len(first)
    assert others == ["second", "third"]


def test_concurrent_flushes_write_each_request_once(
    log_file: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = evolve(ACCESS_LOG_LIMITS, delay_seconds=600)
    monkeypatch.setattr(access_log, "ACCESS_LOG_LIMITS", limits)
    with open_access_log(log_file.set_up()) as access:
        for _ in range(5_000):
            access.record(RECORD)
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: access.flush(), range(8)))
        assert len(log_file.lines()) == 5_000
