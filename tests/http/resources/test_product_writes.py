"""Writes to an existing product: PUT, PATCH, DELETE and stock."""

import json
from typing import Any

import pytest
from falcon.testing import Result, TestClient
from hypothesis import given

from eggypro_adapters.contracts import strategies
from eggypro_core.domain.product import READ_ONLY_FIELDS
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from tests.support.builders import make_shop, product_values
from tests.support.wsgi import ADMIN, EGG, PRODUCTS, error_fields

STOCK = f"{EGG}/stock"
MISSING = f"{PRODUCTS}/nobody"
ALL_STATUSES = {"status": "all"}


def put(client: TestClient, body: Any, path: str = EGG, **headers: str) -> Result:
    return client.simulate_put(path, headers={**ADMIN, **headers}, json=body)


def patch(client: TestClient, body: Any, path: str = EGG, **headers: str) -> Result:
    return client.simulate_patch(path, headers={**ADMIN, **headers}, json=body)


def delete(client: TestClient, path: str = EGG, **headers: str) -> Result:
    path, _, query = path.partition("?")
    return client.simulate_delete(path, query_string=query, headers={**ADMIN, **headers})


def change_stock(client: TestClient, body: Any, path: str = STOCK) -> Result:
    return client.simulate_post(path, headers=ADMIN, json=body)


def write(client: TestClient, method: str, body: Any = None, path: str = EGG) -> Result:
    return client.simulate_request(method, path, headers=ADMIN, json=body or product_values())


def etag_of(client: TestClient) -> str:
    response = client.simulate_get(EGG, params=ALL_STATUSES, headers=ADMIN)
    return str(response.headers["etag"])


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_writes_return_the_new_product(client: TestClient, method: str) -> None:
    response = write(client, method, product_values(price=0.29, seo_title="Whites"))
    product = client.simulate_get(EGG)
    assert response.status_code == 200
    assert (response.json["price"], response.json["seo_title"]) == ("0.29", "Whites")
    assert response.text == product.text
    assert response.headers["etag"] == product.headers["etag"]
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_writes_to_a_missing_product_are_not_found(client: TestClient, method: str) -> None:
    assert write(client, method, path=MISSING).status_code == 404
    assert client.simulate_get(MISSING).status_code == 404
    assert change_stock(client, {"set": 1}, f"{MISSING}/stock").status_code == 404


def test_put_clears_omitted_fields_except_those_it_keeps(client: TestClient) -> None:
    unchanged = {"slug": "whites", "stock_quantity": 7, "track_stock": False, "is_active": False}
    cleared = {
        "sku": "EW",
        "compare_at_price": "30.00",
        "attributes": {"a": "b"},
        "seo_title": "T",
        "seo_description": "D",
    }
    assert (
        put(client, product_values(**unchanged, **cleared)).json.items()
        >= {**unchanged, **cleared}.items()
    )
    product = put(client, product_values(), f"{PRODUCTS}/whites").json
    assert product.items() >= unchanged.items()
    assert [product[name] for name in cleared] == [None, None, {}, None, None]


def test_put_and_patch_empty_kept_fields_only_if_told_to(client: TestClient) -> None:
    stored = {"gtin": "96385074", "brand": "Eggy", "tags": ["a", "b"], "weight_grams": 500}
    empty: dict[str, object] = {"gtin": None, "brand": None, "tags": [], "weight_grams": None}
    for write_all in (put, patch):
        assert patch(client, {**stored, "is_listed": False}).status_code == 200
        assert (
            write_all(client, product_values()).json.items()
            >= {
                **stored,
                "is_listed": False,
            }.items()
        )
        for emptied in (dict.fromkeys(stored), empty):
            patch(client, stored)
            response = write_all(client, product_values(**emptied))
            assert response.json.items() >= empty.items()


@given(strategies.products())
def test_putting_the_body_of_get_changes_nothing(values: dict[str, Any]) -> None:
    shop = make_shop()
    product = shop.products.create(values)
    client = TestClient(create_app(shop))
    path = f"{PRODUCTS}/{product.slug}"
    original = client.simulate_get(path, params=ALL_STATUSES, headers=ADMIN)
    response = put(client, original.json, path, **{"If-Match": original.headers["etag"]})
    assert (response.status_code, response.text) == (200, original.text)
    assert response.headers["etag"] == original.headers["etag"]


@pytest.mark.parametrize("name", ["name", "description", "details", "ingredients", "price"])
def test_put_requires_the_fields_of_post(client: TestClient, name: str) -> None:
    assert error_fields(put(client, {**product_values(), name: None})) == [name]
    body = product_values()
    del body[name]
    assert error_fields(put(client, body)) == [name]


