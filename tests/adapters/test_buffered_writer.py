import threading
from collections.abc import Iterator, Sequence
from queue import SimpleQueue

import pytest
from attrs import evolve

from eggypro_adapters.buffered_writer import (
    RETRY_IN_REQUEST_SECONDS,
    BufferedWriter,
    BufferLimits,
)
from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.contracts.request_log import make_record
from eggypro_core.errors import UnavailableError
from eggypro_core.operations.request_metrics import RequestRecord

TIMEOUT_SECONDS = 30.0
LIMITS = BufferLimits(max_records=5, max_batch=2, delay_seconds=600)
RECORDS = [evolve(make_record(), request_id=str(number)) for number in range(10)]


class Target:
    """A target of writes that can be unavailable."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.error: Exception | None = None
        self.attempts = 0

    def __call__(self, records: Sequence[RequestRecord]) -> None:
        self.attempts += 1
        if self.error is not None:
            raise self.error
        self.batches.append([record.request_id for record in records])


@pytest.fixture
def target() -> Target:
    return Target()


@pytest.fixture
def drops() -> list[int]:
    return []


@pytest.fixture
def writer(target: Target, drops: list[int]) -> Iterator[BufferedWriter]:
    """A writer whose thread waits for longer than any test."""
    writer = BufferedWriter("writer", target, LIMITS, on_drop=drops.append)
    yield writer
    target.error = None
    writer.close()


def record(writer: BufferedWriter, records: Sequence[RequestRecord]) -> None:
    for request in records:
        writer.record(request)


def test_records_are_written_in_order_and_in_batches(
    writer: BufferedWriter, target: Target
) -> None:
    record(writer, RECORDS[:5])
    assert target.batches == []
    assert writer.flush()
    assert target.batches == [["0", "1"], ["2", "3"], ["4"]]


def test_close_writes_the_buffered_records(writer: BufferedWriter, target: Target) -> None:
    record(writer, RECORDS[:3])
    writer.close()
    assert target.batches == [["0", "1"], ["2"]]


def test_records_that_do_not_fit_are_dropped_and_reported_once(
    writer: BufferedWriter, drops: list[int]
) -> None:
    record(writer, RECORDS[:8])
    assert (writer.dropped(), drops) == (3, [])
    writer.flush()
    writer.flush()
    assert drops == [3]
    record(writer, RECORDS[:6])
    writer.flush()
    assert (writer.dropped(), drops) == (4, [3, 1])


def test_records_stay_in_the_buffer_while_the_target_is_down(
    writer: BufferedWriter, target: Target
) -> None:
    target.error = UnavailableError("down")
    record(writer, RECORDS[:3])
    assert not writer.flush()
    assert target.attempts == 1
    target.error = None
    assert writer.flush()
    assert target.batches == [["0", "1"], ["2"]]


def test_in_request_each_record_is_written_at_once(target: Target) -> None:
    threads = set(threading.enumerate())
    writer = BufferedWriter("writer", target, LIMITS, in_request=True)
    record(writer, RECORDS[:2])
    assert target.batches == [["0"], ["1"]]
    assert "writer" not in [thread.name for thread in set(threading.enumerate()) - threads]


def test_in_request_a_later_record_retries(target: Target) -> None:
    clock = FakeMonotonicClock()
    writer = BufferedWriter("writer", target, LIMITS, in_request=True, clock=clock)
    target.error = UnavailableError("down")
    record(writer, RECORDS[:2])
    assert target.attempts == 1
    clock.now += RETRY_IN_REQUEST_SECONDS
    record(writer, RECORDS[2:4])
    assert target.attempts == 2
    clock.now += RETRY_IN_REQUEST_SECONDS
    target.error = None
    record(writer, RECORDS[4:6])
    assert target.batches == [["0", "1"], ["2", "3"], ["4"], ["5"]]


def test_in_request_close_writes_the_records_of_an_outage(target: Target) -> None:
    writer = BufferedWriter("writer", target, LIMITS, in_request=True)
    target.error = UnavailableError("down")
    record(writer, RECORDS[:2])
    target.error = None
    writer.close()
    assert target.batches == [["0", "1"]]


def test_other_exceptions_end_the_thread_and_reach_the_excepthook(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    exceptions: SimpleQueue[threading.ExceptHookArgs] = SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", exceptions.put)
    target.error = ZeroDivisionError()
    writer = BufferedWriter("writer", target, evolve(LIMITS, delay_seconds=0))
    record(writer, RECORDS[:1])
    assert exceptions.get(timeout=TIMEOUT_SECONDS).exc_type is ZeroDivisionError
    writer.close()
