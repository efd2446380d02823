import pytest
from falcon.testing import TestClient

from eggypro_http.app import ROUTES
from eggypro_http.routing import Route
from tests.support.wsgi import ADMIN, EGG, PRODUCTS, error_fields, sample_path, send_request

GET_ROUTES = [route for route in ROUTES if route.method == "GET"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=1&limit=2", ["limit"]),
        ("colour=red", ["colour"]),
        ("=", [""]),
        ("limit", ["limit"]),
        ("limit=1,2", ["limit"]),
        ("limit=101&sort=size&in_stock=perhaps", ["limit", "sort", "in_stock"]),
        ("offset=10001", ["offset"]),
        ("min_price=-1&max_price=dear", ["min_price", "max_price"]),
        ("in_stock=true&inStock=true", ["inStock"]),
        ("search=%00", ["search"]),
        ("category=%ED%95%9C%00", ["category"]),
        ("sort=relevance", ["sort"]),
        ("%00=1", ["\ufffd"]),
    ],
)
def test_invalid_parameters_are_named(client: TestClient, query: str, fields: list[str]) -> None:
    assert error_fields(client.simulate_get(PRODUCTS, query_string=query)) == fields


@pytest.mark.parametrize("query", ["search=%ff", "search=%ED%A0%80", "search=100%", "%g0=1"])
def test_undecodable_query_string_is_malformed(client: TestClient, query: str) -> None:
    for path in (PRODUCTS, EGG, f"{PRODUCTS}/search"):
        assert client.simulate_get(path, query_string=query).status_code == 400


@pytest.mark.parametrize("query", ["search=\xe4", "search=a b", "search=\u20ac", "search=\x00"])
def test_unencoded_query_string_is_malformed(client: TestClient, query: str) -> None:
    assert send_request(client.app, PRODUCTS, QUERY_STRING=query).status == 400


def test_parameters_are_decoded_as_browsers_encode_them(client: TestClient) -> None:
    for query in ("search=egg+white", "search=egg%20white", "search=%65gg"):
        assert client.simulate_get(PRODUCTS, query_string=query).json["total"] == 1


def test_unknown_category_has_no_products(client: TestClient) -> None:
    assert client.simulate_get(PRODUCTS, params={"category": "none"}).json["items"] == []


@pytest.mark.parametrize("route", GET_ROUTES, ids=lambda route: route.path)
def test_unknown_parameters_are_rejected(full: TestClient, route: Route) -> None:
    query = "&".join(f"{name}=" for name in (*route.parameters, "other"))
    response = full.simulate_get(sample_path(route.path), query_string=query, headers=ADMIN)
    assert "other" in error_fields(response)
    unknown = [
        error["field"] for error in response.json["errors"] if error["message"] == "Unknown field"
    ]
    assert unknown == ["other"]


def test_create_takes_no_parameters(client: TestClient) -> None:
    response = client.simulate_post(PRODUCTS, headers=ADMIN, json={}, params={"dry_run": "true"})
    assert error_fields(response) == ["dry_run"]
