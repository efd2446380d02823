"""Variants over HTTP: representation, visibility and writes."""

import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from falcon.testing import Result, TestClient

from eggypro_core.shop import Shop
from tests.support.builders import product_values, variant_values
from tests.support.wsgi import ADMIN, EGG, PRODUCTS, error_fields, send_request

VARIANTS = f"{EGG}/variants"
VARIANT = f"{VARIANTS}/2"
STOCK = f"{VARIANT}/stock"
ALL_STATUSES = {"status": "all"}
VARIANT_BODY = {
    "id": 2,
    "sku": "EW-1",
    "gtin": "96385074",
    "weight_grams": 1000,
    "options": {"Size": "1 kg", "Flavour": "Vanilla"},
    "price": "24.99",
    "compare_at_price": "30.00",
    "stock_quantity": 5,
    "track_stock": True,
    "image": "https://x.example/1.jpg",
    "position": 0,
    "is_active": True,
}
WRITES = [("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/stock")]


@pytest.fixture
def variant(shop: Shop) -> dict[str, Any]:
    """The only variant of the product, which is at version 2."""
    values = {name: value for name, value in VARIANT_BODY.items() if name != "id"}
    assert shop.variants.create("egg-white-protein", values).id == 2
    return dict(VARIANT_BODY)


def post(client: TestClient, body: Any, path: str = VARIANTS, **headers: str) -> Result:
    return client.simulate_post(path, headers={**ADMIN, **headers}, json=body)


def put(client: TestClient, body: Any, path: str = VARIANT, **headers: str) -> Result:
    return client.simulate_put(path, headers={**ADMIN, **headers}, json=body)


def patch(client: TestClient, body: Any, path: str = VARIANT, **headers: str) -> Result:
    return client.simulate_patch(path, headers={**ADMIN, **headers}, json=body)


def delete(client: TestClient, path: str = VARIANT, **headers: str) -> Result:
    return client.simulate_delete(path, headers={**ADMIN, **headers})


def write(client: TestClient, method: str, path: str = VARIANT, **headers: str) -> Result:
    """Send a valid write with the given method."""
    body = {"set": 9} if path.endswith("/stock") else variant_values(price="1.00")
    return client.simulate_request(method, path, headers={**ADMIN, **headers}, json=body)


def admin(client: TestClient, path: str = VARIANT, **params: str) -> Result:
    return client.simulate_get(path, headers=ADMIN, params=params or ALL_STATUSES)


def ids(client: TestClient, **params: str) -> list[int]:
    """Return the ids of the list, public or for a status."""
    page = client.simulate_get(VARIANTS, params=params, headers=ADMIN if "status" in params else {})
    assert page.status_code == 200, page.text
    assert page.json["total"] == len(page.json["items"])
    return [item["id"] for item in page.json["items"]]


def admin_state(client: TestClient) -> tuple[str, str]:
    """Return the product and its variants as admins see them."""
    return admin(client, EGG).text, admin(client, VARIANTS).text


def test_get_shows_all_fields_of_a_variant(client: TestClient, variant: dict[str, Any]) -> None:
    response = client.simulate_get(VARIANT)
    assert (response.status_code, response.json) == (200, variant)
    assert list(response.json) == list(VARIANT_BODY)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "public, max-age=0, must-revalidate"


def test_minimal_variant_has_all_fields(client: TestClient) -> None:
    assert post(client, {"options": {"Größe": "1"}, "price": 0.1}).json == {
        **dict.fromkeys(VARIANT_BODY),
        "id": 2,
        "options": {"Größe": "1"},
        "price": "0.10",
        "stock_quantity": 0,
        "track_stock": True,
        "position": 0,
        "is_active": True,
    }


def test_page_of_variants_has_the_page_fields(client: TestClient, variant: dict[str, Any]) -> None:
    page = client.simulate_get(VARIANTS)
    assert page.json == {"items": [variant], "total": 1, "limit": 20, "offset": 0, "next": None}
    assert page.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert re.fullmatch(r'"[0-9a-f]{24}"', page.headers["etag"])


def test_product_without_variants_has_an_empty_page(client: TestClient) -> None:
    empty = {"items": [], "total": 0, "limit": 20, "offset": 0, "next": None}
    assert client.simulate_get(VARIANTS).json == empty
    assert client.simulate_get(EGG).json["variants"] == []


