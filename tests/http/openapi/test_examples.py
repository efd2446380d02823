"""The examples of the document: each is sent, and does what it is there for."""

import pytest
from falcon.testing import TestClient

from eggypro_adapters.wiring import DEMO
from eggypro_http.app import ROUTES, create_app
from eggypro_http.openapi.examples import BODY_EXAMPLES, PARAMETER_EXAMPLES
from eggypro_http.openapi.schemas import FORMS
from eggypro_http.routing import Route
from tests.support.builders import make_shop
from tests.support.wsgi import ADMIN

_ORDER = ("POST", "GET", "PUT", "PATCH", "DELETE")


def in_a_shops_life(route: Route) -> tuple[bool, int]:
    """Return where it stands. Price and stock follow from variants, once there are some."""
    return "/variants" in route.path, _ORDER.index(route.method)


SENT = sorted(
    (route for route in ROUTES if route.request_schema in BODY_EXAMPLES), key=in_a_shops_life
)


@pytest.fixture
def client() -> TestClient:
    shop = make_shop()
    with DEMO.open("rb") as demo:
        shop.products.import_file(demo)
    return TestClient(create_app(shop))


def test_every_json_body_has_an_example() -> None:
    bodies = {route.request_schema for route in ROUTES if route.request_schema is not None}
    assert bodies - FORMS == set(BODY_EXAMPLES)


def test_every_body_example_is_accepted(client: TestClient) -> None:
    names = {**PARAMETER_EXAMPLES}
    for route in SENT:
        path = route.path.format_map(names)
        answer = client.simulate_request(
            route.method, path, json=BODY_EXAMPLES[route.request_schema or ""], headers=ADMIN
        )
        assert answer.status_code == route.success_status, (route.method, path, answer.text)
        if route.method == "POST" and route.path.endswith(("/variants", "/reviews")):
            names[route.path.rpartition("/")[2][:-1]] = answer.json["id"]


def test_examples_of_required_parameters_match_products(client: TestClient) -> None:
    found = client.simulate_get("/api/products/suggest", params={"q": str(PARAMETER_EXAMPLES["q"])})
    assert found.json["items"]
    assert client.simulate_get(f"/api/products/{PARAMETER_EXAMPLES['slug']}").status_code == 200
