"""Who may do what: permissions, and the gate that knows the admin key and the shop's tokens."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hmac import compare_digest
from typing import Any, Protocol, TypeAlias

from attrs import field, frozen

from eggypro_core.errors import ForbiddenError, InvalidError, UnauthenticatedError
from eggypro_core.ports import Clock
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import one_of


class TokenSigner(Protocol):
    """Makes tokens of claims, which nobody else can make or alter.

    A token is visible ASCII. Its bearer may be able to read the claims.
    """

    def sign(self, claims: Mapping[str, object]) -> str:
        """Return a token of claims that JSON can say."""
        ...

    def verify(self, token: str) -> Mapping[str, object]:
        """Return the claims of a token, as they were signed: nothing of them is judged.

        Raises UnauthenticatedError, as a failure, for any text that is not such a token.
        """
        ...


LONGEST_TTL = 86_400
"""How many seconds a token lasts at most."""
USUAL_TTL = 3600
_REMEMBERED = 1000
_ISSUER = "eggypro"
_LAST_SECOND = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


class Permission(StrEnum):
    """What an admin may be allowed to do."""

    PRODUCTS_READ = "products:read"
    PRODUCTS_WRITE = "products:write"
    PRODUCTS_DELETE = "products:delete"
    REVIEWS_MODERATE = "reviews:moderate"
    METRICS_READ = "metrics:read"


class Credential(StrEnum):
    """What somebody shows at the gate."""

    KEY = "admin key"
    TOKEN = "admin token"  # noqa: S105  (the words for one)
    CRON = "secret of the cron"


Need: TypeAlias = Permission | Credential
"""What is asked of a caller: a permission, or that it is this that they show."""


@frozen
class AdminUser:
    """Somebody who is known to the shop, and what they may do."""

    id: str
    role: str
    permissions: frozenset[Permission]
    credential: Credential = Credential.TOKEN
    last_login: datetime | None = None


_ADMIN = AdminUser("admin", "admin", frozenset(Permission), Credential.KEY)
_SCHEDULER = AdminUser("cron", "scheduler", frozenset(), Credential.CRON)


@frozen
class TokenWish:
    """What somebody wants of a token: what it permits, and for how many seconds."""

    permissions: frozenset[Permission] = frozenset(Permission)
    ttl_seconds: int = USUAL_TTL

    @classmethod
    def read(cls, values: Mapping[str, object]) -> "TokenWish":
        """Read a wish, of which every part may be left out. Raises InvalidError."""
        return cls(**fields.check(values, WISHES))


@frozen
class Grant:
    """What somebody was let in as, and the token that says so: None where none are issued."""

    user: AdminUser
    token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


@frozen
class _Session:
    """What a token says, in seconds since 1970 where it is a time."""

    user: AdminUser
    begins: float
    ends: float


@frozen
class Tokens:
    """The tokens of a shop: issued to whoever may have one, and recognised until they expire.

    Some that were verified are remembered: a storefront shows the same one with each request.
    """

    _signer: TokenSigner
    _clock: Clock
    _session: Callable[[str], _Session] = field(init=False, eq=False, repr=False)

    @_session.default
    def _remembered(self) -> Callable[[str], _Session]:
        return lru_cache(_REMEMBERED)(self._read)

    def issue(self, wish: TokenWish) -> Grant:
        """Return a new token, and who bears it."""
        now = self._clock()
        expires_at = now + timedelta(seconds=wish.ttl_seconds)
        claims = {
            "iss": _ISSUER,
            "sub": _ADMIN.id,
            "permissions": sorted(wish.permissions),
            "iat": now.timestamp(),
            "exp": expires_at.timestamp(),
        }
        return Grant(_bearer(wish.permissions, now), self._signer.sign(claims), expires_at)

    def bearer(self, token: str) -> AdminUser:
        """Return who bears a token. Raises UnauthenticatedError: not ours, not yet, not any more.

        One that was good once is no failure.
        """
        session = self._session(token)
        now = self._clock().timestamp()
        if now < session.begins:
            raise unknown_credential()
        if now >= session.ends:
            raise UnauthenticatedError("The token has expired")
        return session.user

    def _read(self, token: str) -> _Session:
        claims = _read_claims(self._signer.verify(token))
        user = _bearer(claims["permissions"], datetime.fromtimestamp(claims["iat"], UTC))
        return _Session(user, claims.get("nbf", 0), claims["exp"])


@frozen
class Gate:
    """Lets in who holds the admin key, bears a token, or has the secret of the platform's cron."""

    _admin_key: str = field(repr=False)
    _tokens: Tokens | None = None
    _cron_secret: str | None = field(default=None, repr=False)

    def admit(self, credential: str | None, needed: Need) -> AdminUser:
        """Return who the credential belongs to, if they have what is needed.

        Raises UnauthenticatedError as `recognise`, ForbiddenError.
        """
        user = self.recognise(credential)
        require(user, needed)
        return user

    def recognise(self, credential: str | None) -> AdminUser:
        """Return who the credential belongs to. Raises UnauthenticatedError: missing or wrong.

        The time that it takes says nothing about the key.
        """
        if not credential:
            raise UnauthenticatedError
        if compare_digest(_bytes(credential), _bytes(self._admin_key)):
            return _ADMIN
        if self._cron_secret and compare_digest(_bytes(credential), _bytes(self._cron_secret)):
            return _SCHEDULER
        if self._tokens is None:
            raise unknown_credential()
        return self._tokens.bearer(credential)

    def grant(self, wish: TokenWish) -> Grant:
        """Return a token for the holder of the key, if tokens are issued here."""
        return Grant(_ADMIN) if self._tokens is None else self._tokens.issue(wish)


