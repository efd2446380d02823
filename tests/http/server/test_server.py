"""The real server: its processes, its signals, and what only travels over a socket."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest
from attrs import field, frozen

from eggypro_adapters.contracts.waiting import wait_until
from tests.support.builders import ADMIN_KEY, product_values
from tests.support.server_process import HOST, UNAVAILABLE_EXIT_CODE
from tests.support.wsgi import ADMIN, PRODUCTS

ROOT = Path(__file__).parents[3]
DEADLINE = 60.0
SLOW = f"GET {PRODUCTS}/slow HTTP/1.1\r\nHost: shop\r\n\r\n"
READY = "GET /api/health/ready HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
LIVE = "GET /api/health/live HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"


@frozen
class Gate:
    """Where the workers of a server tell what happens, and wait."""

    listener: socket.socket
    heard: list[socket.socket] = field(factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def hear(self, event: str) -> tuple[int, socket.socket]:
        """Wait for an event; return the process in which it is, and what to close to let it go."""
        there, _ = self.listener.accept()
        self.heard.append(there)
        there.settimeout(DEADLINE)
        with there.makefile() as stream:
            heard, _, process = stream.readline().rpartition(" ")
        assert heard == event
        return int(process), there


@frozen
class Running:
    """A server that was started, whether it answers already or not."""

    process: "subprocess.Popen[str]"
    gate: Gate
    port: int
    host: str = HOST
    opened: list[socket.socket] = field(factory=list)

    def connect(self) -> socket.socket:
        there = socket.create_connection((self.host, self.port), timeout=DEADLINE)
        self.opened.append(there)
        return there

    def say(self, words: str | bytes) -> socket.socket:
        there = self.connect()
        there.sendall(words.encode() if isinstance(words, str) else words)
        return there

    def ask(self, words: str | bytes) -> str:
        """Send a request as it is, end it, and return all that comes."""
        return everything(self.say(words))

    def answers(self) -> bool:
        try:
            return " 200 " in self.ask(LIVE)
        except OSError:
            return False

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal to the main process; return the exit code and what was written."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, out, err


def everything(there: socket.socket) -> str:
    with there.makefile("rb") as stream:
        return stream.read().decode()


def free_port(host: str = HOST) -> int:
    with socket.create_server(
        (host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET
    ) as one:
        return int(one.getsockname()[1])


@contextmanager
def started(
    port: int, *, host: str = HOST, workers: int = 1, manner: str = "well", **environment: str
) -> Iterator[Running]:
    command = [sys.executable, "-m", "tests.support.server_process", host, str(port), str(workers)]
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(DEADLINE)
        gate = Gate(listener)
        process = subprocess.Popen(
            [*command, str(gate.port), manner],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running = Running(process, gate, port, host)
        try:
            yield running
        finally:
            for there in (*running.opened, *gate.heard):
                there.close()
            process.kill()
            process.communicate(timeout=DEADLINE)


@contextmanager
def serving(
    *, workers: int = 1, host: str = HOST, manner: str = "well", **environment: str
) -> Iterator[Running]:
    """A server that answers."""
    with started(
        free_port(host), host=host, workers=workers, manner=manner, **environment
    ) as server:
        for _ in range(workers):
            server.gate.hear("opening")
        wait_until(server.answers)
        yield server


@pytest.fixture
def server() -> Iterator[Running]:
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def lasting() -> Iterator[Running]:
    """A server that tests share which leave it as it is."""
    with serving() as running:
        yield running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_lets_requests_in_flight_finish(server: Running, number: signal.Signals) -> None:
    idle = server.connect()
    slow = server.say(SLOW)
    _, waiting = server.gate.hear("in flight")
    server.process.send_signal(number)
    wait_until(lambda: not server.answers())
    waiting.close()
    assert " 200 " in everything(slow)
    server.gate.hear("closed")
    assert server.ended() == (0, "", "")
    assert everything(idle) == ""


def test_server_under_nohup_ignores_hangup() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup starts it
    try:
        with serving() as server:
            server.process.send_signal(signal.SIGHUP)
            server.say(SLOW)
            worker, _ = server.gate.hear("in flight")
            os.kill(worker, signal.SIGKILL)
            server.gate.hear("opening")  # a server that is ending replaces no worker
            wait_until(server.answers)
    finally:
        signal.signal(signal.SIGHUP, former)


def test_server_is_not_ready_but_serves_during_the_drain() -> None:
    with serving(manner="draining") as server:
        assert " 200 " in server.ask(READY)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: " 503 " in server.ask(READY))
        assert server.answers()
        server.gate.hear("closed")
        assert server.ended() == (0, "", "")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_only_one_thread_of_a_worker_receives_sigterm(lasting: Running) -> None:
    lasting.say(SLOW)
    worker, waiting = lasting.gate.hear("in flight")
    waiting.close()
    threads = [file.read_text() for file in Path(f"/proc/{worker}/task").glob("*/status")]
    masks = [int(text.partition("SigBlk:\t")[2][:16], 16) for text in threads]
    assert len(masks) > 2
    assert sum(not mask >> (signal.SIGTERM - 1) & 1 for mask in masks) == 1


def test_signal_during_startup_stops_the_server() -> None:
    with started(free_port(), manner="slowly") as server:
        server.gate.hear("opening")
        assert server.end() == (0, "", "")


def test_worker_that_has_not_started_exits_without_drain() -> None:
    """It would begin to serve while it is drained, and end in the middle of that."""
    program = """
