import re
from http import HTTPStatus

import pytest
from falcon.testing import TestClient

from eggypro_core.shop import Shop
from tests.support.builders import product_values
from tests.support.wsgi import ADMIN, EGG, PRODUCTS

PUBLIC_CACHE_CONTROL = "public, max-age=0, must-revalidate"


def test_etag_of_a_product_has_version_and_hash(client: TestClient, shop: Shop) -> None:
    first = client.simulate_get(EGG).headers["etag"]
    assert re.fullmatch(r'"1\.[0-9a-f]{24}"', first)
    shop.products.adjust_stock("egg-white-protein", 5)
    etag = client.simulate_get(EGG).headers["etag"]
    assert etag.startswith('"1.')
    assert etag != first
    shop.products.update("egg-white-protein", {"price": "1.00"})
    assert client.simulate_get(EGG).headers["etag"].startswith('"2.')


def test_product_has_last_modified(client: TestClient) -> None:
    assert client.simulate_get(EGG).headers["last-modified"] == "Thu, 01 Jan 2026 12:00:00 GMT"


def test_etag_of_a_list_changes_with_its_content(client: TestClient, shop: Shop) -> None:
    first = client.simulate_get(PRODUCTS).headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{24}"', first)
    assert client.simulate_get(PRODUCTS).headers["etag"] == first
    shop.products.create(product_values(name="Bacon"))
    assert client.simulate_get(PRODUCTS).headers["etag"] != first


@pytest.mark.parametrize(
    "path", [EGG, PRODUCTS, f"{PRODUCTS}/search?q=egg", f"{PRODUCTS}/suggest?q=e"]
)
@pytest.mark.parametrize(
    "header_template", ["{}", "W/{}", '"other", W/{}', '"a,b",{}', "*", " * ", "{},"]
)
def test_matching_etag_is_not_modified(client: TestClient, path: str, header_template: str) -> None:
    first = client.simulate_get(path)
    header = {"If-None-Match": header_template.format(first.headers["etag"])}
    repeat = client.simulate_get(path, headers=header)
    assert (repeat.status_code, repeat.content) == (HTTPStatus.NOT_MODIFIED, b"")
    assert {"etag", "cache-control"} <= set(repeat.headers)
    assert repeat.headers["etag"] == first.headers["etag"]
    assert client.simulate_head(path, headers=header).status_code == HTTPStatus.NOT_MODIFIED


@pytest.mark.parametrize(
    "header_template", ['"other"', "", "{bare}", '"{bare}', "w/{quoted}x", '"1.*"', ","]
)
def test_other_etags_get_the_body(client: TestClient, header_template: str) -> None:
    etag = client.simulate_get(EGG).headers["etag"]
    header = header_template.format(bare=etag.strip('"'), quoted=etag.strip('"'))
    response = client.simulate_get(EGG, headers={"If-None-Match": header})
    assert response.status_code == HTTPStatus.OK
    assert response.json["slug"] == "egg-white-protein"


@pytest.mark.parametrize("prefix", ["", "W/"])
@pytest.mark.parametrize("suffix", ["-gzip", "-br"])
@pytest.mark.parametrize("path", [EGG, PRODUCTS])
def test_etags_changed_by_a_compressing_proxy_match(
    client: TestClient, path: str, prefix: str, suffix: str
) -> None:
    etag = client.simulate_get(path).headers["etag"]
    proxied = f'{prefix}{etag.removesuffix(chr(34))}{suffix}"'
    reply = client.simulate_get(path, headers={"If-None-Match": f'"other", {proxied}'})
    assert reply.status_code == HTTPStatus.NOT_MODIFIED
    assert reply.headers["etag"] == etag
    other = proxied.replace(suffix, f"x{suffix}")
    assert client.simulate_get(path, headers={"If-None-Match": other}).status_code == HTTPStatus.OK


def test_writes_ignore_if_none_match(client: TestClient) -> None:
    response = client.simulate_post(
        PRODUCTS, headers={**ADMIN, "If-None-Match": "*"}, json=product_values(name="Bacon")
    )
    assert response.status_code == HTTPStatus.CREATED


def test_suggestions_are_cacheable(client: TestClient) -> None:
    response = client.simulate_get(f"{PRODUCTS}/suggest?q=e", headers=ADMIN)
    assert response.headers["cache-control"] == PUBLIC_CACHE_CONTROL


def test_if_modified_since_is_ignored(client: TestClient) -> None:
    later = {"If-Modified-Since": "Fri, 01 Jan 2027 12:00:00 GMT"}
    assert client.simulate_get(EGG, headers=later).status_code == HTTPStatus.OK


@pytest.mark.parametrize("path", [EGG, PRODUCTS, f"{PRODUCTS}/search?q=egg"])
def test_public_reads_are_cacheable_and_admin_reads_are_not(client: TestClient, path: str) -> None:
    assert client.simulate_get(path).headers["cache-control"] == PUBLIC_CACHE_CONTROL
    assert client.simulate_get(path, headers=ADMIN).headers["cache-control"] == PUBLIC_CACHE_CONTROL
    restricted = f"{path}{'&' if '?' in path else '?'}status=active"
    assert client.simulate_get(restricted, headers=ADMIN).headers["cache-control"] == "no-store"
