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
from eggypro_adapters.embedded_postgres.guardian import (
    CLUSTER_FOLDER,
    DATABASE,
    USER,
    GuardianConfig,
    try_lock,
)
from eggypro_adapters.embedded_postgres.os_user import child_user_options, identity_for
from eggypro_adapters.embedded_postgres.paths import make_private_folder, socket_folder
from eggypro_core.errors import UnavailableError

__all__ = ["Attachment", "attach", "find_binaries"]

LINGER_SECONDS = 60.0
"""Seconds for which the server stays after its last user, for the next command to find."""
MAX_STARTS = 3
"""How often one user starts a server that ends at once."""
_POLL_SECONDS = 0.01
_DISK_FULL_MESSAGES = ("No space left", "quota exceeded")


@define
class Attachment:
    """A use of the server: it runs at least until this is closed, or its process has ended."""

    socket_dir: Path
    _users_lock: int | None = field(repr=False)

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
        if self._users_lock is not None:
            os.close(self._users_lock)
            self._users_lock = None

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
    linger: float = LINGER_SECONDS,
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
    with _translate_os_errors(data):
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_owner(data)
        users = _open_file(data, guardian.USERS_LOCK_FILE)
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
    started_at: float = field(factory=time.time)
    start_count: int = 0

    @property
    def socket_dir(self) -> Path:
        return socket_folder(self.data)

    def join(self, users: int, deadline: float) -> None:
        """Be one of the users, and wait until the server takes connections."""
        while not try_lock(users, fcntl.LOCK_SH):  # while a guardian is stopping the server
            _pause_or_raise(deadline, "the last one is being stopped, and does not end")
        os.utime(users)
        while why := self._connection_error():
            self._start_unless_starting(why)
            _pause_or_raise(deadline, why)

    def _connection_error(self) -> str:
        """Return why the server takes no connection, or nothing if it does."""
        if self.socket_dir.parent != self.data:
            # Before it is asked: in /tmp anybody might answer in its place.
            make_private_folder(self.socket_dir.parent, self.data.stat().st_uid)
        return _probe_socket(self.socket_dir / ".s.PGSQL.5432")

    def _start_unless_starting(self, why: str) -> None:
        lock = _open_file(self.data, "guardian.lock")
        try:
            if try_lock(lock, fcntl.LOCK_EX):  # nobody runs it, and nobody is starting it
                self._check_earlier_failure(why)
                self.start_count += 1
                self._start(lock)
        finally:
            os.close(lock)

    def _check_earlier_failure(self, why: str) -> None:
        """Raise UnavailableError if the server was started for us already, and could not be."""
        error = self.data / guardian.LAST_ERROR_FILE
        if error.exists() and error.stat().st_mtime >= self.started_at - 0.01:
            # Where there was no room for the server, there may be none for its error.
            said = error.read_text(errors="replace") or f"{_DISK_FULL_MESSAGES[0]} for {self.data}"
            raise _failure("does not start", said)
        if self.start_count == MAX_STARTS:
            raise _failure("ends at once", why)

    def _start(self, lock: int) -> None:
        order = self._guardian_config(lock)
        with os.fdopen(_open_file(self.data, "guardian.log"), "ab") as log:
            self._run_guardian(order, log.fileno())

    def _guardian_config(self, lock: int) -> GuardianConfig:
        cluster = self.data / CLUSTER_FOLDER
        identity = identity_for(self.data, cluster, binaries_for(cluster, self.binaries))
        return GuardianConfig(
            data=str(self.data),
            socket=str(self.socket_dir),
            lock=lock,
            linger=self.linger,
            settings=self.settings,
            binaries=str(identity.binaries.absolute()),
            command_prefix=list(identity.command_prefix),
            user_and_group=list(identity.user_and_group) if identity.user_and_group else None,
            temporary_folder=str(identity.temporary_folder) if identity.temporary_folder else None,
        )

    def _run_guardian(self, order: GuardianConfig, log: int) -> None:
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
                **child_user_options(owner.st_uid, owner.st_gid),
            )
        except (PermissionError, subprocess.CalledProcessError) as error:
            raise UnavailableError(
                f"User {owner.st_uid}, whose folder {self.data} is, cannot run {sys.executable}"
                f" with {guardian.__file__}: choose another EGGYPRO_DATA_DIR, or set POSTGRES_URL"
            ) from error


def _check_owner(data: Path) -> None:
    owner = data.stat().st_uid
    if os.geteuid() not in {0, owner}:
        raise UnavailableError(
            f"{data} belongs to user {owner}, and you are user {os.geteuid()}: choose another"
            " EGGYPRO_DATA_DIR, or set POSTGRES_URL"
        )


def _open_file(data: Path, name: str) -> int:
    """Return an open file of the data folder, made if need be, its owner the folder's."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    file = os.open(data / name, flags, 0o600)
    owner, found = data.stat(), os.fstat(file)
    # Of a file that has other names too, root would give away who knows what.
    if found.st_uid != owner.st_uid and found.st_nlink == 1:
        os.fchown(file, owner.st_uid, owner.st_gid)
    return file


def _probe_socket(path: Path) -> str:
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
    return "" if answer[:1] == b"R" else _error_message(answer)


def _error_message(answer: bytes) -> str:
    """Return what a refusal of Postgres says: after its length come fields, each with a letter."""
    told = [part[1:] for part in answer[5:].split(b"\0") if part[:1] == b"M"]
    return told[0].decode(errors="replace") if told else "it hangs up"


def _pause_or_raise(deadline: float, why: str) -> None:
    if time.monotonic() > deadline:
        raise _failure("does not answer", why)
    time.sleep(_POLL_SECONDS)


def _failure(what: str, why: str) -> UnavailableError:
    return UnavailableError(f"The embedded Postgres {what} ({why.strip()}): {_remedy(why)}")


def _remedy(why: str) -> str:
    # By its text, since initdb has nothing else to tell it by; it is always in English.
    full = any(words in why for words in _DISK_FULL_MESSAGES)
    first = "make room on that disk" if full else "choose another EGGYPRO_DATA_DIR"
    return f"{first}, or set POSTGRES_URL"


@contextmanager
def _translate_os_errors(data: Path) -> Iterator[None]:
    """Say of what the system refuses where it was, and what to do."""
    try:
        yield
    except OSError as error:
        why = str(error.strerror)
        raise UnavailableError(
            f"The embedded Postgres cannot be kept in {data} ({why}): {_remedy(why)}"
        ) from error
