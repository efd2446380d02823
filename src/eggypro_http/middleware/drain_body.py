"""Middleware that drains unread request bodies, so that the client receives the response."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from attrs import frozen

MAX_DRAINED_BYTES = 8 * 1024 * 1024
"""A longer body is left unread; its client may see the connection closed."""
_CHUNK_BYTES = 64 * 1024


@frozen
class DrainBodyMiddleware:
    """WSGI middleware for servers that close a connection whose request body was not read.

    A client that is still sending would get a broken pipe and never see the error response. The
    server must end `wsgi.input` with the body: Granian does, WSGI does not require it.
    """

    _app: WSGIApplication

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request, and return the response after the rest of the body has been read."""
        response = self._app(environ, start_response)
        if _has_body_to_drain(environ):
            while environ["wsgi.input"].read(_CHUNK_BYTES):
                pass
        return response


def _has_body_to_drain(environ: WSGIEnvironment) -> bool:
    """Return whether a body of bounded size is sent without waiting for `100 Continue`."""
    length = environ.get("CONTENT_LENGTH", "")
    return length.isdecimal() and int(length) <= MAX_DRAINED_BYTES and "HTTP_EXPECT" not in environ
