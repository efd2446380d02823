"""Rate limiting of requests, and the RateLimit response headers (draft 10)."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import falcon

from eggypro_core.access.authentication import AccessRequirement
from eggypro_core.access.rate_limiting import Admission, RateLimiter, RateLimitStatus
from eggypro_http.requests.client_address import ClientResolver, Network

Admit: TypeAlias = Callable[[falcon.Request, falcon.Response, AccessRequirement | None], Admission]


def request_admission(
    trusted: Sequence[Network], limiter: RateLimiter, limits: Iterable[str]
) -> Admit:
    """Return a function that admits a request under the policies named in `limits`.

    It sets the RateLimit headers of the response. The credential is verified only if the request
    requires one or is counted.
    """
    clients = ClientResolver(tuple(trusted))
    policies = limiter.enabled_policies(limits)

    def admit(
        request: falcon.Request, response: falcon.Response, requirement: AccessRequirement | None
    ) -> Admission:
        if requirement is None and not policies:
            return ANONYMOUS_ADMISSION
        admission = limiter.admit(clients.client(request.env), credential(request), policies)
        if statuses := admission.statuses:
            response.set_header("ratelimit-policy", ", ".join(map(_policy_header, statuses)))
            response.set_header("ratelimit", ", ".join(map(_status_header, statuses)))
        return admission

    return admit


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
