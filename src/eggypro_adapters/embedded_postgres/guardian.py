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
CLUSTER = "pg"
USERS = "users.lock"
LAST_ERROR = "last-error"
LOOK_AROUND = 0.2
"""Seconds between two looks at who is there."""
PATIENCE = 20.0
"""Seconds for which a guardian that is told to go waits for the users to go first."""
CRASHES, SOON = 5, 30.0
"""How often in a row Postgres may end, each within so many seconds, before we give up."""
BUILTIN_LOCALE = 17
"""The first major version with a locale of its own."""
LARGEST_LOG = 10_000_000
_SET_PARENT_DEATH_SIGNAL = 1
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_PROCESSES = Path("/proc")
_TROUBLE = re.compile(r"(?:FATAL|PANIC|ERROR|error): +(.+)")


class Order(NamedTuple):
    """What a guardian is told by its starter, in words that JSON has."""

    data: str
    socket: str
    lock: int
    linger: float
    settings: dict[str, str]
    binaries: str
    before: list[str]
    """What comes before each command of Postgres."""
    nobody: list[int] | None
    """The user and group that Postgres runs as, and that its database belongs to."""
    litter: str | None
    """A folder that nobody needs after the server."""


class FailedError(Exception):
    """Why there is no server, in words for its users."""


def locked(file: int, how: int) -> bool:
    """Take or drop a lock on an open file without waiting; return whether that worked."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Guardian:
    """The owner of one database folder's server."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.data = Path(order.data)
        self.cluster = self.data / CLUSTER
        self.socket = Path(order.socket)
        self.log = self.data / "postgres.log"
        self.handed = [order.lock]
        self.told_to_go: float | None = None

    def run(self) -> None:
        """Serve until the last user has been gone for the linger."""
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._go)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if not self.cluster.exists():
            self._initialise()
        # Only now: at a restart old backends may still live, and Postgres itself looks for them.
        self._sweep()
        self._make_socket_folder()
        self._keep_running()
        self._tidy()

    def _go(self, _signal: int, _frame: FrameType | None) -> None:
        self.told_to_go = self.told_to_go or time.monotonic() + PATIENCE

    def _initialise(self) -> None:
        """Make the database folder under another name first: a half-made one is never taken."""
        new = self.data / f"{CLUSTER}.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        try:
            self._fill(self._reached(new))
        except FailedError:
            shutil.rmtree(new, ignore_errors=True)
            raise
        new.rename(self.cluster)
        _keep_names(self.data)

    def _fill(self, new: str) -> None:
        careless = self.order.settings.get("fsync") == "off"
        hasty = (["--no-sync"], ["-F"]) if careless else ([], [])
        trust = ("--auth-local=trust", "--auth-host=reject")
        self._must("initdb", "-D", new, "-U", USER, *trust, *self._encoding(), *hasty[0])
        create = f"CREATE DATABASE {DATABASE}\n"
        self._must("postgres", "--single", "-D", new, *hasty[1], "postgres", told=create)

    def _encoding(self) -> list[str]:
        """Return the locale that is the same everywhere: code points, with all of Unicode."""
        major = int(self._must("postgres", "--version").split()[2].split(".")[0])
        builtin = ["--locale-provider=builtin"] if major >= BUILTIN_LOCALE else []
        return ["--encoding=UTF8", *builtin, "--locale=C.UTF-8"]

    def _must(self, program: str, *words: str, told: str = "") -> str:
        done = subprocess.run(
            self._command(program, *words),
            input=told,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            **self._circumstances(),
        )
        if done.returncode:
            raise FailedError(_gist(done.stderr or done.stdout))
        return str(done.stdout)

    def _command(self, program: str, *words: str) -> list[str]:
        return [*self.order.before, str(Path(self.order.binaries, program)), *words]

    def _circumstances(self) -> dict[str, Any]:
        """Return what holds for every program of Postgres; as whom it runs, above all."""
        user, group = self.order.nobody or (None, None)
        return {
            "cwd": "/",
            "env": _ENVIRONMENT,
            "pass_fds": self.handed,
            "user": user,
            "group": group,
            "extra_groups": () if self.order.nobody else None,
        }

    def _reached(self, folder: Path) -> str:
        """Return a path to a folder that is good for whom Postgres runs as.

        A user who may not enter what lies above it gets it as an open file.
        """
        if self.order.nobody is None:
            return str(folder)
        _give(folder, *self.order.nobody)
        if not _PROCESSES.is_dir():
            return str(folder)
        self.handed.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        return f"/proc/self/fd/{self.handed[-1]}"

    def _sweep(self) -> None:
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
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.old"))

    def _make_socket_folder(self) -> None:
        """Make the folder of the socket, into which none but the owner may look."""
        self.socket.mkdir(mode=0o700, exist_ok=True)
        os.chown(self.socket, os.geteuid(), -1)
        self.socket.chmod(0o700)

    def _keep_running(self) -> None:
        command = self._command("postgres", "-D", self._reached(self.cluster), *self._options())
        postgres, born, crashes = self._start(command), time.monotonic(), 0
        users = os.open(self.data / USERS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while not self._is_over(users):
            with contextlib.suppress(subprocess.TimeoutExpired):
                postgres.wait(LOOK_AROUND)
            if postgres.poll() is not None:
                crashes = crashes + 1 if time.monotonic() - born < SOON else 1
                if crashes > CRASHES:
                    raise FailedError(self._last_words())
                if crashes > 1:
                    time.sleep(0.3)  # its old processes may still hold the shared memory
                postgres, born = self._start(command), time.monotonic()
        _stop(postgres)

    def _options(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": self._reached(self.socket),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self.order.settings,
        }
        return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]

    def _start(self, command: list[str]) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  (there is but one thread)
                start_new_session=True,
                **self._circumstances(),
            )

    def _is_over(self, users: int) -> bool:
        """Whether it is time to stop. If so, the users' lock stays taken: newcomers wait for it."""
        if locked(users, fcntl.LOCK_EX):
            if self.told_to_go or time.time() - os.fstat(users).st_mtime >= self.order.linger:
                return True
            locked(users, fcntl.LOCK_UN)
        else:
            os.utime(users)  # the linger counts from the last sight of a user
        return self.told_to_go is not None and time.monotonic() > self.told_to_go

    def _last_words(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4000))
            return _gist(log.read().decode(errors="replace"))

    def _tidy(self) -> None:
        """Leave nothing in /tmp. We still hold both locks, so nobody is about to use it."""
        if self.order.litter is not None:
            shutil.rmtree(self.order.litter, ignore_errors=True)
        if self.socket.parent != self.data:
            shutil.rmtree(self.socket.parent, ignore_errors=True)


def _gist(text: str) -> str:
    """Return the one line that tells what went wrong, of all that a program said."""
    lines = _TROUBLE.findall(text) or text.split("\n")
    told = [line.strip() for line in lines if line.strip()]
    return told[-1] if told else "it does not say why"


def _give(folder: Path, user: int, group: int) -> None:
    """Make a folder another's, and itself last: then it is done, or will be done again."""
    if folder.stat().st_uid != user:
        for path in (*folder.rglob("*"), folder):
            os.chown(path, user, group, follow_symlinks=False)


def _keep_names(folder: Path) -> None:
    """Have the disk remember what the files of a folder are called now."""
    names = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(names)
    os.close(names)


def _die_with(parent: int) -> Callable[[], None] | None:
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
    order = Order(**json.loads(words))
    try:
        Guardian(order).run()
    except (FailedError, OSError) as error:
        why = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else str(error)
        with contextlib.suppress(OSError):
            Path(order.data, LAST_ERROR).write_text(why)
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
