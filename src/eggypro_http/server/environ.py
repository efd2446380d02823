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
    server_name, server_port = _host_and_port(scope.server)
    remote_address, remote_port = _host_and_port(scope.client)
    environ = {
        **_CONSTANTS,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": path if path.isascii() else path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server_name,
        "SERVER_PORT": server_port,
        "REMOTE_ADDR": remote_address,
        "REMOTE_PORT": remote_port,
    }
    for name, value in scope.headers.items():
        key = _environ_name(name)
        separator = ";" if key == _COOKIE else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    for key in map(_environ_name, scope.headers.keys()):
        environ.setdefault(key, "")  # Granian's items leave out values that are not ASCII
    if "HTTP_HOST" not in environ:
        environ["HTTP_HOST"] = scope.authority or ""
    return environ


@lru_cache(4096)
def _host_and_port(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port


@lru_cache(1024)
def _environ_name(header: str) -> str:
    name = header.replace("-", "_").upper()
    return name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"
