"""A small disk for a child process: a tmpfs in a mount namespace of its own."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
_SCRIPT = 'mount -t tmpfs -o size="$0" tmpfs "$1" && shift && exec "$@"'


def command_on_small_disk(folder: Path, size: str, command: Sequence[str]) -> list[str]:
    """Return a command that runs `command` with a disk of `size` at `folder`, such as `4m`.

    Only its processes see the disk; others reach it through `/proc/PID/root`. Skips the test where
    namespaces are forbidden.
    """
    if not can_mount():
        pytest.skip("mounting a disk is forbidden here")
    return [*_NAMESPACE, "sh", "-c", _SCRIPT, size, str(folder), *command]


@contextmanager
def read_only(folder: Path, process: int) -> Iterator[None]:
    """Make a folder read-only for a process that runs on a small disk.

    Files that it has open stay writable.
    """
    enter = ["nsenter", "--user", "--mount", "--preserve-credentials", f"--target={process}"]
    subprocess.run([*enter, "mount", "--bind", folder, folder], check=True)
    try:
        subprocess.run([*enter, "mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run([*enter, "umount", folder], check=True)


def fill_disk(folder: Path) -> Path:
    """Fill the disk of a folder to the last byte; return the file to delete."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue
    return filler


@cache
def can_mount() -> bool:
    """Return whether this user may mount a disk in a namespace of its own."""
    if shutil.which("unshare") is None:
        return False
    mount = ["mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run([*_NAMESPACE, *mount], capture_output=True, check=False).returncode == 0
