"""The owner process of an embedded Postgres: starts, restarts and, without users, stops it.

It runs as a program of its own, and may import only the standard library. Two files beside the
database are locked; the kernel releases a lock however its holder dies:

- `users.lock`: each user holds a shared lock. An exclusive lock is only possible without users.
- `guardian.lock`: taken by the starter, and inherited as an open file by the guardian, Postgres and
  all its processes. It is free exactly when no process of the previous server is left.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

DATABASE_USER = DATABASE_NAME = "eggypro"
CLUSTER_FOLDER = "pg"
USERS_LOCK_FILE = "users.lock"
LAST_ERROR_FILE = "last-error"
POLL_SECONDS = 0.2
"""Seconds between checks for users."""
USER_WAIT_SECONDS = 20.0
"""Seconds for which a guardian with a stop signal waits for the users to detach first."""
MAX_CRASHES, CRASH_WINDOW_SECONDS = 5, 30.0
"""Crashes in a row, each within so many seconds of a start, before the guardian gives up."""
MIN_BUILTIN_LOCALE_VERSION = 17
"""The first major version with a builtin locale provider."""
MAX_LOG_BYTES = 10_000_000
_SET_PARENT_DEATH_SIGNAL = 1
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_PROCESSES = Path("/proc")
_ERROR_LINE = re.compile(r"(?:FATAL|PANIC|ERROR|error): +(.+)")


class GuardianConfig(NamedTuple):
    """The configuration of a guardian, passed by its starter as JSON."""

    data: str
    socket: str
    lock: int
    linger: float
    settings: dict[str, str]
    binaries: str
    command_prefix: list[str]
    """The prefix of each command of Postgres."""
    user_and_group: list[int] | None
    """The user and group that run Postgres and own its database."""
    temporary_folder: str | None
    """A folder to delete after the server stops."""


class StartFailedError(Exception):
    """The server could not be started; the message is for its users."""


def try_lock(file: int, operation: int) -> bool:
    """Take or release a lock on an open file without waiting; return whether that succeeded."""
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Guardian:
    """The owner of the server of a data folder."""

    def __init__(self, config: GuardianConfig) -> None:
        self.config = config
        self.data = Path(config.data)
        self.cluster = self.data / CLUSTER_FOLDER
        self.socket = Path(config.socket)
        self.log = self.data / "postgres.log"
        self.inherited_files = [config.lock]
        self.stop_deadline: float | None = None

    def run(self) -> None:
        """Run the server until it had no user for `linger` seconds, or a signal stops it."""
        for stop_signal in (signal.SIGTERM, signal.SIGINT):
            signal.signal(stop_signal, self._request_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if not self.cluster.exists():
            self._create_cluster()
        # Not at restarts: old backends may still live then, and Postgres itself checks for them.
        self._remove_stale_files()
        self._make_socket_folder()
        self._supervise()
        self._remove_temporary_folders()

    def _request_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stop_deadline = self.stop_deadline or time.monotonic() + USER_WAIT_SECONDS

    def _create_cluster(self) -> None:
        """Create the database folder under a temporary name, so that no incomplete one is used."""
        new = self.data / f"{CLUSTER_FOLDER}.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        try:
            self._run_initdb(self._reachable_path(new))
        except StartFailedError:
            shutil.rmtree(new, ignore_errors=True)
            raise
        new.rename(self.cluster)
        _sync_folder(self.data)

    def _run_initdb(self, new: str) -> None:
        without_sync = self.config.settings.get("fsync") == "off"
        initdb_options, postgres_options = (["--no-sync"], ["-F"]) if without_sync else ([], [])
        trust = ("--auth-local=trust", "--auth-host=reject")
        self._run_program(
            "initdb", "-D", new, "-U", DATABASE_USER, *trust, *self._encoding(), *initdb_options
        )
        create = f"CREATE DATABASE {DATABASE_NAME}\n"
        self._run_program(
            "postgres", "--single", "-D", new, *postgres_options, "postgres", input_text=create
        )

    def _encoding(self) -> list[str]:
        """Return options for the same locale on all machines: code points, full Unicode."""
        major = int(self._run_program("postgres", "--version").split()[2].split(".")[0])
        builtin = ["--locale-provider=builtin"] if major >= MIN_BUILTIN_LOCALE_VERSION else []
        return ["--encoding=UTF8", *builtin, "--locale=C.UTF-8"]

    def _run_program(self, program: str, *arguments: str, input_text: str = "") -> str:
        result = subprocess.run(
            self._command(program, *arguments),
            input=input_text,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            **self._process_options(),
        )
        if result.returncode:
            raise StartFailedError(_summarise_error(result.stderr or result.stdout))
        return str(result.stdout)

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [*self.config.command_prefix, str(Path(self.config.binaries, program)), *arguments]

    def _process_options(self) -> dict[str, Any]:
        """Return the process options of all Postgres programs, above all the user."""
        user, group = self.config.user_and_group or (None, None)
        return {
            "cwd": "/",
            "env": _ENVIRONMENT,
            "pass_fds": self.inherited_files,
            "user": user,
            "group": group,
            "extra_groups": () if self.config.user_and_group else None,
        }

    def _reachable_path(self, folder: Path) -> str:
        """Return a path to a folder that the user of Postgres can open.

        The folder is inherited as an open file, as that user may lack access to its parents.
        """
        if self.config.user_and_group is None:
            return str(folder)
        _change_owner(folder, *self.config.user_and_group)
        if not _PROCESSES.is_dir():
            return str(folder)
        self.inherited_files.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        return f"/proc/self/fd/{self.inherited_files[-1]}"

    def _remove_stale_files(self) -> None:
        """Delete the files of a server that died.

        This process holds `guardian.lock`, so no embedded server lives, and pids in its files are
        those of other programs by now, except for a Postgres started by hand on the folder. Where
        that cannot be checked (macOS), Postgres decides.
        """
        if not _PROCESSES.is_dir():
            return
        pid_file = self.cluster / "postmaster.pid"
        with contextlib.suppress(OSError, IndexError):
            if Path(_PROCESSES, pid_file.read_text().split()[0], "cwd").samefile(self.cluster):
                return
        for stale_file in (pid_file, *self.socket.glob(".s.PGSQL.*")):
            stale_file.unlink(missing_ok=True)
        if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.old"))

    def _make_socket_folder(self) -> None:
        """Create the folder of the socket, with access for its owner only."""
        self.socket.mkdir(mode=0o700, exist_ok=True)
        os.chown(self.socket, os.geteuid(), -1)
        self.socket.chmod(0o700)

    def _supervise(self) -> None:
        command = self._command(
            "postgres", "-D", self._reachable_path(self.cluster), *self._options()
        )
        postgres, started_at, crashes = self._start(command), time.monotonic(), 0
        users = os.open(self.data / USERS_LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while not self._should_stop(users):
            with contextlib.suppress(subprocess.TimeoutExpired):
                postgres.wait(POLL_SECONDS)
            if postgres.poll() is not None:
                crashes = crashes + 1 if time.monotonic() - started_at < CRASH_WINDOW_SECONDS else 1
                if crashes > MAX_CRASHES:
                    raise StartFailedError(self._last_log_error())
                if crashes > 1:
                    time.sleep(0.3)  # its former processes may still hold the shared memory
                postgres, started_at = self._start(command), time.monotonic()
        _stop(postgres)

    def _options(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": self._reachable_path(self.socket),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self.config.settings,
        }
        return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]

    def _start(self, command: list[str]) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_tie_to_parent(os.getpid()),  # noqa: PLW1509  (there is only one thread)
                start_new_session=True,
                **self._process_options(),
            )

    def _should_stop(self, users: int) -> bool:
        """Return whether to stop. If so, the users' lock is held: new users wait for it."""
        if try_lock(users, fcntl.LOCK_EX):
            if self.stop_deadline or time.time() - os.fstat(users).st_mtime >= self.config.linger:
                return True
            try_lock(users, fcntl.LOCK_UN)
        else:
            os.utime(users)  # `linger` counts from the last check with users
        return self.stop_deadline is not None and time.monotonic() > self.stop_deadline

    def _last_log_error(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4000))
            return _summarise_error(log.read().decode(errors="replace"))

    def _remove_temporary_folders(self) -> None:
        """Delete the folders in /tmp. Both locks are still held, so no other process uses them."""
        if self.config.temporary_folder is not None:
            shutil.rmtree(self.config.temporary_folder, ignore_errors=True)
        if self.socket.parent != self.data:
            shutil.rmtree(self.socket.parent, ignore_errors=True)


