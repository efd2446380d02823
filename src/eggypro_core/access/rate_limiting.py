"""The limiter: counts the requests of clients, and keeps those who guess credentials away."""

import sys
from collections.abc import Iterable, Mapping
from math import ceil
from types import TracebackType
from typing import Protocol, Self

from attrs import Factory, field, frozen

from eggypro_core.access.authentication import AdminUser, Gate, Need, require
from eggypro_core.errors import MovedError, RateLimitedError, UnauthenticatedError

STANDARD, STRICT, AUTH = "standard", "strict", "auth"
_QUARTER = 15 * 60


@frozen(cache_hash=True)
class Policy:
    """At most `limit` things of a client within a window of so many seconds.

    The window begins with the first thing that is counted. What ends well, or what does not, can be
    left uncounted. Workers that share the counts of an exact policy agree at once, for which they
    wait for one another; those of any other a moment later.
    """

    name: str
    limit: int
    window: int
    counts_successes: bool = True
    counts_failures: bool = True
    is_exact: bool = True

    def counts(self, *, success: bool) -> bool:
        """Whether what ended well, or did not, is counted."""
        return self.counts_successes if success else self.counts_failures


@frozen
class Standing:
    """What a client has used of a policy, and the seconds that are left of the window."""

    policy: Policy
    used: int
    left: float

    @property
    def remaining(self) -> int:
        """How many more there may be in this window."""
        return max(self.policy.limit - self.used, 0)

    @property
    def is_over(self) -> bool:
        """Whether the last of those used was one too many."""
        return self.used > self.policy.limit

    @property
    def seconds(self) -> int:
        """The whole seconds after which the window is over for sure."""
        return max(ceil(self.left), 1)

    def one_more(self) -> "Standing":
        """Return where the client would stand with one more."""
        return Standing(self.policy, self.used + 1, self.left)


def policies(limit: int, milliseconds: int) -> dict[str, Policy]:
    """Return the policies of the API, by name; the limit is the standard one's, 0 means none.

    Windows are told to clients in whole seconds, so they are whole seconds.
    """
    found = {
        STRICT: Policy(STRICT, 10, _QUARTER),
        AUTH: Policy(AUTH, 5, _QUARTER, counts_successes=False),
    }
    if limit:
        found[STANDARD] = Policy(STANDARD, limit, ceil(milliseconds / 1000), is_exact=False)
    return found


class Counter(Protocol):
    """Counts what clients do, by policies. Any method may raise UnavailableError.

    A window begins with the first thing counted and lasts as long as the policy says; then the
    count begins anew. A counter of bounded memory may forget the oldest windows.
    """

    def add(self, policy: Policy, client: str, *, times: int = 1) -> Standing:
        """Count one more thing (or several) of a client, and return where they stand then.

        However many are counted at once, no two of them make the same number.
        """
        ...

    def read(self, policy: Policy, client: str) -> Standing:
        """Return where a client stands; with no window open, none are used of a whole one."""
        ...

    def clear(self, policy: Policy, client: str) -> None:
        """Forget what was counted of a client."""
        ...


_NO_LOCK = Policy(AUTH, sys.maxsize, 1)


class NullRateCounter:
    """Counts nothing, for an API without rate limits."""

    def add(self, policy: Policy, client: str, *, times: int = 1) -> Standing:  # noqa: ARG002
        """Return a whole window, none of it used."""
        return self.read(policy, client)

    def read(self, policy: Policy, client: str) -> Standing:  # noqa: ARG002
        """Return a whole window, none of it used."""
        return Standing(policy, 0, policy.window)

    def clear(self, policy: Policy, client: str) -> None:
        """Do nothing."""


@frozen
class Visit:
    """A request of a client: who sent it, and where they stand with the policies that it met.

    As a `with` block it counts by its end what a policy leaves uncounted otherwise.
    """

    standings: tuple[Standing, ...] = ()
    user: AdminUser | None = None
    refusal: UnauthenticatedError | None = None
    _counter: Counter | None = None
    _client: str = ""

    def admit(self, needed: Need | None) -> None:
        """Let the request in if it may do this.

        Raises RateLimitedError first of all. Where a permission is needed, raises
        UnauthenticatedError unless the credential is good, ForbiddenError if it is not for this.
        """
        over = [standing for standing in self.standings if standing.is_over]
        if over:
            is_locked = any(standing.policy.name == AUTH for standing in over)
            message = "Too many authentication attempts" if is_locked else ""
            raise RateLimitedError(max(standing.seconds for standing in over), message)
        if needed is None:
            return
        if self.user is None:
            raise self.refusal or UnauthenticatedError
        require(self.user, needed)

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
        success = error is None or isinstance(error, MovedError)
        for policy in (standing.policy for standing in self.standings):
            if not _is_plain(policy) and policy.counts(success=success):
                self._counter.add(policy, self._client)


@frozen
class Limiter:
    """Counts requests by policies; whoever holds a valid credential is exempt.

    The policy `auth` is for credentials that verify to nothing: a client that sent as many as its
    limit is locked, and no credential of theirs is looked at until the window ends. A good one
    clears what was counted.
    """

    _gate: Gate
    _counter: Counter
    policies: Mapping[str, Policy] = field(factory=dict)
    _auth: Policy = Factory(lambda limiter: limiter.policies.get(AUTH, _NO_LOCK), takes_self=True)

    def named(self, names: Iterable[str]) -> tuple[Policy, ...]:
        """Return the policies of these names, but for those that are switched off."""
        return tuple(self.policies[name] for name in names if name in self.policies)

    def visit(self, client: str, credential: str | None, policies: tuple[Policy, ...]) -> Visit:
        """Count a request under some policies, and look at the credential if it has one."""
        refusal = None
        if credential:
            attempt = self._attempt(client, credential)
            if attempt.user is not None or attempt.standings:
                return attempt
            refusal = attempt.refusal
        standings = tuple([self._standing(policy, client) for policy in policies])
        if all(map(_is_plain, policies)):
            return Visit(standings, refusal=refusal)
        return Visit(standings, None, refusal, self._counter, client)

    def _standing(self, policy: Policy, client: str) -> Standing:
        if _is_plain(policy):
            return self._counter.add(policy, client)
        return self._counter.read(policy, client).one_more()

    def _attempt(self, client: str, credential: str) -> Visit:
        before = self._counter.read(self._auth, client)
        if before.used >= self._auth.limit:
            return Visit((before.one_more(),))
        try:
            user = self._gate.recognise(credential)
        except UnauthenticatedError as refusal:
            return Visit(self._failed(client) if refusal.is_failure else (), refusal=refusal)
        if before.used:
            self._counter.clear(self._auth, client)
        return Visit(user=user)

    def _failed(self, client: str) -> tuple[Standing, ...]:
        """Count a failure. Of many at once, those above the limit are refused as locked."""
        standing = self._counter.add(self._auth, client)
        return (standing,) if standing.is_over else ()


def _is_plain(policy: Policy) -> bool:
    """Whether every request counts, so that it can be counted before it is worked on."""
    return policy.counts_successes and policy.counts_failures
