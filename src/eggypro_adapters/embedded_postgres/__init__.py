"""A real Postgres for a folder, shared by every process that wants it.

The first that comes starts it, the last that goes stops it. Whoever is killed, and however: nothing
that was acknowledged is lost, and nobody is kept from starting it again. See `guardian`.
"""

import fcntl
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from attrs import define, field

from eggypro_adapters.embedded_postgres import guardian
from eggypro_adapters.embedded_postgres.binaries import binaries_for, find_binaries
from eggypro_adapters.embedded_postgres.guardian import CLUSTER, DATABASE, USER, locked
from eggypro_core.errors import UnavailableError

__all__ = ["Attachment", "attach", "find_binaries"]

LINGER = 60.0
"""Seconds for which the server stays after its last user, for the next command to find."""
LONGEST_SOCKET_FOLDER = 80
"""A socket's path has at most 107 bytes."""
TRIES = 3
"""How often one user starts a server that ends at once."""
_PAUSE = 0.01
_WAY_OUT = "choose another EGGYPRO_DATA_DIR, or set POSTGRES_URL"


@define
class Attachment:
    """A use of the server: it runs at least until this is closed, or its process has ended."""

    socket_dir: Path
    _users: int | None = field(repr=False)

    @property
    def conninfo(self) -> str:
        """The database, as libpq is told of it."""
        return f"host='{self.socket_dir}' port=5432 user={USER} dbname={DATABASE}"

    @property
    def url(self) -> str:
        """The database, as SQLAlchemy is told of it."""
        host = quote(str(self.socket_dir), safe="")
        return f"postgresql+psycopg://{USER}@/{DATABASE}?host={host}&port=5432"

    def close(self) -> None:
        """Need the server no longer. Closing twice does nothing more."""
        if self._users is not None:
            os.close(self._users)
            self._users = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def attach(
    data: Path,
    *,
    linger: float = LINGER,
    timeout: float = 60.0,
    binaries: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Attachment:
    """Use the server of a data folder, which is made and started if need be.

    Only who starts it decides on `linger` (seconds), `binaries` and the `settings` of Postgres.
    After a lost connection attach again: that brings a server that died back. Raises
    UnavailableError, with what to do, where there is no server within `timeout` seconds.
    """
    data = data.absolute()
    with _explained(data):
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(data)
        users = _opened(data, guardian.USERS)
        try:
            server = _Server(data, binaries, linger, dict(settings or {}))
            server.join(users, time.monotonic() + timeout)
        except BaseException:
            os.close(users)
            raise
        return Attachment(server.socket_dir, users)


@define
class _Server:
    """The server of a folder, as one who wants to use it sees it."""

    data: Path
    binaries: Path | None
    linger: float
    settings: dict[str, str]
    began: float = field(factory=time.time)
    started: int = 0

    @property
    def socket_dir(self) -> Path:
        if len(os.fsencode(self.data)) <= LONGEST_SOCKET_FOLDER:
            return self.data / "run"
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path(f"/tmp/eggypro-{self.data.stat().st_uid}-{name}")  # noqa: S108  (0700, checked)

    def join(self, users: int, deadline: float) -> None:
        """Be one of the users, and wait until the server takes connections."""
        while not locked(users, fcntl.LOCK_SH):  # while a guardian is stopping the server
            _wait(deadline, "the server is being stopped, and does not end")
        os.utime(users)
        _make_private(self.socket_dir, self.data.stat().st_uid)
        while why := _silence_of(self.socket_dir / ".s.PGSQL.5432"):
            self._start_unless_begun(why)
            _wait(deadline, why)

    def _start_unless_begun(self, why: str) -> None:
        lock = _opened(self.data, "guardian.lock")
        try:
            if locked(lock, fcntl.LOCK_EX):  # nobody runs it, and nobody is starting it
                self._refuse_again(why)
                self.started += 1
                self._start(lock)
        finally:
            os.close(lock)

    def _refuse_again(self, why: str) -> None:
        """Raise UnavailableError if the server was started for us already, and could not be."""
        error = self.data / guardian.LAST_ERROR
        if error.exists() and error.stat().st_mtime >= self.began - 0.01:
            said = error.read_text(errors="replace").strip() or f"no room left in {self.data}"
            raise UnavailableError(f"The embedded Postgres does not start ({said}): {_WAY_OUT}")
        if self.started == TRIES:
            raise UnavailableError(f"The embedded Postgres ends at once ({why}): {_WAY_OUT}")

    def _start(self, lock: int) -> None:
        """Start a guardian, as the owner of the folder, and hand it the lock that we hold."""
        order = {
            "data": str(self.data),
            "socket": str(self.socket_dir),
            "lock": lock,
            "linger": self.linger,
            "binaries": str(self.binaries or binaries_for(self.data / CLUSTER)),
            "settings": self.settings,
        }
        with os.fdopen(_opened(self.data, "guardian.log"), "ab") as log:
            subprocess.run(
                [sys.executable, "-I", "-S", guardian.__file__, json.dumps(order)],
                pass_fds=(lock,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                check=True,
                **_as_owner_of(self.data),
            )


def _as_owner_of(data: Path) -> dict[str, Any]:
    """Return what makes root's child the owner of the folder: no file of root's is left in it."""
    owner = data.stat()
    others = os.geteuid() == 0 and owner.st_uid != 0
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()} if others else {}


def _refuse_foreign(data: Path) -> None:
    owner = data.stat().st_uid
    if os.geteuid() not in {0, owner}:
        raise UnavailableError(
            f"{data} belongs to user {owner}, and you are user {os.geteuid()}: {_WAY_OUT}"
        )


def _opened(data: Path, name: str) -> int:
    """Return an open file of the data folder, made if need be, its owner the folder's."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    file = os.open(data / name, flags, 0o600)
    owner = data.stat()
    if os.fstat(file).st_uid != owner.st_uid:
        os.fchown(file, owner.st_uid, owner.st_gid)
    return file


def _make_private(folder: Path, owner: int) -> None:
    """Make the folder of the socket: in a place where all may write, it must be the owner's."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() != owner:
            os.chown(folder, owner, -1)
    if folder.is_symlink() or folder.stat().st_uid != owner:
        raise UnavailableError(f"{folder} belongs to somebody else: {_WAY_OUT}")


def _silence_of(path: Path) -> str:
    """Return why the server takes no connection, or nothing if it does. Takes under 5 ms."""
    words = b"user\0%s\0database\0%s\0\0" % (USER.encode(), DATABASE.encode())
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(5)
            line.connect(str(path))
            line.sendall(struct.pack("!II", len(words) + 8, 196_608) + words)
            answer = line.recv(4096)
    except OSError as error:
        return str(error)
    return "" if answer[:1] == b"R" else answer[:120].decode(errors="replace")


def _wait(deadline: float, why: str) -> None:
    if time.monotonic() > deadline:
        raise UnavailableError(f"The embedded Postgres does not answer ({why}): {_WAY_OUT}")
    time.sleep(_PAUSE)


@contextmanager
def _explained(data: Path) -> Iterator[None]:
    """Say of what the system refuses where it was, and what to do."""
    try:
        yield
    except OSError as error:
        raise UnavailableError(
            f"The embedded Postgres cannot be kept in {data} ({error.strerror}): {_WAY_OUT}"
        ) from error
