"""API keys: lasting credentials of programs, stored as digests."""

import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from secrets import token_hex, token_urlsafe
from threading import Lock, Thread
from time import monotonic
from typing import Protocol, Self

from attrs import define, field, frozen

from eggypro_core.access.authentication import (
    API_KEY_START,
    MAX_CREDENTIAL_NAME_LENGTH,
    AdminUser,
    Credential,
    Permission,
    invalid_credential,
)
from eggypro_core.circuit_breaker import CircuitBreaker
from eggypro_core.errors import (
    ConflictError,
    EggyProError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
    database_unavailable_error,
)
from eggypro_core.ports import Clock
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import one_of

MAX_API_KEYS = 1000
"""The maximum number of keys that are not revoked."""
PREFIX_LENGTH = 12
_SECRET_BYTES = 32
_match_key = re.compile(
    rf"{API_KEY_START}([0-9a-f]{{{PREFIX_LENGTH}}})_[A-Za-z0-9_-]{{43}}"
).fullmatch
RECHECK_SECONDS, MAX_CHECK_AGE_SECONDS = 0.4, 0.8
"""Seconds after which one request checks a key again, and after which all requests do."""
OUTAGE_SECONDS = 300.0
"""Seconds for which public requests may use a key that cannot be checked, after its last check."""
PUBLIC_WAIT_SECONDS = 0.1
"""Seconds for which a public request waits for the check of a key that was checked before."""
_RETRY_SECONDS = 1.0


@frozen(kw_only=True)
class ApiKey:
    """A stored API key. It is valid unless it is revoked or has expired.

    `digest` is the SHA-256 digest of the whole key. `last_used_at` is exact to the minute.
    """

    id: int
    name: str
    prefix: str
    permissions: frozenset[Permission]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    digest: bytes = field(repr=False)


@frozen
class ApiKeyDraft:
    """A key to create: its name for the event log, its permissions, and its expiry, if any."""

    name: str
    permissions: frozenset[Permission]
    expires_at: datetime | None = None

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        """Parse the fields of a request. Raises ValidationError."""
        return cls(**fields.check(values, API_KEY_VALIDATORS, required=REQUIRED_FIELDS))


@frozen
class CreatedApiKey:
    """A new API key, and its text, which is not stored."""

    api_key: ApiKey
    key: str = field(repr=False)


class ApiKeyStore(Protocol):
    """Store API keys by prefix, revoked ones too. Any method may raise UnavailableError."""

    def create(self, draft: ApiKeyDraft, prefix: str, digest: bytes, at: datetime) -> ApiKey:
        """Store a new key, created `at` that time, and return it with its id.

        Raises ConflictError if MAX_API_KEYS keys are not revoked, also under concurrency.
        """
        ...

    def get(self, prefix: str) -> ApiKey:
        """Return the key with a prefix, valid or not. Raises NotFoundError."""
        ...

    def list(self) -> tuple[ApiKey, ...]:
        """Return all keys, newest first."""
        ...

    def revoke(self, key_id: int, at: datetime) -> bool:
        """Revoke a key and return whether it exists. A revoked key keeps its first time."""
        ...

    def record_uses(self, uses: Mapping[int, datetime]) -> None:
        """Store when keys were last used, by id. Earlier times and unknown keys are ignored."""
        ...


def new_key() -> str:
    """Return a random key: `egp_<prefix>_<secret>`, with a secret of 256 bits."""
    return f"{API_KEY_START}{token_hex(PREFIX_LENGTH // 2)}_{token_urlsafe(_SECRET_BYTES)}"


def prefix_of(key: str) -> str | None:
    """Return the prefix of a key, by which it is stored; None for any other text."""
    match = _match_key(key)
    return match and match[1]


def digest_of(key: str) -> bytes:
    """Return the SHA-256 digest of a key.

    A fast hash is enough: nobody can guess 256 random bits, however fast each guess is.
    """
    return sha256(key.encode()).digest()


def key_not_found(prefix: str) -> NotFoundError:
    """Return the error for a prefix that no key has."""
    return NotFoundError(f"There is no API key with the prefix '{prefix}'", kind="API key")


def too_many_keys() -> ConflictError:
    """Return the error for a key above MAX_API_KEYS."""
    return ConflictError(
        f"There are {MAX_API_KEYS} API keys: revoke one that is not used", code="limit-reached"
    )


def minute_of(time: datetime) -> datetime:
    """Return the minute of a time."""
    return time.replace(second=0, microsecond=0)


@define
class _CheckedKey:
    """A genuine key as it was stored at its last check. Times are those of the monotonic clock.

    Mutable: the request that checks the key again says so to the others.
    """

    stored: ApiKey
    user: AdminUser
    checked_at: float
    recheck_at: float
    is_being_checked: bool = False


