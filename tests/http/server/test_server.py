"""The real server: processes, signals, and behaviour that is visible only on a socket."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_http.server.dispatcher import MAX_THREADS
from tests.support.builders import ADMIN_KEY, product_values
from tests.support.ports import HOST, free_port
from tests.support.running_server import (
    DEADLINE,
    READINESS_REQUEST,
    ServerProcess,
    read_all,
    running_server,
    start_process,
)
from tests.support.server_process import UNAVAILABLE_EXIT_CODE
from tests.support.wsgi import ADMIN, PRODUCTS

SLOW_REQUEST = f"GET {PRODUCTS}/slow HTTP/1.1\r\nHost: shop\r\n\r\n"


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    with running_server() as server:
        yield server


@pytest.fixture(scope="module")
def shared_server() -> Iterator[ServerProcess]:
    """A server shared by tests that do not change it."""
    with running_server() as server:
        yield server


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_lets_requests_in_flight_finish(
    server: ServerProcess, number: signal.Signals
) -> None:
    idle = server.connect()
    slow_connection = server.send(SLOW_REQUEST)
    _, held_request = server.gate.wait_for("in flight")
    server.process.send_signal(number)
    wait_until(lambda: not server.answers())
    held_request.close()
    assert " 200 " in read_all(slow_connection)
    server.gate.wait_for("closed")
    assert server.wait() == (0, "", "")
    assert read_all(idle) == ""


def test_server_under_nohup_ignores_hangup() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup starts it
    try:
        with running_server() as server:
            server.process.send_signal(signal.SIGHUP)
            server.send(SLOW_REQUEST)
            worker, _ = server.gate.wait_for("in flight")
            os.kill(worker, signal.SIGKILL)
            server.gate.wait_for("opening")  # a server that shuts down replaces no worker
            wait_until(server.answers)
    finally:
        signal.signal(signal.SIGHUP, former)


def test_server_is_not_ready_but_serves_during_the_drain() -> None:
    with running_server(factory="draining") as server:
        assert " 200 " in server.request(READINESS_REQUEST)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: " 503 " in server.request(READINESS_REQUEST))
        assert server.answers()
        server.gate.wait_for("closed")
        assert server.wait() == (0, "", "")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_only_one_thread_of_a_worker_receives_sigterm(shared_server: ServerProcess) -> None:
    shared_server.send(SLOW_REQUEST)
    worker, held_request = shared_server.gate.wait_for("in flight")
    held_request.close()
    threads = [file.read_text() for file in Path(f"/proc/{worker}/task").glob("*/status")]
    masks = [int(text.partition("SigBlk:\t")[2][:16], 16) for text in threads]
    assert len(masks) > 2
    assert sum(not mask >> (signal.SIGTERM - 1) & 1 for mask in masks) == 1


def test_signal_during_startup_stops_the_server() -> None:
    with start_process(free_port(), factory="slowly") as server:
        server.gate.wait_for("opening")
        assert server.end() == (0, "", "")


def test_worker_that_has_not_started_exits_without_drain() -> None:
    """Otherwise it would start to serve during the drain and exit in the middle of requests."""
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
    with running_server(workers=workers) as server:
        code, stdout, stderr = server.end(signal.SIGKILL)  # no process has its output open
        assert (code, stdout, stderr) == (-signal.SIGKILL, "", "")
        with pytest.raises(ConnectionRefusedError):
            server.connect()


def test_worker_shuts_down_gracefully_if_the_main_process_is_killed(
    server: ServerProcess,
) -> None:
    slow_connection = server.send(SLOW_REQUEST)
    _, held_request = server.gate.wait_for("in flight")
    server.process.kill()
    wait_until(lambda: not server.answers())
    held_request.close()
    assert " 200 " in read_all(slow_connection)
    server.gate.wait_for("closed")


def test_killed_worker_is_replaced(server: ServerProcess) -> None:
    slow_connection = server.send(SLOW_REQUEST)
    worker, _ = server.gate.wait_for("in flight")
    os.kill(worker, signal.SIGKILL)
    replacement, _ = server.gate.wait_for("opening")
    assert replacement != worker
    wait_until(server.answers)
    with suppress(ConnectionResetError):
        assert read_all(slow_connection) == ""


def test_worker_that_is_killed_again_and_again_is_replaced(server: ServerProcess) -> None:
    for _ in range(3):
        server.send(SLOW_REQUEST)
        worker, _ = server.gate.wait_for("in flight")
        os.kill(worker, signal.SIGKILL)
        server.gate.wait_for("opening")
        wait_until(server.answers)
    assert server.process.poll() is None


def test_worker_that_fails_again_and_again_stops_the_server() -> None:
    with start_process(free_port(), factory="failing") as server:
        for _ in range(3):
            server.gate.wait_for("opening")
        code, stdout, stderr = server.wait()
    assert (code, stdout) == (UNAVAILABLE_EXIT_CODE, "")
    assert stderr.count("RuntimeError: a bug in the factory") == 3
    assert stderr.endswith("\nThe server stopped because its workers keep dying\n")


def test_workers_ignore_hangup(shared_server: ServerProcess) -> None:
    for _ in range(2):
        shared_server.send(SLOW_REQUEST)
        worker, held_request = shared_server.gate.wait_for("in flight")
        os.kill(worker, signal.SIGHUP)
        held_request.close()
    assert shared_server.answers()


def test_port_in_use_is_reported_in_one_sentence(shared_server: ServerProcess) -> None:
    with start_process(shared_server.port) as second:
        sentence = f"Cannot listen on {HOST}, port {shared_server.port}: Address already in use\n"
        assert second.wait() == (UNAVAILABLE_EXIT_CODE, "", sentence)
    assert shared_server.answers()


def test_foreign_host_is_reported_in_one_sentence() -> None:
    with start_process(free_port(), host="192.0.2.1") as server:
        code, stdout, stderr = server.wait()
    assert (code, stdout, stderr.count("\n")) == (UNAVAILABLE_EXIT_CODE, "", 1)
    assert stderr.startswith("Cannot listen on 192.0.2.1, port ")


def test_unavailable_shop_stops_the_server_with_one_sentence() -> None:
    with start_process(free_port(), workers=2, factory="never") as server:
        assert server.wait() == (UNAVAILABLE_EXIT_CODE, "", "The database is down\n")


def test_host_may_be_ipv6() -> None:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running_server(host="::1"))
        except OSError:
            pytest.skip("this machine has no IPv6")
        assert server.answers()


def test_chunked_body_is_rejected(shared_server: ServerProcess) -> None:
    body = json.dumps(product_values(name="Chunk"))
    head = (
        f"POST {PRODUCTS} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    response = shared_server.request(f"{head}{len(body):x}\r\n{body}\r\n0\r\n\r\n")
    assert response.startswith("HTTP/1.1 411 ")
    assert "application/problem+json" in response


@pytest.mark.parametrize("hosts", ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nHost: a\r\n"])
def test_request_must_have_one_host(shared_server: ServerProcess, hosts: str) -> None:
    response = shared_server.request(f"GET {PRODUCTS} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n")
    assert response.startswith("HTTP/1.1 400 ")


def test_truncated_body_creates_nothing(shared_server: ServerProcess) -> None:
    body = json.dumps(product_values(name="Half"))
    connection = shared_server.send(
        f"POST {PRODUCTS} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        f"Content-Length: {len(body) + 1}\r\n\r\n{body}"
    )
    connection.shutdown(socket.SHUT_WR)
    reply = read_all(connection)
    assert reply == "" or reply.startswith("HTTP/1.1 400 ")
    assert '"total":1,' in shared_server.request(
        f"GET {PRODUCTS} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
    )


def test_idempotency_key_that_is_not_ascii_is_rejected(shared_server: ServerProcess) -> None:
    """The server cannot read it. Otherwise a request that is repeated would run twice."""
    body = json.dumps(product_values(name="Twice"))
    head = (
        f"POST {PRODUCTS} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        f"Idempotency-Key: \u00e9\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    assert shared_server.request(head + body).startswith("HTTP/1.1 400 ")


def test_body_of_ten_megabytes_is_rejected_unread(shared_server: ServerProcess) -> None:
    """The response comes before the body has been sent: a client still sending may miss it."""
    size = 10 * 1024 * 1024
    connection = shared_server.send(
        f"POST {PRODUCTS} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        f"Content-Length: {size}\r\n\r\n" + " " * 1000
    )
    assert connection.recv(12) == b"HTTP/1.1 413"
    assert shared_server.answers()


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (ADMIN, 413)])
def test_error_response_arrives_after_a_large_body(
    shared_server: ServerProcess, headers: dict[str, str], status: int
) -> None:
    connection = HTTPConnection(shared_server.host, shared_server.port, timeout=DEADLINE)
    connection.request("POST", PRODUCTS, b" " * 8 * 1024 * 1024, headers)
    assert connection.getresponse().status == status
    connection.close()


def test_expect_100_continue_is_rejected_at_once(shared_server: ServerProcess) -> None:
    connection = shared_server.send(
        f"POST {PRODUCTS} HTTP/1.1\r\nHost: shop\r\n"
        "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
    )
    assert connection.recv(12) == b"HTTP/1.1 401"


STATUS_BY_REQUEST_LINE = {
    f"GET {PRODUCTS}/{'a' * 60_000}": 404,
    f"GET {PRODUCTS}?search={'a' * 60_000}": 422,
    f"GET {PRODUCTS}/{'a' * 70_000}": 414,
    f"GET /{'a' * 1_000_000}": 431,
    "BREW /api/products": 405,
    "CONNECT shop:80": 404,
    "OPTIONS *": 404,
    "G<T /api/products": 400,
}


def test_malformed_requests_are_rejected_without_html(shared_server: ServerProcess) -> None:
    for line, status in STATUS_BY_REQUEST_LINE.items():
        response = shared_server.request(
            f"{line} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
        )
        head, _, body = response.partition("\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {status} "), line[:40]
        assert body == "" or json.loads(body)["status"] == status


def test_probes_are_answered_while_all_threads_are_occupied(server: ServerProcess) -> None:
    for _ in range(2 * MAX_THREADS):
        server.send(SLOW_REQUEST)
    held_requests = [server.gate.wait_for("in flight")[1] for _ in range(2 * MAX_THREADS)]
    assert all(server.answers() for _ in range(5))
    for held_request in held_requests:
        held_request.close()


def test_environment_variables_do_not_leak_into_requests() -> None:
    with running_server(HTTP_AUTHORIZATION=f"Bearer {ADMIN_KEY}") as server:
        response = server.request(
            f"GET {PRODUCTS}?status=all HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
        )
        assert response.startswith("HTTP/1.1 401 ")


def test_connections_are_reused(shared_server: ServerProcess) -> None:
    connection = HTTPConnection(shared_server.host, shared_server.port, timeout=DEADLINE)
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
