"""The examples of the OpenAPI document, sent to the demo catalogue."""

import pytest
from falcon.testing import TestClient

from eggypro_adapters.wiring import DEMO_CATALOG_PATH
from eggypro_http.app import ROUTES, create_app
from eggypro_http.openapi.examples import BODY_EXAMPLES, PARAMETER_EXAMPLES
from eggypro_http.openapi.schemas import FILE_SCHEMAS, MULTIPART_SCHEMAS
from eggypro_http.routing import Route
from tests.support.builders import make_shop
from tests.support.wsgi import ADMIN

_METHOD_ORDER = ("POST", "GET", "PUT", "PATCH", "DELETE")


def sending_order(route: Route) -> tuple[bool, int]:
    """Sort key of a route: variants come last, since price and stock derive from them."""
    return "/variants" in route.path, _METHOD_ORDER.index(route.method)


ROUTES_WITH_EXAMPLES = sorted(
    (route for route in ROUTES if route.request_schema in BODY_EXAMPLES), key=sending_order
)


@pytest.fixture
def client() -> TestClient:
    shop = make_shop()
    with DEMO_CATALOG_PATH.open("rb") as demo:
        shop.products.import_file(demo)
    return TestClient(create_app(shop))


def test_every_json_body_has_an_example() -> None:
    bodies = {route.request_schema for route in ROUTES if route.request_schema is not None}
    assert bodies - MULTIPART_SCHEMAS - FILE_SCHEMAS == set(BODY_EXAMPLES)


def test_every_body_example_is_accepted(client: TestClient) -> None:
    names = {**PARAMETER_EXAMPLES}
    for route in ROUTES_WITH_EXAMPLES:
        path = route.path.format_map(names)
        response = client.simulate_request(
            route.method, path, json=BODY_EXAMPLES[route.request_schema or ""], headers=ADMIN
        )
        assert response.status_code == route.success_status, (route.method, path, response.text)
        if route.method == "POST" and route.path.endswith(("/variants", "/reviews")):
            names[route.path.rpartition("/")[2][:-1]] = response.json["id"]


def test_examples_of_required_parameters_match_products(client: TestClient) -> None:
    response = client.simulate_get(
        "/api/products/suggest", params={"q": str(PARAMETER_EXAMPLES["q"])}
    )
    assert response.json["items"]
    assert client.simulate_get(f"/api/products/{PARAMETER_EXAMPLES['slug']}").status_code == 200