def require(user: AdminUser, needed: Need) -> None:
    """Raise ForbiddenError if a user lacks what is needed. The holder of the key lacks nothing."""
    if needed not in {*user.permissions, user.credential} and user.credential is not Credential.KEY:
        kind = "permission " if isinstance(needed, Permission) else ""
        raise ForbiddenError(f"This needs the {kind}{needed}")


def unknown_credential() -> UnauthenticatedError:
    """Return the refusal of what verifies to nothing."""
    return UnauthenticatedError("Invalid authentication token", is_failure=True)


def _bearer(permissions: frozenset[Permission], since: datetime) -> AdminUser:
    return AdminUser(_ADMIN.id, _ADMIN.role, permissions, Credential.TOKEN, since)


def _bytes(secret: str) -> bytes:
    return secret.encode(errors="surrogatepass")


def _read_claims(claims: Mapping[str, object]) -> dict[str, Any]:
    """Return the claims that count, if they are all there and can be ours."""
    try:
        return fields.check(claims, _CLAIMS, required=_REQUIRED, ignored=claims)
    except InvalidError:
        raise unknown_credential() from None


def _permissions(value: object) -> frozenset[Permission]:
    return frozenset(_LISTED(value))


def _exactly(word: str) -> fields.Rule:
    def rule(value: object) -> str:
        if value != word:
            raise fields.RefusedError(f"Must be {word}")
        return word

    return rule


def _seconds(value: object) -> float:
    """Return the time of a claim, in seconds since 1970."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise fields.RefusedError("Must be a number")
    if not 0 <= value <= _LAST_SECOND:
        raise fields.RefusedError("Must be a time")
    return value


_LISTED = fields.listed("Permissions", one_of("Permission", Permission), len(Permission), least=1)
WISHES: Mapping[str, fields.Rule] = {
    "permissions": fields.shaped(_permissions, fields.shape_of(_LISTED)),
    "ttl_seconds": fields.whole("TTL seconds", 1, LONGEST_TTL),
}
_REQUIRED: Mapping[str, fields.Rule] = {
    "iss": _exactly(_ISSUER),
    "sub": _exactly(_ADMIN.id),
    "permissions": _permissions,
    "iat": _seconds,
    "exp": _seconds,
}
_CLAIMS = {**_REQUIRED, "nbf": _seconds}
