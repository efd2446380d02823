"""Contract suite of `RequestLog`."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from eggypro_adapters.contracts.clock import NOON
from eggypro_core.operations.request_metrics import (
    ErrorSummary,
    RequestLog,
    RequestRecord,
    RequestSummary,
)

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
    """Return the record of a request that took `duration_ms`."""
    network, agent = "203.0.113.0/24", "Egg\tBrowser\\N 1.0\n"
    return RequestRecord(
        endpoint, method, status, duration_ms, network, agent, "an-id", completed_at
    )


def percentiles(store: RequestLog) -> tuple[float, float, float]:
    """Return p50, p95 and p99 of the only route."""
    [summary] = store.summarise(NOON)
    return summary.p50, summary.p95, summary.p99


class RequestLogContract:
    """Subclasses provide the fixture `store`: an empty log."""

    def test_an_empty_log_has_no_summary(self, store: RequestLog) -> None:
        assert store.summarise(NOON) == ()
        assert store.count_by_step(NOON, step=DAY, step_count=3) == (0, 0, 0)
        assert store.prune(NOON, 10) == 0
        store.append([])
        assert store.summarise(NOON) == ()

    def test_requests_are_summarised_by_route_most_frequent_first(self, store: RequestLog) -> None:
        store.append([make_record(method=method) for method in ("PUT", "HEAD", "GET", "GET")])
        store.append(
            [make_record(endpoint="/api/a"), make_record(endpoint="(unmatched)", status=404)]
        )
        summaries = [(row.endpoint, row.method, row.requests) for row in store.summarise(NOON)]
        assert summaries == [
            (PRODUCT, "GET", 2),
            ("(unmatched)", "GET", 1),
            ("/api/a", "GET", 1),
            (PRODUCT, "HEAD", 1),
            (PRODUCT, "PUT", 1),
        ]

    def test_statuses_from_400_count_as_errors(self, store: RequestLog) -> None:
        store.append(
            [make_record(status=status) for status in (200, 201, 304, 308, 399, 400, 404, 503)]
        )
        [summary] = store.summarise(NOON)
        assert (summary.requests, summary.errors) == (8, 3)

    def test_percentiles_are_nearest_rank(self, store: RequestLog) -> None:
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
    def test_percentiles_of_few_requests(
        self, store: RequestLog, times: list[float], expected: tuple[float, float, float]
    ) -> None:
        store.append([make_record(time) for time in times])
        assert percentiles(store) == expected

    def test_durations_are_rounded_to_significant_digits(self, store: RequestLog) -> None:
        medians = []
        for number, milliseconds in enumerate((0.0, 0.0149, 0.2951, 1.26, 9.84, 10.4, 2345.6)):
            endpoint = f"/{number}"
            store.append([make_record(milliseconds, endpoint=endpoint)])
            medians += [row.p50 for row in store.summarise(NOON) if row.endpoint == endpoint]
        assert medians == [0, 0.01, 0.3, 1.3, 9.8, 10, 2346]

    def test_the_average_is_of_the_stored_durations(self, store: RequestLog) -> None:
        store.append([make_record(0.1), make_record(0.2), make_record(40)])
        [summary] = store.summarise(NOON)
        assert summary.average_ms == pytest.approx(40.3 / 3, rel=1e-12)

    def test_a_user_agent_may_be_any_text(self, store: RequestLog) -> None:
        store.append(
            [evolve(make_record(), user_agent=name) for name in ("", "a\x00b", "\ud800", "\\.")]
        )
        assert store.summarise(NOON)[0].requests == 4

    def test_a_summary_starts_at_its_time(self, store: RequestLog) -> None:
        microsecond = timedelta(microseconds=1)
        store.append(
            [
                make_record(10, completed_at=NOON - microsecond),
                make_record(20, completed_at=NOON),
                make_record(30, completed_at=NOON + DAY),
            ]
        )
        assert percentiles(store) == (20, 30, 30)
        assert store.summarise(NOON + 2 * DAY) == ()

    def test_errors_are_summarised_by_route_and_status_server_errors_first(
        self, store: RequestLog
    ) -> None:
        minute = timedelta(minutes=1)
        for number, status in enumerate((404, 404, 404, 503, 200, 409, 404)):
            record = make_record(status=status, completed_at=NOON + number * minute)
            store.append([evolve(record, request_id=f"id-{number}")])
        store.append([make_record(status=500, method="PUT", completed_at=NOON - minute)])
        assert store.summarise_errors(NOON) == (
            ErrorSummary(PRODUCT, "GET", 503, 1, NOON + 3 * minute, "id-3"),
            ErrorSummary(PRODUCT, "GET", 404, 4, NOON + 6 * minute, "id-6"),
            ErrorSummary(PRODUCT, "GET", 409, 1, NOON + 5 * minute, "id-5"),
        )

    def test_equal_requests_are_counted_each(self, store: RequestLog) -> None:
        second = timedelta(seconds=1)
        records = [make_record(), make_record(), make_record(completed_at=NOON + second)]
        store.append(records)
        store.append(records + [make_record(status=404)] * 2)
        [summary] = store.summarise(NOON)
        assert (summary.requests, summary.errors, summary.average_ms) == (8, 2, 12)
        assert [error.count for error in store.summarise_errors(NOON)] == [2]
        assert store.count_by_step(NOON, step=second, step_count=2) == (6, 2)
        assert [store.prune(NOON + DAY, 10) for _ in range(2)] == [8, 0]

    def test_requests_are_counted_by_time_step(self, store: RequestLog) -> None:
        hour = timedelta(hours=1)
        offsets = (-0.001, 0, 0.5, 0.999, 2, 3.999, 4)
        store.append([make_record(completed_at=NOON + offset * hour) for offset in offsets])
        assert store.count_by_step(NOON, step=hour, step_count=4) == (3, 0, 1, 1)
        assert store.count_by_step(NOON, step=4 * hour, step_count=1) == (5,)

    def test_prune_deletes_old_requests_up_to_the_limit(self, store: RequestLog) -> None:
        store.append([make_record(number, completed_at=NOON + number * DAY) for number in range(7)])
        assert [store.prune(NOON + 5 * DAY, 3) for _ in range(3)] == [3, 2, 0]
        [summary] = store.summarise(NOON)
        assert (summary.requests, summary.p50) == (2, 5)

    def test_concurrent_appends_and_prunes_lose_nothing(self, store: RequestLog) -> None:
        new = [evolve(make_record(), completed_at=NOON + DAY)] * 50
        store.append([make_record()] * 1000)

        def work(number: int) -> int:
            if number % 2:
                store.append(new)
                return 0
            return store.prune(NOON + DAY, 130)

        with ThreadPoolExecutor(8) as threads:
            deleted = sum(threads.map(work, range(40)))
        while count := store.prune(NOON + DAY, 1000):
            deleted += count
        assert deleted == 1000
        assert [row.requests for row in store.summarise(NOON)] == [1000]
