"""Verification of API keys: validity, checks of the store, and outages."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event

import pytest
from attrs import define, evolve, field

from eggypro_adapters.contracts.clock import NOON, FakeClock, FakeMonotonicClock
from eggypro_adapters.contracts.waiting import wait_for_event, wait_for_result, wait_until
from eggypro_adapters.memory import MemoryApiKeyStore, MemoryRateCounter
from eggypro_core.access.api_keys import (
    MAX_CHECK_AGE_SECONDS,
    OUTAGE_SECONDS,
    RECHECK_SECONDS,
    ApiKey,
    CachedApiKeyVerifier,
    digest_of,
    new_key,
    prefix_of,
)
from eggypro_core.access.authentication import ADMIN, Authenticator, Credential, Permission
from eggypro_core.access.rate_limiting import RateLimiter, RateLimitPolicy, rate_limit_policies
from eggypro_core.errors import (
    ForbiddenError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
    ValidationError,
)
from eggypro_core.services.api_keys import ApiKeyService

READ, WRITE = "products:read", "products:write"
STANDARD = (RateLimitPolicy("standard", 2, 60),)


class CountedStore(MemoryApiKeyStore):
    """Count the reads; `before_read` may fail or wait."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.before_read: Callable[[], object] = lambda: None

    def get(self, prefix: str) -> ApiKey:
        self.reads += 1
        self.before_read()
        return super().get(prefix)


def fail() -> None:
    raise UnavailableError("down")


@define
class KeyShop:
    """A verifier with its store, clocks and the uses that it has noted."""

    clock: FakeClock = field(factory=FakeClock)
    seconds: FakeMonotonicClock = field(factory=FakeMonotonicClock)
    store: CountedStore = field(factory=CountedStore)
    uses: list[tuple[int, datetime]] = field(factory=list)
    service: ApiKeyService = field()
    verifier: CachedApiKeyVerifier = field()

    @service.default
    def _make_service(self) -> ApiKeyService:
        return ApiKeyService(self.store, self.clock)

    @verifier.default
    def _make_verifier(self) -> CachedApiKeyVerifier:
        def note(key_id: int, at: datetime) -> None:
            self.uses.append((key_id, at))

        return CachedApiKeyVerifier(self.store, self.clock, note, self.seconds)

    def create(self, **changes: object) -> str:
        """Return a new key."""
        return self.service.create({"name": "erp", "permissions": [READ], **changes}).key

    def accepts(self, key: str, *, is_public: bool) -> bool:
        """Return True for a valid key; raise the error of the verifier for another."""
        return self.verifier.user_for(key, is_public=is_public).name == "erp"

    def limiter(self) -> RateLimiter:
        """Return a limiter of the requests of this shop."""
        authenticator = Authenticator("the admin key", api_keys=self.verifier)
        return RateLimiter(
            authenticator, MemoryRateCounter(self.seconds), rate_limit_policies(2, 60_000)
        )


@pytest.fixture
def shop() -> KeyShop:
    return KeyShop()


def test_a_key_has_a_prefix_and_256_random_bits() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        mark, prefix, secret = key.split("_", 2)
        assert (mark, prefix, len(secret)) == ("egp", prefix_of(key), 43)


def test_a_key_gives_its_permissions_and_names_its_holder(shop: KeyShop) -> None:
    key = shop.create(permissions=[READ, WRITE], expires_at="2026-01-02T00:00:00Z")
    user = shop.verifier.user_for(key, is_public=False)
    assert user.permissions == {READ, WRITE}
    assert (user.credential, user.actor) == (Credential.API_KEY, "key:erp")
    assert user.expires_at == datetime.fromisoformat("2026-01-02T00:00:00Z")


def test_no_text_of_a_key_is_in_a_repr(shop: KeyShop) -> None:
    created = shop.service.create({"name": "erp", "permissions": [READ]})
    secret = created.key.split("_", 2)[2]
    texts = [repr(created), repr(shop.service.list()), repr(shop.verifier)]
    assert not [text for text in texts if secret in text]
    assert repr(digest_of(created.key)) not in "".join(texts)


