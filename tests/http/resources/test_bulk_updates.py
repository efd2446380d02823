"""`POST /api/bulk-updates`."""

from falcon.testing import TestClient

from eggypro_core.access.authentication import Permission, TokenRequest
from eggypro_core.shop import Shop
from tests.support.wsgi import ADMIN, EGG, error_fields

BULK = "/api/bulk-updates"


def test_a_sale(client: TestClient) -> None:
    body = {"filter": {"all": True}, "price": {"percent": -20, "keep_as_compare_at": True}}
    dry_run = client.simulate_post(BULK, json={**body, "dry_run": True}, headers=ADMIN)
    fields = {"price": ["24.99", "19.99"], "compare_at_price": [None, "24.99"]}
    expected = {
        "batch": None,
        "matched": 1,
        "changed": 1,
        "changes": [{"slug": "egg-white-protein", "fields": fields}],
        "warnings": [],
        "dry_run": True,
    }
    assert dry_run.json == expected
    response = client.simulate_post(BULK, json={**body, "expected": 1}, headers=ADMIN)
    batch = int(response.headers["x-batch-id"])
    assert response.json == {**expected, "batch": batch, "dry_run": False}
    assert client.simulate_get(EGG).json["price"] == "19.99"


def test_archiving_requires_the_permission_to_delete(client: TestClient, shop: Shop) -> None:
    body = {"filter": {"all": True}, "archive": True}
    for permissions, status in (
        ({Permission.PRODUCTS_WRITE}, 403),
        ({Permission.PRODUCTS_WRITE, Permission.PRODUCTS_DELETE}, 200),
    ):
        token = shop.authenticator.issue_token(TokenRequest(frozenset(permissions))).token
        headers = {"Authorization": f"Bearer {token}"}
        assert client.simulate_post(BULK, json=body, headers=headers).status_code == status


def test_a_flag_that_is_false_requires_no_permission(client: TestClient, shop: Shop) -> None:
    token = shop.authenticator.issue_token(TokenRequest(frozenset({Permission.PRODUCTS_WRITE})))
    body = {"filter": {"all": True}, "set": {"brand": "A"}, "archive": False}
    headers = {"Authorization": f"Bearer {token.token}"}
    assert client.simulate_post(BULK, json=body, headers=headers).status_code == 200


def test_errors(client: TestClient) -> None:
    for body, fields in (
        ({}, ["filter"]),
        ({"filter": {"all": True}, "products": ["egg"], "archive": True}, ["filter"]),
        ({"filter": {"all": True}, "price": {"percent": 1000}, "sett": {}}, ["price", "sett"]),
    ):
        response = client.simulate_post(BULK, json=body, headers=ADMIN)
        assert error_fields(response) == fields
    body = {"filter": {"all": True}, "set": {"brand": "A"}, "expected": 7}
    response = client.simulate_post(BULK, json=body, headers=ADMIN)
    assert (response.status_code, response.json["type"]) == (409, "/problems/count-mismatch")
