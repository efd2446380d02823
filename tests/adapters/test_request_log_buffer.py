"""The request log buffer, over a store that is slow, temporarily down or permanently gone."""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from threading import enumerate as enumerate_threads

import pytest
from attrs import evolve

from eggypro_adapters import buffered_writer
from eggypro_adapters.buffered_writer import BufferedWriter
from eggypro_adapters.contracts.clock import NOON, FakeMonotonicClock
from eggypro_adapters.contracts.request_log import make_record
from eggypro_adapters.memory import MemoryRequestLog
from eggypro_adapters.request_log_buffer import REQUEST_LOG_LIMITS, request_log_buffer
from eggypro_core.errors import UnavailableError
from eggypro_core.operations.request_metrics import RequestRecord

TIMEOUT_SECONDS = 60.0


class Store(MemoryRequestLog):
    """A store that can be down, and can be made to hang."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None
        self.sizes: list[int] = []
        self.was_called = Event()
        self.may_continue = Event()
        self.may_continue.set()

    def append(self, records: Sequence[RequestRecord]) -> None:
        self.was_called.set()
        assert self.may_continue.wait(TIMEOUT_SECONDS)
        if self.error is not None:
            raise self.error
        self.sizes.append(len(records))
        super().append(records)

    @property
    def stored_count(self) -> int:
        return sum(self.sizes)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def recorder(store: Store) -> Iterator[BufferedWriter]:
    recorder = request_log_buffer(store, limits=evolve(REQUEST_LOG_LIMITS, max_records=5_000))
    yield recorder
    store.error = None
    store.may_continue.set()
    recorder.close()


def threads_since(start: set[Thread]) -> list[str]:
    """Return the names of the threads that were started since; other tests may leave some."""
    return [thread.name for thread in set(enumerate_threads()) - start]


def record(recorder: BufferedWriter, count: int = 1) -> None:
    for _ in range(count):
        recorder.record(make_record())


def test_records_are_written_in_the_background(recorder: BufferedWriter, store: Store) -> None:
    record(recorder)
    assert store.was_called.wait(TIMEOUT_SECONDS)
    assert REQUEST_LOG_LIMITS.delay_seconds <= 1


def test_records_added_during_a_flush_wait_for_the_next() -> None:
    class BusyStore(Store):
        def append(self, records: Sequence[RequestRecord]) -> None:
            super().append(records)
            if self.stored_count < REQUEST_LOG_LIMITS.max_batch * 3:
                record(buffer)

    busy = BusyStore()
    buffer = request_log_buffer(busy, limits=evolve(REQUEST_LOG_LIMITS, delay_seconds=600))
    record(buffer, REQUEST_LOG_LIMITS.max_batch + 2)
    assert buffer.flush()
    assert busy.sizes == [REQUEST_LOG_LIMITS.max_batch, 2]
    buffer.close()


def test_no_thread_runs_before_the_first_record(store: Store) -> None:
    threads = set(enumerate_threads())
    recorder = request_log_buffer(store)
    assert "request-log" not in threads_since(threads)
    recorder.close()
    assert not store.was_called.is_set()


def test_close_writes_the_buffered_records(recorder: BufferedWriter, store: Store) -> None:
    record(recorder, 4_321)
    recorder.close()
    assert store.stored_count == 4_321
    assert max(store.sizes) <= REQUEST_LOG_LIMITS.max_batch


def test_concurrent_records_are_written_once(recorder: BufferedWriter, store: Store) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: record(recorder, 100), range(32)))
        list(threads.map(lambda _: recorder.flush(), range(8)))
    record(recorder)
    recorder.close()
    assert store.stored_count == 3_201
    assert store.summarise(NOON)[0].requests == 3_201


def test_hanging_store_delays_no_request_and_drops_are_counted(
    recorder: BufferedWriter, store: Store
) -> None:
    store.may_continue.clear()
    record(recorder)
    assert store.was_called.wait(TIMEOUT_SECONDS)
    record(recorder, 5_006)
    assert recorder.dropped() == 7
    store.may_continue.set()
    assert recorder.flush()
    assert store.stored_count == 5_000


def test_outage_is_logged_once_and_the_buffer_is_written_afterwards(
    recorder: BufferedWriter, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, buffered_writer.__name__)
    store.error = UnavailableError("The database is down")
    record(recorder, 5_001)
    assert not recorder.flush()
    assert not recorder.flush()
    [line] = caplog.messages
    assert line.endswith("The database is down")
    store.error = None
    assert recorder.flush()
    assert caplog.messages[1:] == ["Request records are written again; 1 dropped so far"]
    assert (store.stored_count, recorder.dropped()) == (5_000, 1)


def test_writes_resume_after_an_outage(recorder: BufferedWriter, store: Store) -> None:
    store.error = UnavailableError("down")
    record(recorder)
    assert store.was_called.wait(TIMEOUT_SECONDS)
    store.error = None
    store.was_called.clear()
    assert store.was_called.wait(TIMEOUT_SECONDS)
    recorder.close()
    assert store.stored_count == 1


def test_programming_errors_fail_no_request(recorder: BufferedWriter, store: Store) -> None:
    store.error = ZeroDivisionError()
    record(recorder)
    assert not recorder.flush()
    store.error = None
    assert recorder.flush()
    assert store.stored_count == 1


def test_close_does_not_wait_long_for_a_hanging_store(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = request_log_buffer(
        store, limits=evolve(REQUEST_LOG_LIMITS, close_timeout_seconds=0.05)
    )
    store.may_continue.clear()
    record(recorder, 3)
    recorder.close()
    assert caplog.messages == ["Shutdown: 3 request records were not written"]
    store.may_continue.set()


def test_in_request_a_record_is_written_before_its_response_is_sent(store: Store) -> None:
    clock, threads = FakeMonotonicClock(), set(enumerate_threads())
    recorder = request_log_buffer(store, in_request=True, clock=clock)
    record(recorder, 2)
    assert store.sizes == [1, 1]
    assert "request-log" not in threads_since(threads)
    store.error = UnavailableError("down")
    record(recorder)
    store.was_called.clear()
    record(recorder, 3)
    assert not store.was_called.is_set(), "each of them would wait"
    store.error = None
    clock.now += 10
    record(recorder)
    assert store.sizes == [1, 1, 5]
