"""Contract suite of `ApiKeyStore`."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from eggypro_adapters.contracts.clock import NOON
from eggypro_core.access.api_keys import (
    MAX_API_KEYS,
    ApiKey,
    ApiKeyDraft,
    ApiKeyStore,
    digest_of,
    new_key,
    prefix_of,
)
from eggypro_core.access.authentication import Permission
from eggypro_core.errors import ConflictError, NotFoundError

LATER = NOON + timedelta(hours=1)
READ = ApiKeyDraft("storefront", frozenset({Permission.PRODUCTS_READ}))


def create_key(store: ApiKeyStore, draft: ApiKeyDraft = READ) -> ApiKey:
    """Create a random key."""
    key = new_key()
    return store.create(draft, str(prefix_of(key)), digest_of(key), NOON)


class ApiKeyStoreContract:
    """Subclasses provide the fixture `store`: an empty one."""

    def test_a_key_comes_back_as_it_was_created(self, store: ApiKeyStore) -> None:
        draft = ApiKeyDraft("ERP, Köln", frozenset(Permission), LATER)
        key = store.create(draft, "0123456789ab", bytes(range(32)), NOON)
        expected = ApiKey(
            id=key.id,
            name="ERP, Köln",
            prefix="0123456789ab",
            permissions=frozenset(Permission),
            created_at=NOON,
            expires_at=LATER,
            digest=bytes(range(32)),
        )
        assert key == store.get("0123456789ab") == expected
        assert store.list() == (expected,)

    def test_unknown_keys_are_not_found(self, store: ApiKeyStore) -> None:
        create_key(store)
        with pytest.raises(NotFoundError, match="0123456789ab"):
            store.get("0123456789ab")
        assert not store.revoke(2_147_483_647, NOON)
        store.record_uses({2_147_483_647: NOON})

    def test_the_list_begins_with_the_newest(self, store: ApiKeyStore) -> None:
        keys = [create_key(store) for _ in range(3)]
        store.revoke(keys[0].id, NOON)
        assert [key.id for key in store.list()] == [key.id for key in reversed(keys)]

    def test_a_revoked_key_stays_revoked_since_the_first_time(self, store: ApiKeyStore) -> None:
        key, other = create_key(store), create_key(store)
        assert store.revoke(key.id, NOON)
        assert store.revoke(key.id, LATER)
        assert store.get(key.prefix).revoked_at == NOON
        assert store.get(other.prefix).revoked_at is None

    def test_the_latest_use_is_stored(self, store: ApiKeyStore) -> None:
        early, late, unused = (create_key(store) for _ in range(3))
        store.record_uses({early.id: LATER, late.id: NOON})
        store.record_uses({late.id: LATER, early.id: NOON})
        times = [store.get(key.prefix).last_used_at for key in (early, late, unused)]
        assert times == [LATER, LATER, None]
        store.record_uses({})

    def test_the_number_of_keys_that_are_not_revoked_is_limited(self, store: ApiKeyStore) -> None:
        keys = [create_key(store) for _ in range(MAX_API_KEYS - 1)]
        with ThreadPoolExecutor(8) as threads:
            results = list(threads.map(lambda _: _try_to_create(store), range(8)))
        assert sorted(results) == [False] * 7 + [True]
        store.revoke(keys[0].id, NOON)
        assert _try_to_create(store)

    def test_concurrent_uses_of_many_keys(self, store: ApiKeyStore) -> None:
        ids = [create_key(store).id for _ in range(8)]
        uses = [dict.fromkeys(order, NOON) for order in (ids, [*reversed(ids)])] * 8
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(store.record_uses, uses))
        assert {key.last_used_at for key in store.list()} == {NOON}


def _try_to_create(store: ApiKeyStore) -> bool:
    try:
        create_key(store)
    except ConflictError:
        return False
    return True
