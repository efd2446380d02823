"""Who may do what: permissions, and the gate that knows the admin key."""

from enum import StrEnum
from hmac import compare_digest

from attrs import field, frozen

from eggypro_core.errors import ForbiddenError, UnauthenticatedError


class Permission(StrEnum):
    """What an admin may be allowed to do."""

    PRODUCTS_READ = "products:read"
    PRODUCTS_WRITE = "products:write"
    PRODUCTS_DELETE = "products:delete"
    REVIEWS_MODERATE = "reviews:moderate"
    METRICS_READ = "metrics:read"


@frozen
class AdminUser:
    """Somebody who is known to the shop, and what they may do."""

    id: str
    role: str
    permissions: frozenset[Permission]


@frozen
class Gate:
    """Lets in who holds the admin key."""

    _admin_key: str = field(repr=False)

    def admit(self, credential: str | None, permission: Permission) -> AdminUser:
        """Return who the credential belongs to, if they have the permission.

        Raises UnauthenticatedError as `recognise`, ForbiddenError.
        """
        user = self.recognise(credential)
        require(user, permission)
        return user

    def recognise(self, credential: str | None) -> AdminUser:
        """Return who the credential belongs to. Raises UnauthenticatedError: missing or wrong.

        The time that it takes says nothing about the key.
        """
        if not credential:
            raise UnauthenticatedError
        if not compare_digest(_bytes(credential), _bytes(self._admin_key)):
            raise UnauthenticatedError("The credential is not valid", is_failure=True)
        return _ADMIN


def require(user: AdminUser, permission: Permission) -> None:
    """Raise ForbiddenError if a user lacks a permission."""
    if permission not in user.permissions:
        raise ForbiddenError(f"This needs the permission {permission}")


_ADMIN = AdminUser("admin", "admin", frozenset(Permission))


def _bytes(secret: str) -> bytes:
    return secret.encode(errors="surrogatepass")