import signal
from threading import Event
from eggypro_http.server.worker import _wait_for_signals
signal.signal(signal.SIGTERM, print)  # what a worker inherits
_wait_for_signals(Event(), drain=600)
print("waits", flush=True)
signal.pause()
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "waits\n"
        worker.terminate()
        try:
            assert worker.wait(DEADLINE) == 0
        finally:
            worker.kill()


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_exit_if_the_main_process_is_killed(workers: int) -> None:
    with serving(workers=workers) as server:
        code, out, err = server.end(signal.SIGKILL)  # nobody holds its output any more
        assert (code, out, err) == (-signal.SIGKILL, "", "")
        with pytest.raises(ConnectionRefusedError):
            server.connect()


def test_worker_shuts_down_gracefully_if_the_main_process_is_killed(
    server: Running,
) -> None:
    slow = server.say(SLOW)
    _, waiting = server.gate.hear("in flight")
    server.process.kill()
    wait_until(lambda: not server.answers())
    waiting.close()
    assert " 200 " in everything(slow)
    server.gate.hear("closed")


def test_killed_worker_is_replaced(server: Running) -> None:
    slow = server.say(SLOW)
    worker, _ = server.gate.hear("in flight")
    os.kill(worker, signal.SIGKILL)
    replacement, _ = server.gate.hear("opening")
    assert replacement != worker
    wait_until(server.answers)
    with suppress(ConnectionResetError):
        assert everything(slow) == ""


def test_workers_ignore_hangup(lasting: Running) -> None:
    for _ in range(2):
        lasting.say(SLOW)
        worker, waiting = lasting.gate.hear("in flight")
        os.kill(worker, signal.SIGHUP)
        waiting.close()
    assert lasting.answers()


def test_port_in_use_is_reported_in_one_sentence(lasting: Running) -> None:
    with started(lasting.port) as second:
        sentence = f"Cannot listen on {HOST}, port {lasting.port}: Address already in use\n"
        assert second.ended() == (UNAVAILABLE_EXIT_CODE, "", sentence)
    assert lasting.answers()


def test_foreign_host_is_reported_in_one_sentence() -> None:
    with started(free_port(), host="192.0.2.1") as server:
        code, out, err = server.ended()
    assert (code, out, err.count("\n")) == (UNAVAILABLE_EXIT_CODE, "", 1)
    assert err.startswith("Cannot listen on 192.0.2.1, port ")


def test_unavailable_shop_stops_the_server_with_one_sentence() -> None:
    with started(free_port(), workers=2, manner="never") as server:
        assert server.ended() == (UNAVAILABLE_EXIT_CODE, "", "The database is away\n")


def test_host_may_be_ipv6() -> None:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(serving(host="::1"))
        except OSError:
            pytest.skip("this machine has no IPv6")
        assert server.answers()


