import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from falcon.testing import Result, TestClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from eggypro_http.app import ROUTES, openapi_description
from eggypro_http.errors import PROBLEM_MEDIA_TYPE
from eggypro_http.responses import JSON_MEDIA_TYPE
from eggypro_http.urls import public_path
from tests.http.requests.test_idempotency import BODIES, POSTS, post
from tests.support.wsgi import ADMIN, PATH_VALUES

COPY_IN_DOCS = Path(__file__).parents[3] / "docs" / "openapi.json"
API: dict[str, Any] = json.loads(openapi_description())
JSON_GET_ROUTES = [
    route for route in ROUTES if route.method == "GET" and route.media_type == "application/json"
]


def validator_of(name: str) -> Draft202012Validator:
    return Draft202012Validator({**API, "$ref": f"#/components/schemas/{name}"})


def response_spec(path: str, method: str, status: int) -> dict[str, Any]:
    """Return the documented response of an operation."""
    spec = API["paths"][public_path(path)][method.lower()]["responses"][str(status)]
    if "$ref" in spec:
        spec = API["components"]["responses"][spec["$ref"].rpartition("/")[2]]
    return dict(spec)


def check_response(path: str, method: str, response: Result) -> None:
    """Assert that a response matches its documentation."""
    spec = response_spec(path, method, response.status_code)
    if response.content:
        media_type = response.headers["content-type"].partition(";")[0]
        name = spec["content"][media_type]["schema"]["$ref"].rpartition("/")[2]
        validator_of(name).validate(response.json)


def test_document_is_valid_openapi() -> None:
    validate(API)


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a JSON value."""
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for child in children:
            yield from nodes(child)


def test_document_avoids_keywords_that_break_generators() -> None:
    """`const: true` and `enum: [true]` became invalid code, or code that refuses `true`."""
    breaking = {"const", "prefixItems", "patternProperties", "if", "not", "unevaluatedProperties"}
    schemas = [node for node in nodes(API) if "type" in node or "enum" in node or "const" in node]
    assert [node for node in schemas if breaking & {*node}] == []
    enums = [node for node in schemas if "enum" in node]
    assert enums
    assert [node for node in enums if node.get("type") != "string"] == []
    files = [node for node in schemas if "contentMediaType" in node]
    assert [node["format"] for node in files] == ["binary"] * len(files)


def test_document_contains_every_route() -> None:
    described = {(path, method) for path, item in API["paths"].items() for method in item}
    assert described == {(public_path(route.path), route.method.lower()) for route in ROUTES}


def test_path_parameters_have_public_names() -> None:
    assert {
        "/api/categories/{slug}",
        "/api/products/{slug}/categories/{category}",
        "/api/products/{slug}/variants/{id}/stock",
        "/api/products/{slug}/images/{public_id}",
        "/api/reviews/{id}",
        "/api/images/uploads/{id}/complete",
        "/images/{public_id}/{rendition}",
    } <= API["paths"].keys()
    for path, item in API["paths"].items():
        for operation in item.values():
            names = [
                parameter["name"]
                for parameter in operation["parameters"]
                if parameter["in"] == "path"
            ]
            assert names == re.findall(r"{(\w+)}", path)


def test_operation_ids_are_unique() -> None:
    names = [
        operation["operationId"] for item in API["paths"].values() for operation in item.values()
    ]
    assert [name for name, times in Counter(names).items() if times > 1] == []
    assert all(name.isidentifier() for name in names)


def test_copy_in_docs_is_current() -> None:
    assert COPY_IN_DOCS.read_bytes() == openapi_description(), (
        "run: eggypro openapi > docs/openapi.json"
    )


def test_document_is_served(client: TestClient) -> None:
    served = client.simulate_get("/openapi.json")
    assert served.json == API
    tag = {"If-None-Match": served.headers["etag"]}
    assert client.simulate_get("/openapi.json", headers=tag).status_code == 304


@pytest.mark.parametrize("route", JSON_GET_ROUTES, ids=lambda route: route.path)
@pytest.mark.parametrize("headers", [ADMIN, {}], ids=["admin", "anybody"])
def test_get_responses_match_their_schemas(
    full: TestClient, route: Any, headers: dict[str, str]
) -> None:
    queries = ["q=egg"] if "q" in route.parameters else ["", "nothing=1"]
    if "facets" in route.parameters:
        queries = [f"{query}&facets=true&explain=true&search=egg" for query in queries] + queries
    for query in queries:
        response = full.simulate_get(
            route.path.format(**PATH_VALUES), query_string=query, headers=headers
        )
        check_response(route.path, "GET", response)


@pytest.mark.parametrize("path", BODIES)
def test_post_responses_match_their_schemas(full: TestClient, path: str) -> None:
    for _ in range(2):
        check_response(path, "POST", post(full, path))
    check_response(path, "POST", post(full, path, {"Authorization": "Bearer wrong"}))


@pytest.mark.parametrize("path", [path for path in BODIES if BODIES[path][0] == JSON_MEDIA_TYPE])
def test_request_bodies_match_their_schemas(path: str) -> None:
    body = API["paths"][public_path(path)]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    name = body["$ref"].rpartition("/")[2]
    validator_of(name).validate(json.loads(BODIES[path][1]))
    assert not validator_of(name).is_valid({"nothing": 1})


def test_idempotent_posts_document_the_idempotency_key() -> None:
    for path in POSTS:
        names = [
            parameter["name"] for parameter in API["paths"][public_path(path)]["post"]["parameters"]
        ]
        assert "Idempotency-Key" in names


def test_error_responses_are_problem_json() -> None:
    for response in API["components"]["responses"].values():
        assert list(response["content"]) == [PROBLEM_MEDIA_TYPE]
