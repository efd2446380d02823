import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve
from prometheus_client.parser import text_string_to_metric_families

from eggypro_adapters.monitoring.prometheus import PrometheusMetrics
from eggypro_core.operations.request_metrics import Metric, RequestRecord
from tests.support.builders import NOON

CALL = RequestRecord("/api/products", "GET", 200, 3.0, "203.0.113.0/24", "curl", "mine", NOON)
LABELS = {"route": "/api/products", "method": "GET", "status": "2xx"}
REQUESTS = "eggypro_http_requests_total"
SECONDS = "eggypro_http_request_duration_seconds"
WORKER = """
import os, signal, sys
from datetime import datetime, UTC
from pathlib import Path
from eggypro_adapters.monitoring.prometheus import PrometheusMetrics
from eggypro_core.operations.request_metrics import Call
from eggypro_core.operations.request_metrics import Figure
busy = Figure("eggypro_busy", "Busy.", lambda: 5)
dropped = Figure("eggypro_dropped", "Dropped.", lambda: 2, is_total=True)
metrics = PrometheusMetrics(Path(sys.argv[1]), [busy, dropped])
for _ in range(100):
    metrics.record(Call("/api/products", "GET", 200, 3.0, "", "", "", datetime.now(UTC)))
metrics.show("")
print("counted", flush=True)
sys.stdin.read()
"""


def samples(metrics: PrometheusMetrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = metrics.export("")[0].decode()
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def value(metrics: PrometheusMetrics, name: str, labels: Mapping[str, str] = LABELS) -> float:
    return samples(metrics)[name, frozenset(labels.items())]


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[PrometheusMetrics]:
    made = PrometheusMetrics(tmp_path)
    yield made
    made.close()


@contextmanager
def worker(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has counted a hundred calls, and waits."""
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "counted\n"
        yield process
        process.kill()


def test_calls_are_counted_by_route_method_and_class_of_status(metrics: PrometheusMetrics) -> None:
    for status in (200, 201, 404, 500):
        metrics.record(evolve(CALL, status=status))
    assert value(metrics, REQUESTS) == 2
    assert value(metrics, REQUESTS, {**LABELS, "status": "4xx"}) == 1
    assert value(metrics, REQUESTS, {**LABELS, "status": "5xx"}) == 1


def test_durations_fall_into_buckets_that_hold_the_shorter_ones_too(
    metrics: PrometheusMetrics,
) -> None:
    for milliseconds in (0.2, 1.0, 3.0, 99.0, 60_000.0):
        metrics.record(evolve(CALL, duration_ms=milliseconds))
    bounds = {"0.001": 2, "0.0025": 2, "0.005": 3, "0.1": 4, "5.0": 4, "+Inf": 5}
    for bound, count in bounds.items():
        assert value(metrics, f"{SECONDS}_bucket", {**LABELS, "le": bound}) == count
    assert value(metrics, f"{SECONDS}_count") == 5
    assert value(metrics, f"{SECONDS}_sum") == pytest.approx(60.1032)


def test_no_count_is_lost_among_threads(metrics: PrometheusMetrics) -> None:
    def count(_: int) -> None:
        for _ in range(500):
            metrics.record(CALL)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(8)))
    assert value(metrics, REQUESTS) == value(metrics, f"{SECONDS}_count") == 4000


def test_any_worker_shows_what_all_of_them_counted(
    metrics: PrometheusMetrics, tmp_path: Path
) -> None:
    metrics.record(CALL)
    with worker(tmp_path), worker(tmp_path):
        assert value(metrics, REQUESTS) == 201
        assert value(metrics, "eggypro_dropped_total", {}) == 4
        assert value(metrics, "eggypro_busy", {}) == 10


def test_what_a_worker_counted_outlives_it_and_how_it_was_does_not(
    metrics: PrometheusMetrics, tmp_path: Path
) -> None:
    with worker(tmp_path) as killed:
        killed.kill()
        killed.wait()
        for _ in range(2):
            assert value(metrics, REQUESTS) == 100
            assert value(metrics, "eggypro_dropped_total", {}) == 2
            assert ("eggypro_busy", frozenset()) not in samples(metrics)


def test_a_process_goes_on_where_another_of_its_number_ended(tmp_path: Path) -> None:
    for total in (1, 2):
        again = PrometheusMetrics(tmp_path, [Metric("eggypro_busy", "Busy.", lambda: 1)])
        again.record(CALL)
        assert value(again, REQUESTS) == total
        again.close()
        assert [*tmp_path.glob("gauge*")] == []


def test_figures_are_those_of_the_moment(tmp_path: Path) -> None:
    eggs = [1]
    metrics = PrometheusMetrics(tmp_path, [Metric("eggypro_eggs", "Eggs.", lambda: len(eggs))])
    assert value(metrics, "eggypro_eggs", {}) == 1
    eggs.append(2)
    assert value(metrics, "eggypro_eggs", {}) == 2
    metrics.close()


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text"),
    ],
)
def test_the_format_is_one_that_is_taken(
    metrics: PrometheusMetrics, accept: str, media_type: str
) -> None:
    metrics.record(CALL)
    page, told = metrics.export(accept)
    assert told.startswith(media_type)
    assert page.endswith(b"# EOF\n") == ("openmetrics" in told)


def test_nothing_is_opened_before_the_first_call(tmp_path: Path) -> None:
    metrics = PrometheusMetrics(tmp_path)
    assert [*tmp_path.iterdir()] == []
    child = os.fork()
    if child == 0:
        metrics.record(CALL)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    metrics.record(CALL)
    assert value(metrics, REQUESTS) == 2
    metrics.close()
