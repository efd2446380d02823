"""A shop that `eggypro serve` runs, with the settings of an environment."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from eggypro_adapters.contracts.waiting import wait_until
from tests.support.ports import free_port

EGGYPRO = str(Path(sys.executable).with_name("eggypro"))


@contextmanager
def served(
    environment: Mapping[str, str], workers: int = 1, prefix: Sequence[str] = ()
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run a server; yield the URL of its products and its process. `prefix` runs its command."""
    port = free_port()
    process = subprocess.Popen(
        [*prefix, EGGYPRO, "serve", "--port", str(port), "--workers", str(workers)],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}/api/products"
    try:
        wait_for(address, process)
        yield address, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def worker_processes(server: int) -> list[int]:
    """Return the process IDs of the workers of a server process."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii")
    return list(map(int, children.split()))


def wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a URL of a server process responds with success."""

    def is_ready() -> bool:
        assert process.poll() is None, "the server exited"
        try:
            with urlopen(address, timeout=60):  # noqa: S310  (our own server)
                return True
        except URLError:
            return False

    wait_until(is_ready)
