"""Output files of commands: stdout, a device, or a file that is replaced at the end."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import typer

from eggypro_cli.output import redirect_to_null

STDOUT = "-"
"""The name of stdout."""


@contextmanager
def open_output(file: str, content: str) -> Iterator[BinaryIO]:
    """Open the output: stdout, a device or a file, which is written completely or not at all.

    Raises UnavailableError if writing fails: `content`, such as `export`, is then incomplete.
    """
    with _translate_errors(content):
        if file == STDOUT:
            with _stdout() as stream:
                yield stream
        elif _is_device(file):
            with Path(file).open("wb") as stream:
                yield stream
        else:
            with _replacement(Path(os.path.realpath(file))) as stream:
                yield stream


@contextmanager
def _translate_errors(content: str) -> Iterator[None]:
    """Raise UnavailableError for errors of writing."""
    from eggypro_core import UnavailableError
    from eggypro_core.errors import StorageFullError, is_storage_full

    try:
        yield
    except BrokenPipeError:
        raise UnavailableError(
            f"The reader closed the pipe before the {content} was complete"
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        kind = StorageFullError if is_storage_full(error) else UnavailableError
        raise kind(f"Writing the {content} failed: {reason}") from None


@contextmanager
def _stdout() -> Iterator[BinaryIO]:
    """Yield stdout. After an error, drop its buffer, so that exiting does not write it again."""
    sys.stdout.flush()
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError:
        redirect_to_null(sys.stdout)
        raise


@contextmanager
def _replacement(path: Path) -> Iterator[BinaryIO]:
    """Yield a temporary file that replaces the one at `path` when it is complete."""
    with _temporary_sibling(path) as (descriptor, name):
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(_mode(path))
        Path(name).replace(path)


@contextmanager
def _temporary_sibling(path: Path) -> Iterator[tuple[int, str]]:
    """Create a temporary file in the same directory; delete it at the end if it still exists."""
    from tempfile import mkstemp

    try:
        descriptor, name = mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    except OSError as error:
        raise typer.BadParameter(f"Cannot write '{path}': {error.strerror}") from None
    try:
        yield descriptor, name
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def _is_device(file: str) -> bool:
    """Return whether a path is a device or pipe, which cannot be replaced by a file."""
    path = Path(file)
    if path.is_dir():
        raise typer.BadParameter(f"'{file}' is a directory")
    return path.exists() and not path.is_file()


def _mode(path: Path) -> int:
    """Return the permissions of a file, or those of a new one if it does not exist."""
    with suppress(FileNotFoundError):
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
