import json
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from eggypro_core.shop import Shop
from tests.support.builders import product_values
from tests.support.wsgi import ADMIN, EGG, PRODUCTS, error_fields

SUGGEST = f"{PRODUCTS}/suggest"


def names(page: dict[str, Any]) -> list[str]:
    return [item["name"] for item in page["items"]]


def add_with_price(client: TestClient, price: str) -> Result:
    body = json.dumps(product_values(name="Dear", price="?")).replace('"?"', price)
    return client.simulate_post(PRODUCTS, headers=ADMIN, body=body)


def test_get_shows_all_fields_of_a_product(client: TestClient) -> None:
    product = client.simulate_get(EGG)
    assert product.status_code == 200
    assert product.headers["content-type"] == "application/json"
    assert product.json.items() >= product_values(slug="egg-white-protein", currency="EUR").items()


def test_missing_product_is_not_found(client: TestClient) -> None:
    missing = client.simulate_get(f"{PRODUCTS}/duck-egg")
    assert missing.status_code == 404
    assert missing.json["detail"] == "There is no product 'duck-egg'"


def test_archived_product_requires_products_read(client: TestClient, shop: Shop) -> None:
    shop.products.archive("egg-white-protein")
    assert client.simulate_get(EGG).status_code == 404
    assert client.simulate_get(EGG, params={"status": "all"}).status_code == 401
    response = client.simulate_get(EGG, params={"status": "all"}, headers=ADMIN)
    assert response.json["is_active"] is False


def test_status_requires_a_credential(client: TestClient, shop: Shop) -> None:
    shop.products.create(product_values(name="Old"))
    shop.products.archive("old")
    params = {"status": "archived"}
    assert client.simulate_get(PRODUCTS, params=params).status_code == 401
    assert client.simulate_get(PRODUCTS, query_string="%73tatus=all").status_code == 401
    assert client.simulate_get(PRODUCTS, query_string="status").status_code == 401
    assert names(client.simulate_get(PRODUCTS, params=params, headers=ADMIN).json) == ["Old"]
    assert names(client.simulate_get(PRODUCTS, headers=ADMIN).json) == ["Egg White Protein"]


def test_unlisted_product_has_an_address_but_is_in_no_public_list(
    client: TestClient, shop: Shop
) -> None:
    shop.products.create(product_values(name="Secret", is_listed=False, sku="S-1"))
    assert client.simulate_get(f"{PRODUCTS}/secret").json["is_listed"] is False
    for query in ("", "search=secret", "search=S-1"):
        for headers in ({}, ADMIN):
            page = client.simulate_get(PRODUCTS, query_string=query, headers=headers).json
            assert "Secret" not in names(page)
        admin = client.simulate_get(
            PRODUCTS, query_string=f"status=active&{query}".rstrip("&"), headers=ADMIN
        )
        assert "Secret" in names(admin.json)
        assert admin.headers["cache-control"] == "no-store"
    assert client.simulate_get(SUGGEST, params={"q": "secr"}).json["items"] == []


def test_lists_with_a_status_can_be_filtered_by_listing(client: TestClient, shop: Shop) -> None:
    shop.products.create(product_values(name="Secret", is_listed=False))
    query = "status=all&listed={}"
    for listed, expected in (("true", ["Egg White Protein"]), ("false", ["Secret"])):
        page = client.simulate_get(PRODUCTS, query_string=query.format(listed), headers=ADMIN).json
        assert (names(page), page["total"]) == (expected, 1)
    first = client.simulate_get(PRODUCTS, query_string="status=active&limit=1", headers=ADMIN).json
    assert "status=active" in first["next"]
    rest = client.simulate_get(first["next"], headers=ADMIN).json
    assert names(rest) == ["Secret"]
    rejection = client.simulate_get(PRODUCTS, query_string="listed=false", headers=ADMIN)
    assert error_fields(rejection) == ["listed"]