def test_next_has_the_path_of_the_variants(client: TestClient) -> None:
    for number in range(5):
        post(client, variant_values(options={"Size": str(number)}, position=4 - number))
    sizes: list[str] = []
    url = f"{VARIANTS}?limit=2&status=all"
    offsets = []
    while url:
        path, _, query = url.partition("?")
        page = client.simulate_get(path, query_string=query, headers=ADMIN).json
        sizes += [item["options"]["Size"] for item in page["items"]]
        offsets.append(page["offset"])
        assert (page["total"], page["limit"]) == (5, 2)
        url = page["next"] or ""
        assert not url or re.match(rf"{VARIANTS}\?status=all&limit=2&cursor=[\w-]+$", url)
    assert sizes == ["4", "3", "2", "1", "0"]
    assert offsets == [0, None, None]


def test_page_starts_at_the_offset(client: TestClient) -> None:
    for number in range(3):
        post(client, variant_values(options={"Size": str(number)}))
    page = client.simulate_get(VARIANTS, params={"offset": "2"}).json
    assert [item["options"]["Size"] for item in page["items"]] == ["2"]
    assert (page["offset"], page["total"], page["next"]) == (2, 3, None)


def test_cursor_of_another_list_or_with_offset_is_rejected(client: TestClient, shop: Shop) -> None:
    shop.products.create(product_values(name="Other"))
    for number in range(2):
        post(client, variant_values(options={"Size": str(number)}))
    cursor = client.simulate_get(VARIANTS, params={"limit": 1}).json["next"].partition("cursor=")[2]
    assert client.simulate_get(VARIANTS, params={"cursor": cursor}).status_code == 200
    other_list = f"{PRODUCTS}/other/variants"
    assert client.simulate_get(other_list, params={"cursor": cursor}).status_code == 400
    assert admin(client, VARIANTS, cursor=cursor, status="all").status_code == 400
    assert client.simulate_get(VARIANTS, params={"cursor": f"{cursor}A"}).status_code == 400
    response = client.simulate_get(VARIANTS, params={"cursor": cursor, "offset": "0"})
    assert error_fields(response) == ["offset"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=0&offset=10001", ["limit", "offset"]),
        ("limit=101", ["limit"]),
        ("limit=1&limit=1", ["limit"]),
        ("sort=name", ["sort"]),
        ("category=x&search=y", ["category", "search"]),
    ],
)
def test_list_of_variants_rejects_other_parameters(
    client: TestClient, query: str, fields: list[str]
) -> None:
    assert error_fields(client.simulate_get(VARIANTS, query_string=query)) == fields


def test_get_variant_accepts_only_status(client: TestClient, variant: dict[str, Any]) -> None:
    assert admin(client, VARIANT, status="active").json == variant
    assert error_fields(client.simulate_get(VARIANT, params={"limit": "1"})) == ["limit"]
    assert error_fields(admin(client, VARIANT, status="gone")) == ["status"]
    for method, path in (*WRITES, ("POST", "")):
        response = client.simulate_request(
            method,
            f"{VARIANTS if (method, path) == ('POST', '') else VARIANT}{path}",
            headers=ADMIN,
            params={"status": "all"},
            json={},
        )
        assert error_fields(response) == ["status"]


def test_product_embeds_a_hundred_variants_and_lists_only_count(
    client: TestClient, shop: Shop
) -> None:
    for number in range(103):
        values = variant_values(options={"Size": str(number)}, is_active=number != 1)
        shop.variants.create("egg-white-protein", values)
    product = client.simulate_get(EGG).json
    sizes = [variant["options"]["Size"] for variant in product["variants"]]
    assert sizes == [str(number) for number in range(101) if number != 1]
    assert product["variant_count"] == 102
    assert product["variants"][0] == client.simulate_get(VARIANT).json
    [item] = client.simulate_get(PRODUCTS).json["items"]
    assert item["variant_count"] == 102
    assert {"variants", "details", "attributes", "image_sets"}.isdisjoint(item)
    admin_view = admin(client, EGG).json
    assert [variant["options"]["Size"] for variant in admin_view["variants"]] == [
        str(n) for n in range(100)
    ]


def test_location_refers_to_the_created_resource(
    client: TestClient, variant: dict[str, Any]
) -> None:
    creation = post(client, variant_values(options={"Size": "2 kg"}))
    assert creation.status_code == 201
    assert creation.headers["location"] == f"{VARIANTS}/3"
    assert creation.headers["cache-control"] == "no-store"
    response = client.simulate_get(creation.headers["location"])
    assert (response.text, response.headers["etag"]) == (creation.text, creation.headers["etag"])
    assert ids(client) == [variant["id"], 3]


