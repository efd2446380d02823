"""Keys, secrets and tokens are in no output, log or response."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import evolve
from falcon.testing import TestClient

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_core.access.authentication import TokenRequest
from eggypro_http.app import create_app
from tests.support.builders import ADMIN_KEY, make_shop
from tests.support.ports import free_port
from tests.support.served_shop import EGGYPRO

KEY = "the-admin-key-that-nobody-may-ever-read"
SECRET = "the-secret-that-signs-and-nobody-may-read"  # noqa: S105  (a test value)
DSN_KEY = "a-key-of-sentry-that-nobody-may-read"
PASSWORD = "a-password-of-the-database"  # noqa: S105  (the same)
BODIES: tuple[object, ...] = (
    None,
    {},
    {"ttl_seconds": "soon", "key": 1},
    {"permissions": ["products:read"]},
    [],
)
REQUESTS = (
    ("GET", "/api/products?status=all"),
    ("GET", "/api/products/egg?status=all"),
    ("GET", "/api/health/live"),
    ("GET", "/nowhere"),
    ("POST", "/api/products"),
    ("DELETE", "/api/products/egg"),
    ("PATCH", "/api/reviews/1"),
    ("POST", "/api/products/egg/reviews"),
    ("BREW", "/api/auth/admin"),
)
COMMANDS = (
    "env check",
    "env check --json",
    "env example",
    "products list --json",
    "products show egg",
    "products list --sort wrong",
    "products create --from /nowhere",
    "auth token --permission wrong",
    "auth token --ttl 0",
    "auth wrong",
    "db current",
)

SHORT_SECRET = "a-short-secret"  # noqa: S105  (a test value)
INVALID_SETTINGS = ({"LOG_LEVEL": KEY}, {"JWT_SECRET": SHORT_SECRET})


@pytest.fixture
def environment(tmp_path: Path, database_url: sa.URL) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "EGGYPRO_DATA_DIR": str(tmp_path / "data"),
        "POSTGRES_URL": database_url.render_as_string(hide_password=False),
        "ADMIN_SECRET_KEY": KEY,
        "JWT_SECRET": SECRET,
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": "json",
        "SENTRY_DSN": f"http://{DSN_KEY}@127.0.0.1:1/7",
        "TRUSTED_PROXIES": "127.0.0.1/32",  # so that each request can have another client
        "RATE_LIMIT_MAX_REQUESTS": "0",
    }


def run(environment: Mapping[str, str], *words: str) -> str:
    """Return all output of a command."""
    process = subprocess.run(
        [EGGYPRO, *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return process.stdout


@contextmanager
def serving(environment: Mapping[str, str], outputs: list[str]) -> Iterator[int]:
    """Run a server and yield its port; its output is appended to `outputs` at the end."""
    port = free_port()
    # A file, not a pipe: the server would block on a full pipe.
    with (
        TemporaryFile("w+", encoding="utf-8") as log,
        subprocess.Popen(
            [EGGYPRO, "serve", "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            _wait_for(port)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
            log.seek(0)
            outputs.append(log.read())


def _wait_for(port: int) -> None:
    def is_listening() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(is_listening)


_CLIENT_NUMBERS = count(1)


def send(port: int, method: str, path: str, credential: str, body: object = None) -> str:
    """Return status, headers and body of a response."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        headers = {
            "Authorization": f"Bearer {credential}",
            "Origin": "http://localhost:3000",
            "X-Forwarded-For": f"2001:db8:0:{next(_CLIENT_NUMBERS):x}::1",
        }
        connection.request(
            method, path, None if body is None else json.dumps(body), headers=headers
        )
        response = connection.getresponse()
        return f"{response.status} {response.headers}{response.read().decode()}"


def log_in(port: int, **options: object) -> Any:
    response = send(port, "POST", "/api/auth/admin", KEY, options)
    return json.loads(response[response.index("{") :])


def commands(environment: dict[str, str]) -> list[str]:
    """Return the output of commands with valid settings, and with faulty ones."""
    database_down = {"POSTGRES_URL": f"postgres://eggs:{PASSWORD}@127.0.0.1:1/eggs"}
    runs = [
        ({}, COMMANDS),
        *((variables, COMMANDS[:3]) for variables in (database_down, *INVALID_SETTINGS)),
    ]
    jobs = [
        (environment | variables, command.split())
        for variables, commands in runs
        for command in commands
    ]
    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(lambda job: run(job[0], *job[1]), jobs))


def test_no_secret_is_printed_or_returned(
    environment: dict[str, str],
) -> None:
    outputs: list[str] = []
    with serving(environment, outputs) as port:
        token = log_in(port)["token"]
        expired = log_in(port, ttl_seconds=1)["token"]
        cli_token = json.loads(run(environment, "auth", "token", "--json"))["token"]
        credentials = (KEY, token, cli_token, expired, f"{KEY}x", f"{token[:-2]}AA", SECRET)
        for credential in credentials:
            outputs += [
                send(port, method, path, credential, body)
                for method, path in REQUESTS
                for body in BODIES
            ]
        outputs += [
            send(port, "POST", "/api/auth/admin", credential) for credential in credentials[1:]
        ]
        outputs += [send(port, "POST", "/api/auth/admin", KEY, BODIES[2])]
    outputs += commands(environment)
    statuses = {output[:3] for output in outputs}
    assert {"200", "400", "401", "403", "404", "405", "422"} <= statuses
    [log] = [output for output in outputs if '"event":"request"' in output]
    assert log.count('"/api/auth/admin"') > len(credentials)
    for secret in (
        KEY,
        SECRET,
        SHORT_SECRET,
        PASSWORD,
        DSN_KEY,
        token,
        cli_token,
        expired,
        *token.split(".")[1:],
    ):
        assert [output for output in outputs if secret in output] == []


@pytest.mark.parametrize("path", ["/api/products?status=all", "/api/categories?status=all"])
def test_no_secret_is_in_a_traceback(caplog: pytest.LogCaptureFixture, path: str) -> None:
    broken: Any = None
    shop = make_shop()
    token = shop.authenticator.issue_token(TokenRequest()).token
    client = TestClient(create_app(evolve(shop, products=broken, categories=broken)))
    for credential in (ADMIN_KEY, token):
        response = client.simulate_get(path, headers={"Authorization": f"Bearer {credential}"})
        assert response.status_code == 500
        assert credential not in f"{response.headers}{response.text}"
        assert "Traceback" in caplog.text
        assert credential not in caplog.text
