"""The folders of an embedded Postgres beside its database."""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR

from eggypro_core.errors import UnavailableError

ROOT_UID = 0
TMP = Path("/tmp")  # noqa: S108  (every folder in it has its owner checked)
MAX_SOCKET_FOLDER_BYTES = 80
"""A socket's path has at most 107 bytes."""
_PLAIN_PATH = re.compile(r"[\w/.+@~-]+")
"""Both libpq and Postgres read a comma, a quote or a space as more than a letter of a path."""


def socket_folder(data: Path) -> Path:
    """Return where the socket of a data folder lies: in it, if the path is short and plain."""
    path = os.fsencode(data)
    fits = (
        len(path) <= MAX_SOCKET_FOLDER_BYTES and path.isascii() and _PLAIN_PATH.fullmatch(str(data))
    )
    return (data if fits else tmp_folder(data)) / "run"


def tmp_folder(data: Path, purpose: str = "") -> Path:
    """Return the place in /tmp that belongs to a data folder."""
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return TMP / f"eggypro-{data.stat().st_uid}-{name}{purpose}"


def make_private_folder(folder: Path, owner: int, *, mode: int = 0o700) -> None:
    """Make a folder where all may write. Raises UnavailableError where another was quicker."""
    with suppress(FileExistsError):
        folder.mkdir(mode)
        folder.chmod(mode)  # what the umask took of it
        if os.geteuid() != owner:
            os.chown(folder, owner, -1)
    found = folder.lstat()
    # Root's is as good: it is about to become the owner's.
    if not S_ISDIR(found.st_mode) or found.st_uid not in {owner, ROOT_UID}:
        raise UnavailableError(
            f"{folder} belongs to somebody else: remove it, choose another EGGYPRO_DATA_DIR, or"
            " set POSTGRES_URL"
        )