def test_create_variant_lists_every_error(client: TestClient) -> None:
    assert sorted(error_fields(post(client, {}))) == ["options", "price"]
    values = {"options": {}, "price": "0", "id": 1, "stock_quantity": -1, "colour": "red"}
    response = post(client, values)
    assert sorted(error_fields(response)) == ["colour", "id", "options", "price", "stock_quantity"]
    assert response.headers["content-type"] == "application/problem+json"
    assert client.simulate_get(EGG).headers["etag"].startswith('"1.')


def test_product_shows_the_lowest_price_and_summed_stock(
    client: TestClient, variant: dict[str, Any]
) -> None:
    post(client, variant_values(options={"Size": "2 kg"}, price="9.50", stock_quantity=2))
    product = client.simulate_get(EGG).json
    assert (product["price"], product["compare_at_price"]) == ("9.50", None)
    assert product["stock_quantity"] == variant["stock_quantity"] + 2
    [item] = client.simulate_get(PRODUCTS, params={"max_price": "9.50"}).json["items"]
    assert item["price"] == "9.50"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_writes_return_the_new_variant(
    client: TestClient, variant: dict[str, Any], method: str
) -> None:
    response = write(client, method)
    current = client.simulate_get(VARIANT)
    assert (response.status_code, response.json["price"]) == (200, "1.00")
    assert (response.text, response.headers["etag"]) == (current.text, current.headers["etag"])
    assert response.headers["cache-control"] == "no-store"
    assert response.json["id"] == variant["id"]


def test_put_clears_omitted_fields_except_those_it_keeps(
    client: TestClient, variant: dict[str, Any]
) -> None:
    patch(client, {"position": 4, "track_stock": False, "is_active": False})
    remaining = put(client, variant_values(price="7")).json
    assert remaining == {
        **variant,
        "options": {"Size": "1 kg"},
        "price": "7.00",
        "sku": None,
        "compare_at_price": None,
        "image": None,
        "position": 4,
        "track_stock": False,
        "is_active": False,
    }


def test_putting_the_body_of_get_changes_nothing(
    client: TestClient, variant: dict[str, Any]
) -> None:
    for path in (VARIANT, EGG):
        original = client.simulate_get(path)
        response = put(client, original.json, path, **{"If-Match": original.headers["etag"]})
        assert (response.status_code, response.text) == (200, original.text)
        assert response.headers["etag"] == original.headers["etag"]
    assert client.simulate_get(VARIANT).json == variant


def test_patch_is_a_merge_patch(client: TestClient, variant: dict[str, Any]) -> None:
    body = json.dumps({"options": {"Flavour": None, "Colour": "Red"}, "sku": None})
    headers = {**ADMIN, "Content-Type": "application/merge-patch+json"}
    patched = client.simulate_patch(VARIANT, headers=headers, body=body).json
    assert patched == {**variant, "options": {"Size": "1 kg", "Colour": "Red"}, "sku": None}
    assert error_fields(patch(client, {"options": None, "id": 2})) == ["options", "id"]
    assert error_fields(patch(client, {"options": {"Size": None, "Colour": None}})) == ["options"]
    assert error_fields(patch(client, {"price": "30.00"})) == ["compare_at_price"]


def test_etag_of_a_variant_has_product_version_and_hash(
    client: TestClient, variant: dict[str, Any]
) -> None:
    first = client.simulate_get(VARIANT).headers["etag"]
    assert re.fullmatch(r'"2\.[0-9a-f]{24}"', first)
    assert variant["stock_quantity"] == 5
    post(client, {"delta": 1}, STOCK)
    etag = client.simulate_get(VARIANT).headers["etag"]
    assert (etag[:3], etag == first) == ('"2.', False)
    client.simulate_patch(EGG, headers=ADMIN, json={"name": "New"})
    assert client.simulate_get(VARIANT).headers["etag"] == etag.replace('"2.', '"3.')
    assert patch(client, {"price": "1"}).headers["etag"].startswith('"4.')
    assert client.simulate_get(EGG).headers["etag"].startswith('"4.')


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match_requires_the_current_version(
    client: TestClient, variant: dict[str, Any], method: str
) -> None:
    etag = client.simulate_get(VARIANT).headers["etag"]
    post(client, {"set": variant["stock_quantity"]}, STOCK)
    client.simulate_patch(EGG, headers=ADMIN, json={"name": "New"})
    current = client.simulate_get(VARIANT).headers["etag"]
    before = admin_state(client)
    for header in (etag, f"W/{etag}", '"x"', '""', '"3"', '"4.a"'):
        assert write(client, method, **{"If-Match": header}).status_code == 412, header
    assert admin_state(client) == before
    assert write(client, method, **{"If-Match": f'W/{current}, "9.b"'}).status_code < 300