@pytest.mark.parametrize("change", [lambda key: key[:-1], lambda key: f"{key} ", str.upper])
def test_other_texts_are_failures(shop: KeyShop, change: Callable[[str], str]) -> None:
    with pytest.raises(UnauthenticatedError) as exc_info:
        shop.verifier.user_for(change(shop.create()), is_public=False)
    assert exc_info.value.is_failure


def test_the_prefix_of_a_key_does_not_suffice(shop: KeyShop) -> None:
    key = shop.create()
    assert shop.accepts(key, is_public=False)
    forged = f"egp_{prefix_of(key)}_{new_key().split('_', 2)[2]}"
    for text in (forged, new_key()):
        with pytest.raises(UnauthenticatedError) as exc_info:
            shop.verifier.user_for(text, is_public=False)
        assert exc_info.value.is_failure


def test_revoked_and_expired_keys_are_no_failures(shop: KeyShop) -> None:
    revoked, expired = shop.create(), shop.create(expires_at="2026-01-01T12:00:01Z")
    shop.service.revoke(1)
    assert shop.accepts(expired, is_public=False)
    shop.clock.advance(1)
    for key in (revoked, expired):
        for _ in range(2):  # also from the last check
            with pytest.raises(UnauthenticatedError) as exc_info:
                shop.verifier.user_for(key, is_public=False)
            assert not exc_info.value.is_failure
    assert shop.uses == [(2, NOON)]


def test_checks_are_rare_while_a_key_is_used(shop: KeyShop) -> None:
    key = shop.create()
    for _ in range(10):
        shop.verifier.user_for(key, is_public=False)
    assert shop.store.reads == 1
    shop.seconds.now += RECHECK_SECONDS
    for _ in range(10):
        shop.verifier.user_for(key, is_public=False)
    assert shop.store.reads == 2


def test_during_a_check_others_use_the_last_one_until_it_is_too_old(shop: KeyShop) -> None:
    key, is_reading, may_read = shop.create(), Event(), Event()
    shop.verifier.user_for(key, is_public=False)
    shop.seconds.now += RECHECK_SECONDS

    def wait() -> None:
        is_reading.set()
        wait_for_event(may_read)

    shop.store.before_read = wait
    with ThreadPoolExecutor(1) as threads:
        check = threads.submit(shop.accepts, key, is_public=False)
        wait_for_event(is_reading)
        shop.store.before_read = fail
        assert shop.accepts(key, is_public=False)
        assert shop.store.reads == 2
        shop.seconds.now += MAX_CHECK_AGE_SECONDS - RECHECK_SECONDS
        assert shop.accepts(key, is_public=True)  # does not wait either
        with pytest.raises(UnavailableError):
            shop.verifier.user_for(key, is_public=False)
        may_read.set()
        assert wait_for_result(check)


def test_public_requests_do_not_wait_for_a_database_that_hangs(shop: KeyShop) -> None:
    key, may_read = shop.create(), Event()
    assert shop.accepts(key, is_public=False)
    shop.store.before_read = lambda: wait_for_event(may_read)
    for _ in range(3):
        shop.seconds.now += MAX_CHECK_AGE_SECONDS
        assert shop.accepts(key, is_public=True)
    wait_until(lambda: shop.store.reads == 2)
    may_read.set()


def test_public_requests_check_a_key_in_the_background(shop: KeyShop) -> None:
    key = shop.create()
    assert shop.accepts(key, is_public=False)
    shop.service.revoke(1)
    shop.seconds.now += RECHECK_SECONDS
    assert shop.accepts(key, is_public=True)
    wait_until(lambda: shop.store.reads == 2)
    shop.seconds.now += MAX_CHECK_AGE_SECONDS
    with pytest.raises(UnauthenticatedError, match="revoked"):
        shop.accepts(key, is_public=True)


