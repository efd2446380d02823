"""Authentication with the admin key, tokens and the cron secret; permissions."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hmac import compare_digest
from typing import Any, Protocol, TypeAlias

from attrs import field, frozen

from eggypro_core.domain.origin import SCHEDULE
from eggypro_core.errors import (
    ForbiddenError,
    NotConfiguredError,
    UnauthenticatedError,
    ValidationError,
)
from eggypro_core.ports import Clock
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import one_of


class TokenSigner(Protocol):
    """Sign claims as tokens that nobody else can create or alter.

    A token is visible ASCII. Its bearer may be able to read the claims.
    """

    def sign(self, claims: Mapping[str, object]) -> str:
        """Return a token for JSON-serialisable claims."""
        ...

    def verify(self, token: str) -> Mapping[str, object]:
        """Return the claims of a token as they were signed, without validating them.

        Raises UnauthenticatedError: with `is_failure` for any text that is not such a token,
        without it for a token that ended because a key or secret changed.
        """
        ...


MAX_TOKEN_TTL_SECONDS = 86_400
"""Maximum lifetime of a token."""
DEFAULT_TOKEN_TTL_SECONDS = 3600
MAX_CREDENTIAL_NAME_LENGTH = 100
"""The maximum length of the name of a token or key."""
API_KEY_START = "egp_"
"""The first characters of every API key."""
_TOKEN_CACHE_SIZE = 1000
_ISSUER = "eggypro"
_MAX_TIMESTAMP = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


class Permission(StrEnum):
    """A permission of an admin."""

    PRODUCTS_READ = "products:read"
    PRODUCTS_WRITE = "products:write"
    PRODUCTS_DELETE = "products:delete"
    REVIEWS_MODERATE = "reviews:moderate"
    METRICS_READ = "metrics:read"
    EVENTS_READ = "events:read"
    WEBHOOKS_WRITE = "webhooks:write"
    KEYS_WRITE = "keys:write"


DEFAULT_TOKEN_PERMISSIONS = frozenset(
    {
        Permission.PRODUCTS_READ,
        Permission.PRODUCTS_WRITE,
        Permission.PRODUCTS_DELETE,
        Permission.REVIEWS_MODERATE,
        Permission.METRICS_READ,
    }
)
"""The permissions of a token whose request names none."""
TOKEN_PERMISSIONS = tuple(kind for kind in Permission if kind is not Permission.KEYS_WRITE)
"""The permissions that a token can have: a token cannot issue lasting credentials."""


class Credential(StrEnum):
    """A kind of credential."""

    KEY = "admin key"
    TOKEN = "admin token"  # noqa: S105  (a label, not a token)
    API_KEY = "API key"
    CRON = "cron secret"


AccessRequirement: TypeAlias = Permission | Credential
"""The requirement of a request: a permission or a kind of credential."""


@frozen
class AdminUser:
    """An authenticated user and their permissions.

    `name` is that of the credential. `expires_at` is the expiry of an API key, None if it has none.
    """

    id: str
    role: str
    permissions: frozenset[Permission]
    credential: Credential = Credential.TOKEN
    last_login: datetime | None = None
    name: str | None = None
    expires_at: datetime | None = None

    @property
    def actor(self) -> str:
        """Return the actor of this user's writes, as the event log names it."""
        if self.credential is Credential.CRON:
            return SCHEDULE
        if self.credential is Credential.KEY:
            return self.id
        kind = "key" if self.credential is Credential.API_KEY else "token"
        return f"{kind}:{self.name or self.id}"


ADMIN = AdminUser("admin", "admin", frozenset(Permission), Credential.KEY)
"""The user of the admin key."""
_SCHEDULER = AdminUser("cron", "scheduler", frozenset(), Credential.CRON)


