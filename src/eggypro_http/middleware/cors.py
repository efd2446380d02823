"""Which pages may call the API from a browser: CORS, as the Fetch standard has it."""

from collections.abc import Iterable
from typing import Any, TypeAlias
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from attrs import frozen

Headers: TypeAlias = list[tuple[str, str]]

_RESPONSE_HEADERS = [
    (
        "access-control-expose-headers",
        "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID",
    )
]
_PREFLIGHT_HEADERS = [
    (
        "access-control-allow-headers",
        "Content-Type, Authorization, If-Match, If-None-Match, Idempotency-Key, X-Request-ID",
    ),
    ("access-control-max-age", "86400"),
]
_VARY = ("vary", "Origin")


@frozen
class CorsMiddleware:
    """Tells browsers that pages of the listed origins may read an application's answers.

    Every answer says that it depends on the origin, so that no cache gives one's to another.
    """

    _app: WSGIApplication
    _origins: frozenset[str]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        origin = environ.get("HTTP_ORIGIN")

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            headers = _vary_by_origin(headers)
            if origin in self._origins:
                headers += [
                    ("access-control-allow-origin", origin),
                    *_cors_headers(environ, headers),
                ]
            return start_response(status, headers, exc_info)

        return self._app(environ, start)


def _vary_by_origin(headers: Headers) -> Headers:
    for place, (name, value) in enumerate(headers):
        if name == "vary":
            return [*headers[:place], (name, f"{value}, Origin"), *headers[place + 1 :]]
    return [*headers, _VARY]


def _cors_headers(environ: WSGIEnvironment, headers: Headers) -> Headers:
    """Return what a page may do: with this answer, or next if the browser asks so beforehand."""
    if "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ and environ["REQUEST_METHOD"] == "OPTIONS":
        methods = [
            ("access-control-allow-methods", one) for name, one in headers if name == "allow"
        ]
        return [*methods, *_PREFLIGHT_HEADERS]
    return _RESPONSE_HEADERS
