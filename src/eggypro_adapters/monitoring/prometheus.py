"""PrometheusMetrics: metrics of all workers of a server, in memory-mapped files."""

import logging
import os
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from attrs import frozen
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.mmap_dict import mmap_key
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.utils import floatToGoString

from eggypro_adapters.background_loop import BackgroundLoop
from eggypro_adapters.monitoring.metrics_file import Cell, MetricsFile
from eggypro_core.operations.request_metrics import Metric, RequestRecord

BUCKET_BOUNDS_SECONDS = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    float("inf"),
)
"""The upper bounds of the histogram's buckets, in seconds."""
PUBLISH_INTERVAL_SECONDS = 1.0
"""Seconds between writes of the metrics of a worker, which other workers export."""
_LABELS = ["route", "method", "status"]
_COUNTERS, _HISTOGRAMS, _GAUGES = "counter", "histogram", "gauge_livesum"
"""File types, which determine how the library aggregates them."""
_REQUESTS_METRIC = (_COUNTERS, "eggypro_http_requests", "Responses sent.")
_DURATION_METRIC = (
    _HISTOGRAMS,
    "eggypro_http_request_duration_seconds",
    "Seconds until the response started.",
)
_log = logging.getLogger(__name__)


class PrometheusMetrics:
    """Count requests by route, method and status class, and export the sums of all workers.

    Each process has its own memory-mapped files in the folder, so that no count is lost, however
    the process ends. Metrics for which a full disk has no space are exported later. Folder and
    files are created with the first request, after all forks.
    """

    def __init__(self, folder: Path, metrics: Sequence[Metric] = ()) -> None:
        self._folder = folder
        self._metrics = tuple(metrics)
        self._lock = Lock()
        self._files: dict[str, MetricsFile] = {}
        self._series: dict[tuple[str, str, int], _Series] = {}
        self._is_failing = False
        self._loop = BackgroundLoop("metrics", self._run, delay=PUBLISH_INTERVAL_SECONDS)

    def record(self, request: RequestRecord) -> None:
        key = request.endpoint, request.method, request.status // 100
        with self._lock:
            series = self._series.get(key) or self._create_series(*key)
            series.count(request.duration_ms / 1000)

    def export(self, accept: str) -> tuple[bytes, str]:
        self._publish()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._remove_dead_gauges()
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._folder))
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type

    def close(self) -> None:
        """Stop publishing. Counters stay in the files; the gauges of this process are removed."""
        self._loop.stop()
        self._publish()
        with self._lock:
            for file in self._files.values():
                file.close()
            self._files.clear()
            self._series.clear()
            mark_process_dead(os.getpid(), str(self._folder))

    def _create_series(self, route: str, method: str, status_class: int) -> "_Series":
        labels = [route, method, f"{status_class}xx"]
        series = self._series[route, method, status_class] = _Series(
            self._cell(_REQUESTS_METRIC, "_total", labels),
            self._cell(_DURATION_METRIC, "_sum", labels),
            [
                self._cell(_DURATION_METRIC, "_bucket", labels, bound)
                for bound in BUCKET_BOUNDS_SECONDS
            ],
        )
        self._flush()
        self._loop.wake()
        return series

    def _cell(
        self,
        metric: tuple[str, str, str],
        suffix: str,
        labels: list[str],
        bound: float | None = None,
    ) -> Cell:
        kind, name, description = metric
        names = _LABELS if bound is None else [*_LABELS, "le"]
        values = labels if bound is None else [*labels, floatToGoString(bound)]
        return self._file(kind).cell(mmap_key(name, f"{name}{suffix}", names, values, description))

    def _file(self, kind: str) -> MetricsFile:
        if kind not in self._files:
            self._files[kind] = MetricsFile(self._folder / f"{kind}_{os.getpid()}.db")
        return self._files[kind]

    def _run(self) -> float:
        self._publish()
        return PUBLISH_INTERVAL_SECONDS

    def _publish(self) -> None:
        """Write the metrics of this process to its files."""
        with self._lock:
            for metric in self._metrics:
                kind, suffix = (_COUNTERS, "_total") if metric.is_counter else (_GAUGES, "")
                key = mmap_key(metric.name, f"{metric.name}{suffix}", [], [], metric.description)
                self._file(kind).cell(key).set(float(metric.read()))
            self._flush()

    def _flush(self) -> None:
        """Place the metrics that are in memory only; log once that the disk has no space."""
        try:
            for file in self._files.values():
                file.flush()
        except OSError as error:
            if not self._is_failing:
                _log.warning("Some metrics are not exported for now: %s", error.strerror)
            self._is_failing = True
        else:
            self._is_failing = False

    def _remove_dead_gauges(self) -> None:
        for file in self._folder.glob(f"{_GAUGES}_*.db"):
            pid = int(file.stem.rpartition("_")[2])
            if _is_dead(pid):
                with suppress(FileNotFoundError):  # another worker removed it
                    mark_process_dead(pid, str(self._folder))


def _is_dead(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # the pid now belongs to another user
        return False
    return False


@frozen
class _Series:
    """The counts of the requests of one route, method and status class."""

    _requests: Cell
    _seconds: Cell
    _buckets: list[Cell]

    def count(self, seconds: float) -> None:
        self._requests.add(1)
        self._seconds.add(seconds)
        self._buckets[bisect_left(BUCKET_BOUNDS_SECONDS, seconds)].add(1)
