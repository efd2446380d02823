"""Middleware that notices a proxy which TRUSTED_PROXIES does not name."""

import logging
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from attrs import define

from eggypro_http.requests.client_address import ClientResolver, peer_address

_FORWARDED_HEADERS = {
    "HTTP_X_FORWARDED_FOR": "X-Forwarded-For",
    "HTTP_FORWARDED": "Forwarded",
    "HTTP_X_REAL_IP": "X-Real-IP",
    "HTTP_CF_CONNECTING_IP": "CF-Connecting-IP",
    "HTTP_TRUE_CLIENT_IP": "True-Client-IP",
}
"""The headers in which proxies send the address of their client, by name in the environ."""
_log = logging.getLogger(__name__)


@define
class UntrustedProxyMiddleware:
    """WSGI middleware that logs the first forwarded header of a peer that is not trusted."""

    _app: WSGIApplication
    _clients: ClientResolver
    _is_logged: bool = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        if not self._is_logged:
            self._check(environ)
        return self._app(environ, start_response)

    def _check(self, environ: WSGIEnvironment) -> None:
        if environ.keys().isdisjoint(_FORWARDED_HEADERS) or self._clients.trusts_peer(environ):
            return
        header = next(name for name in _FORWARDED_HEADERS if name in environ)
        self._is_logged = True
        peer = peer_address(environ)
        _log.warning(
            "The peer %s sends %s, but TRUSTED_PROXIES does not name it: the header is ignored, and"
            " all its clients share one rate limit. If it is your proxy, %s.",
            peer or "of a Unix socket",
            _FORWARDED_HEADERS[header],
            f"set TRUSTED_PROXIES={peer} and let it send X-Forwarded-For"
            if peer
            else "listen on TCP instead",
        )
