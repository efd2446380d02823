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

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.monitoring.prometheus import PrometheusMetrics
from eggypro_core.operations.request_metrics import Metric, RequestRecord
from tests.support.small_disk import command_on_small_disk

ROOT = Path(__file__).parents[3]
RECORD = RequestRecord("/api/products", "GET", 200, 3.0, "203.0.113.0/24", "curl", "mine", NOON)
LABELS = {"route": "/api/products", "method": "GET", "status": "2xx"}
REQUESTS = "eggypro_http_requests_total"
SECONDS = "eggypro_http_request_duration_seconds"
WORKER = """
import os, signal, sys
from datetime import datetime, UTC
from pathlib import Path
from eggypro_adapters.monitoring.prometheus import PrometheusMetrics
from eggypro_core.operations.request_metrics import Metric, RequestRecord
busy = Metric("eggypro_busy", "Busy.", lambda: 5)
dropped = Metric("eggypro_dropped", "Dropped.", lambda: 2, is_counter=True)
metrics = PrometheusMetrics(Path(sys.argv[1]), [busy, dropped])
for _ in range(100):
    metrics.record(RequestRecord("/api/products", "GET", 200, 3.0, "", "", "", datetime.now(UTC)))
metrics.export("")
print("counted", flush=True)
sys.stdin.read()
"""

FULL_DISK = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from prometheus_client.parser import text_string_to_metric_families
from eggypro_adapters.monitoring.prometheus import PrometheusMetrics
from eggypro_core.operations.request_metrics import RequestRecord
from tests.support.small_disk import fill_disk

def record(number):
    at = datetime.now(UTC)
    metrics.record(RequestRecord(f"/{number}", "GET", 200, 3.0, "", "", "", at))

def count():
    families = text_string_to_metric_families(metrics.export("")[0].decode())
    return sum(s.value for f in families for s in f.samples if s.name.endswith("requests_total"))

metrics = PrometheusMetrics(Path(sys.argv[1], "metrics"))
record(0)
print(count())
filler = fill_disk(Path(sys.argv[1]))
record(0)
print(count())
for number in range(1, 200):
    record(number)
metrics.export("")
filler.unlink()
print(count())
"""
"""Count requests while the disk of a folder is full."""


def samples(metrics: PrometheusMetrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = metrics.export("")[0].decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics: PrometheusMetrics, name: str, labels: Mapping[str, str] = LABELS) -> float:
    return samples(metrics)[name, frozenset(labels.items())]


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[PrometheusMetrics]:
    metrics = PrometheusMetrics(tmp_path)
    yield metrics
    metrics.close()


@contextmanager
def worker(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start another process that counts 100 requests and waits."""
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


def test_requests_are_counted_by_route_method_and_status_class(metrics: PrometheusMetrics) -> None:
    for status in (200, 201, 404, 500):
        metrics.record(evolve(RECORD, status=status))
    assert value(metrics, REQUESTS) == 2
    assert value(metrics, REQUESTS, {**LABELS, "status": "4xx"}) == 1
    assert value(metrics, REQUESTS, {**LABELS, "status": "5xx"}) == 1


def test_duration_buckets_are_cumulative(
    metrics: PrometheusMetrics,
) -> None:
    for milliseconds in (0.2, 1.0, 3.0, 99.0, 60_000.0):
        metrics.record(evolve(RECORD, duration_ms=milliseconds))
    bounds = {"0.001": 2, "0.0025": 2, "0.005": 3, "0.1": 4, "5.0": 4, "+Inf": 5}
    for bound, count in bounds.items():
        assert value(metrics, f"{SECONDS}_bucket", {**LABELS, "le": bound}) == count
    assert value(metrics, f"{SECONDS}_count") == 5
    assert value(metrics, f"{SECONDS}_sum") == pytest.approx(60.1032)


def test_concurrent_threads_lose_no_count(metrics: PrometheusMetrics) -> None:
    def count(_: int) -> None:
        for _ in range(500):
            metrics.record(RECORD)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(8)))
    assert value(metrics, REQUESTS) == value(metrics, f"{SECONDS}_count") == 4000


def test_each_worker_exports_the_sums_of_all(metrics: PrometheusMetrics, tmp_path: Path) -> None:
    metrics.record(RECORD)
    with worker(tmp_path), worker(tmp_path):
        assert value(metrics, REQUESTS) == 201
        assert value(metrics, "eggypro_dropped_total", {}) == 4
        assert value(metrics, "eggypro_busy", {}) == 10


def test_counters_outlive_a_worker_and_gauges_do_not(
    metrics: PrometheusMetrics, tmp_path: Path
) -> None:
    with worker(tmp_path) as process:
        process.kill()
        process.wait()
        for _ in range(2):
            assert value(metrics, REQUESTS) == 100
            assert value(metrics, "eggypro_dropped_total", {}) == 2
            assert ("eggypro_busy", frozenset()) not in samples(metrics)


def test_process_continues_the_counters_of_a_former_one_with_its_pid(tmp_path: Path) -> None:
    for total in (1, 2):
        metrics = PrometheusMetrics(tmp_path, [Metric("eggypro_busy", "Busy.", lambda: 1)])
        metrics.record(RECORD)
        assert value(metrics, REQUESTS) == total
        metrics.close()
        assert [*tmp_path.glob("gauge*")] == []


def test_metrics_are_read_at_export(tmp_path: Path) -> None:
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
def test_format_follows_the_accept_header(
    metrics: PrometheusMetrics, accept: str, media_type: str
) -> None:
    metrics.record(RECORD)
    page, content_type = metrics.export(accept)
    assert content_type.startswith(media_type)
    assert page.endswith(b"# EOF\n") == ("openmetrics" in content_type)


def test_requests_are_counted_while_the_disk_is_full(tmp_path: Path) -> None:
    script = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    command = command_on_small_disk(tmp_path, "2m", script)
    output = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    assert output.split() == [b"1.0", b"2.0", b"201.0"]


def test_files_are_opened_with_the_first_request(tmp_path: Path) -> None:
    metrics = PrometheusMetrics(tmp_path)
    assert [*tmp_path.iterdir()] == []
    child = os.fork()
    if child == 0:
        metrics.record(RECORD)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    metrics.record(RECORD)
    assert value(metrics, REQUESTS) == 2
    metrics.close()