@pytest.mark.parametrize("path", [VARIANT, VARIANTS])
def test_matching_etag_is_not_modified(
    client: TestClient, variant: dict[str, Any], path: str
) -> None:
    headers = {"If-None-Match": client.simulate_get(path).headers["etag"]}
    response = client.simulate_get(path, headers=headers)
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == headers["If-None-Match"]
    post(client, {"delta": 1}, STOCK)
    assert client.simulate_get(path, headers=headers).status_code == 200
    assert variant["stock_quantity"] + 1 == client.simulate_get(VARIANT).json["stock_quantity"]


def test_delete_is_permanent_and_idempotent(client: TestClient, variant: dict[str, Any]) -> None:
    for _ in range(2):
        response = delete(client)
        assert (response.status_code, response.content) == (204, b"")
        assert admin(client).status_code == 404
        assert client.simulate_get(EGG).headers["etag"].startswith('"3.')
    assert delete(client, f"{VARIANTS}/99").status_code == 204
    assert delete(client, f"{PRODUCTS}/nobody/variants/2").status_code == 404
    assert post(client, variant_values(sku=variant["sku"])).status_code == 201


@pytest.mark.parametrize(
    ("body", "expected"),
    [({"delta": 2}, 7), ({"delta": -5}, 0), ({"set": 40}, 40), ({"set": 0}, 0)],
)
def test_stock_is_adjusted_or_set(
    client: TestClient, variant: dict[str, Any], body: Any, expected: int
) -> None:
    response = post(client, body, STOCK)
    assert (response.status_code, response.json) == (200, {"stock_quantity": expected})
    assert response.headers["cache-control"] == "no-store"
    assert client.simulate_get(VARIANT).json == {**variant, "stock_quantity": expected}
    assert client.simulate_get(EGG).json["stock_quantity"] == expected


@pytest.mark.parametrize("delta", [-6, 2**31, -(2**40), 10**100])
def test_stock_stays_within_its_bounds(
    client: TestClient, variant: dict[str, Any], delta: int
) -> None:
    assert post(client, {"delta": delta}, STOCK).status_code == 409
    assert client.simulate_get(VARIANT).json == variant


@pytest.mark.parametrize("body", [{}, {"delta": 1, "set": 1}, {"delta": 1.0}, {"set": -1}], ids=str)
def test_stock_requires_one_integer(client: TestClient, variant: dict[str, Any], body: Any) -> None:
    assert post(client, body, STOCK).status_code == 422
    assert client.simulate_get(VARIANT).json == variant


def test_price_and_stock_derive_from_variants_and_cannot_be_set(
    client: TestClient, variant: dict[str, Any]
) -> None:
    before = admin_state(client)
    for body in ({"price": "1"}, {"compare_at_price": None}, {"stock_quantity": 1}):
        rejection = client.simulate_patch(EGG, headers=ADMIN, json={"name": "New", **body})
        assert rejection.status_code == 409
    values = product_values(price="1", compare_at_price="30.00")
    assert client.simulate_put(EGG, headers=ADMIN, json=values).status_code == 409
    assert post(client, {"set": 1}, f"{EGG}/stock").status_code == 409
    assert post(client, {"delta": 1}, f"{EGG}/stock").status_code == 409
    assert admin_state(client) == before
    del values["price"], values["compare_at_price"]
    response = client.simulate_put(EGG, headers=ADMIN, json=values)
    assert (response.status_code, response.json["price"]) == (200, variant["price"])


def test_put_of_a_product_without_variants_requires_a_price(client: TestClient) -> None:
    values = product_values()
    del values["price"]
    assert error_fields(client.simulate_put(EGG, headers=ADMIN, json=values)) == ["price"]


