"""The key, what signs tokens, and tokens: in nothing that is printed, logged or answered."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import evolve
from falcon.testing import TestClient

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_core.access.authentication import TokenRequest
from eggypro_http.app import create_app
from tests.support.builders import ADMIN_KEY, make_shop

EGGYPRO = str(Path(sys.executable).with_name("eggypro"))
KEY = "the-admin-key-that-nobody-may-ever-read"
SECRET = "the-secret-that-signs-and-nobody-may-read"  # noqa: S105  (of no use to anybody)
DSN_KEY = "a-key-of-sentry-that-nobody-may-read"
PASSWORD = "a-password-of-the-database"  # noqa: S105  (the same)
BODIES: tuple[object, ...] = (
    None,
    {},
    {"ttl_seconds": "soon", "key": 1},
    {"permissions": ["products:read"]},
    [],
)
ADDRESSES = (
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

SHORT = "a-short-secret"
WRONG = ({"LOG_LEVEL": KEY}, {"JWT_SECRET": SHORT})


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
        "TRUSTED_PROXIES": "127.0.0.1/32",  # so that each request can come from somebody else
        "RATE_LIMIT_MAX_REQUESTS": "0",
    }


def run(environment: Mapping[str, str], *words: str) -> str:
    """All that a command prints."""
    done = subprocess.run(
        [EGGYPRO, *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout


@contextmanager
def serving(environment: Mapping[str, str], printed: list[str]) -> Iterator[int]:
    """A server at a port; what it printed is there when it has ended."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    with subprocess.Popen(
        [EGGYPRO, "serve", "--port", str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            printed.append(process.communicate(timeout=60)[0])


def _wait_for(port: int) -> None:
    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listens)


_CALLERS = count(1)


def ask(port: int, method: str, path: str, credential: str, body: object = None) -> str:
    """All that an answer says: status, headers and body."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        headers = {
            "Authorization": f"Bearer {credential}",
            "Origin": "http://localhost:3000",
            "X-Forwarded-For": f"2001:db8:0:{next(_CALLERS):x}::1",
        }
        connection.request(
            method, path, None if body is None else json.dumps(body), headers=headers
        )
        response = connection.getresponse()
        return f"{response.status} {response.headers}{response.read().decode()}"


def logged_in(port: int, **wish: object) -> Any:
    answer = ask(port, "POST", "/api/auth/admin", KEY, wish)
    return json.loads(answer[answer.index("{") :])


def commands(environment: dict[str, str]) -> list[str]:
    """All that commands print, in a world that is whole, and in some that are not."""
    away = {"POSTGRES_URL": f"postgres://eggs:{PASSWORD}@127.0.0.1:1/eggs"}
    worlds = [({}, COMMANDS), *((one, COMMANDS[:3]) for one in (away, *WRONG))]
    jobs = [(environment | more, words.split()) for more, some in worlds for words in some]
    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(lambda job: run(job[0], *job[1]), jobs))


def test_no_secret_is_in_anything_that_is_printed_or_answered(
    environment: dict[str, str],
) -> None:
    told: list[str] = []
    with serving(environment, told) as port:
        token = logged_in(port)["token"]
        expired = logged_in(port, ttl_seconds=1)["token"]
        shown = json.loads(run(environment, "auth", "token", "--json"))["token"]
        credentials = (KEY, token, shown, expired, f"{KEY}x", f"{token[:-2]}AA", SECRET)
        for credential in credentials:
            told += [
                ask(port, method, path, credential, body)
                for method, path in ADDRESSES
                for body in BODIES
            ]
        told += [ask(port, "POST", "/api/auth/admin", one) for one in credentials[1:]]
        told += [ask(port, "POST", "/api/auth/admin", KEY, BODIES[2])]
    told += commands(environment)
    statuses = {answer[:3] for answer in told}
    assert {"200", "400", "401", "403", "404", "405", "422"} <= statuses
    [log] = [one for one in told if '"event":"request"' in one]
    assert log.count('"/api/auth/admin"') > len(credentials)
    for secret in (
        KEY,
        SECRET,
        SHORT,
        PASSWORD,
        DSN_KEY,
        token,
        shown,
        expired,
        *token.split(".")[1:],
    ):
        assert [one for one in told if secret in one] == []


@pytest.mark.parametrize("path", ["/api/products?status=all", "/api/categories?status=all"])
def test_no_secret_is_in_the_traceback_of_what_fails(
    caplog: pytest.LogCaptureFixture, path: str
) -> None:
    broken: Any = None
    shop = make_shop()
    token = shop.authenticator.issue_token(TokenRequest()).token or ""
    client = TestClient(create_app(evolve(shop, products=broken, categories=broken)))
    for credential in (ADMIN_KEY, token):
        failed = client.simulate_get(path, headers={"Authorization": f"Bearer {credential}"})
        assert failed.status_code == 500
        assert credential not in f"{failed.headers}{failed.text}"
        assert "Traceback" in caplog.text
        assert credential not in caplog.text