def test_chunked_body_is_rejected(lasting: Running) -> None:
    body = json.dumps(product_values(name="Chunk"))
    head = (
        f"POST {PRODUCTS} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    reply = lasting.ask(f"{head}{len(body):x}\r\n{body}\r\n0\r\n\r\n")
    assert reply.startswith("HTTP/1.1 411 ")
    assert "application/problem+json" in reply


@pytest.mark.parametrize("hosts", ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nHost: a\r\n"])
def test_request_must_have_one_host(lasting: Running, hosts: str) -> None:
    reply = lasting.ask(f"GET {PRODUCTS} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n")
    assert reply.startswith("HTTP/1.1 400 ")


def test_truncated_body_creates_nothing(lasting: Running) -> None:
    body = json.dumps(product_values(name="Half"))
    there = lasting.say(
        f"POST {PRODUCTS} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        f"Content-Length: {len(body) + 1}\r\n\r\n{body}"
    )
    there.shutdown(socket.SHUT_WR)
    reply = everything(there)
    assert reply == "" or reply.startswith("HTTP/1.1 400 ")
    assert '"total":1,' in lasting.ask(
        f"GET {PRODUCTS} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
    )


def test_body_of_ten_megabytes_is_rejected_unread(lasting: Running) -> None:
    """The answer comes while the body is under way: a caller that goes on sending may miss it."""
    size = 10 * 1024 * 1024
    there = lasting.say(
        f"POST {PRODUCTS} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        f"Content-Length: {size}\r\n\r\n" + " " * 1000
    )
    assert there.recv(12) == b"HTTP/1.1 413"
    assert lasting.answers()


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (ADMIN, 413)])
def test_error_response_arrives_after_a_large_body(
    lasting: Running, headers: dict[str, str], status: int
) -> None:
    connection = HTTPConnection(lasting.host, lasting.port, timeout=DEADLINE)
    connection.request("POST", PRODUCTS, b" " * 8 * 1024 * 1024, headers)
    assert connection.getresponse().status == status
    connection.close()


def test_expect_100_continue_is_rejected_at_once(lasting: Running) -> None:
    there = lasting.say(
        f"POST {PRODUCTS} HTTP/1.1\r\nHost: shop\r\n"
        "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
    )
    assert there.recv(12) == b"HTTP/1.1 401"


STRANGE = {
    f"GET {PRODUCTS}/{'a' * 60_000}": 404,
    f"GET {PRODUCTS}?search={'a' * 60_000}": 422,
    f"GET {PRODUCTS}/{'a' * 70_000}": 414,
    f"GET /{'a' * 1_000_000}": 431,
    "BREW /api/products": 405,
    "CONNECT shop:80": 404,
    "OPTIONS *": 404,
    "G<T /api/products": 400,
}


def test_malformed_requests_are_rejected_without_html(lasting: Running) -> None:
    for line, status in STRANGE.items():
        reply = lasting.ask(f"{line} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
        head, _, body = reply.partition("\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {status} "), line[:40]
        assert body == "" or json.loads(body)["status"] == status


def test_slow_bodies_do_not_block_other_requests(lasting: Running) -> None:
    head = (
        f"POST {PRODUCTS} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        "Content-Length: 100\r\n\r\n{"
    )
    slow = [lasting.say(head) for _ in range(32)]
    assert lasting.answers()
    for there in slow:
        there.close()


def test_environment_variables_do_not_leak_into_requests() -> None:
    with serving(HTTP_AUTHORIZATION=f"Bearer {ADMIN_KEY}") as server:
        reply = server.ask(
            f"GET {PRODUCTS}?status=all HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
        )
        assert reply.startswith("HTTP/1.1 401 ")


def test_connections_are_reused(lasting: Running) -> None:
    connection = HTTPConnection(lasting.host, lasting.port, timeout=DEADLINE)
    for method, path, body, status in (
        ("GET", PRODUCTS, None, 200),
        ("POST", PRODUCTS, json.dumps(product_values(name="New")), 201),
        ("HEAD", f"{PRODUCTS}/new", None, 200),
        ("OPTIONS", PRODUCTS, None, 204),
        ("POST", f"{PRODUCTS}/new", "unread", 405),
        ("GET", f"{PRODUCTS}/new", None, 200),
    ):
        connection.request(method, path, body, ADMIN)
        reply = connection.getresponse()
        content = reply.read()
        assert reply.status == status
        assert bool(content) == (method not in {"HEAD", "OPTIONS"})
        assert reply.getheader("X-Request-ID")
    connection.close()
