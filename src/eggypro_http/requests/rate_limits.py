"""Rate limiting of requests, and the RateLimit response headers (draft 10)."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import falcon

from eggypro_core.access.authentication import AccessRequirement
from eggypro_core.access.rate_limiting import Admission, RateLimiter, RateLimitStatus
from eggypro_core.operations.request_metrics import network_of
from eggypro_http.requests.client_address import ClientResolver, Network

USER_KEY = "eggypro.user"
"""The environ key of the authenticated user's id; set if a valid credential was verified."""
_IGNORED_CREDENTIAL = (
    "A client in %s sends a credential that is not valid (%s), and is served as anonymous."
    " Renew its token. Repetitions are logged once an hour."
)
_log = logging.getLogger(__name__)
Admit: TypeAlias = Callable[[falcon.Request, falcon.Response, AccessRequirement | None], Admission]


def request_admission(
    trusted: Sequence[Network], limiter: RateLimiter, limits: Iterable[str]
) -> Admit:
    """Return a function that admits a request under the policies named in `limits`.

    It sets the RateLimit headers of the response. An invalid credential of a request that requires
    none is ignored: the response says so in WWW-Authenticate, and the log once per client and hour.
    A request that the server runs again is admitted once.
    """
    clients = ClientResolver(tuple(trusted))
    policies = limiter.enabled_policies(limits)

    def admit(
        request: falcon.Request, response: falcon.Response, requirement: AccessRequirement | None
    ) -> Admission:
        is_public, bearer = requirement is None, credential(request)
        if is_public and not policies and bearer is None:
            return ANONYMOUS_ADMISSION
        client = clients.client(request.env)
        admission: Admission | None = request.env.get(_ADMISSION_KEY)
        if admission is None:
            admission = limiter.admit(client, bearer, policies, is_public=is_public)
            request.env[_ADMISSION_KEY] = admission
        if admission.user is not None:
            request.env[USER_KEY] = admission.user.id
        if is_public and (error := admission.authentication_error):
            response.set_header("www-authenticate", 'Bearer error="invalid_token"')
            if limiter.is_first_ignored_credential(client):
                _log.warning(_IGNORED_CREDENTIAL, network_of(client), error)
        if statuses := admission.statuses:
            response.set_header("ratelimit-policy", ", ".join(map(_policy_header, statuses)))
            response.set_header("ratelimit", ", ".join(map(_status_header, statuses)))
        return admission

    return admit


_ADMISSION_KEY = "eggypro.admission"
ANONYMOUS_ADMISSION = Admission()
"""The admission of a request that is neither counted nor authenticated."""


def credential(request: falcon.Request) -> str | None:
    """Return the bearer credential of a request, None if it has none."""
    scheme, _, token = request.env.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _policy_header(status: RateLimitStatus) -> str:
    policy = status.policy
    return f'"{policy.name}";q={policy.limit};w={policy.window_seconds}'


def _status_header(status: RateLimitStatus) -> str:
    return f'"{status.policy.name}";r={status.remaining};t={status.reset_seconds}'
