"""What every RequestLog must do."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from eggypro_adapters.contracts.clock import NOON
from eggypro_core.operations.request_metrics import RequestLog, RequestRecord, RequestSummary

DAY = timedelta(days=1)
PRODUCT = "/api/products/{slug}"


def make_record(
    duration_ms: float = 12,
    *,
    endpoint: str = PRODUCT,
    method: str = "GET",
    status: int = 200,
    completed_at: datetime = NOON,
) -> RequestRecord:
    """Return a call that took so long."""
    network, agent = "203.0.113.0/24", "Egg\tBrowser\\N 1.0\n"
    return RequestRecord(
        endpoint, method, status, duration_ms, network, agent, "an-id", completed_at
    )


def percentiles(store: RequestLog) -> tuple[float, float, float]:
    """Return p50, p95 and p99 of the only route."""
    [one] = store.summarise(NOON)
    return one.p50, one.p95, one.p99


class RequestLogContract:
    """A subclass gives the fixture `store`: an empty one."""

    def test_without_calls_there_is_nothing_to_sum_up(self, store: RequestLog) -> None:
        assert store.summarise(NOON) == ()
        assert store.count_by_step(NOON, step=DAY, step_count=3) == (0, 0, 0)
        assert store.prune(NOON, 10) == 0
        store.append([])
        assert store.summarise(NOON) == ()

    def test_calls_are_summed_up_by_route_the_most_frequent_first(self, store: RequestLog) -> None:
        store.append([make_record(method=method) for method in ("PUT", "HEAD", "GET", "GET")])
        store.append(
            [make_record(endpoint="/api/a"), make_record(endpoint="(unmatched)", status=404)]
        )
        assert [(one.endpoint, one.method, one.requests) for one in store.summarise(NOON)] == [
            (PRODUCT, "GET", 2),
            ("(unmatched)", "GET", 1),
            ("/api/a", "GET", 1),
            (PRODUCT, "HEAD", 1),
            (PRODUCT, "PUT", 1),
        ]

    def test_what_is_refused_counts_as_an_error_like_what_fails(self, store: RequestLog) -> None:
        store.append(
            [make_record(status=status) for status in (200, 201, 304, 308, 399, 400, 404, 503)]
        )
        [one] = store.summarise(NOON)
        assert (one.requests, one.errors) == (8, 3)

    def test_a_percentile_is_the_shortest_time_that_so_many_did_not_exceed(
        self, store: RequestLog
    ) -> None:
        store.append([make_record(milliseconds) for milliseconds in range(200, 0, -1)])
        assert store.summarise(NOON) == (
            RequestSummary(PRODUCT, "GET", 200, 0, 100.5, 100, 190, 198),
        )

    @pytest.mark.parametrize(
        ("times", "expected"),
        [
            ([7], (7, 7, 7)),
            ([30, 10], (10, 30, 30)),
            ([30, 10, 20], (20, 30, 30)),
            ([5] * 99 + [900], (5, 5, 5)),
            ([5] * 98 + [900] * 2, (5, 5, 900)),
        ],
    )
    def test_percentiles_of_a_few(
        self, store: RequestLog, times: list[float], expected: tuple[float, float, float]
    ) -> None:
        store.append([make_record(time) for time in times])
        assert percentiles(store) == expected

    def test_of_short_times_more_is_kept_than_of_long_ones(self, store: RequestLog) -> None:
        kept = []
        for number, milliseconds in enumerate((0.0, 0.0149, 0.2951, 1.26, 9.84, 10.4, 2345.6)):
            endpoint = f"/{number}"
            store.append([make_record(milliseconds, endpoint=endpoint)])
            kept += [one.p50 for one in store.summarise(NOON) if one.endpoint == endpoint]
        assert kept == [0, 0.01, 0.3, 1.3, 9.8, 10, 2346]

    def test_an_average_is_that_of_what_is_kept(self, store: RequestLog) -> None:
        store.append([make_record(0.1), make_record(0.2), make_record(40)])
        [one] = store.summarise(NOON)
        assert one.average_ms == pytest.approx(40.3 / 3, rel=1e-12)

    def test_a_caller_may_call_itself_anything(self, store: RequestLog) -> None:
        store.append(
            [evolve(make_record(), user_agent=name) for name in ("", "a\x00b", "\ud800", "\\.")]
        )
        assert store.summarise(NOON)[0].requests == 4

    def test_only_calls_since_then_are_summed_up(self, store: RequestLog) -> None:
        moment = timedelta(microseconds=1)
        store.append(
            [
                make_record(10, completed_at=NOON - moment),
                make_record(20, completed_at=NOON),
                make_record(30, completed_at=NOON + DAY),
            ]
        )
        assert percentiles(store) == (20, 30, 30)
        assert store.summarise(NOON + 2 * DAY) == ()

    def test_calls_are_counted_by_steps_of_time(self, store: RequestLog) -> None:
        hour = timedelta(hours=1)
        moments = (-0.001, 0, 0.5, 0.999, 2, 3.999, 4)
        store.append([make_record(completed_at=NOON + moment * hour) for moment in moments])
        assert store.count_by_step(NOON, step=hour, step_count=4) == (3, 0, 1, 1)
        assert store.count_by_step(NOON, step=4 * hour, step_count=1) == (5,)

    def test_old_calls_are_forgotten_so_many_at_a_time(self, store: RequestLog) -> None:
        store.append([make_record(number, completed_at=NOON + number * DAY) for number in range(7)])
        assert [store.prune(NOON + 5 * DAY, 3) for _ in range(3)] == [3, 2, 0]
        [one] = store.summarise(NOON)
        assert (one.requests, one.p50) == (2, 5)

    def test_many_write_and_forget_at_once(self, store: RequestLog) -> None:
        new = [evolve(make_record(), completed_at=NOON + DAY)] * 50
        store.append([make_record()] * 1000)

        def work(number: int) -> int:
            if number % 2:
                store.append(new)
                return 0
            return store.prune(NOON + DAY, 130)

        with ThreadPoolExecutor(8) as threads:
            forgotten = sum(threads.map(work, range(40)))
        while done := store.prune(NOON + DAY, 1000):
            forgotten += done
        assert forgotten == 1000
        assert [one.requests for one in store.summarise(NOON)] == [1000]
