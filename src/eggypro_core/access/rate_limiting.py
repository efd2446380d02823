"""The limiter: counts the requests of clients, and keeps those who guess credentials away."""

import sys
from collections.abc import Iterable, Mapping
from math import ceil
from types import TracebackType
from typing import Protocol, Self

from attrs import Factory, field, frozen

from eggypro_core.access.authentication import AdminUser, Authenticator, Requirement, require_access
from eggypro_core.errors import RateLimitedError, SlugMovedError, UnauthenticatedError

STANDARD, STRICT, AUTH = "standard", "strict", "auth"
_QUARTER_HOUR_SECONDS = 15 * 60


@frozen(cache_hash=True)
class Policy:
    """At most `limit` things of a client within a window of so many seconds.

    The window begins with the first thing that is counted. What ends well, or what does not, can be
    left uncounted. Workers that share the counts of an exact policy agree at once, for which they
    wait for one another; those of any other a moment later.
    """

    name: str
    limit: int
    window_seconds: int
    counts_successes: bool = True
    counts_failures: bool = True
    is_exact: bool = True

    def counts(self, *, success: bool) -> bool:
        """Whether what ended well, or did not, is counted."""
        return self.counts_successes if success else self.counts_failures


@frozen
class RateLimitStatus:
    """What a client has used of a policy, and the seconds that are left of the window."""

    policy: Policy
    used: int
    seconds_left: float

    @property
    def remaining(self) -> int:
        """How many more there may be in this window."""
        return max(self.policy.limit - self.used, 0)

    @property
    def is_exceeded(self) -> bool:
        """Whether the last of those used was one too many."""
        return self.used > self.policy.limit

    @property
    def reset_seconds(self) -> int:
        """The whole seconds after which the window is over for sure."""
        return max(ceil(self.seconds_left), 1)

    def after_one_more(self) -> "RateLimitStatus":
        """Return where the client would stand with one more."""
        return RateLimitStatus(self.policy, self.used + 1, self.seconds_left)


def policies(limit: int, window_ms: int) -> dict[str, Policy]:
    """Return the policies of the API, by name; the limit is the standard one's, 0 means none.

    Windows are told to clients in whole seconds, so they are whole seconds.
    """
    found = {
        STRICT: Policy(STRICT, 10, _QUARTER_HOUR_SECONDS),
        AUTH: Policy(AUTH, 5, _QUARTER_HOUR_SECONDS, counts_successes=False),
    }
    if limit:
        found[STANDARD] = Policy(STANDARD, limit, ceil(window_ms / 1000), is_exact=False)
    return found


class RateCounter(Protocol):
    """Counts what clients do, by policies. Any method may raise UnavailableError.

    A window begins with the first thing counted and lasts as long as the policy says; then the
    count begins anew. A counter of bounded memory may forget the oldest windows.
    """

    def increment(self, policy: Policy, client: str, *, count: int = 1) -> RateLimitStatus:
        """Count one more thing (or several) of a client, and return where they stand then.

        However many are counted at once, no two of them make the same number.
        """
        ...

    def get(self, policy: Policy, client: str) -> RateLimitStatus:
        """Return where a client stands; with no window open, none are used of a whole one."""
        ...

    def reset(self, policy: Policy, client: str) -> None:
        """Forget what was counted of a client."""
        ...


_UNLIMITED_POLICY = Policy(AUTH, sys.maxsize, 1)


class NullRateCounter:
    """Counts nothing, for an API without rate limits."""

    def increment(self, policy: Policy, client: str, *, count: int = 1) -> RateLimitStatus:  # noqa: ARG002
        """Return a whole window, none of it used."""
        return self.get(policy, client)

    def get(self, policy: Policy, client: str) -> RateLimitStatus:  # noqa: ARG002
        """Return a whole window, none of it used."""
        return RateLimitStatus(policy, 0, policy.window_seconds)

    def reset(self, policy: Policy, client: str) -> None:
        """Do nothing."""


