"""Calls on their way to a store: which may be slow, or away, or gone for good."""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from threading import enumerate as enumerate_threads

import pytest
from attrs import evolve

from eggypro_adapters import buffered_writer
from eggypro_adapters.buffered_writer import BufferedWriter
from eggypro_adapters.contracts.clock import NOON, FakeMonotonicClock
from eggypro_adapters.contracts.request_log import make_record
from eggypro_adapters.memory import MemoryRequestLog
from eggypro_adapters.request_log_buffer import LIMITS, request_log_buffer
from eggypro_core.errors import UnavailableError
from eggypro_core.operations.request_metrics import RequestRecord

SOON = 60.0


class Store(MemoryRequestLog):
    """A store that can be away, and whose keeper can be kept waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None
        self.sizes: list[int] = []
        self.asked = Event()
        self.may_go_on = Event()
        self.may_go_on.set()

    def append(self, records: Sequence[RequestRecord]) -> None:
        self.asked.set()
        assert self.may_go_on.wait(SOON)
        if self.error is not None:
            raise self.error
        self.sizes.append(len(records))
        super().append(records)

    @property
    def kept(self) -> int:
        return sum(self.sizes)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def recorder(store: Store) -> Iterator[BufferedWriter]:
    recorder = request_log_buffer(store, limits=evolve(LIMITS, max_records=5_000))
    yield recorder
    store.error = None
    store.may_go_on.set()
    recorder.close()


def is_running() -> bool:
    return "calls" in [thread.name for thread in enumerate_threads()]


def note(recorder: BufferedWriter, times: int = 1) -> None:
    for _ in range(times):
        recorder.record(make_record())


def test_what_is_noted_is_written_without_being_asked_for(
    recorder: BufferedWriter, store: Store
) -> None:
    note(recorder)
    assert store.asked.wait(SOON)
    assert LIMITS.delay_seconds <= 1


def test_what_comes_while_others_are_written_waits_for_its_own_batch() -> None:
    class Busy(Store):
        def append(self, records: Sequence[RequestRecord]) -> None:
            super().append(records)
            if self.kept < LIMITS.max_batch * 3:
                note(asked)

    busy = Busy()
    asked = request_log_buffer(busy, limits=evolve(LIMITS, delay_seconds=600))
    note(asked, LIMITS.max_batch + 2)
    assert asked.flush()
    assert busy.sizes == [LIMITS.max_batch, 2]
    asked.close()


def test_nothing_runs_before_there_is_something_to_note(store: Store) -> None:
    recorder = request_log_buffer(store)
    assert not is_running()
    recorder.close()
    assert not store.asked.is_set()


def test_the_end_writes_what_is_left(recorder: BufferedWriter, store: Store) -> None:
    note(recorder, 4_321)
    recorder.close()
    assert store.kept == 4_321
    assert max(store.sizes) <= LIMITS.max_batch


def test_of_many_at_once_each_is_written_once(recorder: BufferedWriter, store: Store) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: note(recorder, 100), range(32)))
        list(threads.map(lambda _: recorder.flush(), range(8)))
    note(recorder)
    recorder.close()
    assert store.kept == 3_201
    assert store.summarise(NOON)[0].requests == 3_201


def test_a_store_that_hangs_keeps_nobody_waiting_and_what_does_not_fit_is_counted(
    recorder: BufferedWriter, store: Store
) -> None:
    store.may_go_on.clear()
    note(recorder)
    assert store.asked.wait(SOON)
    note(recorder, 5_006)
    assert recorder.dropped() == 7
    store.may_go_on.set()
    assert recorder.flush()
    assert store.kept == 5_000


def test_an_outage_is_told_once_and_then_all_that_was_kept_is_written(
    recorder: BufferedWriter, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, buffered_writer.__name__)
    store.error = UnavailableError("The database went for a walk")
    note(recorder, 5_001)
    assert not recorder.flush()
    assert not recorder.flush()
    [line] = caplog.messages
    assert line.endswith("The database went for a walk")
    store.error = None
    assert recorder.flush()
    assert caplog.messages[1:] == ["Request records are written again; 1 dropped so far"]
    assert (store.kept, recorder.dropped()) == (5_000, 1)


def test_an_outage_is_over_without_being_told_so(recorder: BufferedWriter, store: Store) -> None:
    store.error = UnavailableError("away")
    note(recorder)
    assert store.asked.wait(SOON)
    store.error = None
    store.asked.clear()
    assert store.asked.wait(SOON)
    recorder.close()
    assert store.kept == 1


def test_a_mistake_of_ours_fails_no_call(recorder: BufferedWriter, store: Store) -> None:
    store.error = ZeroDivisionError()
    note(recorder)
    assert not recorder.flush()
    store.error = None
    assert recorder.flush()
    assert store.kept == 1


def test_an_end_without_a_store_is_no_long_one(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = request_log_buffer(store, limits=evolve(LIMITS, close_timeout_seconds=0.05))
    store.may_go_on.clear()
    note(recorder, 3)
    recorder.close()
    assert caplog.messages == ["Shutdown: 3 request records were not written"]
    store.may_go_on.set()


def test_within_a_request_a_call_is_written_before_its_answer_goes_out(store: Store) -> None:
    clock = FakeMonotonicClock()
    recorder = request_log_buffer(store, in_request=True, clock=clock)
    note(recorder, 2)
    assert store.sizes == [1, 1]
    assert not is_running()
    store.error = UnavailableError("away")
    note(recorder)
    store.asked.clear()
    note(recorder, 3)
    assert not store.asked.is_set(), "each of them waited"
    store.error = None
    clock.now += 10
    note(recorder)
    assert store.sizes == [1, 1, 5]
