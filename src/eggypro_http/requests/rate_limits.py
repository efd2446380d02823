"""Requests as the limiter sees them, and what their senders are told (RateLimit, draft 10)."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import falcon

from eggypro_core.access.authentication import Requirement
from eggypro_core.access.rate_limiting import Admission, RateLimiter, RateLimitStatus
from eggypro_http.requests.client_address import ClientResolver, Network

Admit: TypeAlias = Callable[[falcon.Request, falcon.Response, Requirement | None], Admission]


def request_admission(
    trusted: Sequence[Network], limiter: RateLimiter, limits: Iterable[str]
) -> Admit:
    """Return what counts a request by the policies of these names, and tells where it stands.

    Its credential is looked at where a permission is needed, or else where something is counted.
    """
    clients = ClientResolver(tuple(trusted))
    policies = limiter.enabled_policies(limits)

    def visit(
        request: falcon.Request, response: falcon.Response, needed: Requirement | None
    ) -> Admission:
        if needed is None and not policies:
            return ANONYMOUS
        made = limiter.admit(clients.client(request.env), credential(request), policies)
        if made.statuses:
            response.set_header("ratelimit-policy", ", ".join(map(_policy_header, made.statuses)))
            response.set_header("ratelimit", ", ".join(map(_status_header, made.statuses)))
        return made

    return visit


ANONYMOUS = Admission()
"""A request that nothing is asked about."""


def credential(request: falcon.Request) -> str | None:
    """Return the bearer credential of a request, None if it has none."""
    scheme, _, token = request.env.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _policy_header(standing: RateLimitStatus) -> str:
    policy = standing.policy
    return f'"{policy.name}";q={policy.limit};w={policy.window_seconds}'


def _status_header(standing: RateLimitStatus) -> str:
    return f'"{standing.policy.name}";r={standing.remaining};t={standing.reset_seconds}'
