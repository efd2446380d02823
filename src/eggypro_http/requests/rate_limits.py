"""Requests as the limiter sees them, and what their senders are told (RateLimit, draft 10)."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import falcon

from eggypro_core.access.authentication import Need
from eggypro_core.access.rate_limiting import Limiter, Standing, Visit
from eggypro_http.requests.client_address import Clients, Network

Visitor: TypeAlias = Callable[[falcon.Request, falcon.Response, Need | None], Visit]


def visitor(trusted: Sequence[Network], limiter: Limiter, limits: Iterable[str]) -> Visitor:
    """Return what counts a request by the policies of these names, and tells where it stands.

    Its credential is looked at where a permission is needed, or else where something is counted.
    """
    clients = Clients(tuple(trusted))
    policies = limiter.named(limits)

    def visit(request: falcon.Request, response: falcon.Response, needed: Need | None) -> Visit:
        if needed is None and not policies:
            return NOBODY
        made = limiter.visit(clients.of(request.env), credential(request), policies)
        if made.standings:
            response.set_header("ratelimit-policy", ", ".join(map(_policy, made.standings)))
            response.set_header("ratelimit", ", ".join(map(_standing, made.standings)))
        return made

    return visit


NOBODY = Visit()
"""A request that nothing is asked about."""


def credential(request: falcon.Request) -> str | None:
    """Return the bearer credential of a request, None if it has none."""
    scheme, _, token = request.env.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _policy(standing: Standing) -> str:
    policy = standing.policy
    return f'"{policy.name}";q={policy.limit};w={policy.window}'


def _standing(standing: Standing) -> str:
    return f'"{standing.policy.name}";r={standing.remaining};t={standing.seconds}'
