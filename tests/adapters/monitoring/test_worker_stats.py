import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.monitoring import worker_stats
from eggypro_adapters.monitoring.worker_stats import read_counts, written_down
from eggypro_core.caching.entries import CacheCounts

WORKER = """
import sys
from pathlib import Path
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.monitoring.worker_stats import written_down
from eggypro_core.caching.entries import CacheCounts
with written_down(Path(sys.argv[1]), lambda: CacheCounts(7)):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_stats, "EVERY", 0.01)


def hits(folder: Path) -> list[int]:
    return sorted(one.hits for one in read_counts(folder))


def test_nobody_is_heard_where_nobody_is(tmp_path: Path) -> None:
    assert read_counts(tmp_path / "none") == ()


def test_each_worker_is_heard_while_it_runs(tmp_path: Path) -> None:
    counts = {"one": CacheCounts(1, 2, 3, 4, 2**40)}
    with ExitStack() as opened:
        opened.enter_context(written_down(tmp_path / "new", lambda: counts["one"]))
        wait_until(lambda: read_counts(tmp_path / "new") == (counts["one"],))
        with written_down(tmp_path / "new", lambda: CacheCounts(9)):
            wait_until(lambda: hits(tmp_path / "new") == [1, 9])
            counts["one"] = CacheCounts(5)
            wait_until(lambda: hits(tmp_path / "new") == [5, 9])
        assert hits(tmp_path / "new") == [5]
    assert list((tmp_path / "new").iterdir()) == []


def test_one_that_was_killed_counts_no_more_and_leaves_nothing(tmp_path: Path) -> None:
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


def test_a_folder_that_cannot_be_written_to_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with written_down(tmp_path / "file", CacheCounts):
        assert read_counts(tmp_path / "file") == ()
