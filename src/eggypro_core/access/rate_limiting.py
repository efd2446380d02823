"""Rate limits per client, and lockout of clients that guess credentials."""

import sys
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Protocol, Self

from attrs import Factory, define, field, frozen

from eggypro_core.access.authentication import (
    AccessRequirement,
    AdminUser,
    Authenticator,
    require_access,
)
from eggypro_core.errors import (
    RateLimitedError,
    SlugMovedError,
    UnauthenticatedError,
    UnavailableError,
)

STANDARD, STRICT, AUTH = "standard", "strict", "auth"
_QUARTER_HOUR_SECONDS = 15 * 60


@frozen(cache_hash=True)
class RateLimitPolicy:
    """At most `limit` requests of a client within a window of `window_seconds`.

    The window begins with the first counted request. Successful or failed requests can be excluded.
    The counts of an exact policy are synchronised between workers at once, at the price of waiting
    for each other; those of other policies a moment later.
    """

    name: str
    limit: int
    window_seconds: int
    counts_successes: bool = True
    counts_failures: bool = True
    is_exact: bool = True

    @property
    def counts_every_request(self) -> bool:
        """Return whether a request can be counted before its outcome is known."""
        return self.counts_successes and self.counts_failures

    def counts(self, *, success: bool) -> bool:
        """Return whether a successful or failed request counts."""
        return self.counts_successes if success else self.counts_failures


@define(unsafe_hash=True)  # not frozen: each request makes one, which would take twice as long
class RateLimitStatus:
    """The usage of a policy by a client, and the seconds left in the window."""

    policy: RateLimitPolicy
    used: int
    seconds_left: float

    @property
    def remaining(self) -> int:
        """Return the number of requests left in this window."""
        return max(self.policy.limit - self.used, 0)

    @property
    def is_exceeded(self) -> bool:
        """Return whether the usage exceeds the limit."""
        return self.used > self.policy.limit

    @property
    def reset_seconds(self) -> int:
        """Return the whole seconds after which the window has certainly ended."""
        return max(ceil(self.seconds_left), 1)

    def after_one_more(self) -> "RateLimitStatus":
        """Return the status after one more request."""
        return RateLimitStatus(self.policy, self.used + 1, self.seconds_left)


def rate_limit_policies(limit: int, window_ms: int) -> dict[str, RateLimitPolicy]:
    """Return the policies of the API by name.

    `limit` and `window_ms` are those of the standard policy; limit 0 disables it. Windows are
    rounded up to seconds, the unit of the RateLimit headers.
    """
    enabled = {
        STRICT: RateLimitPolicy(STRICT, 10, _QUARTER_HOUR_SECONDS),
        AUTH: RateLimitPolicy(AUTH, 5, _QUARTER_HOUR_SECONDS, counts_successes=False),
    }
    if limit:
        enabled[STANDARD] = RateLimitPolicy(STANDARD, limit, ceil(window_ms / 1000), is_exact=False)
    return enabled


class RateCounter(Protocol):
    """Count requests per policy and client. Any method may raise UnavailableError.

    A window begins with the first counted request and lasts `window_seconds`; then the count
    restarts at 0. A counter of bounded memory may drop the oldest windows.
    """

    def increment(self, policy: RateLimitPolicy, client: str, *, count: int = 1) -> RateLimitStatus:
        """Add `count` requests of a client and return the new status.

        Atomic: no two concurrent increments return the same number.
        """
        ...

    def get(self, policy: RateLimitPolicy, client: str) -> RateLimitStatus:
        """Return the status of a client; without an open window, that of an unused one."""
        ...

    def reset(self, policy: RateLimitPolicy, client: str) -> None:
        """Delete the count of a client."""
        ...


_UNLIMITED_POLICY = RateLimitPolicy(AUTH, sys.maxsize, 1)
_IGNORED_CREDENTIALS = RateLimitPolicy("ignored-credential", 1, 3600)


class NullRateCounter:
    """Count nothing, for an API without rate limits."""

    def increment(self, policy: RateLimitPolicy, client: str, *, count: int = 1) -> RateLimitStatus:  # noqa: ARG002
        """Return the status of an unused window."""
        return self.get(policy, client)

    def get(self, policy: RateLimitPolicy, client: str) -> RateLimitStatus:  # noqa: ARG002
        """Return the status of an unused window."""
        return RateLimitStatus(policy, 0, policy.window_seconds)

    def reset(self, policy: RateLimitPolicy, client: str) -> None:
        """Do nothing."""