@frozen
class TokenRequest:
    """A request for a token: its permissions, its lifetime, and a name for the event log."""

    permissions: frozenset[Permission] = DEFAULT_TOKEN_PERMISSIONS
    ttl_seconds: int = DEFAULT_TOKEN_TTL_SECONDS
    name: str | None = None

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> "TokenRequest":
        """Parse a request; every field is optional. Raises ValidationError."""
        return cls(**fields.check(values, TOKEN_REQUEST_VALIDATORS))


@frozen
class TokenResponse:
    """The authenticated user and their token."""

    user: AdminUser
    token: str = field(repr=False)
    expires_at: datetime


@frozen
class _Session:
    """The content of a token. Times are in seconds since 1970."""

    user: AdminUser
    not_before: float
    expires_at: float


@frozen
class TokenService:
    """Issue the tokens of a shop and verify them until they expire.

    Verified tokens are cached: a storefront sends the same one with each request.
    """

    _signer: TokenSigner
    _clock: Clock
    _cached_session: Callable[[str], _Session] = field(init=False, eq=False, repr=False)

    @_cached_session.default
    def _make_session_cache(self) -> Callable[[str], _Session]:
        return lru_cache(_TOKEN_CACHE_SIZE)(self._verify)

    def issue(self, request: TokenRequest) -> TokenResponse:
        """Return a new token and its user."""
        now = self._clock()
        expires_at = now + timedelta(seconds=request.ttl_seconds)
        claims = {
            "iss": _ISSUER,
            "sub": ADMIN.id,
            "permissions": sorted(request.permissions),
            "iat": now.timestamp(),
            "exp": expires_at.timestamp(),
        }
        if request.name is not None:
            claims["name"] = request.name
        user = _token_user(request.permissions, now, request.name)
        return TokenResponse(user, self._signer.sign(claims), expires_at)

    def user_for(self, token: str) -> AdminUser:
        """Return the user of a token.

        Raises UnauthenticatedError if it is invalid, not valid yet, expired or ended. An expired or
        ended token does not count as a failure.
        """
        session = self._cached_session(token)
        now = self._clock().timestamp()
        if now < session.not_before:
            raise invalid_credential()
        if now >= session.expires_at:
            raise UnauthenticatedError("The token has expired. Request a new one.")
        return session.user

    def _verify(self, token: str) -> _Session:
        claims = _parse_claims(self._signer.verify(token))
        issued_at = datetime.fromtimestamp(claims["iat"], UTC)
        user = _token_user(claims["permissions"], issued_at, claims.get("name"))
        return _Session(user, claims.get("nbf", 0), claims["exp"])


class ApiKeyVerifier(Protocol):
    """Verify the API keys of a shop."""

    def user_for(self, key: str, *, is_public: bool) -> AdminUser:
        """Return the user of an API key.

        Raises UnauthenticatedError: with `is_failure` for an unknown key, without it for one that
        is revoked or expired. Raises UnavailableError if the key cannot be checked. For a request
        that `is_public`, a key that was valid shortly before the outage is accepted.
        """
        ...


@frozen
class Authenticator:
    """Authenticate by admin key, token, API key, or the cron secret of the platform."""

    _admin_key: str = field(repr=False)
    _tokens: TokenService | None = None
    _cron_secret: str | None = field(default=None, repr=False)
    _api_keys: ApiKeyVerifier | None = None

    def authorize(self, credential: str | None, requirement: AccessRequirement) -> AdminUser:
        """Return the user of a credential that meets the requirement.

        Raises UnauthenticatedError like `authenticate`, and ForbiddenError.
        """
        user = self.authenticate(credential)
        require_access(user, requirement)
        return user

    def authenticate(self, credential: str | None, *, is_public: bool = False) -> AdminUser:
        """Return the user of a credential. Raises UnauthenticatedError if it is missing or invalid.

        Compares in constant time. Raises UnavailableError if an API key cannot be checked;
        `is_public` requests, which need no permission, may use one that was valid before.
        """
        if not credential:
            raise UnauthenticatedError
        if compare_digest(_bytes(credential), _bytes(self._admin_key)):
            return ADMIN
        if self._cron_secret and compare_digest(_bytes(credential), _bytes(self._cron_secret)):
            return _SCHEDULER
        if self._api_keys is not None and credential.startswith(API_KEY_START):
            return self._api_keys.user_for(credential, is_public=is_public)
        if self._tokens is None:
            raise invalid_credential()
        return self._tokens.user_for(credential)

    def issue_token(self, request: TokenRequest) -> TokenResponse:
        """Return a new token. Raises NotConfiguredError if this shop issues no tokens."""
        if self._tokens is None:
            raise NotConfiguredError("This shop issues no tokens: set JWT_SECRET and restart it")
        return self._tokens.issue(request)