def test_former_slug_redirects_with_the_query_string(client: TestClient, shop: Shop) -> None:
    shop.products.update("egg-white-protein", {"slug": "egg-white"})
    redirect = client.simulate_get(EGG)
    assert redirect.status_code == 308
    assert redirect.headers["location"] == f"{PRODUCTS}/egg-white"
    rejection = client.simulate_get(EGG, query_string="status=all&status=%41", headers=ADMIN)
    assert error_fields(rejection) == ["status"]
    page = client.simulate_get(EGG, query_string="%73tatus=all", headers=ADMIN)
    assert page.headers["location"] == f"{PRODUCTS}/egg-white?%73tatus=all"
    assert page.headers["content-type"] == "application/problem+json"


def test_next_pages_through_the_list(client: TestClient, shop: Shop) -> None:
    for name in ("Bacon", "Ä", "Cream"):
        shop.products.create(product_values(name=name))
    first = client.simulate_get(PRODUCTS, params={"limit": 3}).json
    assert names(first) == ["Ä", "Bacon", "Cream"]
    assert first.items() >= {"total": 4, "limit": 3, "offset": 0}.items()
    path, _, query = first["next"].partition("?")
    last = client.simulate_get(path, query_string=query).json
    assert names(last) == ["Egg White Protein"]
    assert last["next"] is None
    assert last["offset"] is None


def test_cursor_of_another_list_is_malformed(client: TestClient, shop: Shop) -> None:
    shop.products.create(product_values(name="Bacon"))
    url = client.simulate_get(PRODUCTS, params={"limit": 1}).json["next"]
    cursor = url.partition("cursor=")[2]
    response = client.simulate_get(PRODUCTS, params={"sort": "newest", "cursor": cursor})
    assert response.status_code == 400
    assert error_fields(client.simulate_get(PRODUCTS, params={"offset": 1, "cursor": cursor})) == [
        "offset"
    ]


def test_search_equals_the_list_with_search(client: TestClient, shop: Shop) -> None:
    shop.products.create(
        product_values(name="Bacon", description="", details="", ingredients=["pig"])
    )
    response = client.simulate_get(f"{PRODUCTS}/search", params={"q": "pig"})
    assert names(response.json) == ["Bacon"]
    assert response.text == client.simulate_get(PRODUCTS, params={"search": "pig"}).text


def test_next_of_a_search_is_a_list_url(client: TestClient, shop: Shop) -> None:
    shop.products.create(product_values(name="Egg"))
    first = client.simulate_get(f"{PRODUCTS}/search", params={"q": "egg", "limit": 1}).json
    path, _, query = first["next"].partition("?")
    second = client.simulate_get(path, query_string=query).json
    assert sorted(names(first) + names(second)) == ["Egg", "Egg White Protein"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", ["q"]),
        ("q=", ["q"]),
        ("search=egg", ["search", "q"]),
        ("q=egg&search=egg", ["search"]),
        ("q=egg&limit=0&offset=-1", ["limit", "offset"]),
        ("q=" + "x" * 201, ["q"]),
        ("q=egg&q=egg", ["q"]),
    ],
)
def test_search_requires_q(client: TestClient, query: str, fields: list[str]) -> None:
    assert error_fields(client.simulate_get(f"{PRODUCTS}/search", query_string=query)) == fields


@pytest.mark.parametrize("text", ["e", "eg", "egg w", "EGG", "whiet"])
def test_suggestions_match_the_typed_prefix(client: TestClient, text: str) -> None:
    response = client.simulate_get(SUGGEST, params={"q": text})
    assert response.status_code == 200
    assert response.json == {
        "items": [{"name": "Egg White Protein", "slug": "egg-white-protein", "image": None}]
    }