@define(unsafe_hash=True)  # not frozen: each request makes one, which would take twice as long
class Admission:
    """A counted request: its user, and the client's status per policy.

    Used as a `with` block, it counts by outcome for policies that exclude successes or failures.
    """

    statuses: tuple[RateLimitStatus, ...] = ()
    user: AdminUser | None = None
    authentication_error: UnauthenticatedError | None = None
    _counter: RateCounter | None = None
    _client: str = ""

    @property
    def is_plain(self) -> bool:
        """Return whether the client may read public data, and the outcome counts for no policy.

        A client whose credential was ignored must be told so.
        """
        return (
            self.authentication_error is None
            and self._counter is None
            and not [status for status in self.statuses if status.is_exceeded]
        )

    def authorize(self, requirement: AccessRequirement | None) -> None:
        """Check the rate limits and the requirement of the request.

        Raises RateLimitedError first. With a requirement, raises UnauthenticatedError unless the
        credential is valid, and ForbiddenError unless it meets the requirement.
        """
        exceeded = [status for status in self.statuses if status.is_exceeded]
        if exceeded:
            is_locked = any(status.policy.name == AUTH for status in exceeded)
            message = "Too many authentication attempts" if is_locked else ""
            code = "locked-out" if is_locked else "rate-limited"
            seconds = max(status.reset_seconds for status in exceeded)
            raise RateLimitedError(seconds, message, code=code)
        if requirement is None:
            return
        if self.user is None:
            raise self.authentication_error or UnauthenticatedError
        require_access(self.user, requirement)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        is_unfinished = not isinstance(error, Exception | None)
        if self._counter is None or isinstance(error, RateLimitedError) or is_unfinished:
            return
        success = error is None or isinstance(error, SlugMovedError)
        for policy in (status.policy for status in self.statuses):
            if not policy.counts_every_request and policy.counts(success=success):
                self._counter.increment(policy, self._client)


@frozen
class RateLimiter:
    """Count requests by policy; requests with a valid credential are exempt.

    The policy `auth` counts credentials that cannot be verified, except on public routes. A client
    that reaches its limit is locked: its credentials are not checked until the window ends. A valid
    credential before that resets the count.
    """

    _authenticator: Authenticator
    _counter: RateCounter
    policies: Mapping[str, RateLimitPolicy] = field(factory=dict)
    _auth_policy: RateLimitPolicy = Factory(
        lambda limiter: limiter.policies.get(AUTH, _UNLIMITED_POLICY), takes_self=True
    )

    def enabled_policies(self, names: Iterable[str]) -> tuple[RateLimitPolicy, ...]:
        """Return the policies of these names, without the disabled ones."""
        return tuple(self.policies[name] for name in names if name in self.policies)

    def admit(
        self,
        client: str,
        credential: str | None,
        policies: tuple[RateLimitPolicy, ...],
        *,
        is_public: bool = False,
    ) -> Admission:
        """Count a request by `policies` and authenticate its credential, if any.

        On public routes a client is anonymous if it is locked, or if its credential is invalid or
        cannot be checked. On others, raises UnavailableError for an API key that cannot be checked.
        """
        error = None
        if credential:
            attempt = self._authenticate(client, credential, is_public=is_public)
            if attempt.user is not None or (attempt.statuses and not is_public):
                return attempt
            error = attempt.authentication_error
        counts_outcome = False
        statuses = []
        for policy in policies:
            if policy.counts_every_request:
                statuses.append(self._counter.increment(policy, client))
            else:
                counts_outcome = True
                statuses.append(self._counter.get(policy, client).after_one_more())
        counter = self._counter if counts_outcome else None
        return Admission(tuple(statuses), None, error, counter, client)

    def is_first_ignored_credential(self, client: str) -> bool:
        """Count an invalid credential on a public route; return whether it is the first in an hour.

        Each client is counted separately.
        """
        return self._counter.increment(_IGNORED_CREDENTIALS, client).used == 1

    def _authenticate(self, client: str, credential: str, *, is_public: bool) -> Admission:
        status = self._counter.get(self._auth_policy, client)
        if status.used >= self._auth_policy.limit:
            return Admission((status.after_one_more(),))
        try:
            user = self._authenticator.authenticate(credential, is_public=is_public)
        except UnauthenticatedError as error:
            return Admission(
                self._count_failure(client) if error.is_failure and not is_public else (),
                authentication_error=error,
            )
        except UnavailableError:
            if not is_public:
                raise
            return Admission()
        if status.used:
            self._counter.reset(self._auth_policy, client)
        return Admission(user=user)

    def _count_failure(self, client: str) -> tuple[RateLimitStatus, ...]:
        """Count a failure. Concurrent failures above the limit are rejected as locked."""
        status = self._counter.increment(self._auth_policy, client)
        return (status,) if status.is_exceeded else ()
