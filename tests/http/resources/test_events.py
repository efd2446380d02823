"""`GET /api/events` and `GET /api/batches`, and the origin of events of requests."""

from typing import Any

import pytest
from falcon.testing import TestClient

from eggypro_core.access.authentication import Permission, TokenRequest
from eggypro_core.shop import Shop
from tests.support.builders import product_values, review_values
from tests.support.wsgi import ADMIN, EGG, PRODUCTS, error_fields

EVENTS, BATCHES = "/api/events", "/api/batches"


def get(client: TestClient, path: str = EVENTS, **params: Any) -> Any:
    response = client.simulate_get(path, params=params, headers=ADMIN)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    return response.json


@pytest.fixture
def created(client: TestClient) -> Any:
    """The response to the creation of a product."""
    headers = {**ADMIN, "X-Request-ID": "request-1"}
    body = product_values(slug="new", name="New")
    return client.simulate_post(PRODUCTS, json=body, headers=headers)


def test_an_event_names_actor_request_and_batch(client: TestClient, created: Any) -> None:
    [event] = get(client, product="new")["items"]
    batch = int(created.headers["x-batch-id"])
    assert event == {
        "id": event["id"],
        "type": "product.created",
        "batch": batch,
        "at": event["at"],
        "actor": "admin",
        "source": "http",
        "request_id": "request-1",
        "reason": None,
        "reference": None,
        "subject": {"type": "product", "id": created.json["id"], "slug": "new", "name": "New"},
        "version": 1,
        "changes": None,
    }
    stored = get(client, f"{BATCHES}/{batch}")
    assert (stored["id"], stored["actor"], stored["events"]) == (batch, "admin", 1)
    assert get(client, BATCHES, source="http")["items"] == [stored]


def test_a_token_is_named(client: TestClient, shop: Shop) -> None:
    for name, actor in (("erp", "token:erp"), (None, "token:admin")):
        request = TokenRequest(frozenset({Permission.PRODUCTS_WRITE}), name=name)
        token = shop.authenticator.issue_token(request).token
        headers = {"Authorization": f"Bearer {token}"}
        body = {"delta": 1, "reason": "return", "reference": "order 17"}
        client.simulate_post(f"{EGG}/stock", json=body, headers=headers)
        [event] = get(client, order="desc", limit=1)["items"]
        assert (event["type"], event["actor"]) == ("product.stock_changed", actor)
        assert (event["reason"], event["reference"]) == ("return", "order 17")


def test_a_review_is_anonymous(client: TestClient) -> None:
    response = client.simulate_post(f"{EGG}/reviews", json=review_values())
    [event] = get(client, type="review.*")["items"]
    assert event["batch"] == int(response.headers["x-batch-id"])
    assert event["actor"] == "anonymous"
    assert "Ada" not in str(event)


def test_a_repeated_request_replays_its_batch(client: TestClient) -> None:
    headers = {**ADMIN, "Idempotency-Key": "once"}
    first, second = (
        client.simulate_post(PRODUCTS, json=product_values(slug="new"), headers=headers)
        for _ in range(2)
    )
    assert second.headers["idempotency-replayed"] == "true"
    assert first.headers["x-batch-id"] == second.headers["x-batch-id"]
    [event] = get(client, product="new")["items"]
    assert event["batch"] == int(first.headers["x-batch-id"])


def test_writes_without_changes_and_refused_writes_name_no_batch(client: TestClient) -> None:
    responses = [
        client.simulate_patch(EGG, json={}, headers=ADMIN),
        client.simulate_post(f"{EGG}/stock", json={"delta": -1000}, headers=ADMIN),
        client.simulate_get(EGG),
    ]
    assert [response.status_code for response in responses] == [200, 409, 200]
    for response in responses:
        assert "x-batch-id" not in response.headers


def test_a_consumer_follows_the_feed(client: TestClient) -> None:
    cursor = get(client, after="latest")["next_cursor"]
    client.simulate_patch(EGG, json={"name": "Renamed"}, headers=ADMIN)
    page = get(client, after=cursor)
    assert [event["type"] for event in page["items"]] == ["product.updated"]
    assert page["items"][0]["changes"] == {"name": ["Egg White Protein", "Renamed"]}
    assert get(client, after=page["next_cursor"]) == {**page, "items": []}


def test_a_cursor_that_is_gone_or_invalid(client: TestClient) -> None:
    for cursor, status in (("1000000", 410), ("x", 400), ("1-", 400), ("", 400)):
        response = client.simulate_get(EVENTS, params={"after": cursor}, headers=ADMIN)
        assert response.status_code == status, cursor


@pytest.mark.parametrize(
    ("params", "fields"),
    [
        ({"type": "product.baked"}, ["type"]),
        ({"limit": "1001", "order": "up"}, ["limit", "order"]),
        ({"since": "yesterday", "source": "ftp"}, ["since", "source"]),
        ({"order": "desc", "after": "latest"}, ["after"]),
        ({"batch": "0"}, ["batch"]),
        ({"products": "egg"}, ["products"]),
    ],
    ids=str,
)
def test_invalid_parameters(client: TestClient, params: dict[str, str], fields: list[str]) -> None:
    response = client.simulate_get(EVENTS, params=params, headers=ADMIN)
    assert sorted(error_fields(response)) == sorted(fields)


def test_a_missing_batch(client: TestClient) -> None:
    for batch in ("999999999999", "0", "x"):
        response = client.simulate_get(f"{BATCHES}/{batch}", headers=ADMIN)
        assert response.status_code == 404


def test_undo_of_an_import(client: TestClient) -> None:
    row = b'{"slug": "egg-white-protein", "name": "Imported", "price": "9.00"}\n'
    report = client.simulate_post(
        "/api/imports", params={"format": "jsonl"}, body=row, headers=ADMIN
    )
    batch = report.json["batch"]
    assert report.headers["x-batch-id"] == str(batch)
    path = f"{BATCHES}/{batch}/undo"
    client.simulate_patch(EGG, json={"price": "8.00"}, headers=ADMIN)
    dry_run = client.simulate_post(path, params={"dry_run": "true"}, headers=ADMIN)
    kept = {"slug": "egg-white-protein", "field": "price", "message": "Changed since"}
    expected = {"batch": None, "reverted": 1, "kept": [kept], "dry_run": True}
    assert dry_run.json == expected
    assert "x-batch-id" not in dry_run.headers
    headers = {**ADMIN, "Idempotency-Key": "undo"}
    undo, again = (client.simulate_post(path, headers=headers) for _ in range(2))
    assert (undo.json, undo.headers["x-batch-id"]) == (again.json, again.headers["x-batch-id"])
    assert undo.json == {**expected, "batch": int(undo.headers["x-batch-id"]), "dry_run": False}
    product = client.simulate_get(EGG).json
    assert (product["name"], product["price"]) == ("Egg White Protein", "8.00")


def test_a_single_write_cannot_be_undone(client: TestClient, created: Any) -> None:
    batch = created.headers["x-batch-id"]
    response = client.simulate_post(f"{BATCHES}/{batch}/undo", headers=ADMIN)
    assert (response.status_code, response.json["type"]) == (409, "/problems/not-undoable")
