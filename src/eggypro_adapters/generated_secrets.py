"""The generated secrets of a development machine, stored in files of their owner."""

import os
import secrets
from pathlib import Path

from eggypro_core.errors import UnavailableError

ADMIN_KEY_FILE, JWT_SECRET_FILE = "admin.key", "jwt.secret"


def read_or_create_admin_key(folder: Path) -> str:
    """Return the admin key of the folder; generate it if there is none. Its file has mode 0600.

    Concurrent callers get the same key. Raises UnavailableError.
    """
    return _read_or_create(folder / ADMIN_KEY_FILE, "ADMIN_SECRET_KEY")


def read_or_create_jwt_secret(folder: Path) -> str:
    """Return the secret of tokens like `read_or_create_admin_key`."""
    return _read_or_create(folder / JWT_SECRET_FILE, "JWT_SECRET")


def _read_or_create(path: Path, setting: str) -> str:
    try:
        if not path.exists():
            _create(path)
        return path.read_text("ascii").strip()
    except OSError as error:
        raise UnavailableError(
            f"Cannot store a secret in {path} ({error.strerror}): set {setting} or EGGYPRO_DATA_DIR"
        ) from error


def _create(path: Path) -> None:
    """Write a temporary file, then link it to the path, so that no process reads half a secret."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
        os.link(temporary, path)
    except FileExistsError:
        return  # another process was first: its secret counts
    finally:
        temporary.unlink()
