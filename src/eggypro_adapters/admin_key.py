"""The admin key of a development machine: made once, and kept in a file for its owner's eyes."""

import os
import secrets
from pathlib import Path

from eggypro_core.errors import UnavailableError

ADMIN_KEY_FILE = "admin.key"


def read_or_create_admin_key(folder: Path) -> str:
    """Return the key that the folder keeps, made now if there is none; its file has mode 0600.

    Of two that make one at the same time, both return the same. Raises UnavailableError.
    """
    path = folder / ADMIN_KEY_FILE
    try:
        if not path.exists():
            _make(path)
        return path.read_text("ascii").strip()
    except OSError as error:
        raise UnavailableError(
            f"The admin key cannot be kept in {folder} ({error.strerror}):"
            " set ADMIN_SECRET_KEY or EGGYPRO_DATA_DIR"
        ) from error


def _make(path: Path) -> None:
    """Write a whole file beside the path, then give it the name: nobody ever reads half a key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f"{ADMIN_KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
        os.link(new, path)
    except FileExistsError:
        return  # somebody else was first: theirs is the key
    finally:
        new.unlink()
