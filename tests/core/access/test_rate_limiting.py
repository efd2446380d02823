"""Tests of the rate limiter."""

import pytest
from attrs import evolve

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.memory import MemoryRateCounter
from eggypro_core.access.authentication import AdminUser, Authenticator, Permission
from eggypro_core.access.rate_limiting import (
    STANDARD,
    Admission,
    NullRateCounter,
    RateLimiter,
    RateLimitPolicy,
    RateLimitStatus,
    rate_limit_policies,
)
from eggypro_core.errors import (
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    SlugMovedError,
    UnauthenticatedError,
)

KEY = "the-key-of-the-shop-in-these-tests"
AUTH_POLICY = RateLimitPolicy("auth", 2, 60)
STANDARD_POLICY = RateLimitPolicy("standard", 2, 60)


class ExpiredAuthenticator(Authenticator):
    """Reject `expired` as an expired token."""

    def authenticate(self, credential: str | None, *, is_public: bool = False) -> AdminUser:
        if credential == "expired":
            raise UnauthenticatedError("The token has expired")
        return super().authenticate(credential, is_public=is_public)


def make_limiter(*enabled: RateLimitPolicy) -> RateLimiter:
    by_name = {policy.name: policy for policy in enabled}
    return RateLimiter(ExpiredAuthenticator(KEY), MemoryRateCounter(FakeMonotonicClock()), by_name)


def test_an_expired_token_does_not_count_as_a_failure() -> None:
    limiter = make_limiter(AUTH_POLICY)
    for _ in range(9):
        with pytest.raises(UnauthenticatedError, match="expired"):
            limiter.admit("ada", "expired", ()).authorize(Permission.PRODUCTS_READ)
    assert limiter.admit("ada", KEY, ()).user is not None


def test_a_failure_above_the_limit_under_concurrency_is_rejected_as_locked() -> None:
    counter = MemoryRateCounter(FakeMonotonicClock())

    class ConcurrentAuthenticator(Authenticator):
        """Count failures of concurrent requests before authenticating."""

        def authenticate(self, credential: str | None, *, is_public: bool = False) -> AdminUser:
            counter.increment(AUTH_POLICY, "ada", count=2)
            return super().authenticate(credential, is_public=is_public)

    limiter = RateLimiter(ConcurrentAuthenticator(KEY), counter, {AUTH_POLICY.name: AUTH_POLICY})
    with pytest.raises(RateLimitedError):
        limiter.admit("ada", "wrong", ()).authorize(Permission.PRODUCTS_READ)


def test_without_the_auth_policy_no_client_is_locked() -> None:
    limiter = make_limiter()
    for _ in range(50):
        limiter.admit("ada", "wrong", ())
    assert limiter.admit("ada", KEY, ()).user is not None


def test_without_a_requirement_any_credential_is_accepted() -> None:
    for credential in (None, "wrong", "expired", KEY):
        make_limiter(AUTH_POLICY).admit("ada", credential, ()).authorize(None)


def test_a_missing_permission_is_forbidden() -> None:
    user = AdminUser("reader", "reader", frozenset({Permission.PRODUCTS_READ}))
    Admission(user=user).authorize(Permission.PRODUCTS_READ)
    with pytest.raises(ForbiddenError, match="products:write"):
        Admission(user=user).authorize(Permission.PRODUCTS_WRITE)


def test_rate_limits_are_checked_before_authentication() -> None:
    status = RateLimitStatus(STANDARD_POLICY, 3, 7.2)
    with pytest.raises(
        RateLimitedError, match=r"^Too many requests\. Try again in 8 s\.$"
    ) as raised:
        Admission((status,)).authorize(Permission.PRODUCTS_READ)
    assert raised.value.retry_after == 8


def test_a_lockout_is_reported_before_other_limits() -> None:
    statuses = (RateLimitStatus(STANDARD_POLICY, 3, 70), RateLimitStatus(AUTH_POLICY, 3, 7))
    with pytest.raises(RateLimitedError, match=r"^Too many authentication attempts$") as raised:
        Admission(statuses).authorize(None)
    assert raised.value.retry_after == 70


def test_retry_after_is_the_longest_exceeded_window() -> None:
    statuses = (
        RateLimitStatus(STANDARD_POLICY, 3, 7),
        RateLimitStatus(STANDARD_POLICY, 3, 70),
        RateLimitStatus(STANDARD_POLICY, 1, 700),
    )
    with pytest.raises(RateLimitedError, match="70 s"):
        Admission(statuses).authorize(None)


@pytest.mark.parametrize(
    ("error", "successes", "failures"),
    [(None, 1, 0), (SlugMovedError("new"), 1, 0), (NotFoundError("No"), 0, 1), (KeyError(), 0, 1)],
)
def test_policies_count_successes_or_failures(
    error: Exception | None, successes: int, failures: int
) -> None:
    successes_only = RateLimitPolicy("successes", 5, 60, counts_failures=False)
    failures_only = RateLimitPolicy("failures", 5, 60, counts_successes=False)
    counter = MemoryRateCounter(FakeMonotonicClock())
    limiter = RateLimiter(Authenticator(KEY), counter, {})
    admission = limiter.admit("ada", None, (successes_only, failures_only))
    admission.__exit__(None, error, None)
    assert counter.get(successes_only, "ada").used == successes
    assert counter.get(failures_only, "ada").used == failures


def test_a_rate_limited_request_counts_neither_as_success_nor_failure() -> None:
    failures_only = RateLimitPolicy("failures", 1, 60, counts_successes=False)
    counter = MemoryRateCounter(FakeMonotonicClock())
    counter.increment(failures_only, "ada")
    limiter = RateLimiter(Authenticator(KEY), counter, {})
    with pytest.raises(RateLimitedError), limiter.admit("ada", None, (failures_only,)) as request:
        request.authorize(None)
    assert counter.get(failures_only, "ada").used == 1


@pytest.mark.parametrize(("left", "seconds"), [(0.0, 1), (0.2, 1), (1.0, 1), (1.1, 2), (900, 900)])
def test_reset_seconds_are_rounded_up_to_at_least_one(left: float, seconds: int) -> None:
    assert RateLimitStatus(AUTH_POLICY, 3, left).reset_seconds == seconds


def test_enabled_policies_omits_disabled_ones() -> None:
    limiter = evolve(make_limiter(), policies=rate_limit_policies(0, 1))
    assert [policy.name for policy in limiter.enabled_policies(["standard", "strict"])] == [
        "strict"
    ]


def test_the_null_counter_counts_nothing() -> None:
    counter, policy = NullRateCounter(), RateLimitPolicy(STANDARD, 1, 60)
    unused = RateLimitStatus(policy, 0, 60)
    assert [counter.increment(policy, "ada") for _ in range(2)] == [unused, unused]
    counter.reset(policy, "ada")
    assert counter.get(policy, "ada") == unused
