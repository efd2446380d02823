"""Embedded Postgres: a server per data folder, shared by all processes that attach to it.

The first process starts the server; it stops after the last one detaches. No matter which process
is killed, and how, no acknowledged write is lost and the server can be started again. See
`guardian`.
"""

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote

from attrs import define, field

from eggypro_adapters.embedded_postgres import guardian
from eggypro_adapters.embedded_postgres.binaries import binaries_for, find_binaries
from eggypro_adapters.embedded_postgres.guardian import (
    CLUSTER_FOLDER,
    DATABASE_NAME,
    DATABASE_USER,
    GuardianConfig,
    try_lock,
)
from eggypro_adapters.embedded_postgres.os_user import child_user_options, identity_for
from eggypro_adapters.embedded_postgres.paths import make_private_folder, socket_folder
from eggypro_core.errors import UnavailableError, database_unavailable_error

__all__ = ["Attachment", "attach", "find_binaries"]

LINGER_SECONDS = 60.0
"""Seconds for which the server keeps running after its last user, for the next command."""
MAX_STARTS = 3
"""Attempts of one user to start a server that exits at once."""
_POLL_SECONDS = 0.01
_WAL_SEGMENT_BYTES = 16 << 20
_DISK_FULL_MESSAGES = ("No space left", "quota exceeded")