def test_put_and_patch_reject_unknown_fields_and_patch_read_only_ones(
    client: TestClient,
) -> None:
    unknown = {"colour": "red", "version": 1}
    product = client.simulate_get(EGG).json
    assert error_fields(put(client, {**product, **unknown})) == ["colour", "version"]
    read_only = sorted(product.keys() - product_values().keys() - WRITABLE)
    assert (
        sorted(error_fields(patch(client, {name: product[name] for name in read_only})))
        == read_only
    )
    assert error_fields(patch(client, unknown)) == ["colour", "version"]


WRITABLE = {definition.name for definition in PRODUCT_FIELDS} - READ_ONLY_FIELDS


def test_patch_is_a_merge_patch(client: TestClient) -> None:
    patch(client, {"attributes": {"a": "1", "b": "2"}, "sku": "EW", "compare_at_price": "30"})
    product = patch(client, {"attributes": {"a": None, "c": "3"}, "sku": None}).json
    assert product["attributes"] == {"b": "2", "c": "3"}
    assert (product["sku"], product["compare_at_price"]) == (None, "30.00")
    assert patch(client, {"attributes": None}).json["attributes"] == {}


@pytest.mark.parametrize(
    "media_type", ["application/merge-patch+json", "application/json; charset=utf-8"]
)
def test_patch_accepts_the_merge_patch_media_type(client: TestClient, media_type: str) -> None:
    body = json.dumps({"name": "New"})
    headers = {**ADMIN, "Content-Type": media_type}
    assert client.simulate_patch(EGG, headers=headers, body=body).json["name"] == "New"


def test_price_is_validated_against_the_stored_compare_at_price(client: TestClient) -> None:
    assert patch(client, {"compare_at_price": "30.00"}).status_code == 200
    assert error_fields(patch(client, {"price": "30.00"})) == ["compare_at_price"]
    assert error_fields(patch(client, {"compare_at_price": "24.99"})) == ["compare_at_price"]
    assert patch(client, {"price": "30.00", "compare_at_price": "30.01"}).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match_requires_the_current_version(client: TestClient, method: str) -> None:
    etag = etag_of(client)
    patch(client, {"seo_title": "Second"})
    for header in (etag, f"W/{etag}", '"x"', "2", '"2', '"2"', '""', '"0.a"', f'{etag}, "9.b"'):
        response = client.simulate_request(
            method, EGG, headers={**ADMIN, "If-Match": header}, json=product_values()
        )
        assert response.status_code == 412, header
    assert client.simulate_get(EGG).json["seo_title"] == "Second"
    current = {**ADMIN, "If-Match": etag_of(client)}
    assert (
        client.simulate_request(method, EGG, headers=current, json=product_values()).status_code
        < 300
    )


@pytest.mark.parametrize(
    "header",
    [
        "*",
        ' "1.abc"',
        '"1.a", "0.b"',
        '"1.a", "7.b"',
        'W/"1.a"',
        '"1.a-gzip"',
        'W/"1.a-br"',
        'W/"7.a",W/"1.c"',
    ],
)
def test_if_match_accepts_any_etag_of_the_version(client: TestClient, header: str) -> None:
    etag = etag_of(client)
    change_stock(client, {"set": 3})  # changes the hash, not the version
    assert etag_of(client) != etag
    assert patch(client, {"name": "New"}, **{"If-Match": header}).status_code == 200


def test_if_match_conflicts_name_the_version(client: TestClient) -> None:
    changed, unnamed = (
        patch(client, {"name": "New"}, **{"If-Match": header}).json["detail"]
        for header in ('"7.a", W/"8.b"', '"0123456789abcdef01234567"')
    )
    assert "it is at version 1, not 7 or 8." in changed
    assert "The product is at version 1, but the request names no version." in unnamed


def test_stock_changes_keep_the_version(client: TestClient) -> None:
    etag = etag_of(client)
    change_stock(client, {"delta": 5})
    assert put(client, product_values(), **{"If-Match": etag}).status_code == 200


def test_delete_archives_and_is_idempotent(client: TestClient, shop: Shop) -> None:
    for _ in range(2):
        response = delete(client)
        assert (response.status_code, response.content) == (204, b"")
        assert client.simulate_get(EGG).status_code == 404
        assert client.simulate_get(PRODUCTS).json["total"] == 0
        assert etag_of(client).startswith('"2.')
    assert delete(client, MISSING).status_code == 404
    assert patch(client, {"is_active": True}).status_code == 200
    assert client.simulate_get(EGG).status_code == 200
    assert shop.products.get("egg-white-protein").version == 3


def test_permanent_delete_is_idempotent(client: TestClient) -> None:
    patch(client, {"slug": "whites"})
    for _ in range(2):
        assert delete(client, f"{PRODUCTS}/whites?permanent=true").status_code == 204
    for slug in ("whites", "egg-white-protein"):
        missing = client.simulate_get(f"{PRODUCTS}/{slug}", params=ALL_STATUSES, headers=ADMIN)
        assert missing.status_code == 404
    assert write(client, "POST", path=PRODUCTS).json["slug"] == "egg-white-protein"


