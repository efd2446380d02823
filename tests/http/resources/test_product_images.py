"""Product images over HTTP, on each pair of product store and image store."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
import urllib3
from attrs import frozen
from falcon.testing import TestClient

from eggypro_adapters.cloudinary_images import CloudinaryAccount, CloudinaryImageStore
from eggypro_adapters.cloudinary_images.account import Timeouts
from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.contracts.sample_images import (
    encode_image,
    make_image,
    make_noise,
    make_png_of_size,
)
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.memory import MemoryImageStore
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.image_registry import PostgresImageRegistry
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.image import MAX_UPLOAD_BYTES
from eggypro_core.errors import NotFoundError
from eggypro_core.ports import ImageStore
from eggypro_core.services.image_uploads import RESERVATION_LIFETIME
from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from tests.support.builders import ADMIN_KEY, make_shop, product_values
from tests.support.cloudinary_server import (
    API_KEY,
    API_SECRET,
    CLOUD,
    FORMATS,
    Asset,
    CloudinaryServer,
    Fault,
    Reply,
    cloudinary_server,
    drop_reply,
    hang,
    reply_with,
    reset_connection,
    truncate_reply,
)
from tests.support.multipart import (
    BOUNDARY,
    CONTENT_TYPE,
    JPG,
    PNG,
    encode_form,
    encode_part,
    post_files,
    post_form,
)
from tests.support.wsgi import ADMIN, EGG, PRODUCTS, error_fields, send_request

IMAGES = f"{EGG}/images"
UPLOADS = "/api/images/uploads"
EXTERNAL_URL = "https://x.example/1.jpg"
SHORT_TIMEOUTS = Timeouts(connect=5, read=2, total=5)
TOO_LARGE = JPG.ljust(MAX_UPLOAD_BYTES + 1, b"\0")


@frozen
class ShopUnderTest:
    """A shop with one product, its client, image store and clock."""

    shop: Shop
    client: TestClient
    images: ImageStore
    clock: FakeClock
    count: Callable[[], int]
    """Return the number of images in the store."""

    def upload(self, *files: bytes, path: str = IMAGES) -> list[str]:
        """Upload images and return their public ids."""
        response = post_files(self.client, path, *files)
        assert response.status_code == 201, response.text
        return [item["public_id"] for item in response.json["items"]]

    def exists(self, public_id: str) -> bool:
        """Whether an image is in the store."""
        try:
            self.images.get(public_id)
        except NotFoundError:
            return False
        return True

    def product(self, path: str = EGG) -> dict[str, Any]:
        response = self.client.simulate_get(path)
        assert response.status_code == 200, response.text
        return dict(response.json)

    def ids(self, path: str = EGG) -> list[str | None]:
        return [image_set["public_id"] for image_set in self.product(path)["image_sets"]]

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        return self.client.simulate_post(path, json=body, headers={**ADMIN, **headers})

    def put(self, *images: object, **headers: str) -> Any:
        body = {"images": images}
        return self.client.simulate_put(IMAGES, json=body, headers={**ADMIN, **headers})

    def delete(self, path: str, **params: str) -> int:
        response = self.client.simulate_delete(path, headers=ADMIN, params=params)
        return int(response.status_code)


@pytest.fixture
def account() -> Iterator[CloudinaryServer]:
    with cloudinary_server() as server:
        yield server


@pytest.fixture(params=["memory", "postgres and a folder", "postgres and cloudinary"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> ShopUnderTest:
    clock = FakeClock()
    if request.param == "memory":
        memory = MemoryImageStore(PillowImageCleaner())
        return make_world(clock, memory, lambda: len(memory._images))
    database: Database = request.getfixturevalue("database")
    if request.param == "postgres and a folder":
        return in_folder(clock, tmp_path, database)
    return at_cloudinary(clock, request.getfixturevalue("account"), database)


@pytest.fixture
def cloud(account: CloudinaryServer, database: Database) -> ShopUnderTest:
    """A shop with its images at Cloudinary."""
    return at_cloudinary(FakeClock(), account, database)


@pytest.fixture
def folder(tmp_path: Path) -> ShopUnderTest:
    """A shop with its images in a folder."""
    return in_folder(FakeClock(), tmp_path)


def in_folder(clock: FakeClock, path: Path, database: Database | None = None) -> ShopUnderTest:
    images = LocalImageStore(path, PillowImageCleaner(), ADMIN_KEY)
    return make_world(clock, images, lambda: len(list(path.rglob("*.image"))), database)


def at_cloudinary(clock: FakeClock, account: CloudinaryServer, database: Database) -> ShopUnderTest:
    account.now = clock
    cloudinary_account = CloudinaryAccount(CLOUD, API_KEY, API_SECRET, account.url, SHORT_TIMEOUTS)
    images = CloudinaryImageStore(cloudinary_account, PillowImageCleaner(), clock)
    return make_world(clock, images, lambda: len(account.assets), database)


def make_world(
    clock: FakeClock,
    images: ImageStore,
    count: Callable[[], int],
    database: Database | None = None,
) -> ShopUnderTest:
    files = images if isinstance(images, LocalImageStore) else None
    stores: dict[str, Any] = {}
    if database is not None:
        stores = {
            "products": PostgresProductStore(database),
            "image_registry": PostgresImageRegistry(database),
        }
    shop = make_shop(images=images, files=files, clock=clock, **stores)
    shop.products.create(product_values())
    return ShopUnderTest(shop, TestClient(create_app(shop)), images, clock, count)


def test_uploads_are_appended_in_order(world: ShopUnderTest) -> None:
    world.put({"ref": EXTERNAL_URL, "alt": "A tin"})
    files = [make_image("png", (40 + number, 30)).getvalue() for number in range(10)]
    response = post_files(world.client, IMAGES, JPG)
    assert (response.status_code, response.headers["location"]) == (201, EGG)
    assert response.headers["etag"].startswith('"3.')
    response = post_files(world.client, IMAGES, *files)
    assert [item["width"] for item in response.json["items"]] == list(range(40, 50))
    assert world.product()["image_sets"][2:] == response.json["items"]
    assert world.ids()[0] is None


def test_image_set_fields(world: ShopUnderTest) -> None:
    [item] = post_files(world.client, IMAGES, JPG).json["items"]
    image = world.images.get(item["public_id"])
    assert item["public_id"].startswith("eggypro-products/")
    assert {name: item[name] for name in ("width", "height", "format", "size", "alt")} == {
        "width": 60,
        "height": 40,
        "format": "jpg",
        "size": image.size,
        "alt": None,
    }
    assert list(item["responsive"]) == ["400w", "800w", "1200w"]
    product = world.product()
    assert product["image_sets"] == [item]
    assert product["images"] == [item["original"]]
    [list_item] = world.client.simulate_get(PRODUCTS).json["items"]
    assert list_item["images"] == [item["original"]]
    assert "image_sets" not in list_item


def test_urls_of_local_images_are_served(folder: ShopUnderTest) -> None:
    [item] = post_files(folder.client, IMAGES, JPG).json["items"]
    addresses = [item["original"], item["optimized"], item["thumbnail"]]
    for address in (*addresses, *item["responsive"].values()):
        assert folder.client.simulate_get(address).status_code == 200


@pytest.mark.parametrize(
    ("files", "fields"),
    [
        ([b"<html>"], ["file"]),
        ([b""], ["file"]),
        ([JPG, b"GIF89a", make_png_of_size(7000, 7000).getvalue()], ["file", "file"]),
        ([JPG, JPG[:300]], ["file"]),
    ],
    ids=["a page", "nothing", "two of three", "half of one"],
)
def test_one_invalid_file_rejects_the_upload(
    world: ShopUnderTest, files: list[bytes], fields: list[str]
) -> None:
    etag = world.client.simulate_get(EGG).headers["etag"]
    response = post_files(world.client, IMAGES, *files)
    assert error_fields(response) == fields
    assert world.client.simulate_get(EGG).headers["etag"] == etag
    assert world.count() == 0


def test_errors_name_the_index_of_the_file(folder: ShopUnderTest) -> None:
    sentence = "Invalid file type. Only JPEG, PNG, and WebP are allowed"
    [error] = post_files(folder.client, IMAGES, b"?").json["errors"]
    assert error["message"] == sentence
    errors = post_files(folder.client, IMAGES, b"?", JPG, b"!").json["errors"]
    assert [error["message"] for error in errors] == [f"File 1: {sentence}", f"File 3: {sentence}"]


def test_file_above_the_limit_is_too_large(folder: ShopUnderTest) -> None:
    response = post_files(folder.client, IMAGES, JPG, TOO_LARGE)
    assert (response.status_code, response.json["detail"]) == (413, "File size exceeds 10MB limit")
    assert post_files(folder.client, IMAGES, TOO_LARGE[:-1]).status_code == 201
    assert folder.count() == 1


def test_nothing_after_a_file_above_the_limit_is_read(folder: ShopUnderTest) -> None:
    form = encode_form([encode_part(TOO_LARGE), encode_part(b"", "surprise", None)])
    assert post_form(folder.client, IMAGES, form, **ADMIN).status_code == 413


def test_oversized_forms_are_rejected_unread(folder: ShopUnderTest) -> None:
    head = {"CONTENT_LENGTH": str(2**30), "CONTENT_TYPE": CONTENT_TYPE}
    assert request_status(folder, **head) == 413


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (encode_form([]), 422),
        (encode_form([encode_part(JPG)] * 11), 422),
        (encode_form([encode_part(JPG), encode_part(b"x", "alt", None)]), 422),
        (encode_form([encode_part(JPG, "files")]), 422),
        (encode_form([encode_part(JPG, "public_id")]), 422),
        (encode_form([encode_part(JPG).replace(b'; name="file"', b"")]), 422),
        (encode_form([encode_part(JPG).replace(b'name="file"', b'name="\xff"')]), 400),
        (encode_form([encode_part(JPG)])[:-40], 400),
        (encode_part(JPG), 400),
        (b"", 400),
        (b"--", 400),
        (b"{}", 400),
        (encode_form([f"--{BOUNDARY}\r\nX: {'x' * 9000}\r\n\r\n".encode()]), 400),
    ],
    ids=lambda value: repr(value[-70:]) if isinstance(value, bytes) else str(value),
)
def test_invalid_forms_are_rejected(folder: ShopUnderTest, body: bytes, status: int) -> None:
    response = post_form(folder.client, IMAGES, body, **ADMIN)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert folder.count() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "image/jpeg"},
        {"Content-Type": "multipart/mixed; boundary=x"},
        {"Content-Encoding": "gzip"},
    ],
)
def test_bodies_other_than_forms_are_rejected(
    folder: ShopUnderTest, headers: dict[str, str]
) -> None:
    response = post_form(folder.client, IMAGES, encode_form([encode_part(JPG)]), **ADMIN, **headers)
    assert response.status_code == 415


def test_order_of_error_checks(folder: ShopUnderTest) -> None:
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "HTTP_AUTHORIZATION": "Bearer wrong"}
    assert request_status(folder, **environ) == 401
    environ["HTTP_AUTHORIZATION"] = ADMIN["Authorization"]
    assert request_status(folder, **environ) == 411
    del environ["HTTP_TRANSFER_ENCODING"]
    environ |= {"CONTENT_LENGTH": str(2**30), "CONTENT_TYPE": "image/png"}
    assert request_status(folder, **environ) == 413
    environ["CONTENT_LENGTH"] = "1"
    assert request_status(folder, **environ) == 415
    environ["CONTENT_TYPE"] = CONTENT_TYPE
    assert request_status(folder, **environ) == 400
    nowhere = f"{PRODUCTS}/nowhere/images"
    assert post_files(folder.client, nowhere, b"no image").status_code == 422
    assert post_files(folder.client, nowhere, JPG).status_code == 404
    stale = {**ADMIN, "If-Match": '"7.x"'}
    assert post_files(folder.client, IMAGES, JPG, headers=stale).status_code == 412
    assert folder.count() == 0


def request_status(world: ShopUnderTest, **environ: str) -> int:
    credential = {"HTTP_AUTHORIZATION": ADMIN["Authorization"]}
    return send_request(
        world.client.app, IMAGES, REQUEST_METHOD="POST", **credential | environ
    ).status


def test_product_has_at_most_fifty_images(world: ShopUnderTest) -> None:
    world.put(*[f"{EXTERNAL_URL}?{number}" for number in range(49)])
    response = post_files(world.client, IMAGES, JPG, PNG)
    assert (response.status_code, world.count()) == (409, 0)
    assert response.json["type"] == "/problems/limit-reached"
    assert len(world.upload(JPG)) == 1
    assert post_files(world.client, IMAGES, JPG).status_code == 409
    assert error_fields(world.put(*[EXTERNAL_URL] * 51)) == ["images"]


def test_concurrent_uploads_are_all_appended(world: ShopUnderTest) -> None:
    world.put(*[f"{EXTERNAL_URL}?{number}" for number in range(44)])
    with ThreadPoolExecutor(8) as threads:
        responses = list(
            threads.map(lambda _: post_files(world.client, IMAGES, JPG, PNG), range(8))
        )
    assert sorted(response.status_code for response in responses) == [201] * 3 + [409] * 5
    new_ids = world.ids()[44:]
    assert len(new_ids) == 6
    assert world.count() == 6
    for response in responses:
        if response.status_code == 201:
            first, second = (item["public_id"] for item in response.json["items"])
            assert new_ids.index(second) == new_ids.index(first) + 1


def test_every_image_change_is_a_new_version(world: ShopUnderTest) -> None:
    [public_id] = world.upload(JPG)
    etag = world.client.simulate_get(EGG).headers["etag"]
    assert etag.startswith('"2.')
    described = world.put({"ref": public_id, "alt": "A tin"}, **{"If-Match": etag})
    assert described.status_code == 200
    assert described.headers["etag"].startswith('"3.')
    assert world.put(public_id, **{"If-Match": etag}).status_code == 412
    same = world.put(*world.product()["images"])
    assert same.headers["etag"] == described.headers["etag"]
    assert world.client.simulate_get(EGG).headers["etag"].startswith('"3.')


def test_set_order_and_alt_texts(world: ShopUnderTest) -> None:
    first, second = world.upload(JPG, PNG)
    address = world.product()["image_sets"][0]["thumbnail"]
    response = world.put({"ref": second, "alt": "  A \t scoop "}, EXTERNAL_URL, address)
    assert response.status_code == 200
    assert list(response.json) == ["images", "image_sets"]
    assert world.ids() == [second, None, first]
    product = world.product()
    assert {name: product[name] for name in response.json} == response.json
    assert [image_set["alt"] for image_set in product["image_sets"]] == ["A scoop", None, None]
    world.put(first, second)
    assert [image_set["alt"] for image_set in world.product()["image_sets"]] == [None, "A scoop"]
    world.put(first, {"ref": second, "alt": None})
    assert [image_set["alt"] for image_set in world.product()["image_sets"]] == [None, None]


def test_stored_images_left_out_are_deleted(world: ShopUnderTest) -> None:
    first, second = world.upload(JPG, PNG)
    assert world.put(second).status_code == 200
    assert (world.exists(first), world.exists(second)) == (False, True)
    assert world.put(first, second).status_code == 422
    assert world.ids() == [second]


@pytest.mark.parametrize(
    "ref",
    [
        "eggypro-products/nothing",
        "eggypro-products/-",
        "/images/eggypro-products/nothing/original",
        "http://x.example/1.jpg",
        "egg",
        "",
        "../egg",
        "a" * 5000,
        7,
        None,
        {"alt": "x"},
        {"ref": EXTERNAL_URL, "alt": 7},
        {"ref": EXTERNAL_URL, "alt": "x" * 256},
        {"ref": EXTERNAL_URL, "size": 7},
        [EXTERNAL_URL],
    ],
    ids=lambda ref: str(ref)[:40],
)
def test_invalid_image_references_are_rejected(folder: ShopUnderTest, ref: object) -> None:
    [public_id] = folder.upload(JPG)
    assert error_fields(folder.put(public_id, ref)) == ["images"]
    body = product_values(images=[ref])
    assert error_fields(folder.post(PRODUCTS, body)) == ["images"]
    assert folder.exists(public_id)


@pytest.mark.parametrize("body", [{}, {"images": None}, {"images": [], "alt": 1}, {"images": {}}])
def test_image_order_must_be_a_list(folder: ShopUnderTest, body: object) -> None:
    assert error_fields(folder.client.simulate_put(IMAGES, json=body, headers=ADMIN))


def test_delete_image_is_idempotent(world: ShopUnderTest) -> None:
    first, second = world.upload(JPG, PNG)
    for _ in range(2):
        assert world.delete(f"{IMAGES}/{first}") == 204
        assert world.ids() == [second]
        assert not world.exists(first)
    assert world.client.simulate_get(EGG).headers["etag"].startswith('"3.')
    assert world.delete(f"{PRODUCTS}/nowhere/images/{first}") == 404


def test_create_product_with_image_references(world: ShopUnderTest) -> None:
    [public_id] = world.upload(JPG)
    for ref in (public_id, world.product()["images"][0]):
        body = product_values(name="Copy", images=[{"ref": ref, "alt": "A tin"}, EXTERNAL_URL])
        response = world.post(PRODUCTS, body)
        assert response.status_code == 201, response.text
        [stored, external] = response.json["image_sets"]
        assert (stored["public_id"], stored["width"], stored["alt"]) == (public_id, 60, "A tin")
        assert (external["public_id"], external["original"]) == (None, EXTERNAL_URL)
    world.put()
    assert world.delete(f"{PRODUCTS}/copy", permanent="true") == 204
    assert world.exists(public_id)
    assert world.ids(f"{PRODUCTS}/copy-2") == [public_id, None]
    assert world.delete(f"{PRODUCTS}/copy-2/images/{public_id}") == 204
    assert not world.exists(public_id)


def test_permanent_delete_of_a_product_deletes_its_images(world: ShopUnderTest) -> None:
    stored = world.upload(JPG, PNG)
    assert world.delete(EGG) == 204
    assert all(map(world.exists, stored))
    for _ in range(2):
        assert world.delete(EGG, permanent="true") == 204
    assert not any(map(world.exists, stored))
    assert list(world.shop.images.prune()) == []


LOST_RESPONSES = [drop_reply, truncate_reply, reset_connection, hang]


@pytest.mark.parametrize("fault", LOST_RESPONSES, ids=lambda fault: fault.__name__)
def test_upload_with_a_lost_response_leaves_nothing(
    cloud: ShopUnderTest, account: CloudinaryServer, fault: Fault
) -> None:
    account.faults.extend([fault])
    response = post_files(cloud.client, IMAGES, JPG)
    assert response.status_code in {502, 503}
    assert (cloud.ids(), cloud.count()) == ([], 0)
    assert len(account.requests) == 2  # the upload, and a deletion


def test_images_that_arrive_after_deletion_are_pruned(
    cloud: ShopUnderTest, account: CloudinaryServer
) -> None:
    account.faults.append(reset_connection)
    assert post_files(cloud.client, IMAGES, JPG).status_code == 503
    public_id = account.requests[-1].parts["public_id"].decode()
    account.assets[public_id] = make_asset(public_id, JPG)
    assert list(cloud.shop.images.prune()) == []
    cloud.clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    assert list(cloud.shop.images.prune()) == [True]
    assert cloud.count() == 0
    assert list(cloud.shop.images.prune()) == []


def test_failed_deletions_are_left_to_prune(
    cloud: ShopUnderTest, account: CloudinaryServer
) -> None:
    first, _, third = cloud.upload(JPG, PNG, JPG)
    cloud.clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    account.faults.append(UNAVAILABLE)
    assert cloud.delete(f"{IMAGES}/{first}") == 204
    account.faults.append(UNAVAILABLE)
    assert cloud.put(third).status_code == 200
    account.faults.append(UNAVAILABLE)
    assert cloud.delete(EGG, permanent="true") == 204
    assert cloud.count() == 3
    account.faults.append(UNAVAILABLE)
    assert sorted(cloud.shop.images.prune()) == [False, True, True]
    assert cloud.count() == 1
    assert list(cloud.shop.images.prune()) == [True]
    assert (cloud.count(), list(cloud.shop.images.prune())) == (0, [])


def test_undeletable_images_of_failed_uploads_are_pruned(
    cloud: ShopUnderTest, account: CloudinaryServer
) -> None:
    account.faults.extend([drop_reply, UNAVAILABLE])
    assert post_files(cloud.client, IMAGES, JPG).status_code == 503
    assert cloud.count() == 1
    assert list(cloud.shop.images.prune()) == [True]
    assert cloud.count() == 0
    assert list(cloud.shop.images.prune()) == []


def test_store_failures_are_bad_gateway(cloud: ShopUnderTest, account: CloudinaryServer) -> None:
    account.faults.append(reply_with(Reply.html(500)))
    response = post_files(cloud.client, IMAGES, JPG)
    assert response.status_code == 502
    assert "loudinary" not in response.text


def make_asset(public_id: str, content: bytes) -> Asset:
    picture = PIL.Image.open(BytesIO(content))
    suffix = FORMATS[str(picture.format)]
    return Asset(public_id, content, suffix, *picture.size, 1)


UNAVAILABLE = reply_with(Reply.of({"error": {"message": "Down"}}, 503))


def create_upload(world: ShopUnderTest) -> dict[str, Any]:
    upload = world.post(UPLOADS, {"product": "egg-white-protein"})
    assert upload.status_code == 201, upload.text
    return dict(upload.json)


def test_signed_upload_to_the_local_store(folder: ShopUnderTest) -> None:
    upload = create_upload(folder)
    assert list(upload) == ["id", "url", "fields", "expires_at"]
    assert upload["expires_at"] == "2026-01-01T13:00:00.000000Z"
    assert error_fields(complete(folder, upload)) == ["file"]
    assert send_upload(folder, upload).status_code == 204
    complete_and_delete(folder, upload)


def test_signed_upload_to_cloudinary(cloud: ShopUnderTest) -> None:
    upload = create_upload(cloud)
    assert error_fields(complete(cloud, upload)) == ["file"]
    form = {**upload["fields"], "file": ("my egg.jpg", JPG)}
    assert urllib3.request("POST", upload["url"], fields=form).status == 200
    complete_and_delete(cloud, upload)


def complete_and_delete(world: ShopUnderTest, upload: dict[str, Any]) -> None:
    for _ in range(2):
        response = complete(world, upload)
        assert response.status_code == 200, response.text
        assert world.product()["image_sets"] == [response.json]
        assert (response.json["width"], response.json["format"]) == (60, "jpg")
    assert world.client.simulate_get(EGG).headers["etag"].startswith('"2.')
    world.clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    assert list(world.shop.images.prune()) == []
    world.put()
    assert world.count() == 0
    assert complete(world, upload).status_code == 404


def complete(world: ShopUnderTest, upload: dict[str, Any]) -> Any:
    return world.post(f"{UPLOADS}/{upload['id']}/complete")


def send_upload(
    world: ShopUnderTest, upload: dict[str, Any], content: bytes = JPG, **fields: str
) -> Any:
    texts = [encode_part(v.encode(), n, None) for n, v in {**upload["fields"], **fields}.items()]
    return post_form(world.client, upload["url"], encode_form([*texts, encode_part(content)]))


@pytest.mark.parametrize(
    "content",
    [
        encode_image(make_noise((60, 40)), "gif").getvalue(),
        make_image(size=(8000, 5001)).getvalue(),
    ],
    ids=["a GIF", "too many pixels"],
)
def test_invalid_browser_uploads_are_deleted(
    cloud: ShopUnderTest, account: CloudinaryServer, content: bytes
) -> None:
    upload = create_upload(cloud)
    public_id = f"eggypro-products/{upload['id']}"
    account.assets[public_id] = make_asset(public_id, content)
    for _ in range(2):
        assert error_fields(complete(cloud, upload)) == ["file"]
        assert cloud.count() == 0
    assert cloud.ids() == []


def test_uncompleted_uploads_are_pruned(cloud: ShopUnderTest) -> None:
    upload = create_upload(cloud)
    form = {**upload["fields"], "file": ("egg.jpg", JPG)}
    urllib3.request("POST", upload["url"], fields=form)
    assert (list(cloud.shop.images.prune()), cloud.count()) == ([], 1)
    cloud.clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    assert (list(cloud.shop.images.prune()), cloud.count()) == ([True], 0)
    assert complete(cloud, upload).status_code == 404


def test_upload_follows_a_renamed_product(folder: ShopUnderTest) -> None:
    upload = create_upload(folder)
    send_upload(folder, upload)
    folder.shop.products.update("egg-white-protein", {"slug": "egg"})
    assert complete(folder, upload).status_code == 200
    assert len(folder.ids(f"{PRODUCTS}/egg")) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"product": 1}, 422), ({"product": "A b"}, 422), ({"product": "no"}, 404)],
)
def test_signed_upload_requires_a_product(folder: ShopUnderTest, body: object, status: int) -> None:
    assert folder.post(UPLOADS, body).status_code == status


@pytest.mark.parametrize(
    ("part", "field"),
    [(encode_part(JPG), "file"), (encode_part(b"egg", "public_id", None), "public_id")],
)
def test_signed_upload_has_one_file_and_no_field_twice(
    folder: ShopUnderTest, part: bytes, field: str
) -> None:
    upload = create_upload(folder)
    texts = [encode_part(text.encode(), name, None) for name, text in upload["fields"].items()]
    form = encode_form([*texts, encode_part(JPG), part])
    assert error_fields(post_form(folder.client, upload["url"], form)) == [field]


def test_only_signed_uploads_are_received(folder: ShopUnderTest) -> None:
    upload = create_upload(folder)
    other_id = upload["fields"]["public_id"] + "a"
    assert send_upload(folder, upload, public_id=other_id).status_code == 403
    assert send_upload(folder, upload, b"no image").status_code == 422
    assert send_upload(folder, upload, TOO_LARGE).status_code == 413
    assert send_upload(folder, upload, name="Ada").status_code == 422
    bare = post_form(folder.client, upload["url"], encode_form([encode_part(JPG)]))
    assert bare.status_code == 403
    folder.clock.advance(3600)
    assert send_upload(folder, upload).status_code == 403
    assert folder.count() == 0


def test_remote_stores_do_not_receive_uploads(cloud: ShopUnderTest) -> None:
    upload = {"fields": {"public_id": "eggypro-products/egg"}, "url": "/images/uploads"}
    assert send_upload(cloud, upload).status_code == 404


def test_former_slug_redirects_image_requests(folder: ShopUnderTest) -> None:
    [public_id] = folder.upload(JPG)
    folder.shop.products.update("egg-white-protein", {"slug": "egg"})
    response = folder.client.simulate_delete(f"{IMAGES}/{public_id}", headers=ADMIN)
    assert response.status_code == 308
    assert response.headers["location"] == f"{PRODUCTS}/egg/images/{public_id}"
    assert post_files(folder.client, IMAGES, JPG).status_code == 308
    assert folder.count() == 1