def test_contradictions_with_stored_variants_are_conflicts(
    client: TestClient, shop: Shop, variant: dict[str, Any]
) -> None:
    shop.products.create(product_values(name="Other", sku="O"))
    second = f"{VARIANTS}/{post(client, variant_values(options={'Size': '2'})).json['id']}"
    before = admin_state(client)
    conflicts: list[tuple[dict[str, Any], str]] = [
        ({"options": dict(reversed(variant["options"].items()))}, "options-taken"),
        ({"options": dict.fromkeys("abcdefghi", "1")}, "limit-reached"),
        ({"sku": "O"}, "sku-taken"),
        ({"sku": variant["sku"]}, "sku-taken"),
    ]
    for fields, code in conflicts:
        body = variant_values(**{"options": {"Size": "3"}, **fields})
        for response in (post(client, body), put(client, {**body}, second)):
            assert response.status_code == 409, fields
            assert response.json["type"] == f"/problems/{code}"
    assert patch(client, {"sku": "O"}, second).status_code == 409
    assert client.simulate_patch(EGG, headers=ADMIN, json={"sku": "EW-1"}).status_code == 409
    assert admin_state(client) == before


def test_inactive_variants_are_not_public(client: TestClient, variant: dict[str, Any]) -> None:
    inactive = post(client, variant_values(options={"Size": "0"}, price="1", is_active=False)).json[
        "id"
    ]
    path = f"{VARIANTS}/{inactive}"
    for headers in ({}, ADMIN):  # only the parameter requires a credential
        assert client.simulate_get(path, headers=headers).status_code == 404
        assert variant["price"] == client.simulate_get(EGG, headers=headers).json["price"]
        assert client.simulate_get(EGG, headers=headers).json["variants"] == [variant]
    assert ids(client) == [2]
    assert ids(client, status="archived") == [inactive]
    assert ids(client, status="all") == [2, inactive]
    admin_view = admin(client, path)
    assert (admin_view.json["is_active"], admin_view.headers["cache-control"]) == (
        False,
        "no-store",
    )
    assert admin(client, path, status="archived").status_code == 200
    assert admin(client, VARIANT, status="archived").status_code == 404
    assert patch(client, {"is_active": True}, path).json["is_active"] is True
    assert client.simulate_get(path).status_code == 200


def test_variants_of_archived_products_are_hidden(
    client: TestClient, variant: dict[str, Any]
) -> None:
    assert client.simulate_delete(EGG, headers=ADMIN).status_code == 204
    for path in (VARIANT, VARIANTS, EGG):
        for headers in ({}, ADMIN):
            assert client.simulate_get(path, headers=headers).status_code == 404
        assert admin(client, path).status_code == 200
    assert admin(client).json == variant
    assert patch(client, {"price": "1"}).status_code == 200


@pytest.mark.parametrize("path", [VARIANTS, VARIANT])
@pytest.mark.parametrize("query", ["status=all", "status=active", "%73tatus=all", "status"])
def test_status_requires_products_read(
    client: TestClient, variant: dict[str, Any], path: str, query: str
) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        rejection = client.simulate_get(path, query_string=query, headers=headers)
        assert rejection.status_code == 401
        assert variant["sku"] not in rejection.text
    response = client.simulate_get(path, query_string=query, headers=ADMIN)
    assert response.status_code == (422 if query == "status" else 200)
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("method", "path"), [*WRITES, ("POST", None)])
def test_writes_require_a_credential(
    client: TestClient, variant: dict[str, Any], method: str, path: str | None
) -> None:
    before = admin_state(client)
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        address = VARIANTS if path is None else f"{VARIANT}{path}"
        body = variant_values(options={"Size": "9"}, sku=f"not {variant['sku']}")
        assert client.simulate_request(method, address, headers=headers, json=body).status == (
            "401 Unauthorized"
        )
    assert admin_state(client) == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", suffix) for suffix in ("", "?limit=1&%73tatus=all", "/2", "/2?status=all")),
        *(("HEAD", suffix) for suffix in ("", "/2")),
        *(("POST", suffix) for suffix in ("", "/2/stock")),
        *(("PUT", "/2"), ("PATCH", "/2"), ("DELETE", "/2"), ("DELETE", "/99")),
    ],
)
def test_former_slug_redirects_every_method(
    client: TestClient, variant: dict[str, Any], method: str, path: str
) -> None:
    client.simulate_patch(EGG, headers=ADMIN, json={"slug": "whites"})
    before = admin(client, f"{PRODUCTS}/whites/variants").text
    address, _, query = f"{VARIANTS}{path}".partition("?")
    body = {"set": 1} if path.endswith("stock") else variant_values(sku=variant["sku"])
    redirect = client.simulate_request(
        method,
        address,
        query_string=query,
        headers=ADMIN,
        json=body if method.startswith("P") else None,
    )
    assert redirect.status_code == 308
    assert redirect.headers["location"] == f"{PRODUCTS}/whites/variants{path}"
    assert admin(client, f"{PRODUCTS}/whites/variants").text == before
    location, _, query = redirect.headers["location"].partition("?")
    response = client.simulate_request(
        method,
        location,
        query_string=query,
        headers=ADMIN,
        json=body if method.startswith("P") else None,
    )
    assert response.status_code in {200, 201, 204, 409}