@pytest.mark.parametrize(
    "query", ["permanent=yes", "permanent=", "permanent", "Permanent=true", "permanent=true&x=1"]
)
def test_delete_with_invalid_parameters_does_nothing(client: TestClient, query: str) -> None:
    assert delete(client, f"{EGG}?{query}").status_code == 422
    assert client.simulate_get(EGG).status_code == 200


def test_permanent_false_archives(client: TestClient) -> None:
    assert delete(client, f"{EGG}?permanent=false").status_code == 204
    assert client.simulate_get(EGG, params=ALL_STATUSES, headers=ADMIN).json["is_active"] is False


@pytest.mark.parametrize(
    ("body", "expected"),
    [({"delta": 2}, 7), ({"delta": -5}, 0), ({"delta": 0}, 5), ({"set": 40}, 40), ({"set": 0}, 0)],
)
def test_stock_is_adjusted_or_set(client: TestClient, body: Any, expected: int) -> None:
    change_stock(client, {"set": 5})
    response = change_stock(client, body)
    assert (response.status_code, response.json) == (200, {"stock_quantity": expected})
    assert response.headers["cache-control"] == "no-store"
    assert client.simulate_get(EGG).json["stock_quantity"] == expected


@pytest.mark.parametrize("delta", [-1, -(2**40), 2**31, 10**100])
def test_stock_stays_within_its_bounds(client: TestClient, delta: int) -> None:
    response = change_stock(client, {"delta": delta})
    assert response.status_code == 409
    code = "insufficient-stock" if delta < 0 else "limit-reached"
    assert response.json["type"] == f"/problems/{code}"
    assert client.simulate_get(EGG).json["stock_quantity"] == 0


@pytest.mark.parametrize(
    "body",
    [{}, {"delta": 1, "set": 1}, {"delta": 1.0}, {"delta": "1"}, {"set": -1}, {"set": True}],
    ids=str,
)
def test_stock_requires_one_integer(client: TestClient, body: Any) -> None:
    assert change_stock(client, body).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/stock")]
)
def test_writes_to_a_former_slug_redirect(client: TestClient, method: str, path: str) -> None:
    patch(client, {"slug": "whites"})
    response = write(client, method, {"set": 1} if path else None, f"{EGG}{path}")
    assert response.status_code == 308
    assert response.headers["location"] == f"{PRODUCTS}/whites{path}"
    assert client.simulate_get(f"{PRODUCTS}/whites").json["stock_quantity"] == 0


def test_delete_of_a_former_slug_redirects_with_its_query_string(client: TestClient) -> None:
    patch(client, {"slug": "whites"})
    response = delete(client, f"{EGG}?permanent=true")
    assert response.headers["location"] == f"{PRODUCTS}/whites?permanent=true"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_taken_slug_or_sku_is_a_conflict(client: TestClient, shop: Shop, method: str) -> None:
    shop.products.create(product_values(name="Other", sku="O"))
    shop.products.archive("other")
    before = client.simulate_get(EGG).text
    response = write(client, method, product_values(slug="other"))
    assert (response.status_code, "archived" in response.json["detail"]) == (409, True)
    assert write(client, method, product_values(sku="O")).status_code == 409
    assert client.simulate_get(EGG).text == before


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_order_of_error_checks_of_writes(client: TestClient, method: str) -> None:
    write(client, "POST", product_values(name="Other"), PRODUCTS)
    stale = {**ADMIN, "If-Match": '"9.x"'}

    def status_of(path: str, body: str, headers: dict[str, str] = stale, query: str = "") -> int:
        response = client.simulate_request(
            method, path, headers=headers, body=body, query_string=query
        )
        return response.status_code

    body = json.dumps(product_values(slug="other"))
    assert status_of(f"{PRODUCTS}/No Slug", "{") == 404
    assert status_of(MISSING, "{", {}) == 401
    assert status_of(MISSING, "{", query="x=1") == 400
    assert status_of(MISSING, '{"price": 0}') == 422
    assert status_of(MISSING, body, query="x=1") == 422
    assert status_of(MISSING, body) == 404
    assert status_of(EGG, body) == 412
    assert status_of(EGG, body, ADMIN) == 409


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE"])
def test_writes_require_a_credential(client: TestClient, method: str) -> None:
    path = STOCK if method == "POST" else EGG
    before = client.simulate_get(EGG).text
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        response = client.simulate_request(method, path, headers=headers, json={"set": 9})
        assert response.status_code == 401
    assert client.simulate_get(EGG).text == before
