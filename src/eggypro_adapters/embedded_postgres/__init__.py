"""A real Postgres for a folder, shared by every process that wants it.

The first that comes starts it, the last that goes stops it. Whoever is killed, and however: nothing
that was acknowledged is lost, and nobody is kept from starting it again. See `guardian`.
"""

import fcntl
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
from typing import Self
from urllib.parse import quote

from attrs import define, field

from eggypro_adapters.embedded_postgres import guardian
from eggypro_adapters.embedded_postgres.binaries import binaries_for, find_binaries
from eggypro_adapters.embedded_postgres.guardian import CLUSTER, DATABASE, USER, Order, locked
from eggypro_adapters.embedded_postgres.os_user import becoming, identity_for
from eggypro_adapters.embedded_postgres.paths import make_own, socket_folder
from eggypro_core.errors import UnavailableError

__all__ = ["Attachment", "attach", "find_binaries"]

LINGER = 60.0
"""Seconds for which the server stays after its last user, for the next command to find."""
TRIES = 3
"""How often one user starts a server that ends at once."""
_PAUSE = 0.01
_FULL = ("No space left", "quota exceeded")


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
        return socket_folder(self.data)

    def join(self, users: int, deadline: float) -> None:
        """Be one of the users, and wait until the server takes connections."""
        while not locked(users, fcntl.LOCK_SH):  # while a guardian is stopping the server
            _wait(deadline, "the last one is being stopped, and does not end")
        os.utime(users)
        while why := self._silence():
            self._start_unless_begun(why)
            _wait(deadline, why)

    def _silence(self) -> str:
        """Return why the server takes no connection, or nothing if it does."""
        if self.socket_dir.parent != self.data:
            # Before it is asked: in /tmp anybody might answer in its place.
            make_own(self.socket_dir.parent, self.data.stat().st_uid)
        return _silence_of(self.socket_dir / ".s.PGSQL.5432")

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
            # Where there was no room for the server, there may be none for its error.
            said = error.read_text(errors="replace") or f"{_FULL[0]} for {self.data}"
            raise _failure("does not start", said)
        if self.started == TRIES:
            raise _failure("ends at once", why)

    def _start(self, lock: int) -> None:
        order = self._order(lock)
        with os.fdopen(_opened(self.data, "guardian.log"), "ab") as log:
            self._run_guardian(order, log.fileno())

    def _order(self, lock: int) -> Order:
        cluster = self.data / CLUSTER
        identity = identity_for(self.data, cluster, binaries_for(cluster, self.binaries))
        return Order(
            data=str(self.data),
            socket=str(self.socket_dir),
            lock=lock,
            linger=self.linger,
            settings=self.settings,
            binaries=str(identity.binaries.absolute()),
            before=list(identity.before),
            nobody=list(identity.nobody) if identity.nobody else None,
            litter=str(identity.litter) if identity.litter else None,
        )

    def _run_guardian(self, order: Order, log: int) -> None:
        """Start a guardian, as the owner of the folder: no file of root's is left in it."""
        owner = self.data.stat()
        try:
            subprocess.run(
                [sys.executable, "-I", "-S", guardian.__file__, json.dumps(order._asdict())],
                pass_fds=(order.lock,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                check=True,
                **becoming(owner.st_uid, owner.st_gid),
            )
        except (PermissionError, subprocess.CalledProcessError) as error:
            raise UnavailableError(
                f"User {owner.st_uid}, whose folder {self.data} is, cannot run {sys.executable}"
                f" with {guardian.__file__}: choose another EGGYPRO_DATA_DIR, or set POSTGRES_URL"
            ) from error


def _refuse_foreign(data: Path) -> None:
    owner = data.stat().st_uid
    if os.geteuid() not in {0, owner}:
        raise UnavailableError(
            f"{data} belongs to user {owner}, and you are user {os.geteuid()}: choose another"
            " EGGYPRO_DATA_DIR, or set POSTGRES_URL"
        )


def _opened(data: Path, name: str) -> int:
    """Return an open file of the data folder, made if need be, its owner the folder's."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    file = os.open(data / name, flags, 0o600)
    owner, found = data.stat(), os.fstat(file)
    # Of a file that has other names too, root would give away who knows what.
    if found.st_uid != owner.st_uid and found.st_nlink == 1:
        os.fchown(file, owner.st_uid, owner.st_gid)
    return file


def _silence_of(path: Path) -> str:
    """Return why no server takes a connection there, or nothing if one does. Under 5 ms."""
    words = b"user\0%s\0database\0%s\0\0" % (USER.encode(), DATABASE.encode())
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(5)
            line.connect(str(path))
            line.sendall(struct.pack("!II", len(words) + 8, 196_608) + words)
            answer = line.recv(4096)
    except OSError as error:
        return str(error)
    return "" if answer[:1] == b"R" else _message_of(answer)


def _message_of(answer: bytes) -> str:
    """Return what a refusal of Postgres says: after its length come fields, each with a letter."""
    told = [part[1:] for part in answer[5:].split(b"\0") if part[:1] == b"M"]
    return told[0].decode(errors="replace") if told else "it hangs up"


def _wait(deadline: float, why: str) -> None:
    if time.monotonic() > deadline:
        raise _failure("does not answer", why)
    time.sleep(_PAUSE)


def _failure(what: str, why: str) -> UnavailableError:
    return UnavailableError(f"The embedded Postgres {what} ({why.strip()}): {_remedy(why)}")


def _remedy(why: str) -> str:
    # By its text, since initdb has nothing else to tell it by; it is always in English.
    full = any(words in why for words in _FULL)
    first = "make room on that disk" if full else "choose another EGGYPRO_DATA_DIR"
    return f"{first}, or set POSTGRES_URL"


@contextmanager
def _explained(data: Path) -> Iterator[None]:
    """Say of what the system refuses where it was, and what to do."""
    try:
        yield
    except OSError as error:
        why = str(error.strerror)
        raise UnavailableError(
            f"The embedded Postgres cannot be kept in {data} ({why}): {_remedy(why)}"
        ) from error
