"""The process that owns an embedded Postgres: starts it, restarts it, stops it after its last user.

It is run as a program, by itself: nothing but the standard library may be imported here. Two files
beside the database are locked, and the kernel drops a lock however its holder dies:

- `users.lock`: each user holds it shared. Whoever gets it alone knows that there is no user.
- `guardian.lock`: taken by the starter, and handed as an open file to the guardian, to Postgres and
  to all its processes. It is free exactly when nothing of the old server lives any more.
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

USER = DATABASE = "eggypro"
CLUSTER_FOLDER = "pg"
USERS_LOCK_FILE = "users.lock"
LAST_ERROR_FILE = "last-error"
POLL_SECONDS = 0.2
"""Seconds between two looks at who is there."""
USER_WAIT_SECONDS = 20.0
"""Seconds for which a guardian that is told to go waits for the users to go first."""
MAX_CRASHES, CRASH_WINDOW_SECONDS = 5, 30.0
"""How often in a row Postgres may end, each within so many seconds, before we give up."""
MIN_BUILTIN_LOCALE_VERSION = 17
"""The first major version with a locale of its own."""
MAX_LOG_BYTES = 10_000_000
_SET_PARENT_DEATH_SIGNAL = 1
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_PROCESSES = Path("/proc")
_ERROR_LINE = re.compile(r"(?:FATAL|PANIC|ERROR|error): +(.+)")


class GuardianConfig(NamedTuple):
    """What a guardian is told by its starter, in words that JSON has."""

    data: str
    socket: str
    lock: int
    linger: float
    settings: dict[str, str]
    binaries: str
    command_prefix: list[str]
    """What comes before each command of Postgres."""
    user_and_group: list[int] | None
    """The user and group that Postgres runs as, and that its database belongs to."""
    temporary_folder: str | None
    """A folder that nobody needs after the server."""


class StartFailedError(Exception):
    """Why there is no server, in words for its users."""


def try_lock(file: int, how: int) -> bool:
    """Take or drop a lock on an open file without waiting; return whether that worked."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Guardian:
    """The owner of one database folder's server."""

    def __init__(self, order: GuardianConfig) -> None:
        self.config = order
        self.data = Path(order.data)
        self.cluster = self.data / CLUSTER_FOLDER
        self.socket = Path(order.socket)
        self.log = self.data / "postgres.log"
        self.inherited_files = [order.lock]
        self.stop_deadline: float | None = None

    def run(self) -> None:
        """Serve until the last user has been gone for the linger."""
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._request_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if not self.cluster.exists():
            self._create_cluster()
        # Only now: at a restart old backends may still live, and Postgres itself looks for them.
        self._remove_stale_files()
        self._make_socket_folder()
        self._supervise()
        self._remove_temporary_folders()

    def _request_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stop_deadline = self.stop_deadline or time.monotonic() + USER_WAIT_SECONDS

    def _create_cluster(self) -> None:
        """Make the database folder under another name first: a half-made one is never taken."""
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
        careless = self.config.settings.get("fsync") == "off"
        hasty = (["--no-sync"], ["-F"]) if careless else ([], [])
        trust = ("--auth-local=trust", "--auth-host=reject")
        self._run_program("initdb", "-D", new, "-U", USER, *trust, *self._encoding(), *hasty[0])
        create = f"CREATE DATABASE {DATABASE}\n"
        self._run_program(
            "postgres", "--single", "-D", new, *hasty[1], "postgres", input_text=create
        )

    def _encoding(self) -> list[str]:
        """Return the locale that is the same everywhere: code points, with all of Unicode."""
        major = int(self._run_program("postgres", "--version").split()[2].split(".")[0])
        builtin = ["--locale-provider=builtin"] if major >= MIN_BUILTIN_LOCALE_VERSION else []
        return ["--encoding=UTF8", *builtin, "--locale=C.UTF-8"]

    def _run_program(self, program: str, *words: str, input_text: str = "") -> str:
        done = subprocess.run(
            self._command(program, *words),
            input=input_text,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            **self._process_options(),
        )
        if done.returncode:
            raise StartFailedError(_summarise_error(done.stderr or done.stdout))
        return str(done.stdout)

    def _command(self, program: str, *words: str) -> list[str]:
        return [*self.config.command_prefix, str(Path(self.config.binaries, program)), *words]

    def _process_options(self) -> dict[str, Any]:
        """Return what holds for every program of Postgres; as whom it runs, above all."""
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
        """Return a path to a folder that is good for whom Postgres runs as.

        A user who may not enter what lies above it gets it as an open file.
        """
        if self.config.user_and_group is None:
            return str(folder)
        _change_owner(folder, *self.config.user_and_group)
        if not _PROCESSES.is_dir():
            return str(folder)
        self.inherited_files.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        return f"/proc/self/fd/{self.inherited_files[-1]}"

    def _remove_stale_files(self) -> None:
        """Remove what a server that died left behind.

        We hold `guardian.lock`, so no server of ours lives and what its process files name is
        somebody else by now; unless a Postgres that was started by hand sits in the folder. Where
        that cannot be seen (macOS), Postgres is left to judge.
        """
        if not _PROCESSES.is_dir():
            return
        note = self.cluster / "postmaster.pid"
        with contextlib.suppress(OSError, IndexError):
            if Path(_PROCESSES, note.read_text().split()[0], "cwd").samefile(self.cluster):
                return
        for litter in (note, *self.socket.glob(".s.PGSQL.*")):
            litter.unlink(missing_ok=True)
        if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.old"))

    def _make_socket_folder(self) -> None:
        """Make the folder of the socket, into which none but the owner may look."""
        self.socket.mkdir(mode=0o700, exist_ok=True)
        os.chown(self.socket, os.geteuid(), -1)
        self.socket.chmod(0o700)

    def _supervise(self) -> None:
        command = self._command(
            "postgres", "-D", self._reachable_path(self.cluster), *self._options()
        )
        postgres, born, crashes = self._start(command), time.monotonic(), 0
        users = os.open(self.data / USERS_LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while not self._should_stop(users):
            with contextlib.suppress(subprocess.TimeoutExpired):
                postgres.wait(POLL_SECONDS)
            if postgres.poll() is not None:
                crashes = crashes + 1 if time.monotonic() - born < CRASH_WINDOW_SECONDS else 1
                if crashes > MAX_CRASHES:
                    raise StartFailedError(self._last_log_error())
                if crashes > 1:
                    time.sleep(0.3)  # its old processes may still hold the shared memory
                postgres, born = self._start(command), time.monotonic()
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
                preexec_fn=_tie_to_parent(os.getpid()),  # noqa: PLW1509  (there is but one thread)
                start_new_session=True,
                **self._process_options(),
            )

    def _should_stop(self, users: int) -> bool:
        """Whether it is time to stop. If so, the users' lock stays taken: newcomers wait for it."""
        if try_lock(users, fcntl.LOCK_EX):
            if self.stop_deadline or time.time() - os.fstat(users).st_mtime >= self.config.linger:
                return True
            try_lock(users, fcntl.LOCK_UN)
        else:
            os.utime(users)  # the linger counts from the last sight of a user
        return self.stop_deadline is not None and time.monotonic() > self.stop_deadline

    def _last_log_error(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4000))
            return _summarise_error(log.read().decode(errors="replace"))

    def _remove_temporary_folders(self) -> None:
        """Leave nothing in /tmp. We still hold both locks, so nobody is about to use it."""
        if self.config.temporary_folder is not None:
            shutil.rmtree(self.config.temporary_folder, ignore_errors=True)
        if self.socket.parent != self.data:
            shutil.rmtree(self.socket.parent, ignore_errors=True)


