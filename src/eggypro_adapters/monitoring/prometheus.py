"""PrometheusMetrics: what the workers of a server count, in files that they share."""

import os
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from attrs import define, frozen
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.utils import floatToGoString

from eggypro_adapters.background_loop import BackgroundLoop
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
"""Every so many seconds a worker writes down its figures, for others to show."""
_LABELS = ["route", "method", "status"]
_COUNTERS, _HISTOGRAMS, _GAUGES = "counter", "histogram", "gauge_livesum"
"""The kinds of files: what the library adds up in its own way for each."""
_REQUESTS = (_COUNTERS, "eggypro_http_requests", "Requests that were answered.")
_SECONDS = (
    _HISTOGRAMS,
    "eggypro_http_request_duration_seconds",
    "How long requests took until their answer began.",
)


class PrometheusMetrics:
    """Counts calls by route, method and class of status, and shows what all workers counted.

    Each process has files of its own in the folder, mapped: what it has counted stays counted,
    however it ends. They are opened with the first call, when all forking is over.
    """

    def __init__(self, folder: Path, figures: Sequence[Metric] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._figures = tuple(figures)
        self._lock = Lock()
        self._files: dict[str, MmapedDict] = {}
        self._series: dict[tuple[str, str, int], _Series] = {}
        self._loop = BackgroundLoop("figures", self._run, delay=PUBLISH_INTERVAL_SECONDS)

    def record(self, request: RequestRecord) -> None:
        key = request.endpoint, request.method, request.status // 100
        with self._lock:
            series = self._series.get(key) or self._new(*key)
            series.count(request.duration_ms / 1000)

    def export(self, accept: str) -> tuple[bytes, str]:
        self._publish()
        self._forget_the_dead()
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._folder))
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type

    def close(self) -> None:
        """Stop. What was counted stays; what only showed how this process is does not."""
        self._loop.stop()
        self._publish()
        with self._lock:
            for file in self._files.values():
                file.close()
            self._files.clear()
            self._series.clear()
            mark_process_dead(os.getpid(), str(self._folder))

    def _new(self, route: str, method: str, hundreds: int) -> "_Series":
        labels = [route, method, f"{hundreds}xx"]
        made = self._series[route, method, hundreds] = _Series(
            self._cell(_REQUESTS, "_total", labels),
            self._cell(_SECONDS, "_sum", labels),
            [self._cell(_SECONDS, "_bucket", labels, bound) for bound in BUCKET_BOUNDS_SECONDS],
        )
        self._loop.wake()
        return made

    def _cell(
        self,
        metric: tuple[str, str, str],
        suffix: str,
        labels: list[str],
        bound: float | None = None,
    ) -> "_Cell":
        kind, name, meaning = metric
        names = _LABELS if bound is None else [*_LABELS, "le"]
        values = labels if bound is None else [*labels, floatToGoString(bound)]
        key = mmap_key(name, f"{name}{suffix}", names, values, meaning)
        file = self._file(kind)
        return _Cell(file, key, file.read_value(key)[0])

    def _file(self, kind: str) -> MmapedDict:
        if kind not in self._files:
            self._files[kind] = MmapedDict(str(self._folder / f"{kind}_{os.getpid()}.db"))
        return self._files[kind]

    def _run(self) -> float:
        self._publish()
        return PUBLISH_INTERVAL_SECONDS

    def _publish(self) -> None:
        """Write down how this process is."""
        with self._lock:
            for one in self._figures:
                kind, suffix = (_COUNTERS, "_total") if one.is_counter else (_GAUGES, "")
                key = mmap_key(one.name, f"{one.name}{suffix}", [], [], one.description)
                self._file(kind).write_value(key, float(one.read()), 0.0)

    def _forget_the_dead(self) -> None:
        for file in self._folder.glob(f"{_GAUGES}_*.db"):
            process = int(file.stem.rpartition("_")[2])
            if _is_gone(process):
                with suppress(FileNotFoundError):  # somebody else forgot it just now
                    mark_process_dead(process, str(self._folder))


def _is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # its number is another user's now
        return False
    return False


@define
class _Cell:
    """A number in a file."""

    _file: MmapedDict
    _key: str
    _value: float

    def add(self, amount: float) -> None:
        self._value += amount
        self._file.write_value(self._key, self._value, 0.0)


@frozen
class _Series:
    """What is counted of the calls of one route, method and class of status."""

    _requests: _Cell
    _seconds: _Cell
    _buckets: list[_Cell]

    def count(self, seconds: float) -> None:
        self._requests.add(1)
        self._seconds.add(seconds)
        self._buckets[bisect_left(BUCKET_BOUNDS_SECONDS, seconds)].add(1)
