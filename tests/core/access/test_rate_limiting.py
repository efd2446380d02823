"""What the limiter makes of a request, by itself."""

import pytest
from attrs import evolve

from eggypro_adapters.contracts.clock import FakeSeconds
from eggypro_adapters.memory import MemoryCounter
from eggypro_core.access.authentication import AdminUser, Gate, Permission
from eggypro_core.access.rate_limiting import (
    STANDARD,
    Limiter,
    NullRateCounter,
    Policy,
    Standing,
    Visit,
    policies,
)
from eggypro_core.errors import (
    ForbiddenError,
    MovedError,
    NotFoundError,
    RateLimitedError,
    UnauthenticatedError,
)

KEY = "the-key-of-the-shop-in-these-tests"
LOGINS = Policy("auth", 2, 60)
OFTEN = Policy("standard", 2, 60)


class Expiring(Gate):
    """Knows a credential that was good until lately."""

    def recognise(self, credential: str | None) -> AdminUser:
        if credential == "expired":
            raise UnauthenticatedError("The token has expired")
        return super().recognise(credential)


def a_limiter(*limits: Policy) -> Limiter:
    by_name = {limit.name: limit for limit in limits}
    return Limiter(Expiring(KEY), MemoryCounter(FakeSeconds()), by_name)


def test_a_genuine_credential_that_has_expired_is_no_failure() -> None:
    limiter = a_limiter(LOGINS)
    for _ in range(9):
        with pytest.raises(UnauthenticatedError, match="expired"):
            limiter.visit("ada", "expired", ()).admit(Permission.PRODUCTS_READ)
    assert limiter.visit("ada", KEY, ()).user is not None


def test_who_guessed_while_others_of_theirs_used_up_the_limit_is_refused_as_locked() -> None:
    counter = MemoryCounter(FakeSeconds())

    class Crowded(Gate):
        """Has others fail while it looks at a credential."""

        def recognise(self, credential: str | None) -> AdminUser:
            counter.add(LOGINS, "ada", times=2)
            return super().recognise(credential)

    limiter = Limiter(Crowded(KEY), counter, {LOGINS.name: LOGINS})
    with pytest.raises(RateLimitedError):
        limiter.visit("ada", "wrong", ()).admit(Permission.PRODUCTS_READ)


def test_nobody_is_locked_where_there_is_no_policy_for_it() -> None:
    limiter = a_limiter()
    for _ in range(50):
        limiter.visit("ada", "wrong", ())
    assert limiter.visit("ada", KEY, ()).user is not None


def test_who_needs_nothing_is_let_in_by_any_credential() -> None:
    for credential in (None, "wrong", "expired", KEY):
        a_limiter(LOGINS).visit("ada", credential, ()).admit(None)


def test_who_lacks_a_permission_is_told_so() -> None:
    user = AdminUser("reader", "reader", frozenset({Permission.PRODUCTS_READ}))
    Visit(user=user).admit(Permission.PRODUCTS_READ)
    with pytest.raises(ForbiddenError, match="products:write"):
        Visit(user=user).admit(Permission.PRODUCTS_WRITE)


def test_too_often_goes_before_unknown() -> None:
    standing = Standing(OFTEN, 3, 7.2)
    with pytest.raises(RateLimitedError, match="Too many requests: try again in 8 s") as refused:
        Visit((standing,)).admit(Permission.PRODUCTS_READ)
    assert refused.value.seconds == 8


def test_who_is_locked_is_told_why_whatever_else_they_did_too_often() -> None:
    standings = (Standing(OFTEN, 3, 70), Standing(LOGINS, 3, 7))
    with pytest.raises(RateLimitedError, match=r"^Too many authentication attempts$") as refused:
        Visit(standings).admit(None)
    assert refused.value.seconds == 70


def test_of_two_windows_the_longer_one_is_to_be_waited_for() -> None:
    standings = (Standing(OFTEN, 3, 7), Standing(OFTEN, 3, 70), Standing(OFTEN, 1, 700))
    with pytest.raises(RateLimitedError, match="70 s"):
        Visit(standings).admit(None)


@pytest.mark.parametrize(
    ("error", "successes", "failures"),
    [(None, 1, 0), (MovedError("new"), 1, 0), (NotFoundError("No"), 0, 1), (KeyError(), 0, 1)],
)
def test_what_ends_well_is_told_from_what_does_not(
    error: Exception | None, successes: int, failures: int
) -> None:
    good = Policy("good", 5, 60, counts_failures=False)
    bad = Policy("bad", 5, 60, counts_successes=False)
    counter = MemoryCounter(FakeSeconds())
    limiter = Limiter(Gate(KEY), counter, {})
    visit = limiter.visit("ada", None, (good, bad))
    visit.__exit__(None, error, None)
    assert counter.read(good, "ada").used == successes
    assert counter.read(bad, "ada").used == failures


def test_a_refused_visit_is_neither() -> None:
    bad = Policy("bad", 1, 60, counts_successes=False)
    counter = MemoryCounter(FakeSeconds())
    counter.add(bad, "ada")
    limiter = Limiter(Gate(KEY), counter, {})
    with pytest.raises(RateLimitedError), limiter.visit("ada", None, (bad,)) as visit:
        visit.admit(None)
    assert counter.read(bad, "ada").used == 1


@pytest.mark.parametrize(("left", "seconds"), [(0.0, 1), (0.2, 1), (1.0, 1), (1.1, 2), (900, 900)])
def test_who_waits_for_as_long_as_they_are_told_comes_after_the_window(
    left: float, seconds: int
) -> None:
    assert Standing(LOGINS, 3, left).seconds == seconds


def test_policies_tell_by_their_names_which_are_on() -> None:
    limiter = evolve(a_limiter(), policies=policies(0, 1))
    assert [one.name for one in limiter.named(["standard", "strict"])] == ["strict"]


def test_the_null_counter_counts_nothing() -> None:
    counter, policy = NullRateCounter(), Policy(STANDARD, 1, 60)
    unused = Standing(policy, 0, 60)
    assert [counter.add(policy, "ada") for _ in range(2)] == [unused, unused]
    counter.clear(policy, "ada")
    assert counter.read(policy, "ada") == unused
