"""The documentation page at /docs. tests/client/docs.ts tests it in a browser."""

import importlib.util
import re

import pytest
from falcon.testing import TestClient

from eggypro_http.app import create_app
from tests.support.builders import make_shop

FILES = ["/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/page.css", "/docs/page.js"]


def test_page_loads_assets_only_from_this_server(client: TestClient) -> None:
    page = client.simulate_get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    urls = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {*FILES} < {*urls}
    assert all(url.startswith("/") for url in urls)
    for path in urls:
        asset = client.simulate_get(path)
        assert (asset.status_code, bool(asset.content)) == (200, True), path
        repeat = client.simulate_get(path, headers={"If-None-Match": asset.headers["etag"]})
        assert (repeat.status_code, repeat.content) == (304, b"")


def test_content_security_policy_allows_only_own_assets(client: TestClient) -> None:
    rules = client.simulate_get("/docs").headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self';" in rules
    assert "unsafe" not in rules
    assert "<script>" not in client.simulate_get("/docs").text


def test_other_files_of_the_package_are_not_served(client: TestClient) -> None:
    for path in ("/docs/", "/docs/page.py", "/docs/index.html", "/docs/..%2fpage.py"):
        assert client.simulate_get(path).status_code == 404, path
    assert client.simulate_post("/docs").status_code == 405
    assert client.simulate_head("/docs").status_code == 200


@pytest.mark.parametrize("path", ["/docs", *FILES])
def test_options_lists_the_methods(client: TestClient, path: str) -> None:
    options, post = client.simulate_options(path), client.simulate_post(path)
    assert (options.status_code, options.content) == (204, b"")
    assert options.headers["allow"] == post.headers["allow"] == "GET, HEAD, OPTIONS"


def test_without_the_package_docs_are_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert TestClient(create_app(make_shop())).simulate_get("/docs").status_code == 404
