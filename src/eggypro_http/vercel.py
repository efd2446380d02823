"""Entry point for Vercel's Python runtime, with corrections of its WSGI environ.

Observed in vercel-runtime 0.24: paths arrive percent-encoded, the peer address is a header that
Vercel writes (or nothing), and a client's `X_Forwarded_For` replaces the real header in the
environ. A process, with its threads, may freeze as soon as its response is sent.
"""

import os
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from attrs import frozen

from eggypro_http.wsgi import serverless_application

_FORWARDED_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")
"""Headers that Vercel adds to each request; REMOTE_ADDR has the same address."""


@frozen
class VercelMiddleware:
    """WSGI middleware that corrects the environ of Vercel's runtime."""

    _app: WSGIApplication

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        environ["PATH_INFO"] = unquote_to_bytes(environ["PATH_INFO"]).decode("latin-1")
        environ["REMOTE_ADDR"] = (environ["REMOTE_ADDR"] or "").rpartition(",")[2].strip()
        for name in _FORWARDED_HEADERS:
            environ.pop(name, None)
        environ["wsgi.multithread"] = True
        return self._app(environ, start_response)


app = VercelMiddleware(serverless_application({"APP_ENV": "production", **os.environ}))
"""The application that the runtime imports."""
