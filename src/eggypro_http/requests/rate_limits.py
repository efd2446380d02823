"""Rate limiting of requests, and the RateLimit response headers (draft 10)."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from wsgiref.types import WSGIEnvironment

import falcon
from attrs import frozen

from eggypro_core.access.authentication import AdminUser
from eggypro_core.access.rate_limiting import (
    Admission,
    RateLimiter,
    RateLimitPolicy,
    RateLimitStatus,
)
from eggypro_core.errors import UnauthenticatedError
from eggypro_core.operations.request_metrics import network_of
from eggypro_http.requests.client_address import ClientResolver

USER_KEY = "eggypro.user"
"""The environ key of the authenticated user's id; set if a valid credential was verified."""
RATE_LIMIT_HEADERS = frozenset({"ratelimit-policy", "ratelimit"})
"""The headers that show the rate limits of a client."""
_ADMISSION_KEY = "eggypro.admission"
_ANONYMOUS_ADMISSION = Admission()
"""The admission of a request that is neither counted nor authenticated."""
_IGNORED_CREDENTIAL = (
    "A client in %s sends a credential that is not valid (%s), and is served as anonymous."
    " Renew its token. Repetitions are logged once an hour."
)
_log = logging.getLogger(__name__)


def authenticated_user(environ: WSGIEnvironment) -> AdminUser:
    """Return the user of an admitted request. Raises UnauthenticatedError if it is anonymous."""
    admission: Admission | None = environ.get(_ADMISSION_KEY)
    if admission is None or admission.user is None:
        raise UnauthenticatedError
    return admission.user


@frozen
class RequestAdmission:
    """Admit the requests of a route, counted under its rate-limit policies."""

    _limiter: RateLimiter
    _policies: tuple[RateLimitPolicy, ...]
    _clients: ClientResolver

    def admit(self, environ: WSGIEnvironment, *, is_public: bool) -> Admission:
        """Return the admission of a request, which is counted and authenticated only once."""
        admission: Admission | None = environ.get(_ADMISSION_KEY)
        if admission is not None:
            return admission
        bearer = credential(environ)
        if is_public and not self._policies and bearer is None:
            return _ANONYMOUS_ADMISSION
        admission = environ[_ADMISSION_KEY] = self._limiter.admit(
            self._clients.client(environ), bearer, self._policies, is_public=is_public
        )
        if admission.user is not None:
            environ[USER_KEY] = admission.user.id
        return admission

    def set_headers(
        self,
        admission: Admission,
        environ: WSGIEnvironment,
        response: falcon.Response,
        *,
        is_public: bool,
    ) -> None:
        """Set the headers that an admission adds to the response.

        An invalid credential of a request that requires none is ignored: the response says so in
        WWW-Authenticate, and the log once per client and hour.
        """
        if is_public and (error := admission.authentication_error):
            response.set_header("www-authenticate", 'Bearer error="invalid_token"')
            client = self._clients.client(environ)
            if self._limiter.is_first_ignored_credential(client):
                _log.warning(_IGNORED_CREDENTIAL, network_of(client), error)
        response.set_headers(rate_limit_headers(admission.statuses))


def credential(environ: WSGIEnvironment) -> str | None:
    """Return the bearer credential of a request, None if it has none."""
    header: str | None = environ.get("HTTP_AUTHORIZATION")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def rate_limit_headers(statuses: Sequence[RateLimitStatus]) -> list[tuple[str, str]]:
    """Return the RATE_LIMIT_HEADERS of a counted request; none for a request that is exempt."""
    if not statuses:
        return []
    return [
        ("ratelimit-policy", ", ".join([_policy_header(status.policy) for status in statuses])),
        ("ratelimit", ", ".join([_status_header(status) for status in statuses])),
    ]


@lru_cache(16)
def _policy_header(policy: RateLimitPolicy) -> str:
    return f'"{policy.name}";q={policy.limit};w={policy.window_seconds}'


def _status_header(status: RateLimitStatus) -> str:
    return f'"{status.policy.name}";r={status.remaining};t={status.reset_seconds}'