@frozen
class Admission:
    """A request of a client: who sent it, and where they stand with the policies that it met.

    As a `with` block it counts by its end what a policy leaves uncounted otherwise.
    """

    statuses: tuple[RateLimitStatus, ...] = ()
    user: AdminUser | None = None
    authentication_error: UnauthenticatedError | None = None
    _counter: RateCounter | None = None
    _client: str = ""

    def authorize(self, requirement: Requirement | None) -> None:
        """Let the request in if it may do this.

        Raises RateLimitedError first of all. Where a permission is needed, raises
        UnauthenticatedError unless the credential is good, ForbiddenError if it is not for this.
        """
        over = [standing for standing in self.statuses if standing.is_exceeded]
        if over:
            is_locked = any(standing.policy.name == AUTH for standing in over)
            message = "Too many authentication attempts" if is_locked else ""
            raise RateLimitedError(max(standing.reset_seconds for standing in over), message)
        if requirement is None:
            return
        if self.user is None:
            raise self.authentication_error or UnauthenticatedError
        require_access(self.user, requirement)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._counter is None or isinstance(error, RateLimitedError):
            return
        success = error is None or isinstance(error, SlugMovedError)
        for policy in (standing.policy for standing in self.statuses):
            if not _counts_every_request(policy) and policy.counts(success=success):
                self._counter.increment(policy, self._client)


@frozen
class RateLimiter:
    """Counts requests by policies; whoever holds a valid credential is exempt.

    The policy `auth` is for credentials that verify to nothing: a client that sent as many as its
    limit is locked, and no credential of theirs is looked at until the window ends. A good one
    clears what was counted.
    """

    _authenticator: Authenticator
    _counter: RateCounter
    policies: Mapping[str, Policy] = field(factory=dict)
    _auth_policy: Policy = Factory(
        lambda limiter: limiter.policies.get(AUTH, _UNLIMITED_POLICY), takes_self=True
    )

    def enabled_policies(self, names: Iterable[str]) -> tuple[Policy, ...]:
        """Return the policies of these names, but for those that are switched off."""
        return tuple(self.policies[name] for name in names if name in self.policies)

    def admit(self, client: str, credential: str | None, policies: tuple[Policy, ...]) -> Admission:
        """Count a request under some policies, and look at the credential if it has one."""
        refusal = None
        if credential:
            attempt = self._authenticate(client, credential)
            if attempt.user is not None or attempt.statuses:
                return attempt
            refusal = attempt.authentication_error
        standings = tuple([self._count_request(policy, client) for policy in policies])
        if all(map(_counts_every_request, policies)):
            return Admission(standings, authentication_error=refusal)
        return Admission(standings, None, refusal, self._counter, client)

    def _count_request(self, policy: Policy, client: str) -> RateLimitStatus:
        if _counts_every_request(policy):
            return self._counter.increment(policy, client)
        return self._counter.get(policy, client).after_one_more()

    def _authenticate(self, client: str, credential: str) -> Admission:
        before = self._counter.get(self._auth_policy, client)
        if before.used >= self._auth_policy.limit:
            return Admission((before.after_one_more(),))
        try:
            user = self._authenticator.authenticate(credential)
        except UnauthenticatedError as refusal:
            return Admission(
                self._count_failure(client) if refusal.is_failure else (),
                authentication_error=refusal,
            )
        if before.used:
            self._counter.reset(self._auth_policy, client)
        return Admission(user=user)

    def _count_failure(self, client: str) -> tuple[RateLimitStatus, ...]:
        """Count a failure. Of many at once, those above the limit are refused as locked."""
        standing = self._counter.increment(self._auth_policy, client)
        return (standing,) if standing.is_exceeded else ()


def _counts_every_request(policy: Policy) -> bool:
    """Whether every request counts, so that it can be counted before it is worked on."""
    return policy.counts_successes and policy.counts_failures
