from typing import Any

import pytest
from attrs import field, frozen

from eggypro_http.server.environ import environ_of


class Headers(list[tuple[str, str | None]]):
    """Granian's headers: repeated ones are repeated; None is a value that is not ASCII."""

    def keys(self) -> list[str]:
        return [name for name, _ in self]

    def items(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self if value is not None]


@frozen
class Scope:
    """Granian's scope of a request."""

    path: str = "/"
    client: str = "192.0.2.1:4711"
    server: str = "192.0.2.2:8000"
    headers: Headers = field(default=Headers([("host", "shop")]), converter=Headers)
    method: str = "GET"
    query_string: str = "a=%20b"
    http_version: str = "1.1"
    authority: str | None = None


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (
            Scope(),
            {
                "REQUEST_METHOD": "GET",
                "PATH_INFO": "/",
                "QUERY_STRING": "a=%20b",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "SERVER_NAME": "192.0.2.2",
                "SERVER_PORT": "8000",
                "REMOTE_ADDR": "192.0.2.1",
                "REMOTE_PORT": "4711",
                "HTTP_HOST": "shop",
            },
        ),
        (Scope(client="[2001:db8::1]:4711"), {"REMOTE_ADDR": "2001:db8::1", "REMOTE_PORT": "4711"}),
        (Scope(path="/\u00e9"), {"PATH_INFO": "/\u00c3\u00a9"}),
        (Scope(http_version="1", headers=[]), {"SERVER_PROTOCOL": "HTTP/1", "HTTP_HOST": ""}),
        (Scope(headers=[], authority="shop:80"), {"HTTP_HOST": "shop:80"}),
        (
            Scope(headers=[("content-length", "3"), ("content-type", "text/plain")]),
            {"CONTENT_LENGTH": "3", "CONTENT_TYPE": "text/plain"},
        ),
        (
            Scope(headers=[("x-a", "1"), ("x-a", "2"), ("cookie", "a=1"), ("cookie", "b=2")]),
            {"HTTP_X_A": "1,2", "HTTP_COOKIE": "a=1;b=2"},
        ),
        (Scope(headers=[("host", "a"), ("host", "b")]), {"HTTP_HOST": "a,b"}),
        (Scope(headers=[("idempotency-key", None)]), {"HTTP_IDEMPOTENCY_KEY": ""}),
    ],
)
def test_environ(scope: Scope, expected: dict[str, Any]) -> None:
    assert {name: environ_of(scope).get(name) for name in expected} == expected
