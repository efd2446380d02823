"""Measured processes: start and stop, CPU time, memory."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


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


def cpu_seconds(pids: Sequence[int]) -> float:
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


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def run_server(command: Sequence[str], port: int, environment: Mapping[str, str]) -> Iterator[int]:
    """Run a server for the duration of the block; yield its process id once it listens."""
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # a line for each request
        start_new_session=True,
    )
    try:
        _wait_for(port, process)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def peak_memory_mib(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Run a command; return its duration in seconds and its peak memory in MiB."""
    start = time.monotonic()
    pid = os.posix_spawn(
        command[0],
        list(command),
        {**os.environ, **environment},
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} exited with {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None:
                raise SystemExit(f"a server exited with {process.returncode}") from None
            time.sleep(0.05)
        else:
            return
    raise SystemExit("a server did not start")
