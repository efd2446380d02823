"""Measured processes: start and stop, CPU time, memory."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_LAUNCHER = Path(__file__).with_name("run.py")
_POLL_SECONDS = 0.005
_MAX_POLLS = 12_000


@frozen
class Server:
    """A running server: the id of its main process, and its port."""

    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its processes."""
        return tree_cpu_seconds(self.pid)

    def memory_mib(self) -> float:
        """Return the memory (PSS) of all its processes."""
        return memory_mib(process_tree(self.pid))


@frozen
class Run:
    """A finished command: its duration, its CPU time and its peak memory (RSS)."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


def process_tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    pids = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                pids += process_tree(int(child))
    except OSError:
        return pids
    return pids


def tree_cpu_seconds(*roots: int) -> float:
    """Return the CPU time of processes, their descendants and their ended children."""
    return cpu_seconds({pid for root in roots for pid in process_tree(root)})


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time of processes and their ended children."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / TICKS_PER_SECOND


def memory_mib(pids: Sequence[int]) -> float:
    """Return the proportional memory (PSS) of processes: shared pages count once."""
    total = 0
    for pid in pids:
        match = re.search(r"Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
        total += int(match[1]) if match else 0
    return total / 1024


def postmaster(data: Path) -> int:
    """Return the process id of the Postgres of a data folder."""
    return int((data / "pg" / "postmaster.pid").read_text().split()[0])


@contextmanager
def run_server(
    command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None
) -> Iterator[Server]:
    """Run a server for the duration of the block; yield it once it listens.

    The last argument of its command is the port, which is added here.
    """
    port = _free_port()
    process = subprocess.Popen(
        [*command, str(port)],
        env={**os.environ, **environment},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # a line for each request
        start_new_session=True,
    )
    try:
        _wait_for(port, process, command)
        yield Server(process.pid, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> Run:
    """Run a command to its end. Raises SystemExit if it fails."""
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER)]
    finished = subprocess.run(
        [*launcher, *command],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=False,
    )
    if finished.returncode:
        raise SystemExit(f"{' '.join(command)} exited with {finished.returncode}")
    return Run(*json.loads(finished.stdout))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], command: Sequence[str]) -> None:
    for _ in range(_MAX_POLLS):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None:
                raise SystemExit(f"{' '.join(command)} exited with {process.returncode}") from None
            time.sleep(_POLL_SECONDS)
        else:
            return
    raise SystemExit(f"{' '.join(command)} did not start")
