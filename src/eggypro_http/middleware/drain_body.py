"""Bodies that nobody reads: received all the same, so that the caller hears the answer."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from attrs import frozen

MAX_DRAINED_BYTES = 8 * 1024 * 1024
"""A body of more bytes is left unread: its sender may find the connection closed."""
_CHUNK_BYTES = 64 * 1024


@frozen
class DrainBodyMiddleware:
    """An application behind a server that closes a connection whose body it did not read.

    A caller who is still sending then finds the pipe broken, and never sees the refusal. The server
    must end `wsgi.input` with the body, as Granian does and WSGI does not demand.
    """

    _app: WSGIApplication

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, once what is left of its body is here."""
        answer = self._app(environ, start_response)
        if _has_body_to_drain(environ):
            while environ["wsgi.input"].read(_CHUNK_BYTES):
                pass
        return answer


def _has_body_to_drain(environ: WSGIEnvironment) -> bool:
    """Whether a body of bounded size is sent without waiting for leave."""
    length = environ.get("CONTENT_LENGTH", "")
    return length.isdecimal() and int(length) <= MAX_DRAINED_BYTES and "HTTP_EXPECT" not in environ
