"""Folders of an embedded Postgres outside of its database."""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR

from eggypro_core.errors import database_unavailable_error

ROOT_UID = 0
TMP = Path("/tmp")  # noqa: S108  (the owner of every folder in it is checked)
MAX_SOCKET_FOLDER_BYTES = 80
"""The path of a socket may have at most 107 bytes."""
_PLAIN_PATH = re.compile(r"[\w/.+@~-]+")
"""Commas, quotes and spaces have a special meaning for libpq and Postgres."""


def socket_folder(data: Path) -> Path:
    """Return the folder of the socket: in the data folder if its path is short and plain."""
    path = os.fsencode(data)
    fits = (
        len(path) <= MAX_SOCKET_FOLDER_BYTES and path.isascii() and _PLAIN_PATH.fullmatch(str(data))
    )
    return (data if fits else tmp_folder(data)) / "run"


def tmp_folder(data: Path, purpose: str = "") -> Path:
    """Return the folder in /tmp that belongs to a data folder."""
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return TMP / f"eggypro-{data.stat().st_uid}-{name}{purpose}"


def make_private_folder(folder: Path, owner: int, *, mode: int = 0o700) -> None:
    """Create a folder in /tmp. Raises UnavailableError if another user owns it."""
    with suppress(FileExistsError):
        folder.mkdir(mode)
        folder.chmod(mode)  # despite the umask
        if os.geteuid() != owner:
            os.chown(folder, owner, -1)
    status = folder.lstat()
    # Root may own it: it is just being created for the owner.
    if not S_ISDIR(status.st_mode) or status.st_uid not in {owner, ROOT_UID}:
        raise database_unavailable_error(
            f"{folder} belongs to another user: remove it, choose another EGGYPRO_DATA_DIR, or"
            " set POSTGRES_URL"
        )
