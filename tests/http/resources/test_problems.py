"""Problem types of real requests, and their pages."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest
from falcon.testing import TestClient

from eggypro_cli.errors import problem
from eggypro_core.errors import ConfigurationError, ConflictError
from eggypro_http.problem_types import PROBLEM_TYPES


@pytest.mark.parametrize("code", PROBLEM_TYPES)
def test_every_type_has_a_page(client: TestClient, code: str) -> None:
    page = client.simulate_get(f"/problems/{code}")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<h1>{PROBLEM_TYPES[code].title}</h1>" in page.text
    assert f"<code>/problems/{code}</code>" in page.text
    assert "`" not in page.text


def test_the_content_security_policy_allows_the_style_of_the_page_only(client: TestClient) -> None:
    page = client.simulate_get("/problems/slug-taken")
    [style] = re.findall("<style>(.*)</style>", page.text)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert page.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )
    assert not re.search("<script|src=|href=", page.text)


@pytest.mark.parametrize("code", ["unknown", "Slug-Taken", "a/b", "%00"])
def test_page_of_an_unknown_type_is_not_found(client: TestClient, code: str) -> None:
    response = client.simulate_get(f"/problems/{code}")
    assert (response.status_code, response.json["type"]) == (404, "/problems/not-found")


def test_the_type_of_an_error_is_the_address_of_its_page(client: TestClient) -> None:
    error = client.simulate_get("/api/products/unknown")
    page = client.simulate_get(error.json["type"])
    assert (page.status_code, PROBLEM_TYPES["not-found"].title in page.text) == (200, True)


def test_the_command_line_has_the_same_types() -> None:
    taken = problem(ConflictError("Taken", field="slug", code="slug-taken"))
    assert (taken["type"], taken["title"], taken["status"]) == (
        "/problems/slug-taken",
        "Slug taken",
        409,
    )
    invalid = problem(ConfigurationError([]))
    assert invalid["type"] == "/problems/invalid-settings"
    assert "status" not in invalid