def _summarise_error(text: str) -> str:
    """Return the line with the error from the output of a program."""
    lines = _ERROR_LINE.findall(text) or text.split("\n")
    errors = [line.strip() for line in lines if line.strip()]
    return errors[-1] if errors else "no error message"


def _change_owner(folder: Path, user: int, group: int) -> None:
    """Change the owner of a folder's contents, then its own: an interrupted change is repeated."""
    if folder.stat().st_uid != user:
        for path in (*folder.rglob("*"), folder):
            os.chown(path, user, group, follow_symlinks=False)


def _sync_folder(folder: Path) -> None:
    """Write the file names of a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)


def _tie_to_parent(parent: int) -> Callable[[], None] | None:
    """Return a function that makes a child process shut down when its parent is killed."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def tie() -> None:
        libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)

    return tie


def _stop(postgres: "subprocess.Popen[bytes]") -> None:
    """Stop Postgres, forcibly if it takes too long. No committed write is lost."""
    for stop_signal, seconds in ((signal.SIGINT, 30), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        postgres.send_signal(stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            postgres.wait(seconds)
            return


def main(config_json: str) -> None:
    """Detach from the starter and run a guardian with the given configuration."""
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    config = GuardianConfig(**json.loads(config_json))
    try:
        Guardian(config).run()
    except (StartFailedError, OSError) as error:
        why = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else str(error)
        with contextlib.suppress(OSError):
            Path(config.data, LAST_ERROR_FILE).write_text(why)
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
