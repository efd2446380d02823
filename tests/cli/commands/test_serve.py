"""`eggypro serve`, from the command to a server that answers and ends."""

import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import orjson
import pytest

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_cli.commands.serve import _address, _prepare
from eggypro_cli.main import SettingsRuntime
from eggypro_core import ProductQuery
from tests.support.builders import product_values
from tests.support.runtime import MemoryRuntime, RunCommand

ROOT = Path(__file__).parents[3]
DEMO = '{"name": "Albumen", "slug": "albumen", "price": "9.50"}\n'
SERVE = """
import sys
from pathlib import Path
from eggypro_cli.main import main
from tests.support.runtime import MemoryRuntime
sys.exit(main(sys.argv[2:], MemoryRuntime(demo_file=Path(sys.argv[1]))))
"""


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    file = tmp_path / "demo.jsonl"
    file.write_text(DEMO)
    return file


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@contextmanager
def serving(demo: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(demo), "serve", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def answer_of(port: int) -> bytes:
    """Ask for the products until the server is there to say them."""

    def answer() -> bytes | None:
        with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            try:
                connection.request("GET", "/api/products")
            except ConnectionError:
                return None
            return connection.getresponse().read()

    return wait_until(answer)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_serves_the_demo_and_ends_with_0(
    demo: Path, port: int, stop: signal.Signals
) -> None:
    with serving(demo, "--port", str(port), "--demo") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert (
            process.stdout.readline()
            == f"The API    http://127.0.0.1:{port}/api/products\n".encode()
        )
        assert orjson.loads(answer_of(port))["items"][0]["slug"] == "albumen"
        process.send_signal(stop)
        assert process.wait(60) == 0
        assert process.stderr.read() == b""


def test_a_taken_port_is_a_service_that_is_away(typed: RunCommand, taken: int) -> None:
    answer = typed("serve", "--port", str(taken), "--json")
    assert answer.code == 3
    assert orjson.loads(answer.err)["status"] == 503
    assert answer.out == ""


@pytest.mark.parametrize(
    "option", [["--port", "0"], ["--port", "x"], ["--workers", "0"], ["--drain", "6"]]
)
def test_an_impossible_number_is_wrong_usage(typed: RunCommand, option: list[str]) -> None:
    assert typed("serve", *option).code == 2


def test_a_catalogue_that_has_products_gets_no_demo(world: MemoryRuntime, demo: Path) -> None:
    world.demo_file = demo
    world.shop.products.create(product_values(is_active=False))
    _prepare(world, "http://here", demo=True, show_key=False)
    assert world.shop.products.list(ProductQuery()).total == 0


def test_what_its_owner_should_know_is_said_once(world: MemoryRuntime) -> None:
    world.warnings = ["Each worker counts on its own."]
    body, people = _prepare(world, "http://here", demo=False, show_key=False)
    assert body["notes"] == world.warnings
    assert people.count("Each worker counts on its own.") == 1


@pytest.mark.parametrize(
    ("is_new", "is_terminal"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_a_new_key_is_shown_to_a_terminal_and_else_named_by_its_file(
    world: MemoryRuntime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_new: bool,
    is_terminal: bool,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    world.key_file = tmp_path / "admin.key"
    if not is_new:
        world.key_file.write_text("the-old-key\n")
    _, people = _prepare(world, "http://here", demo=False, show_key=False)
    line = f"the-new-key (stored in {world.key_file})" if is_new and is_terminal else "in {}"
    assert f"Admin key  {line.format(world.key_file)}" in people


def test_who_asks_for_the_key_is_shown_it_each_time(world: MemoryRuntime, tmp_path: Path) -> None:
    """As `make run` does."""
    world.key_file = tmp_path / "admin.key"
    world.key_file.write_text("the-old-key\n")
    _, people = _prepare(world, "http://here", demo=False, show_key=True)
    assert f"Admin key  the-old-key (stored in {world.key_file})" in people


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),  # noqa: S104  (nothing is bound)
        ("::", "http://[::1]:80"),
        ("localhost", "http://localhost:80"),
    ],
)
def test_the_address_can_be_opened_on_this_machine(host: str, address: str) -> None:
    assert _address(host, 80) == address


@pytest.mark.usefixtures("restore_logging")
def test_what_opens_the_shop_of_a_worker_can_be_sent_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with SettingsRuntime().server_factory() as opener:
        assert isinstance(opener, partial)
        assert pickle.loads(pickle.dumps(opener)).args == opener.args  # noqa: S301  (our own)
        [figures] = tmp_path.glob("eggypro-figures-*")
        assert figures in opener.args
    assert not figures.exists()
