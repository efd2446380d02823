"""Middleware that guarantees a request id, security headers and a response to every request."""

import re
from collections.abc import Iterable
from random import getrandbits
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import falcon
from attrs import field, frozen

from eggypro_http.errors import (
    NO_STORE,
    PROBLEM_MEDIA_TYPE,
    REQUEST_ID_KEY,
    ReportError,
    problem,
)
from eggypro_http.problem_types import BAD_REQUEST, INTERNAL_ERROR, NOT_FOUND, PROBLEM_TYPES

REQUEST_ID_HEADER = "x-request-id"
_SECURITY_HEADERS = [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")]
_HTTPS_ONLY = ("strict-transport-security", "max-age=31536000; includeSubDomains")
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_UNUSED_METHOD = "TRACE"
_is_valid_id = re.compile(r"[A-Za-z0-9_.-]{1,64}").fullmatch


@frozen
class GuardMiddleware:
    """WSGI middleware that sets request ids and security headers, and handles uncaught errors."""

    _app: WSGIApplication
    _report: ReportError
    _in_production: bool = field(default=False, kw_only=True)
    _headers: list[tuple[str, str]] = field(init=False)

    @_headers.default
    def _default_headers(self) -> list[tuple[str, str]]:
        return [*_SECURITY_HEADERS, _HTTPS_ONLY] if self._in_production else _SECURITY_HEADERS

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        request_id = environ[REQUEST_ID_KEY] = request_id_of(environ)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers = [*headers, *self._headers, (REQUEST_ID_HEADER, request_id)]
            return start_response(status, headers, exc_info)

        if not _has_one_host(environ):
            return _refuse(
                environ, start, BAD_REQUEST, "The request must have exactly one Host header"
            )
        if environ["PATH_INFO"].startswith("//"):  # Falcon ignores the second slash
            return _refuse(environ, start, NOT_FOUND)
        if environ["REQUEST_METHOD"] not in _METHODS:
            # Falcon responds to unknown methods with 400, to this one correctly with 404 or 405.
            environ["REQUEST_METHOD"] = _UNUSED_METHOD
        try:
            return self._app(environ, start)
        except Exception as error:  # noqa: BLE001  (the last resort)
            self._report(environ, error)
            return _refuse(environ, start, INTERNAL_ERROR)


def request_id_of(environ: WSGIEnvironment) -> str:
    """Return the client's request id if it is valid, otherwise a new one."""
    request_id: str | None = environ.get("HTTP_X_REQUEST_ID")
    if request_id is not None and _is_valid_id(request_id):
        return request_id
    return f"{getrandbits(64):016x}"


def _has_one_host(environ: WSGIEnvironment) -> bool:
    """Return whether there is one Host, as HTTP/1.1 requires. Servers join several with a comma."""
    host = environ.get("HTTP_HOST")
    if not host:
        return bool(environ["SERVER_PROTOCOL"] != "HTTP/1.1")
    return "," not in host


def _refuse(
    environ: WSGIEnvironment, start: StartResponse, code: str, detail: str | None = None
) -> Iterable[bytes]:
    body = problem(code, environ[REQUEST_ID_KEY], detail)
    headers = [
        ("content-type", PROBLEM_MEDIA_TYPE),
        ("content-length", str(len(body))),
        ("cache-control", NO_STORE),
    ]
    start(falcon.code_to_http_status(PROBLEM_TYPES[code].http_status), headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
