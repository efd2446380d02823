"""API keys over HTTP: creating, listing and revoking them, and requests with one."""

from typing import Any

import pytest
from falcon.testing import Result, TestClient

from eggypro_core.access.authentication import TOKEN_PERMISSIONS, Permission, TokenRequest
from eggypro_core.shop import Shop
from tests.support.wsgi import ADMIN, EGG, PRODUCTS, error_fields

KEYS = "/api/keys"
READ, KEYS_WRITE = "products:read", "keys:write"


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def post(client: TestClient, headers: dict[str, str] = ADMIN, **changes: object) -> Result:
    body = {"name": "storefront", "permissions": [READ], **changes}
    return client.simulate_post(KEYS, headers=headers, json=body)


def create(client: TestClient, *permissions: str, **changes: object) -> str:
    key: str = post(client, ADMIN, permissions=list(permissions), **changes).json["key"]
    return key


def test_a_created_key_is_shown_once_and_listed_without_its_text(client: TestClient) -> None:
    response = post(client, expires_at="2027-01-01T00:00:00+01:00")
    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    body = response.json
    key = body.pop("key")
    assert response.headers["location"] == f"{KEYS}/{body['id']}"
    assert body == {
        "id": body["id"],
        "name": "storefront",
        "prefix": key.split("_")[1],
        "permissions": [READ],
        "created_at": "2026-01-01T12:00:00.000000Z",
        "expires_at": "2026-12-31T23:00:00.000000Z",
        "last_used_at": None,
        "revoked_at": None,
    }
    listed = client.simulate_get(KEYS, headers=ADMIN)
    assert listed.json == {"items": [body]}
    assert listed.headers["cache-control"] == "no-store"


def test_a_request_with_a_key_has_its_permissions(client: TestClient) -> None:
    key = create(client, READ)
    everything = {"status": "all"}
    assert client.simulate_get(PRODUCTS, headers=bearer(key), params=everything).status_code == 200
    assert client.simulate_delete(EGG, headers=bearer(key)).status_code == 403
    used = client.simulate_get(KEYS, headers=ADMIN).json["items"][0]["last_used_at"]
    assert used == "2026-01-01T12:00:00.000000Z"


def test_a_key_cannot_be_exchanged_for_a_token(client: TestClient) -> None:
    key = create(client, *Permission)
    assert client.simulate_post("/api/auth/admin", headers=bearer(key)).status_code == 403


def test_revoking_is_repeatable(client: TestClient) -> None:
    key, number = create(client, READ), 1
    for _ in range(2):
        response = client.simulate_delete(f"{KEYS}/{number}", headers=ADMIN)
        assert (response.status_code, response.content) == (204, b"")
    refused = client.simulate_get(PRODUCTS, headers=bearer(key), params={"status": "all"})
    assert refused.status_code == 401
    public = client.simulate_get(PRODUCTS, headers=bearer(key))
    assert public.status_code == 200
    assert public.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert client.simulate_delete(f"{KEYS}/999", headers=ADMIN).status_code == 204


def test_only_the_admin_key_and_keys_with_permission_manage_keys(
    client: TestClient, shop: Shop
) -> None:
    token = shop.authenticator.issue_token(TokenRequest(frozenset(TOKEN_PERMISSIONS))).token
    others = [permission for permission in Permission if permission != KEYS_WRITE]
    for credential in (token, create(client, *others)):
        assert post(client, bearer(credential)).status_code == 403
        assert client.simulate_get(KEYS, headers=bearer(credential)).status_code == 403
        assert client.simulate_delete(f"{KEYS}/1", headers=bearer(credential)).status_code == 403
    assert post(client, bearer(create(client, KEYS_WRITE, READ))).status_code == 201
    assert client.simulate_get(KEYS).status_code == 401


def test_a_key_gives_no_permission_and_no_time_that_it_lacks(client: TestClient) -> None:
    manager = bearer(create(client, KEYS_WRITE, READ, expires_at="2026-02-01T00:00:00Z"))
    response = post(client, manager, permissions=[READ, "products:write"])
    assert response.status_code == 403
    assert "products:write" in response.json["detail"]
    late = post(client, manager, expires_at="2026-02-01T00:00:01Z")
    assert error_fields(late) == ["expires_at"]
    assert post(client, manager).json["expires_at"] == "2026-02-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "a" * 101, "permissions": []}, ["name", "permissions"]),
        ({"permissions": ["products:bake"]}, ["permissions"]),
        ({"permissions": READ}, ["permissions"]),
        ({"expires_at": "soon"}, ["expires_at"]),
        ({"expires_at": "2026-01-01T12:00:00Z"}, ["expires_at"]),
        ({"key": "egp_mine"}, ["key"]),
    ],
    ids=str,
)
def test_invalid_keys_are_rejected(
    client: TestClient, changes: dict[str, Any], fields: list[str]
) -> None:
    assert error_fields(post(client, **changes)) == fields
    assert client.simulate_get(KEYS, headers=ADMIN).json == {"items": []}


def test_a_key_is_not_stored_for_an_idempotency_key(client: TestClient) -> None:
    response = post(client, {**ADMIN, "Idempotency-Key": "once"})
    assert error_fields(response) == ["Idempotency-Key"]
    assert client.simulate_get(KEYS, headers=ADMIN).json == {"items": []}


def test_the_event_log_names_the_key(client: TestClient) -> None:
    writer = bearer(create(client, "products:write", name="erp"))
    client.simulate_patch(EGG, headers=writer, json={"price": "1.00"})
    events = client.simulate_get("/api/events", headers=ADMIN, params={"actor": "key:erp"})
    assert [event["type"] for event in events.json["items"]] == ["product.updated"]
    events = client.simulate_get("/api/events", headers=ADMIN, params={"type": "key.*"}).json
    assert [(event["type"], event["subject"]["name"]) for event in events["items"]] == [
        ("key.created", "erp")
    ]