def require_access(user: AdminUser, requirement: AccessRequirement) -> None:
    """Raise ForbiddenError unless the user meets the requirement. The admin key meets all."""
    if (
        requirement not in {*user.permissions, user.credential}
        and user.credential is not Credential.KEY
    ):
        kind = "permission " if isinstance(requirement, Permission) else ""
        raise ForbiddenError(f"Requires the {kind}{requirement}")


def invalid_credential() -> UnauthenticatedError:
    """Return the error for a credential that cannot be verified."""
    return UnauthenticatedError("Invalid authentication token", is_failure=True)


def ended_token() -> UnauthenticatedError:
    """Return the error for a genuine token of an earlier version, admin key or secret."""
    return UnauthenticatedError("The token is no longer valid. Request a new one.")


def _token_user(permissions: frozenset[Permission], since: datetime, name: str | None) -> AdminUser:
    return AdminUser(ADMIN.id, ADMIN.role, permissions, Credential.TOKEN, since, name)


def _bytes(secret: str) -> bytes:
    return secret.encode(errors="surrogatepass")


def _parse_claims(claims: Mapping[str, object]) -> dict[str, Any]:
    """Return the validated claims of a token. Raises UnauthenticatedError."""
    try:
        return fields.check(claims, _CLAIMS, required=_REQUIRED_CLAIMS, ignore=claims)
    except ValidationError:
        raise invalid_credential() from None


def _parse_permissions(value: object) -> frozenset[Permission]:
    return frozenset(_PERMISSION_LIST(value))


def _equal_to(word: str) -> fields.Validator:
    def validator(value: object) -> str:
        if value != word:
            raise fields.InvalidValueError(f"Must be {word}")
        return word

    return validator


def _parse_timestamp(value: object) -> float:
    """Return a claim as seconds since 1970."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise fields.InvalidValueError("Must be a number")
    if not 0 <= value <= _MAX_TIMESTAMP:
        raise fields.InvalidValueError("Must be a time")
    return value


_PERMISSION_LIST = fields.list_of(
    "Permissions",
    one_of("Permission", Permission, TOKEN_PERMISSIONS),
    len(TOKEN_PERMISSIONS),
    minimum=1,
)
_NAME = fields.single_line("Name", MAX_CREDENTIAL_NAME_LENGTH)
TOKEN_REQUEST_VALIDATORS: Mapping[str, fields.Validator] = {
    "permissions": fields.with_schema(_parse_permissions, fields.schema_of(_PERMISSION_LIST)),
    "ttl_seconds": fields.integer_between("TTL seconds", 1, MAX_TOKEN_TTL_SECONDS),
    "name": _NAME,
}
_REQUIRED_CLAIMS: Mapping[str, fields.Validator] = {
    "iss": _equal_to(_ISSUER),
    "sub": _equal_to(ADMIN.id),
    "permissions": _parse_permissions,
    "iat": _parse_timestamp,
    "exp": _parse_timestamp,
}
_CLAIMS = {**_REQUIRED_CLAIMS, "nbf": _parse_timestamp, "name": _NAME}