INVALID_IDS = ["0", "01", "-1", "+1", "2147483648", "9" * 5000, "%D9%A3", "1e3", "1.0", "2%20", "x"]


@pytest.mark.parametrize("number", [*INVALID_IDS, "2,2", "2%2F", ""], ids=lambda text: text[:20])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "POST"])
@pytest.mark.parametrize("suffix", ["", "/stock"])
def test_invalid_ids_are_not_found(
    client: TestClient, variant: dict[str, Any], number: str, method: str, suffix: str
) -> None:
    path = unquote_to_bytes(f"{VARIANTS}/{number}{suffix}").decode("latin-1")
    response = send_request(client.app, "/", REQUEST_METHOD=method, PATH_INFO=path)
    assert response.status == 404
    assert client.simulate_get(VARIANT).json == variant


@pytest.mark.parametrize("number", ["1", "3", "2147483647"])
def test_missing_variant_is_not_found(
    client: TestClient, variant: dict[str, Any], number: str
) -> None:
    missing = client.simulate_get(f"{VARIANTS}/{number}")
    assert missing.status_code == 404
    assert missing.json["detail"] == f"The product 'egg-white-protein' has no variant {number}"
    for method, path in WRITES:
        response = write(client, method, f"{VARIANTS}/{number}{path}")
        assert response.status_code == (204 if method == "DELETE" else 404)
    assert client.simulate_get(EGG).json["variants"] == [variant]


def test_variant_of_another_product_is_not_found(
    client: TestClient, shop: Shop, variant: dict[str, Any]
) -> None:
    shop.products.create(product_values(name="Other"))
    other_path = f"{PRODUCTS}/other/variants/2"
    assert client.simulate_get(other_path).status_code == 404
    assert patch(client, {"price": "1"}, other_path).status_code == 404
    assert delete(client, other_path).status_code == 204
    assert client.simulate_get(VARIANT).json == variant


@pytest.mark.parametrize(
    ("method", "path"), [("POST", VARIANTS), ("PUT", VARIANT), ("PATCH", VARIANT), ("POST", STOCK)]
)
def test_order_of_error_checks_of_writes(
    client: TestClient, variant: dict[str, Any], method: str, path: str
) -> None:
    """Every part of the request is invalid; each correction reveals the next error."""
    post(client, variant_values(options={"Size": "2"}, sku="TAKEN"))
    is_stock = path == STOCK
    invalid_body = '{"set": -1}' if is_stock else '{"price": "0"}'
    right = '{"delta": -99}' if is_stock else json.dumps(variant_values(sku="TAKEN"))
    stale = {**ADMIN, "If-Match": '"9.x"'}
    missing = path.replace("egg-white-protein", "nobody")

    def status(path: str, body: str, headers: dict[str, str] = stale, query: str = "") -> int:
        response = client.simulate_request(
            method, path, headers=headers, body=body, query_string=query
        )
        return response.status_code

    assert status(missing.replace("variants", "variants/0"), "{", {}) == 404
    assert status(missing, "{", {}, "x=1") == 401
    assert status(missing, "{", query="x=1") == 400
    assert status(missing, invalid_body) == 422
    assert status(missing, right, query="x=1") == 422
    assert status(missing, right) == 404
    if method in {"PUT", "PATCH"}:
        assert status(path, right) == 412
        assert status(path, json.dumps({**variant_values(), "compare_at_price": "99"})) == 412
    assert status(path, right, ADMIN) == 409
    assert client.simulate_get(VARIANT).json == variant


def test_order_of_error_checks_of_delete(client: TestClient, variant: dict[str, Any]) -> None:
    missing = f"{PRODUCTS}/nobody/variants/2"
    stale = {**ADMIN, "If-Match": '"9.x"'}
    assert client.simulate_delete(missing, query_string="x=1").status_code == 401
    assert client.simulate_delete(missing, query_string="%", headers=stale).status_code == 400
    assert client.simulate_delete(missing, query_string="x=1", headers=stale).status_code == 422
    assert client.simulate_delete(missing, headers=stale).status_code == 404
    assert client.simulate_delete(VARIANT, headers=stale).status_code == 412
    assert client.simulate_get(VARIANT).json == variant