def test_without_the_store_a_key_gives_no_permission(shop: KeyShop) -> None:
    key = shop.create()
    shop.verifier.user_for(key, is_public=False)
    shop.seconds.now += MAX_CHECK_AGE_SECONDS
    shop.store.before_read = fail
    for _ in range(9):
        with pytest.raises(UnavailableError):
            shop.verifier.user_for(key, is_public=False)
        assert shop.accepts(key, is_public=True)
    assert shop.store.reads == 2  # one request at a time retries
    shop.seconds.now += OUTAGE_SECONDS
    with pytest.raises(UnavailableError):
        shop.verifier.user_for(key, is_public=True)
    shop.store.before_read = lambda: None
    shop.seconds.now += 1
    assert shop.accepts(key, is_public=False)


def test_a_key_that_is_unknown_after_a_restore_ends(shop: KeyShop) -> None:
    key = shop.create()
    shop.verifier.user_for(key, is_public=False)

    def forget() -> None:
        raise NotFoundError("restored")

    shop.store.before_read = forget
    shop.seconds.now += MAX_CHECK_AGE_SECONDS
    for _ in range(2):
        with pytest.raises(UnauthenticatedError):
            shop.verifier.user_for(key, is_public=True)


def test_a_use_is_noted_once_per_minute(shop: KeyShop) -> None:
    key = shop.create()
    shop.clock.advance(59)
    shop.verifier.user_for(key, is_public=False)
    shop.store.record_uses(dict(shop.uses))
    shop.seconds.now += 1
    shop.verifier.user_for(key, is_public=False)
    assert shop.uses == [(1, NOON)]
    shop.clock.advance(1)
    shop.seconds.now += 1
    shop.verifier.user_for(key, is_public=False)
    assert shop.uses == [(1, NOON), (1, NOON + timedelta(minutes=1))]


def test_a_valid_key_is_exempt_from_limits_also_during_an_outage(shop: KeyShop) -> None:
    key, limiter = shop.create(), shop.limiter()
    for _ in range(9):
        admission = limiter.admit("ada", key, STANDARD, is_public=True)
        assert (admission.statuses, admission.is_plain) == ((), True)
        shop.seconds.now += 1
        shop.store.before_read = fail
    unknown = [limiter.admit("eve", new_key(), STANDARD, is_public=True) for _ in range(3)]
    assert [admission.is_plain for admission in unknown] == [True, True, False]  # anonymous
    with pytest.raises(UnavailableError):
        limiter.admit("ada", key, STANDARD)


def test_only_unknown_keys_lock_a_client_out(shop: KeyShop) -> None:
    key, limiter = shop.create(), shop.limiter()
    shop.service.revoke(1)
    valid = shop.create()
    for _ in range(9):
        limiter.admit("ada", key, ())
    assert limiter.admit("ada", valid, ()).user is not None
    for _ in range(9):
        limiter.admit("ada", new_key(), ())
    assert limiter.admit("ada", valid, ()).user is None


def test_a_key_gives_no_more_than_its_creator_has(shop: KeyShop) -> None:
    tomorrow = NOON + timedelta(days=1)
    creator = evolve(
        ADMIN,
        permissions=frozenset({Permission.KEYS_WRITE, Permission.PRODUCTS_READ}),
        credential=Credential.API_KEY,
        expires_at=tomorrow,
    )
    values = {"name": "erp", "permissions": [READ]}
    with pytest.raises(ForbiddenError, match=WRITE):
        shop.service.create({**values, "permissions": [READ, WRITE]}, creator)
    with pytest.raises(ValidationError, match="expires_at"):
        shop.service.create({**values, "expires_at": "2026-01-02T12:00:01Z"}, creator)
    assert shop.service.create(values, creator).api_key.expires_at == tomorrow
    assert shop.service.create(values).api_key.expires_at is None


@pytest.mark.parametrize(
    "time", ["2026-01-01T12:00:00Z", "soon", 5, "9999-12-31T23:59:59-05:00"], ids=str
)
def test_the_expiry_is_a_time_in_the_future(shop: KeyShop, time: object) -> None:
    with pytest.raises(ValidationError, match="expires_at"):
        shop.create(expires_at=time)