class CachedApiKeyVerifier:
    """Verify API keys against a store, which is read at most a few times per second and key.

    A key is accepted for MAX_CHECK_AGE_SECONDS after the last check, so a revocation takes effect
    everywhere within a second. Without the store, requests that require a permission raise
    UnavailableError. Public requests may use a key for OUTAGE_SECONDS after its last check, since
    they only gain their exemption from rate limits. `note_use` gets the id of a used key and the
    minute, if the store does not have it yet. `clock` returns the time, `monotonic_clock` seconds.
    """

    def __init__(
        self,
        store: ApiKeyStore,
        clock: Clock,
        note_use: Callable[[int, datetime], object],
        monotonic_clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._note_use = note_use
        self._monotonic_clock = monotonic_clock
        self._lock = Lock()
        self._checked: dict[str, _CheckedKey] = {}  # genuine keys only, so the store limits it
        self._circuit_breaker = CircuitBreaker(_RETRY_SECONDS, monotonic_clock)

    def user_for(self, key: str, *, is_public: bool) -> AdminUser:
        """Return the user of a key, as `ApiKeyVerifier` does."""
        checked = self._checked.get(key)
        if checked is None:
            checked = self._check(key)
        elif self._monotonic_clock() >= checked.recheck_at:
            checked = self._recheck(key, checked, is_public=is_public)
        if checked.stored.revoked_at is not None:
            raise UnauthenticatedError("The API key was revoked")
        expires_at = checked.stored.expires_at
        if expires_at is not None and self._clock() >= expires_at:
            raise UnauthenticatedError("The API key has expired")
        return checked.user

    def _recheck(self, key: str, checked: _CheckedKey, *, is_public: bool) -> _CheckedKey:
        """Check a key again. Meanwhile, other requests use the last check for as long as they may.

        A public request then needs no new check: it does not wait long for a slow database.
        """
        age = self._monotonic_clock() - checked.checked_at
        if not is_public or age >= OUTAGE_SECONDS:
            if age < MAX_CHECK_AGE_SECONDS:
                checked.recheck_at = checked.checked_at + MAX_CHECK_AGE_SECONDS
            return self._check(key)
        check = self._start_check(key, checked)
        if check is None or age < MAX_CHECK_AGE_SECONDS:
            return checked
        try:
            return check.result(PUBLIC_WAIT_SECONDS)
        except (UnavailableError, TimeoutError):
            return checked

    def _start_check(self, key: str, checked: _CheckedKey) -> "Future[_CheckedKey] | None":
        """Start a check in a thread; None if one is in progress, or it is too early to retry."""
        with self._lock:
            if checked.is_being_checked or not self._circuit_breaker.allows():
                return None
            checked.is_being_checked = True
        check = Future[_CheckedKey]()

        def run() -> None:
            try:
                result = self._read(key)
            except EggyProError as error:
                check.set_exception(error)
            else:
                check.set_result(result)
            finally:
                checked.is_being_checked = False

        Thread(target=run, name="api-key-check", daemon=True).start()
        return check

    def _check(self, key: str) -> _CheckedKey:
        """Read a key. After a failure one request at a time retries; all others fail fast."""
        if not self._circuit_breaker.allows():
            error = database_unavailable_error()
            error.is_reported = True  # with the error that opened the circuit breaker
            raise error
        return self._read(key)

    def _read(self, key: str) -> _CheckedKey:
        prefix, checked_at = prefix_of(key), self._monotonic_clock()
        try:
            if prefix is None:
                raise invalid_credential()
            stored = self._get(prefix)
            if not compare_digest(stored.digest, digest_of(key)):
                raise invalid_credential()
        except (NotFoundError, UnauthenticatedError):
            self._checked.pop(key, None)
            raise invalid_credential() from None
        self._note(stored)
        checked = _CheckedKey(stored, _user_of(stored), checked_at, checked_at + RECHECK_SECONDS)
        self._checked[key] = checked
        return checked

    def _get(self, prefix: str) -> ApiKey:
        try:
            stored = self._store.get(prefix)
        except UnavailableError as error:
            if not error.is_busy:
                self._circuit_breaker.trip()
            raise
        if self._circuit_breaker.is_open:
            self._circuit_breaker.reset()
        return stored

    def _note(self, stored: ApiKey) -> None:
        now = self._clock()
        is_valid = stored.revoked_at is None and (
            stored.expires_at is None or now < stored.expires_at
        )
        minute = minute_of(now)
        if is_valid and (stored.last_used_at is None or stored.last_used_at < minute):
            self._note_use(stored.id, minute)


def _user_of(stored: ApiKey) -> AdminUser:
    return AdminUser(
        f"key:{stored.prefix}",
        "admin",
        stored.permissions,
        Credential.API_KEY,
        name=stored.name,
        expires_at=stored.expires_at,
    )


_PERMISSION_LIST = fields.list_of(
    "Permissions", one_of("Permission", Permission), len(Permission), minimum=1
)


def _parse_permissions(value: object) -> frozenset[Permission]:
    return frozenset(_PERMISSION_LIST(value))


REQUIRED_FIELDS = ("name", "permissions")
API_KEY_VALIDATORS: Mapping[str, fields.Validator] = {
    "name": fields.single_line("Name", MAX_CREDENTIAL_NAME_LENGTH),
    "permissions": fields.with_schema(_parse_permissions, fields.schema_of(_PERMISSION_LIST)),
    "expires_at": fields.optional(fields.time("Expires at")),
}
"""The fields of a request for a key."""
