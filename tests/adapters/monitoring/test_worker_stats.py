import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.monitoring import worker_stats
from eggypro_adapters.monitoring.worker_stats import publish_counts, read_counts
from eggypro_core.caching.entries import CacheCounts

WORKER = """
import sys
from pathlib import Path
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.monitoring.worker_stats import publish_counts
from eggypro_core.caching.entries import CacheCounts
with publish_counts(Path(sys.argv[1]), lambda: CacheCounts(7)):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _frequent_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_stats, "PUBLISH_INTERVAL_SECONDS", 0.01)


def hits(folder: Path) -> list[int]:
    return sorted(counts.hits for counts in read_counts(folder))


def test_missing_folder_has_no_counts(tmp_path: Path) -> None:
    assert read_counts(tmp_path / "none") == ()


def test_counts_of_running_workers_are_read(tmp_path: Path) -> None:
    counts = {"first": CacheCounts(1, 2, 3, 4, 2**40)}
    with ExitStack() as stack:
        stack.enter_context(publish_counts(tmp_path / "new", lambda: counts["first"]))
        wait_until(lambda: read_counts(tmp_path / "new") == (counts["first"],))
        with publish_counts(tmp_path / "new", lambda: CacheCounts(9)):
            wait_until(lambda: hits(tmp_path / "new") == [1, 9])
            counts["first"] = CacheCounts(5)
            wait_until(lambda: hits(tmp_path / "new") == [5, 9])
        assert hits(tmp_path / "new") == [5]
    assert list((tmp_path / "new").iterdir()) == []


def test_counts_of_killed_workers_are_deleted(tmp_path: Path) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        wait_until(lambda: hits(tmp_path) == [7])
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        assert hits(tmp_path) == []
        assert list(tmp_path.iterdir()) == []


def test_unwritable_folder_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with publish_counts(tmp_path / "file", CacheCounts):
        assert read_counts(tmp_path / "file") == ()
