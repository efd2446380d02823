"""Cache-Control: public responses are cacheable, by CDNs for `cdn_ttl`, all others are not."""

import pytest
from falcon.testing import TestClient

from eggypro_adapters.contracts.sample_images import make_image
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.memory import MemoryMetricsExporter
from eggypro_core.shop import Shop
from eggypro_http.app import ROUTES, create_app
from eggypro_http.config import HttpConfig
from eggypro_http.routing import Route
from tests.support.builders import make_full_shop
from tests.support.wsgi import ADMIN, EGG, IMAGE, PRODUCTS, sample_path

REVALIDATE = "public, max-age=0, must-revalidate"
CACHE_CONTROL_BY_PATH = {
    "/api/health": "no-store",
    "/api/health/live": "no-store",
    "/api/health/ready": "no-store",
    "/images/{image}": "public, max-age=31536000, immutable",
}
"""Cache-Control of routes that are neither public catalogue reads nor admin routes."""


def client_with(images: LocalImageStore, cdn_ttl: int) -> TestClient:
    images.upload(make_image(), public_id=IMAGE.rpartition("/")[2])
    config = HttpConfig(cdn_ttl=cdn_ttl, exporter=MemoryMetricsExporter())
    return TestClient(create_app(make_full_shop(images), config))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize(
    ("cdn_ttl", "public"),
    [(0, REVALIDATE), (60, f"{REVALIDATE}, s-maxage=60, stale-while-revalidate=60")],
)
def test_cache_control_of_every_response(
    images: LocalImageStore, route: Route, cdn_ttl: int, public: str
) -> None:
    query = "q=egg" if "q" in route.parameters else ""
    response = client_with(images, cdn_ttl).simulate_request(
        route.method, sample_path(route.path), query_string=query, headers=ADMIN
    )
    if route.method != "GET" or route.permission or response.status_code >= 300:
        assert response.headers["cache-control"] == "no-store"
    else:
        assert response.headers["cache-control"] == CACHE_CONTROL_BY_PATH.get(route.path, public)


@pytest.mark.parametrize("cdn_ttl", [0, 60])
def test_admin_and_error_responses_are_not_cacheable(shop: Shop, cdn_ttl: int) -> None:
    shop.products.update("egg-white-protein", {"slug": "egg"})
    client = TestClient(create_app(shop, HttpConfig(cdn_ttl=cdn_ttl)))
    for path, headers, status in (
        (f"{PRODUCTS}?status=all", ADMIN, 200),
        (f"{PRODUCTS}/egg?status=active", ADMIN, 200),
        (f"{PRODUCTS}?status=all", {}, 401),
        (f"{PRODUCTS}?limit=0", {}, 422),
        (EGG, {}, 308),
        ("/nowhere", {}, 404),
    ):
        response = client.simulate_get(path, headers=headers)
        assert (response.status_code, response.headers["cache-control"]) == (status, "no-store"), (
            path
        )


@pytest.mark.parametrize("cdn_ttl", [0, 60])
def test_not_modified_has_the_cache_control_of_the_response(shop: Shop, cdn_ttl: int) -> None:
    client = TestClient(create_app(shop, HttpConfig(cdn_ttl=cdn_ttl)))
    first = client.simulate_get(EGG)
    repeat = client.simulate_get(EGG, headers={"If-None-Match": first.headers["etag"]})
    assert repeat.status_code == 304
    assert repeat.headers["cache-control"] == first.headers["cache-control"]