def test_suggestions_are_at_most_ten_active_products(client: TestClient, shop: Shop) -> None:
    for number in range(12):
        images = [f"https://x.example/{number}{picture}.jpg" for picture in "ab"]
        shop.products.create(product_values(name=f"Bar {number}", images=images))
    shop.products.archive("bar-11")
    suggestions = client.simulate_get(SUGGEST, params={"q": "b"}).json["items"]
    assert [item["slug"] for item in suggestions] == [
        f"bar-{number}" for number in range(10, 0, -1)
    ]
    assert suggestions[0]["image"] == "https://x.example/10a.jpg"
    assert client.simulate_get(SUGGEST, params={"q": "none"}).json == {"items": []}


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", ["q"]),
        ("q=", ["q"]),
        ("q=%20", ["q"]),
        ("q=%00", ["q"]),
        ("q=" + "x" * 201, ["q"]),
        ("q=egg&q=egg", ["q"]),
        ("q=egg&limit=5", ["limit"]),
        ("search=egg&status=all", ["search", "status", "q"]),
    ],
)
def test_suggestions_require_q_only(client: TestClient, query: str, fields: list[str]) -> None:
    assert error_fields(client.simulate_get(SUGGEST, query_string=query)) == fields
    assert client.simulate_get(SUGGEST, query_string="q=" + "x" * 200).status_code == 200


def test_location_refers_to_the_created_resource(client: TestClient) -> None:
    creation = client.simulate_post(
        PRODUCTS, headers=ADMIN, json=product_values(name="Crème, brûlée")
    )
    assert creation.status_code == 201
    assert creation.headers["location"] == f"{PRODUCTS}/creme-brulee"
    assert creation.headers["cache-control"] == "no-store"
    response = client.simulate_get(creation.headers["location"])
    assert response.text == creation.text
    assert response.headers["etag"] == creation.headers["etag"]


@pytest.mark.parametrize(
    ("text", "price"),
    [("999999.9900000000000000000000", "999999.99"), ("1e1", "10.00"), ('"0.10"', "0.10")],
)
def test_price_is_parsed_exactly(client: TestClient, text: str, price: str) -> None:
    assert add_with_price(client, text).json["price"] == price


def test_imprecise_prices_are_rejected(client: TestClient) -> None:
    response = add_with_price(client, "0.1000000000000000000001")
    assert response.json["errors"] == [
        {"field": "price", "message": "Price must have at most 2 decimals"}
    ]


def test_create_product_lists_every_error(client: TestClient) -> None:
    values = {"name": "<b>", "price": "-1", "id": 7, "colour": "red", "ingredients": []}
    response = client.simulate_post(PRODUCTS, headers=ADMIN, json=values)
    assert sorted(error_fields(response)) == [
        "colour",
        "description",
        "details",
        "id",
        "ingredients",
        "name",
        "price",
    ]


def test_taken_slug_is_a_conflict(client: TestClient) -> None:
    values = product_values(slug="egg-white-protein")
    response = client.simulate_post(PRODUCTS, headers=ADMIN, json=values)
    assert (response.status_code, response.json["type"]) == (409, "/problems/slug-taken")
    assert "egg-white-protein" in response.json["detail"]


def test_liveness_is_not_cacheable(client: TestClient) -> None:
    live = client.simulate_get("/api/health/live")
    assert live.json == {"status": "ok"}
    assert live.headers["cache-control"] == "no-store"


def test_zero_result_searches_are_counted_on_every_route(client: TestClient, shop: Shop) -> None:
    client.simulate_get(PRODUCTS, params={"search": "duck"})
    client.simulate_get(f"{PRODUCTS}/search", params={"q": "Duck", "facets": "true"})
    client.simulate_get(f"{PRODUCTS}/search", params={"q": "duck", "in_stock": "true"})
    client.simulate_get(SUGGEST, params={"q": "duck"})
    client.simulate_get(PRODUCTS, params={"search": "duck", "status": "all"}, headers=ADMIN)
    [search] = shop.zero_results.list(10)
    assert (search.words, search.times) == ("duck", 2)
