"""The entry for Vercel's Python runtime: what that does in its own way is put right here.

Seen in vercel-runtime 0.24: paths arrive percent-encoded, the peer's address is the header that
Vercel writes (or nothing), and a client's `X_Forwarded_For` takes the place of the real header in
the environ. A process may freeze as soon as its answer is out, and its threads with it.
"""

import os
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from attrs import frozen

from eggypro_http.wsgi import serverless_application


@frozen
class VercelMiddleware:
    """An application behind Vercel's runtime, which gets environs as a server would make them."""

    _app: WSGIApplication

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        environ["PATH_INFO"] = unquote_to_bytes(environ["PATH_INFO"]).decode("latin-1")
        environ["REMOTE_ADDR"] = (environ["REMOTE_ADDR"] or "").rpartition(",")[2].strip()
        environ.pop("HTTP_X_FORWARDED_FOR", None)
        environ["wsgi.multithread"] = True
        return self._app(environ, start_response)


app = VercelMiddleware(serverless_application({"APP_ENV": "production", **os.environ}))
"""What the runtime looks for."""
