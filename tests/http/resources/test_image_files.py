"""Image files over HTTP."""

import re

import pytest
from falcon.testing import TestClient

from eggypro_adapters.contracts.sample_images import make_image, open_upright
from eggypro_adapters.local_images import LocalImageStore
from eggypro_core.domain.image import ORIGINAL, RENDITIONS
from tests.support.wsgi import IMAGE, error_fields

IMMUTABLE = "public, max-age=31536000, immutable"
THUMBNAIL = f"/images/{IMAGE}/thumbnail"
WEBP = {"Accept": "image/avif,image/webp,image/apng,image/*,*/*;q=0.8"}


@pytest.mark.parametrize("rendition", [ORIGINAL, *RENDITIONS])
def test_file_is_served_as_immutable(full: TestClient, rendition: str) -> None:
    response = full.simulate_get(f"/images/{IMAGE}/{rendition}")
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["content-length"] == str(len(response.content))
    assert response.headers["cache-control"] == IMMUTABLE
    assert response.headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(r'"[0-9a-f-]+"', response.headers["etag"])
    assert open_upright(response.content).format == "JPEG"


def test_every_url_of_the_store_is_served(full: TestClient, images: LocalImageStore) -> None:
    for transformation in (None, *RENDITIONS.values()):
        assert full.simulate_get(images.url(IMAGE, transformation)).status_code == 200


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (WEBP["Accept"], "image/webp"),
        ("IMAGE/WEBP", "image/webp"),
        ("image/webp;q=0.1, image/png", "image/webp"),
        ("image/webp;q=0, image/*", "image/jpeg"),
        ("image/*", "image/jpeg"),
        ("*/*", "image/jpeg"),
        ("", "image/jpeg"),
        ("application/json", "image/jpeg"),
        ("image/webpage", "image/jpeg"),
        ("image/webp;q=nonsense", "image/jpeg"),
        (",;=image/webp", "image/jpeg"),
    ],
)
def test_webp_is_served_to_clients_that_accept_it(
    full: TestClient, accept: str, media_type: str
) -> None:
    response = full.simulate_get(THUMBNAIL, headers={"Accept": accept})
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)
    assert response.headers["vary"] == "Accept, Origin"
    original = full.simulate_get(f"/images/{IMAGE}/{ORIGINAL}", headers={"Accept": accept})
    assert original.headers["content-type"] == "image/jpeg"
    assert original.headers["vary"] == "Origin"


def test_matching_etag_of_a_file_is_not_modified(full: TestClient) -> None:
    webp = full.simulate_get(THUMBNAIL, headers=WEBP)
    headers = {**WEBP, "If-None-Match": webp.headers["etag"]}
    for response in (
        full.simulate_get(THUMBNAIL, headers=headers),
        full.simulate_head(THUMBNAIL, headers=headers),
    ):
        assert (response.status_code, response.content) == (304, b"")
        for name in ("etag", "cache-control", "vary"):
            assert response.headers[name] == webp.headers[name]
    jpeg = full.simulate_get(THUMBNAIL, headers={"If-None-Match": webp.headers["etag"]})
    assert jpeg.status_code == 200


def test_head_describes_the_file(full: TestClient) -> None:
    head, get = (full.simulate_request(method, THUMBNAIL) for method in ("HEAD", "GET"))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(get.content))
    assert head.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    "path",
    [
        f"/images/{IMAGE}",
        f"/images/{IMAGE}/",
        f"/images/{IMAGE}/thumbnail.webp",
        f"/images/{IMAGE}/401w",
        f"/images/{IMAGE}/original.60x40.jpg",
        f"/images/{IMAGE}.image/original",
        f"/images/{IMAGE}/../egg/original",
        "/images/../images/original",
        "/images/%2e%2e/%2e%2e/etc/passwd/original",
        "/images/eggypro-products%2Fno/original",
        "/images/eggypro-products/%00/original",
        "/images/eggypro-products/other/original",
        "/images/.unfinished/x/original",
        "/images/original",
        "/images/",
        "/images",
        "/images/" + "a/" * 5000 + "original",
    ],
    ids=lambda path: path[:50],
)
def test_unknown_files_are_not_found(full: TestClient, path: str) -> None:
    response = full.simulate_get(path, headers=WEBP)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"


def test_deleted_images_are_not_found_in_any_rendition(
    full: TestClient, images: LocalImageStore
) -> None:
    assert full.simulate_get(THUMBNAIL).status_code == 200
    images.delete(IMAGE)
    for rendition in (ORIGINAL, *RENDITIONS):
        assert full.simulate_get(f"/images/{IMAGE}/{rendition}").status_code == 404


def test_parameters_are_rejected(full: TestClient) -> None:
    assert error_fields(full.simulate_get(THUMBNAIL, params={"width": "3"})) == ["width"]


def test_files_of_remote_stores_are_not_found(client: TestClient) -> None:
    response = client.simulate_get(THUMBNAIL)
    assert (response.status_code, response.json["status"]) == (404, 404)


def test_png_keeps_its_media_type(full: TestClient, images: LocalImageStore) -> None:
    images.upload(make_image("png"), public_id="white")
    for rendition in (ORIGINAL, "400w"):
        response = full.simulate_get(f"/images/eggypro-products/white/{rendition}")
        assert response.headers["content-type"] == "image/png"
