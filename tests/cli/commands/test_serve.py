"""`eggypro serve`, up to a running server that shuts down."""

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
def used_port() -> Iterator[int]:
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


def get_products(port: int) -> bytes:
    """Request the products until the server responds."""

    def response_body() -> bytes | None:
        with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            try:
                connection.request("GET", "/api/products")
            except ConnectionError:
                return None
            return connection.getresponse().read()

    return wait_until(response_body)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_its_address_serves_the_demo_and_exits_with_0(
    demo: Path, port: int, stop: signal.Signals
) -> None:
    with serving(demo, "--port", str(port), "--demo") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert (
            process.stdout.readline()
            == f"The API    http://127.0.0.1:{port}/api/products\n".encode()
        )
        assert orjson.loads(get_products(port))["items"][0]["slug"] == "albumen"
        process.send_signal(stop)
        assert process.wait(60) == 0
        assert process.stderr.read() == b""


def test_port_in_use_exits_with_3(run_command: RunCommand, used_port: int) -> None:
    result = run_command("serve", "--port", str(used_port), "--json")
    assert result.code == 3
    assert orjson.loads(result.err)["status"] == 503
    assert result.out == ""


@pytest.mark.parametrize(
    "option", [["--port", "0"], ["--port", "x"], ["--workers", "0"], ["--drain", "6"]]
)
def test_option_out_of_range_is_a_usage_error(run_command: RunCommand, option: list[str]) -> None:
    assert run_command("serve", *option).code == 2


def test_demo_is_not_loaded_into_a_shop_with_products(runtime: MemoryRuntime, demo: Path) -> None:
    runtime.demo_file = demo
    runtime.shop.products.create(product_values(is_active=False))
    _prepare(runtime, "http://here", demo=True, show_key=False)
    assert runtime.shop.products.list(ProductQuery()).total == 0


def test_startup_warnings_are_printed_once(runtime: MemoryRuntime) -> None:
    runtime.warnings = ["Each worker counts separately."]
    body, lines = _prepare(runtime, "http://here", demo=False, show_key=False)
    assert body["notes"] == runtime.warnings
    assert lines.count("Each worker counts separately.") == 1


@pytest.mark.parametrize(
    ("is_new", "is_terminal"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_new_admin_key_is_shown_on_a_terminal_only(
    runtime: MemoryRuntime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_new: bool,
    is_terminal: bool,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    runtime.key_file = tmp_path / "admin.key"
    if not is_new:
        runtime.key_file.write_text("the-old-key\n")
    _, lines = _prepare(runtime, "http://here", demo=False, show_key=False)
    line = f"the-new-key (stored in {runtime.key_file})" if is_new and is_terminal else "in {}"
    assert f"Admin key  {line.format(runtime.key_file)}" in lines


def test_show_key_prints_an_existing_admin_key(runtime: MemoryRuntime, tmp_path: Path) -> None:
    """`make run` uses this."""
    runtime.key_file = tmp_path / "admin.key"
    runtime.key_file.write_text("the-old-key\n")
    _, lines = _prepare(runtime, "http://here", demo=False, show_key=True)
    assert f"Admin key  the-old-key (stored in {runtime.key_file})" in lines


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),  # noqa: S104  (not bound)
        ("::", "http://[::1]:80"),
        ("localhost", "http://localhost:80"),
    ],
)
def test_printed_address_can_be_opened_locally(host: str, address: str) -> None:
    assert _address(host, 80) == address


@pytest.mark.usefixtures("restore_logging")
def test_server_factory_is_picklable_and_deletes_its_metrics_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with SettingsRuntime().server_factory() as open_worker:
        assert isinstance(open_worker, partial)
        assert pickle.loads(pickle.dumps(open_worker)).args == open_worker.args  # noqa: S301  (our own object)
        metrics_dir = open_worker.args[-1]
        assert metrics_dir.parent == tmp_path
        metrics_dir.mkdir()
    assert not metrics_dir.exists()