@define
class Attachment:
    """A use of the server, which runs at least until this is closed or its process ends."""

    socket_dir: Path
    _users_lock: int | None = field(repr=False)

    @property
    def conninfo(self) -> str:
        """The connection string of the database for libpq."""
        return f"host='{self.socket_dir}' port=5432 user={DATABASE_USER} dbname={DATABASE_NAME}"

    @property
    def url(self) -> str:
        """The URL of the database for SQLAlchemy."""
        host = quote(str(self.socket_dir), safe="")
        return f"postgresql+psycopg://{DATABASE_USER}@/{DATABASE_NAME}?host={host}&port=5432"

    def close(self) -> None:
        """Detach from the server. May be called twice."""
        if self._users_lock is not None:
            os.close(self._users_lock)
            self._users_lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def attach(
    data: Path,
    *,
    linger: float = LINGER_SECONDS,
    timeout: float = 60.0,
    binaries: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Attachment:
    """Attach to the server of a data folder, which is created and started if necessary.

    `linger` (seconds), `binaries` and the `settings` of Postgres only count for the process that
    starts the server. Attach again after a lost connection: that restarts a dead server. Raises
    UnavailableError, with a remedy, if there is no server within `timeout` seconds.
    """
    data = data.absolute()
    with _translate_os_errors(data), ExitStack() as stack:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_owner(data)
        users = _open_file(data, guardian.USERS_LOCK_FILE)
        stack.callback(os.close, users)
        server = _Server(data, binaries, linger, dict(settings or {}))
        server.join(users, time.monotonic() + timeout)
        stack.pop_all()
        return Attachment(server.socket_dir, users)


@define
class _Server:
    """The server of a data folder, as seen by a process that uses it."""

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
        """Become a user of the server, and wait until it accepts connections."""
        while not try_lock(users, fcntl.LOCK_SH):  # while a guardian is stopping the server
            _pause_or_raise(deadline, "the previous server is still stopping")
        os.utime(users)
        while why := self._connection_error():
            self._start_unless_starting(why)
            if time.monotonic() > deadline:
                why = _disk_error(self.data) or why
            _pause_or_raise(deadline, why)

    def _connection_error(self) -> str:
        """Return the reason why the server accepts no connections, empty if it does."""
        if self.socket_dir.parent != self.data:
            # Before connecting: in /tmp another user could run a fake server.
            make_private_folder(self.socket_dir.parent, self.data.stat().st_uid)
        return _probe(self.socket_dir)

    def _start_unless_starting(self, why: str) -> None:
        lock = _open_file(self.data, "guardian.lock")
        try:
            if try_lock(lock, fcntl.LOCK_EX):  # it neither runs nor starts
                self._check_earlier_failure(why)
                self.start_count += 1
                self._start(lock)
        finally:
            os.close(lock)

    def _check_earlier_failure(self, why: str) -> None:
        """Raise UnavailableError if an earlier start by this process failed."""
        error = self.data / guardian.LAST_ERROR_FILE
        if error.exists() and error.stat().st_mtime >= self.started_at - 0.01:
            # A full disk for the server may be too full for its error message.
            message = error.read_text(errors="replace") or _disk_full_message(self.data)
            raise _failure("does not start", message)
        if self.start_count == MAX_STARTS:
            raise _failure("exits at once", why)

    def _start(self, lock: int) -> None:
        config = self._guardian_config(lock)
        with os.fdopen(_open_file(self.data, "guardian.log"), "ab") as log:
            self._run_guardian(config, log.fileno())

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

    def _run_guardian(self, config: GuardianConfig, log: int) -> None:
        """Start a guardian as the owner of the folder, so that root owns no files in it."""
        owner = self.data.stat()
        try:
            subprocess.run(
                [sys.executable, "-I", "-S", guardian.__file__, json.dumps(config._asdict())],
                pass_fds=(config.lock,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                check=True,
                **child_user_options(owner.st_uid, owner.st_gid),
            )
        except (PermissionError, subprocess.CalledProcessError) as error:
            if isinstance(error, subprocess.CalledProcessError) and error.returncode < 0:
                return  # killed by a signal: `join` starts another one
            raise database_unavailable_error(
                f"User {owner.st_uid}, the owner of {self.data}, cannot run {sys.executable} with"
                f" {guardian.__file__}: choose another EGGYPRO_DATA_DIR, or set POSTGRES_URL"
            ) from error


def _check_owner(data: Path) -> None:
    owner = data.stat().st_uid
    if os.geteuid() not in {0, owner}:
        raise database_unavailable_error(
            f"{data} belongs to user {owner}, and you are user {os.geteuid()}: choose another"
            " EGGYPRO_DATA_DIR, or set POSTGRES_URL"
        )


def _open_file(data: Path, name: str) -> int:
    """Open a file of the data folder; create it for the owner of the folder if necessary."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    file = os.open(data / name, flags, 0o600)
    folder_status, status = data.stat(), os.fstat(file)
    # A file with hard links may be any file of the system: root must not give it away.
    if status.st_uid != folder_status.st_uid and status.st_nlink == 1:
        os.fchown(file, folder_status.st_uid, folder_status.st_gid)
    return file


def _probe(socket_dir: Path) -> str:
    """Return the reason why no server accepts connections, empty if one does."""
    try:
        response = request_session(socket_dir)
    except OSError as error:
        return str(error)
    return "" if response[:1] == b"R" else _error_message(response)


def request_session(socket_dir: Path) -> bytes:
    """Return the first response of the server to a new client. Takes under 5 ms.

    Raises OSError if no server listens.
    """
    parameters = b"user\0%s\0database\0%s\0\0" % (DATABASE_USER.encode(), DATABASE_NAME.encode())
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(socket_dir / ".s.PGSQL.5432"))
        connection.sendall(struct.pack("!II", len(parameters) + 8, 196_608) + parameters)
        return connection.recv(4096)


def _error_message(response: bytes) -> str:
    """Return the message of an ErrorResponse: fields after its length, each with a type letter."""
    messages = [part[1:] for part in response[5:].split(b"\0") if part[:1] == b"M"]
    return messages[0].decode(errors="replace") if messages else "it closed the connection"


def _disk_error(data: Path) -> str:
    """Return a message if the disk has no space for the next file of the write-ahead log.

    Postgres then stops and restarts; its log is on the same disk, and may lack the reason.
    """
    is_full = shutil.disk_usage(data).free < _WAL_SEGMENT_BYTES
    return _disk_full_message(data) if is_full else ""


def _disk_full_message(data: Path) -> str:
    return f"{_DISK_FULL_MESSAGES[0]} for {data}"


def _pause_or_raise(deadline: float, why: str) -> None:
    if time.monotonic() > deadline:
        raise _failure("does not respond", why)
    time.sleep(_POLL_SECONDS)


def _failure(problem: str, why: str) -> UnavailableError:
    return database_unavailable_error(
        f"The embedded Postgres {problem} ({why.strip()}): {_remedy(why)}"
    )


def _remedy(why: str) -> str:
    # By its text: initdb has no error codes. The text is always English.
    disk_is_full = any(message in why for message in _DISK_FULL_MESSAGES)
    advice = "free space on that disk" if disk_is_full else "choose another EGGYPRO_DATA_DIR"
    return f"{advice}, or set POSTGRES_URL"


@contextmanager
def _translate_os_errors(data: Path) -> Iterator[None]:
    """Raise UnavailableError, with the folder and a remedy, for errors of the system."""
    try:
        yield
    except OSError as error:
        why = str(error.strerror)
        raise database_unavailable_error(
            f"The embedded Postgres cannot use {data} ({why}): {_remedy(why)}"
        ) from error
