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
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

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
_SET_PARENT_DEATH_SIGNAL = 1
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def locked(file: int, how: int) -> bool:
    """Take or drop a lock on an open file without waiting; return whether that worked."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class FailedError(Exception):
    """Why there is no server, in words for its users."""


class Guardian:
    """The owner of one database folder's server."""

    def __init__(
        self,
        *,
        data: str,
        socket: str,
        lock: int,
        linger: float,
        binaries: str,
        settings: dict[str, str],
    ) -> None:
        self.data = Path(data)
        self.cluster = self.data / CLUSTER
        self.socket = Path(socket)
        self.lock = lock
        self.linger = linger
        self.bin = Path(binaries)
        self.settings = settings
        self.told_to_go: float | None = None
        self.as_somebody = _as_somebody()
        self.log = self.data / "postgres.log"

    def run(self) -> None:
        """Serve until the last user has been gone for the linger."""
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # a starter may have had some blocked
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._go)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if not self.cluster.exists():
            self._initialise()
        # Only now: at a restart old backends may still live, and Postgres itself looks for them.
        self._sweep()
        self._keep_running()

    def _go(self, _signal: int, _frame: FrameType | None) -> None:
        self.told_to_go = self.told_to_go or time.monotonic() + PATIENCE

    def _initialise(self) -> None:
        """Make the database folder under another name first: a half-made one is never taken."""
        new = self.data / f"{CLUSTER}.new"
        shutil.rmtree(new, ignore_errors=True)
        try:
            self._must("initdb", new, "-U", USER, "-A", "trust", "-E", "UTF8", *self._locale())
            self._must("postgres", new, "postgres", told=f"CREATE DATABASE {DATABASE}\n")
        except FailedError:
            shutil.rmtree(new, ignore_errors=True)
            raise
        new.rename(self.cluster)

    def _locale(self) -> list[str]:
        """Return the locale that is the same everywhere: code points, with all of Unicode."""
        told = subprocess.run(
            [self.bin / "postgres", "--version"], capture_output=True, text=True, check=False
        )
        major = int(told.stdout.split()[2].split(".")[0])
        builtin = ["--locale-provider=builtin"] if major >= BUILTIN_LOCALE else []
        return [*builtin, "--locale=C.UTF-8"]

    def _must(self, program: str, folder: Path, *words: str, told: str = "") -> None:
        alone = ["--single"] if program == "postgres" else []
        done = subprocess.run(
            [*self.as_somebody, self.bin / program, *alone, "-D", folder, *words],
            input=told,
            capture_output=True,
            text=True,
            cwd=self.data,
            env=_ENVIRONMENT,
            check=False,
        )
        if done.returncode:
            raise FailedError((done.stderr or done.stdout)[-900:].strip())

    def _sweep(self) -> None:
        """Remove what a server that died left behind.

        We hold `guardian.lock`, so no server of ours lives and what its process files name is
        somebody else by now; unless a Postgres that was started by hand sits in the folder.
        """
        note = self.cluster / "postmaster.pid"
        with contextlib.suppress(OSError, IndexError):
            if Path(f"/proc/{note.read_text().split()[0]}/cwd").samefile(self.cluster):
                return
        for litter in (note, *self.socket.glob(".s.PGSQL.*")):
            litter.unlink(missing_ok=True)

    def _start(self) -> "subprocess.Popen[bytes]":
        options = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": str(self.socket),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self.settings,
        }
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*self.as_somebody, self.bin / "postgres", "-D", self.cluster, *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.data,
                env=_ENVIRONMENT,
                pass_fds=(self.lock,),
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  (there is but one thread)
                start_new_session=True,
            )

    def _keep_running(self) -> None:
        postgres, born, crashes = self._start(), time.monotonic(), 0
        users = os.open(self.data / USERS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while True:
            if postgres.poll() is not None:
                crashes = crashes + 1 if time.monotonic() - born < SOON else 1
                if crashes > CRASHES:
                    raise FailedError(f"Postgres ended {crashes} times in a row: {self._tail()}")
                if crashes > 1:
                    time.sleep(0.3)  # its old processes may still hold the shared memory
                postgres, born = self._start(), time.monotonic()
            if self._is_over(users):
                _stop(postgres)
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                postgres.wait(LOOK_AROUND)

    def _is_over(self, users: int) -> bool:
        """Whether it is time to stop. If so, the users' lock stays taken: newcomers wait for it."""
        if locked(users, fcntl.LOCK_EX):
            if self.told_to_go or time.time() - os.fstat(users).st_mtime >= self.linger:
                return True
            locked(users, fcntl.LOCK_UN)
        else:
            os.utime(users)  # the linger counts from the last sight of a user
        return self.told_to_go is not None and time.monotonic() > self.told_to_go

    def _tail(self) -> str:
        return self.log.read_bytes()[-900:].decode(errors="replace").strip()


def _as_somebody() -> list[str]:
    """Return what makes a command run as somebody: Postgres refuses root, and needs a name."""
    with contextlib.suppress(KeyError):
        if os.geteuid() != 0 and pwd.getpwuid(os.geteuid()):
            return []
    nobody = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]
    if not shutil.which("unshare") or subprocess.run([*nobody, "true"], check=False).returncode:
        raise FailedError("Postgres does not run as root, and user namespaces are forbidden here")
    return nobody


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


def main(order: str) -> None:
    """Leave the process that started this, and be the guardian of what the order says."""
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    wish = json.loads(order)
    try:
        Guardian(**wish).run()
    except (FailedError, OSError) as error:
        why = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else str(error)
        with contextlib.suppress(OSError):
            (Path(wish["data"]) / LAST_ERROR).write_text(why)
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
