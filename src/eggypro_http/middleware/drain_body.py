"""Bodies that nobody reads: received all the same, so that the caller hears the answer."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from attrs import frozen

LIMIT = 8 * 1024 * 1024
"""A body of more bytes is left unread: its sender may find the connection closed."""
_PIECE = 64 * 1024


@frozen
class Receiving:
    """An application behind a server that closes a connection whose body it did not read.

    A caller who is still sending then finds the pipe broken, and never sees the refusal. The server
    must end `wsgi.input` with the body, as Granian does and WSGI does not demand.
    """

    _app: WSGIApplication

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, once what is left of its body is here."""
        answer = self._app(environ, start_response)
        if _is_coming(environ):
            while environ["wsgi.input"].read(_PIECE):
                pass
        return answer


def _is_coming(environ: WSGIEnvironment) -> bool:
    """Whether a body of bounded size is sent without waiting for leave."""
    length = environ.get("CONTENT_LENGTH", "")
    return length.isdecimal() and int(length) <= LIMIT and "HTTP_EXPECT" not in environ
