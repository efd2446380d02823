"""The generated admin key of a development machine, stored in a file of its owner."""

import os
import secrets
from pathlib import Path

from eggypro_core.errors import UnavailableError

ADMIN_KEY_FILE = "admin.key"


def read_or_create_admin_key(folder: Path) -> str:
    """Return the admin key of the folder; generate it if there is none. Its file has mode 0600.

    Concurrent callers get the same key. Raises UnavailableError.
    """
    path = folder / ADMIN_KEY_FILE
    try:
        if not path.exists():
            _create(path)
        return path.read_text("ascii").strip()
    except OSError as error:
        raise UnavailableError(
            f"Cannot store the admin key in {folder} ({error.strerror}):"
            " set ADMIN_SECRET_KEY or EGGYPRO_DATA_DIR"
        ) from error


def _create(path: Path) -> None:
    """Write a temporary file, then link it to the path, so that no process reads half a key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f"{ADMIN_KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
        os.link(temporary, path)
    except FileExistsError:
        return  # another process was first: its key counts
    finally:
        temporary.unlink()
