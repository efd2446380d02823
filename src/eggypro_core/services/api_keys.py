"""ApiKeyService: create, list and revoke API keys."""

from collections.abc import Mapping

from attrs import evolve, frozen

from eggypro_core.access.api_keys import (
    ApiKey,
    ApiKeyDraft,
    ApiKeyStore,
    CreatedApiKey,
    digest_of,
    new_key,
    prefix_of,
)
from eggypro_core.access.authentication import ADMIN, AdminUser
from eggypro_core.domain.pagination import is_id
from eggypro_core.errors import FieldError, ForbiddenError, ValidationError
from eggypro_core.ports import Clock


@frozen
class ApiKeyService:
    """Manage the API keys of a shop. Every method may raise UnavailableError."""

    _keys: ApiKeyStore
    _clock: Clock

    def create(self, values: Mapping[str, object], creator: AdminUser = ADMIN) -> CreatedApiKey:
        """Create a key, and return it with its text, which cannot be read again.

        `values` are the JSON fields of a request. Without an expiry, the key has that of its
        creator, who is by default the holder of the admin key. Raises ValidationError, also for an
        expiry later than the creator's; ForbiddenError for a permission that the creator lacks;
        ConflictError if there are too many keys.
        """
        now = self._clock()
        draft = ApiKeyDraft.parse(values)
        lacking = sorted(draft.permissions - creator.permissions)
        if lacking:
            raise ForbiddenError(f"Your credential lacks {', '.join(lacking)}")
        if draft.expires_at is None:
            draft = evolve(draft, expires_at=creator.expires_at)
        elif draft.expires_at <= now:
            raise _expiry_error("Expires at must be in the future")
        elif creator.expires_at is not None and draft.expires_at > creator.expires_at:
            raise _expiry_error("Expires at cannot be later than the expiry of your own key")
        key = new_key()
        stored = self._keys.create(draft, str(prefix_of(key)), digest_of(key), now)
        return CreatedApiKey(stored, key)

    def list(self) -> tuple[ApiKey, ...]:
        """Return all keys, newest first, revoked and expired ones too."""
        return self._keys.list()

    def revoke(self, key_id: int) -> bool:
        """Revoke a key and return whether it exists. It ends everywhere within a second."""
        return is_id(key_id) and self._keys.revoke(key_id, self._clock())


def _expiry_error(message: str) -> ValidationError:
    return ValidationError([FieldError("expires_at", message)])
