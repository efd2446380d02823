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

SOON = 30.0
LIMITS = BufferLimits(max_records=5, max_batch=2, delay_seconds=600)
CALLS = [evolve(make_record(), request_id=str(number)) for number in range(10)]


class Target:
    """What calls are written to: it may be unavailable."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.error: Exception | None = None
        self.attempts = 0

    def __call__(self, calls: Sequence[RequestRecord]) -> None:
        self.attempts += 1
        if self.error is not None:
            raise self.error
        self.batches.append([call.request_id for call in calls])


@pytest.fixture
def target() -> Target:
    return Target()


@pytest.fixture
def drops() -> list[int]:
    return []


@pytest.fixture
def writer(target: Target, drops: list[int]) -> Iterator[BufferedWriter]:
    """A writer whose thread gathers for longer than any test lasts."""
    writer = BufferedWriter("writer", target, LIMITS, on_drop=drops.append)
    yield writer
    target.error = None
    writer.close()


def record(writer: BufferedWriter, calls: Sequence[RequestRecord]) -> None:
    for call in calls:
        writer.record(call)


def test_calls_are_written_in_order_and_in_batches(writer: BufferedWriter, target: Target) -> None:
    record(writer, CALLS[:5])
    assert target.batches == []
    assert writer.flush()
    assert target.batches == [["0", "1"], ["2", "3"], ["4"]]


def test_a_close_writes_what_waits(writer: BufferedWriter, target: Target) -> None:
    record(writer, CALLS[:3])
    writer.close()
    assert target.batches == [["0", "1"], ["2"]]


def test_calls_that_do_not_fit_are_dropped_counted_and_told_once(
    writer: BufferedWriter, drops: list[int]
) -> None:
    record(writer, CALLS[:8])
    assert (writer.dropped(), drops) == (3, [])
    writer.flush()
    writer.flush()
    assert drops == [3]
    record(writer, CALLS[:6])
    writer.flush()
    assert (writer.dropped(), drops) == (4, [3, 1])


def test_calls_that_cannot_be_written_are_kept(writer: BufferedWriter, target: Target) -> None:
    target.error = UnavailableError("away")
    record(writer, CALLS[:3])
    assert not writer.flush()
    assert target.attempts == 1
    target.error = None
    assert writer.flush()
    assert target.batches == [["0", "1"], ["2"]]


def test_within_a_request_each_call_is_written_at_once(target: Target) -> None:
    writer = BufferedWriter("writer", target, LIMITS, in_request=True)
    record(writer, CALLS[:2])
    assert target.batches == [["0"], ["1"]]
    assert "writer" not in [thread.name for thread in threading.enumerate()]


def test_within_requests_one_of_them_tries_again_after_a_while(target: Target) -> None:
    clock = FakeMonotonicClock()
    writer = BufferedWriter("writer", target, LIMITS, in_request=True, clock=clock)
    target.error = UnavailableError("away")
    record(writer, CALLS[:2])
    assert target.attempts == 1
    clock.now += RETRY_IN_REQUEST_SECONDS
    record(writer, CALLS[2:4])
    assert target.attempts == 2
    clock.now += RETRY_IN_REQUEST_SECONDS
    target.error = None
    record(writer, CALLS[4:6])
    assert target.batches == [["0", "1"], ["2", "3"], ["4"], ["5"]]


def test_any_other_error_ends_the_thread_and_reaches_its_excepthook(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooked: SimpleQueue[threading.ExceptHookArgs] = SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", hooked.put)
    target.error = ZeroDivisionError()
    writer = BufferedWriter("writer", target, evolve(LIMITS, delay_seconds=0))
    record(writer, CALLS[:1])
    assert hooked.get(timeout=SOON).exc_type is ZeroDivisionError
    writer.close()
