"""CORS middleware: the origins whose pages may use the API from a browser (Fetch standard)."""

import re
from collections.abc import Iterable
from typing import Any, TypeAlias
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from attrs import field, frozen

Headers: TypeAlias = list[tuple[str, str]]

_EXPOSED_HEADERS = (
    "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID, Idempotency-Replayed,"
    " X-Batch-ID"
)
_RESPONSE_HEADERS = [("access-control-expose-headers", _EXPOSED_HEADERS)]
_PREFLIGHT_HEADERS = [
    (
        "access-control-allow-headers",
        "Content-Type, Authorization, If-Match, If-None-Match, Idempotency-Key, X-Request-ID",
    ),
    ("access-control-max-age", "86400"),
]
_VARY = ("vary", "Origin")
_SUBDOMAINS = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.){1,10}"
"""Regular expression of one or more labels of a host, as browsers write them."""


@frozen
class CorsMiddleware:
    """WSGI middleware that lets pages of the listed origins read the application's responses.

    `https://*.shop.example` lists all subdomains of a domain, at any depth, but not the domain.
    Every response has `Vary: Origin`, so that no cache serves one origin's response to another.
    """

    _app: WSGIApplication
    _origins: frozenset[str]
    _patterns: tuple[re.Pattern[str], ...] = field(init=False, repr=False)

    @_patterns.default
    def _compile_patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(_compile_pattern(origin) for origin in self._origins if "*" in origin)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        origin = environ.get("HTTP_ORIGIN")

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            headers = _vary_by_origin(headers)
            if origin is not None and self._allows(origin):
                headers += [
                    ("access-control-allow-origin", origin),
                    *_cors_headers(environ, headers),
                ]
            return start_response(status, headers, exc_info)

        return self._app(environ, start)

    def _allows(self, origin: str) -> bool:
        if origin in self._origins:
            return "*" not in origin
        return any(pattern.fullmatch(origin) for pattern in self._patterns)


def _compile_pattern(origin: str) -> re.Pattern[str]:
    scheme, _, domain = origin.partition("*.")
    return re.compile(f"{re.escape(scheme)}{_SUBDOMAINS}{re.escape(domain)}")


def _vary_by_origin(headers: Headers) -> Headers:
    for index, (name, value) in enumerate(headers):
        if name == "vary":
            return [*headers[:index], (name, f"{value}, Origin"), *headers[index + 1 :]]
    return [*headers, _VARY]


def _cors_headers(environ: WSGIEnvironment, headers: Headers) -> Headers:
    """Return the CORS headers of a response: those of a preflight if the request is one."""
    if "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ and environ["REQUEST_METHOD"] == "OPTIONS":
        methods = [
            ("access-control-allow-methods", value) for name, value in headers if name == "allow"
        ]
        return [*methods, *_PREFLIGHT_HEADERS]
    return _RESPONSE_HEADERS