def _summarise_error(text: str) -> str:
    """Return the one line that tells what went wrong, of all that a program said."""
    lines = _ERROR_LINE.findall(text) or text.split("\n")
    told = [line.strip() for line in lines if line.strip()]
    return told[-1] if told else "it does not say why"


def _change_owner(folder: Path, user: int, group: int) -> None:
    """Make a folder another's, and itself last: then it is done, or will be done again."""
    if folder.stat().st_uid != user:
        for path in (*folder.rglob("*"), folder):
            os.chown(path, user, group, follow_symlinks=False)


def _sync_folder(folder: Path) -> None:
    """Have the disk remember what the files of a folder are called now."""
    names = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(names)
    os.close(names)


def _tie_to_parent(parent: int) -> Callable[[], None] | None:
    """Return what ties a child to its parent: it shuts down if the parent is killed."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def tie() -> None:
        libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)

    return tie


def _stop(postgres: "subprocess.Popen[bytes]") -> None:
    """End Postgres: orderly, or if that takes too long, at once. Nothing committed is lost."""
    for how, seconds in ((signal.SIGINT, 30), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        postgres.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            postgres.wait(seconds)
            return


def main(words: str) -> None:
    """Leave the process that started this, and be the guardian of what the order says."""
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    order = GuardianConfig(**json.loads(words))
    try:
        Guardian(order).run()
    except (StartFailedError, OSError) as error:
        why = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else str(error)
        with contextlib.suppress(OSError):
            Path(order.data, LAST_ERROR_FILE).write_text(why)
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
