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
    headers = scope.headers
    environ = _CONSTANTS.copy()
    environ["SERVER_PROTOCOL"] = f"HTTP/{scope.http_version}"
    environ["REQUEST_METHOD"] = scope.method
    environ["PATH_INFO"] = path if path.isascii() else path.encode().decode("latin-1")
    environ["QUERY_STRING"] = scope.query_string
    environ["SERVER_NAME"], environ["SERVER_PORT"] = _host_and_port(scope.server)
    environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = _host_and_port(scope.client)
    items = headers.items()
    for name, value in items:
        key = _environ_name(name)
        if key in environ:
            separator = ";" if key == _COOKIE else ","
            environ[key] = f"{environ[key]}{separator}{value}"
        else:
            environ[key] = value
    names = headers.keys()
    if len(names) > len(items):  # Granian's items leave out values that are not ASCII
        for key in map(_environ_name, names):
            environ.setdefault(key, "")
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
