"""What the limiter makes of a request, by itself."""

import pytest
from attrs import evolve

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.memory import MemoryRateCounter
from eggypro_core.access.authentication import AdminUser, Authenticator, Permission
from eggypro_core.access.rate_limiting import (
    STANDARD,
    Admission,
    NullRateCounter,
    Policy,
    RateLimiter,
    RateLimitStatus,
    policies,
)
from eggypro_core.errors import (
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    SlugMovedError,
    UnauthenticatedError,
)

KEY = "the-key-of-the-shop-in-these-tests"
AUTH_POLICY = Policy("auth", 2, 60)
STANDARD_POLICY = Policy("standard", 2, 60)


class ExpiredAuthenticator(Authenticator):
    """Knows a credential that was good until lately."""

    def authenticate(self, credential: str | None) -> AdminUser:
        if credential == "expired":
            raise UnauthenticatedError("The token has expired")
        return super().authenticate(credential)


def make_limiter(*limits: Policy) -> RateLimiter:
    by_name = {limit.name: limit for limit in limits}
    return RateLimiter(ExpiredAuthenticator(KEY), MemoryRateCounter(FakeMonotonicClock()), by_name)


def test_a_genuine_credential_that_has_expired_is_no_failure() -> None:
    limiter = make_limiter(AUTH_POLICY)
    for _ in range(9):
        with pytest.raises(UnauthenticatedError, match="expired"):
            limiter.admit("ada", "expired", ()).authorize(Permission.PRODUCTS_READ)
    assert limiter.admit("ada", KEY, ()).user is not None


def test_who_guessed_while_others_of_theirs_used_up_the_limit_is_refused_as_locked() -> None:
    counter = MemoryRateCounter(FakeMonotonicClock())

    class Crowded(Authenticator):
        """Has others fail while it looks at a credential."""

        def authenticate(self, credential: str | None) -> AdminUser:
            counter.increment(AUTH_POLICY, "ada", count=2)
            return super().authenticate(credential)

    limiter = RateLimiter(Crowded(KEY), counter, {AUTH_POLICY.name: AUTH_POLICY})
    with pytest.raises(RateLimitedError):
        limiter.admit("ada", "wrong", ()).authorize(Permission.PRODUCTS_READ)


def test_nobody_is_locked_where_there_is_no_policy_for_it() -> None:
    limiter = make_limiter()
    for _ in range(50):
        limiter.admit("ada", "wrong", ())
    assert limiter.admit("ada", KEY, ()).user is not None


def test_who_needs_nothing_is_let_in_by_any_credential() -> None:
    for credential in (None, "wrong", "expired", KEY):
        make_limiter(AUTH_POLICY).admit("ada", credential, ()).authorize(None)


def test_who_lacks_a_permission_is_told_so() -> None:
    user = AdminUser("reader", "reader", frozenset({Permission.PRODUCTS_READ}))
    Admission(user=user).authorize(Permission.PRODUCTS_READ)
    with pytest.raises(ForbiddenError, match="products:write"):
        Admission(user=user).authorize(Permission.PRODUCTS_WRITE)


def test_too_often_goes_before_unknown() -> None:
    standing = RateLimitStatus(STANDARD_POLICY, 3, 7.2)
    with pytest.raises(RateLimitedError, match="Too many requests: try again in 8 s") as refused:
        Admission((standing,)).authorize(Permission.PRODUCTS_READ)
    assert refused.value.retry_after == 8


def test_who_is_locked_is_told_why_whatever_else_they_did_too_often() -> None:
    standings = (RateLimitStatus(STANDARD_POLICY, 3, 70), RateLimitStatus(AUTH_POLICY, 3, 7))
    with pytest.raises(RateLimitedError, match=r"^Too many authentication attempts$") as refused:
        Admission(standings).authorize(None)
    assert refused.value.retry_after == 70


def test_of_two_windows_the_longer_one_is_to_be_waited_for() -> None:
    standings = (
        RateLimitStatus(STANDARD_POLICY, 3, 7),
        RateLimitStatus(STANDARD_POLICY, 3, 70),
        RateLimitStatus(STANDARD_POLICY, 1, 700),
    )
    with pytest.raises(RateLimitedError, match="70 s"):
        Admission(standings).authorize(None)


@pytest.mark.parametrize(
    ("error", "successes", "failures"),
    [(None, 1, 0), (SlugMovedError("new"), 1, 0), (NotFoundError("No"), 0, 1), (KeyError(), 0, 1)],
)
def test_what_ends_well_is_told_from_what_does_not(
    error: Exception | None, successes: int, failures: int
) -> None:
    good = Policy("good", 5, 60, counts_failures=False)
    bad = Policy("bad", 5, 60, counts_successes=False)
    counter = MemoryRateCounter(FakeMonotonicClock())
    limiter = RateLimiter(Authenticator(KEY), counter, {})
    visit = limiter.admit("ada", None, (good, bad))
    visit.__exit__(None, error, None)
    assert counter.get(good, "ada").used == successes
    assert counter.get(bad, "ada").used == failures


def test_a_refused_visit_is_neither() -> None:
    bad = Policy("bad", 1, 60, counts_successes=False)
    counter = MemoryRateCounter(FakeMonotonicClock())
    counter.increment(bad, "ada")
    limiter = RateLimiter(Authenticator(KEY), counter, {})
    with pytest.raises(RateLimitedError), limiter.admit("ada", None, (bad,)) as visit:
        visit.authorize(None)
    assert counter.get(bad, "ada").used == 1


@pytest.mark.parametrize(("left", "seconds"), [(0.0, 1), (0.2, 1), (1.0, 1), (1.1, 2), (900, 900)])
def test_who_waits_for_as_long_as_they_are_told_comes_after_the_window(
    left: float, seconds: int
) -> None:
    assert RateLimitStatus(AUTH_POLICY, 3, left).reset_seconds == seconds


def test_policies_tell_by_their_names_which_are_on() -> None:
    limiter = evolve(make_limiter(), policies=policies(0, 1))
    assert [one.name for one in limiter.enabled_policies(["standard", "strict"])] == ["strict"]


def test_the_null_counter_counts_nothing() -> None:
    counter, policy = NullRateCounter(), Policy(STANDARD, 1, 60)
    unused = RateLimitStatus(policy, 0, 60)
    assert [counter.increment(policy, "ada") for _ in range(2)] == [unused, unused]
    counter.reset(policy, "ada")
    assert counter.get(policy, "ada") == unused
