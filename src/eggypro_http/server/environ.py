"""WSGI environ of a request that Granian received through its RSGI interface."""

import sys
from functools import lru_cache
from typing import Any
from wsgiref.types import WSGIEnvironment

_CONSTANTS: WSGIEnvironment = {
    "GATEWAY_INTERFACE": "CGI/1.1",
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "Granian",
    "wsgi.errors": sys.stderr,
    "wsgi.multiprocess": False,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.url_scheme": "http",
    "wsgi.version": (1, 0),
}
_COOKIE = "HTTP_COOKIE"


def environ_of(scope: Any) -> WSGIEnvironment:
    """Return the environ of a request, without `wsgi.input`."""
    path: str = scope.path
    server, client = scope.server, scope.client
    environ = {
        **_CONSTANTS,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": path if path.isascii() else path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": _host(server),
        "SERVER_PORT": server.rpartition(":")[2],
        "REMOTE_ADDR": _host(client),
        "REMOTE_PORT": client.rpartition(":")[2],
    }
    for name, value in scope.headers.items():
        key = _environ_name(name)
        separator = ";" if key == _COOKIE else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    if "HTTP_HOST" not in environ:
        environ["HTTP_HOST"] = scope.authority or ""
    return environ


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


@lru_cache(1024)
def _environ_name(header: str) -> str:
    name = header.replace("-", "_").upper()
    return name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"
