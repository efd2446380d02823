"""The images of products over HTTP, on each pair of stores that a shop may have."""

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

from eggypro_adapters.cloudinary_images import Account, CloudinaryImageStore
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
ELSEWHERE = "https://x.example/1.jpg"
HURRY = Timeouts(connect=5, read=2, total=5)
LARGE = JPG.ljust(MAX_UPLOAD_BYTES + 1, b"\0")


@frozen
class World:
    """A shop with an egg, its client, where its images are, and its time."""

    shop: Shop
    client: TestClient
    images: ImageStore
    clock: FakeClock
    count: Callable[[], int]
    """How many images are in the store, by its own account."""

    def upload(self, *files: bytes, path: str = IMAGES) -> list[str]:
        """Upload images, and return what they are called."""
        done = post_files(self.client, path, *files)
        assert done.status_code == 201, done.text
        return [item["public_id"] for item in done.json["items"]]

    def stays(self, public_id: str) -> bool:
        """Whether an image is in the store."""
        try:
            self.images.get(public_id)
        except NotFoundError:
            return False
        return True

    def product(self, path: str = EGG) -> dict[str, Any]:
        found = self.client.simulate_get(path)
        assert found.status_code == 200, found.text
        return dict(found.json)

    def ids(self, path: str = EGG) -> list[str | None]:
        return [one["public_id"] for one in self.product(path)["image_sets"]]

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        return self.client.simulate_post(path, json=body, headers={**ADMIN, **headers})

    def put(self, *images: object, **headers: str) -> Any:
        body = {"images": images}
        return self.client.simulate_put(IMAGES, json=body, headers={**ADMIN, **headers})

    def delete(self, path: str, **params: str) -> int:
        done = self.client.simulate_delete(path, headers=ADMIN, params=params)
        return int(done.status_code)


@pytest.fixture
def account() -> Iterator[CloudinaryServer]:
    with cloudinary_server() as server:
        yield server


@pytest.fixture(params=["memory", "postgres and a folder", "postgres and cloudinary"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    clock = FakeClock()
    if request.param == "memory":
        memory = MemoryImageStore(PillowImageCleaner())
        return opened(clock, memory, lambda: len(memory._images))
    database: Database = request.getfixturevalue("database")
    if request.param == "postgres and a folder":
        return in_folder(clock, tmp_path, database)
    return at_cloudinary(clock, request.getfixturevalue("account"), database)


@pytest.fixture
def cloud(account: CloudinaryServer, database: Database) -> World:
    """A shop whose images are at Cloudinary."""
    return at_cloudinary(FakeClock(), account, database)


@pytest.fixture
def folder(tmp_path: Path) -> World:
    """A shop whose images are in a folder."""
    return in_folder(FakeClock(), tmp_path)


def in_folder(clock: FakeClock, path: Path, database: Database | None = None) -> World:
    images = LocalImageStore(path, PillowImageCleaner(), ADMIN_KEY)
    return opened(clock, images, lambda: len(list(path.rglob("*.image"))), database)


def at_cloudinary(clock: FakeClock, account: CloudinaryServer, database: Database) -> World:
    account.now = clock
    named = Account(CLOUD, API_KEY, API_SECRET, account.url, HURRY)
    images = CloudinaryImageStore(named, PillowImageCleaner(), clock)
    return opened(clock, images, lambda: len(account.assets), database)


def opened(
    clock: FakeClock,
    images: ImageStore,
    count: Callable[[], int],
    database: Database | None = None,
) -> World:
    files = images if isinstance(images, LocalImageStore) else None
    stores: dict[str, Any] = {}
    if database is not None:
        stores = {
            "products": PostgresProductStore(database),
            "ledger": PostgresImageRegistry(database),
        }
    shop = make_shop(images=images, files=files, clock=clock, **stores)
    shop.products.create(product_values())
    return World(shop, TestClient(create_app(shop)), images, clock, count)


def test_uploads_are_appended_in_order(world: World) -> None:
    world.put({"ref": ELSEWHERE, "alt": "A tin"})
    files = [make_image("png", (40 + number, 30)).getvalue() for number in range(10)]
    done = post_files(world.client, IMAGES, JPG)
    assert (done.status_code, done.headers["location"]) == (201, EGG)
    assert done.headers["etag"].startswith('"3.')
    done = post_files(world.client, IMAGES, *files)
    assert [item["width"] for item in done.json["items"]] == list(range(40, 50))
    assert world.product()["image_sets"][2:] == done.json["items"]
    assert world.ids()[0] is None


def test_image_set_fields(world: World) -> None:
    [item] = post_files(world.client, IMAGES, JPG).json["items"]
    stored = world.images.get(item["public_id"])
    assert item["public_id"].startswith("eggypro-products/")
    assert {name: item[name] for name in ("width", "height", "format", "size", "alt")} == {
        "width": 60,
        "height": 40,
        "format": "jpg",
        "size": stored.size,
        "alt": None,
    }
    assert list(item["responsive"]) == ["400w", "800w", "1200w"]
    shown = world.product()
    assert shown["image_sets"] == [item]
    assert shown["images"] == [item["original"]]
    [listed] = world.client.simulate_get(PRODUCTS).json["items"]
    assert listed["images"] == [item["original"]]
    assert "image_sets" not in listed


def test_urls_of_local_images_are_served(folder: World) -> None:
    [item] = post_files(folder.client, IMAGES, JPG).json["items"]
    addresses = [item["original"], item["optimized"], item["thumbnail"]]
    for address in (*addresses, *item["responsive"].values()):
        assert folder.client.simulate_get(address).status_code == 200


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ([b"<html>"], ["file"]),
        ([b""], ["file"]),
        ([JPG, b"GIF89a", make_png_of_size(7000, 7000).getvalue()], ["file", "file"]),
        ([JPG, JPG[:300]], ["file"]),
    ],
    ids=["a page", "nothing", "two of three", "half of one"],
)
def test_one_invalid_file_rejects_the_upload(
    world: World, files: list[bytes], named: list[str]
) -> None:
    etag = world.client.simulate_get(EGG).headers["etag"]
    refused = post_files(world.client, IMAGES, *files)
    assert error_fields(refused) == named
    assert world.client.simulate_get(EGG).headers["etag"] == etag
    assert world.count() == 0


def test_errors_name_the_index_of_the_file(folder: World) -> None:
    sentence = "Invalid file type. Only JPEG, PNG, and WebP are allowed"
    [fault] = post_files(folder.client, IMAGES, b"?").json["errors"]
    assert fault["message"] == sentence
    faults = post_files(folder.client, IMAGES, b"?", JPG, b"!").json["errors"]
    assert [one["message"] for one in faults] == [f"File 1: {sentence}", f"File 3: {sentence}"]


def test_file_above_the_limit_is_too_large(folder: World) -> None:
    refused = post_files(folder.client, IMAGES, JPG, LARGE)
    assert (refused.status_code, refused.json["detail"]) == (413, "File size exceeds 10MB limit")
    assert post_files(folder.client, IMAGES, LARGE[:-1]).status_code == 201
    assert folder.count() == 1


def test_oversized_forms_are_rejected_unread(folder: World) -> None:
    head = {"CONTENT_LENGTH": str(2**30), "CONTENT_TYPE": CONTENT_TYPE}
    assert asked(folder, **head) == 413


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
    ids=lambda one: repr(one[-70:]) if isinstance(one, bytes) else str(one),
)
def test_invalid_forms_are_rejected(folder: World, body: bytes, status: int) -> None:
    refused = post_form(folder.client, IMAGES, body, **ADMIN)
    assert refused.status_code == status, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
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
def test_bodies_other_than_forms_are_rejected(folder: World, headers: dict[str, str]) -> None:
    refused = post_form(folder.client, IMAGES, encode_form([encode_part(JPG)]), **ADMIN, **headers)
    assert refused.status_code == 415


def test_order_of_error_checks(folder: World) -> None:
    wrong = {"HTTP_TRANSFER_ENCODING": "chunked", "HTTP_AUTHORIZATION": "Bearer wrong"}
    assert asked(folder, **wrong) == 401
    wrong["HTTP_AUTHORIZATION"] = ADMIN["Authorization"]
    assert asked(folder, **wrong) == 411
    del wrong["HTTP_TRANSFER_ENCODING"]
    wrong |= {"CONTENT_LENGTH": str(2**30), "CONTENT_TYPE": "image/png"}
    assert asked(folder, **wrong) == 413
    wrong["CONTENT_LENGTH"] = "1"
    assert asked(folder, **wrong) == 415
    wrong["CONTENT_TYPE"] = CONTENT_TYPE
    assert asked(folder, **wrong) == 400
    nowhere = f"{PRODUCTS}/nowhere/images"
    assert post_files(folder.client, nowhere, b"no image").status_code == 422
    assert post_files(folder.client, nowhere, JPG).status_code == 404
    stale = {**ADMIN, "If-Match": '"7.x"'}
    assert post_files(folder.client, IMAGES, JPG, headers=stale).status_code == 412
    assert folder.count() == 0


def asked(world: World, **environ: str) -> int:
    credential = {"HTTP_AUTHORIZATION": ADMIN["Authorization"]}
    return send_request(
        world.client.app, IMAGES, REQUEST_METHOD="POST", **credential | environ
    ).status


def test_product_has_at_most_fifty_images(world: World) -> None:
    world.put(*[f"{ELSEWHERE}?{number}" for number in range(49)])
    refused = post_files(world.client, IMAGES, JPG, PNG)
    assert (refused.status_code, world.count()) == (409, 0)
    assert len(world.upload(JPG)) == 1
    assert post_files(world.client, IMAGES, JPG).status_code == 409
    assert error_fields(world.put(*[ELSEWHERE] * 51)) == ["images"]


def test_concurrent_uploads_are_all_appended(world: World) -> None:
    world.put(*[f"{ELSEWHERE}?{number}" for number in range(44)])
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda _: post_files(world.client, IMAGES, JPG, PNG), range(8)))
    assert sorted(one.status_code for one in done) == [201] * 3 + [409] * 5
    own = world.ids()[44:]
    assert len(own) == 6
    assert world.count() == 6
    for one in done:
        if one.status_code == 201:
            first, second = (item["public_id"] for item in one.json["items"])
            assert own.index(second) == own.index(first) + 1


def test_every_image_change_is_a_new_version(world: World) -> None:
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


def test_set_order_and_alt_texts(world: World) -> None:
    first, second = world.upload(JPG, PNG)
    address = world.product()["image_sets"][0]["thumbnail"]
    arranged = world.put({"ref": second, "alt": "  A \t scoop "}, ELSEWHERE, address)
    assert arranged.status_code == 200
    assert list(arranged.json) == ["images", "image_sets"]
    assert world.ids() == [second, None, first]
    shown = world.product()
    assert {name: shown[name] for name in arranged.json} == arranged.json
    assert [one["alt"] for one in shown["image_sets"]] == ["A scoop", None, None]
    world.put(first, second)
    assert [one["alt"] for one in world.product()["image_sets"]] == [None, "A scoop"]
    world.put(first, {"ref": second, "alt": None})
    assert [one["alt"] for one in world.product()["image_sets"]] == [None, None]


def test_stored_images_left_out_are_deleted(world: World) -> None:
    first, second = world.upload(JPG, PNG)
    assert world.put(second).status_code == 200
    assert (world.stays(first), world.stays(second)) == (False, True)
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
        {"ref": ELSEWHERE, "alt": 7},
        {"ref": ELSEWHERE, "alt": "x" * 256},
        {"ref": ELSEWHERE, "size": 7},
        [ELSEWHERE],
    ],
    ids=lambda ref: str(ref)[:40],
)
def test_invalid_image_references_are_rejected(folder: World, ref: object) -> None:
    [public_id] = folder.upload(JPG)
    assert error_fields(folder.put(public_id, ref)) == ["images"]
    body = product_values(images=[ref])
    assert error_fields(folder.post(PRODUCTS, body)) == ["images"]
    assert folder.stays(public_id)


@pytest.mark.parametrize("body", [{}, {"images": None}, {"images": [], "alt": 1}, {"images": {}}])
def test_image_order_must_be_a_list(folder: World, body: object) -> None:
    assert error_fields(folder.client.simulate_put(IMAGES, json=body, headers=ADMIN))


def test_delete_image_is_idempotent(world: World) -> None:
    first, second = world.upload(JPG, PNG)
    for _ in range(2):
        assert world.delete(f"{IMAGES}/{first}") == 204
        assert world.ids() == [second]
        assert not world.stays(first)
    assert world.client.simulate_get(EGG).headers["etag"].startswith('"3.')
    assert world.delete(f"{PRODUCTS}/nowhere/images/{first}") == 404


def test_create_product_with_image_references(world: World) -> None:
    [public_id] = world.upload(JPG)
    for ref in (public_id, world.product()["images"][0]):
        body = product_values(name="Copy", images=[{"ref": ref, "alt": "A tin"}, ELSEWHERE])
        made = world.post(PRODUCTS, body)
        assert made.status_code == 201, made.text
        [own, other] = made.json["image_sets"]
        assert (own["public_id"], own["width"], own["alt"]) == (public_id, 60, "A tin")
        assert (other["public_id"], other["original"]) == (None, ELSEWHERE)
    world.put()
    assert world.delete(f"{PRODUCTS}/copy", permanent="true") == 204
    assert world.stays(public_id)
    assert world.ids(f"{PRODUCTS}/copy-2") == [public_id, None]
    assert world.delete(f"{PRODUCTS}/copy-2/images/{public_id}") == 204
    assert not world.stays(public_id)


def test_permanent_delete_of_a_product_deletes_its_images(world: World) -> None:
    own = world.upload(JPG, PNG)
    assert world.delete(EGG) == 204
    assert all(map(world.stays, own))
    for _ in range(2):
        assert world.delete(EGG, permanent="true") == 204
    assert not any(map(world.stays, own))
    assert list(world.shop.images.prune()) == []


LOST = [drop_reply, truncate_reply, reset_connection, hang]


@pytest.mark.parametrize("fault", LOST, ids=lambda one: one.__name__)
def test_upload_with_a_lost_response_leaves_nothing(
    cloud: World, account: CloudinaryServer, fault: Fault
) -> None:
    account.faults.extend([fault])
    lost = post_files(cloud.client, IMAGES, JPG)
    assert lost.status_code in {502, 503}
    assert (cloud.ids(), cloud.count()) == ([], 0)
    assert len(account.requests) == 2  # the upload, and a deletion


def test_images_that_arrive_after_deletion_are_pruned(
    cloud: World, account: CloudinaryServer
) -> None:
    account.faults.append(reset_connection)
    assert post_files(cloud.client, IMAGES, JPG).status_code == 503
    late = account.requests[-1].parts["public_id"].decode()
    account.assets[late] = an_asset(late, JPG)
    assert list(cloud.shop.images.prune()) == []
    cloud.clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    assert list(cloud.shop.images.prune()) == [True]
    assert cloud.count() == 0
    assert list(cloud.shop.images.prune()) == []


def test_failed_deletions_are_left_to_prune(cloud: World, account: CloudinaryServer) -> None:
    first, _, third = cloud.upload(JPG, PNG, JPG)
    cloud.clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    account.faults.append(REFUSING)
    assert cloud.delete(f"{IMAGES}/{first}") == 204
    account.faults.append(REFUSING)
    assert cloud.put(third).status_code == 200
    account.faults.append(REFUSING)
    assert cloud.delete(EGG, permanent="true") == 204
    assert cloud.count() == 3
    account.faults.append(REFUSING)
    assert sorted(cloud.shop.images.prune()) == [False, True, True]
    assert cloud.count() == 1
    assert list(cloud.shop.images.prune()) == [True]
    assert (cloud.count(), list(cloud.shop.images.prune())) == (0, [])


def test_undeletable_images_of_failed_uploads_are_pruned(
    cloud: World, account: CloudinaryServer
) -> None:
    account.faults.extend([drop_reply, REFUSING])
    assert post_files(cloud.client, IMAGES, JPG).status_code == 503
    assert cloud.count() == 1
    assert list(cloud.shop.images.prune()) == [True]
    assert cloud.count() == 0
    assert list(cloud.shop.images.prune()) == []


def test_store_failures_are_bad_gateway(cloud: World, account: CloudinaryServer) -> None:
    account.faults.append(reply_with(Reply.html(500)))
    failed = post_files(cloud.client, IMAGES, JPG)
    assert failed.status_code == 502
    assert "loudinary" not in failed.text


def an_asset(public_id: str, content: bytes) -> Asset:
    picture = PIL.Image.open(BytesIO(content))
    kind = FORMATS[str(picture.format)]
    return Asset(public_id, content, kind, *picture.size, 1)


REFUSING = reply_with(Reply.of({"error": {"message": "Down"}}, 503))


def signed(world: World) -> dict[str, Any]:
    begun = world.post(UPLOADS, {"product": "egg-white-protein"})
    assert begun.status_code == 201, begun.text
    return dict(begun.json)


def test_signed_upload_to_the_local_store(folder: World) -> None:
    begun = signed(folder)
    assert list(begun) == ["id", "url", "fields", "expires_at"]
    assert begun["expires_at"] == "2026-01-01T13:00:00.000000Z"
    assert error_fields(complete(folder, begun)) == ["file"]
    assert sent(folder, begun).status_code == 204
    finish(folder, begun)


def test_signed_upload_to_cloudinary(cloud: World) -> None:
    begun = signed(cloud)
    assert error_fields(complete(cloud, begun)) == ["file"]
    form = {**begun["fields"], "file": ("my egg.jpg", JPG)}
    assert urllib3.request("POST", begun["url"], fields=form).status == 200
    finish(cloud, begun)


def finish(world: World, begun: dict[str, Any]) -> None:
    for _ in range(2):
        done = complete(world, begun)
        assert done.status_code == 200, done.text
        assert world.product()["image_sets"] == [done.json]
        assert (done.json["width"], done.json["format"]) == (60, "jpg")
    assert world.client.simulate_get(EGG).headers["etag"].startswith('"2.')
    world.clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    assert list(world.shop.images.prune()) == []
    world.put()
    assert world.count() == 0
    assert complete(world, begun).status_code == 404


def complete(world: World, begun: dict[str, Any]) -> Any:
    return world.post(f"{UPLOADS}/{begun['id']}/complete")


def sent(world: World, begun: dict[str, Any], content: bytes = JPG, **fields: str) -> Any:
    texts = [encode_part(v.encode(), n, None) for n, v in {**begun["fields"], **fields}.items()]
    return post_form(world.client, begun["url"], encode_form([*texts, encode_part(content)]))


@pytest.mark.parametrize(
    "content",
    [
        encode_image(make_noise((60, 40)), "gif").getvalue(),
        make_image(size=(8000, 5001)).getvalue(),
    ],
    ids=["a GIF", "too many pixels"],
)
def test_invalid_browser_uploads_are_deleted(
    cloud: World, account: CloudinaryServer, content: bytes
) -> None:
    begun = signed(cloud)
    public_id = f"eggypro-products/{begun['id']}"
    account.assets[public_id] = an_asset(public_id, content)
    for _ in range(2):
        assert error_fields(complete(cloud, begun)) == ["file"]
        assert cloud.count() == 0
    assert cloud.ids() == []


def test_uncompleted_uploads_are_pruned(cloud: World) -> None:
    begun = signed(cloud)
    form = {**begun["fields"], "file": ("egg.jpg", JPG)}
    urllib3.request("POST", begun["url"], fields=form)
    assert (list(cloud.shop.images.prune()), cloud.count()) == ([], 1)
    cloud.clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    assert (list(cloud.shop.images.prune()), cloud.count()) == ([True], 0)
    assert complete(cloud, begun).status_code == 404


def test_upload_follows_a_renamed_product(folder: World) -> None:
    begun = signed(folder)
    sent(folder, begun)
    folder.shop.products.update("egg-white-protein", {"slug": "egg"})
    assert complete(folder, begun).status_code == 200
    assert len(folder.ids(f"{PRODUCTS}/egg")) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"product": 1}, 422), ({"product": "A b"}, 422), ({"product": "no"}, 404)],
)
def test_signed_upload_requires_a_product(folder: World, body: object, status: int) -> None:
    assert folder.post(UPLOADS, body).status_code == status


def test_only_signed_uploads_are_received(folder: World) -> None:
    begun = signed(folder)
    other = begun["fields"]["public_id"] + "a"
    assert sent(folder, begun, public_id=other).status_code == 403
    assert sent(folder, begun, b"no image").status_code == 422
    assert sent(folder, begun, LARGE).status_code == 413
    assert sent(folder, begun, name="Ada").status_code == 422
    bare = post_form(folder.client, begun["url"], encode_form([encode_part(JPG)]))
    assert bare.status_code == 403
    folder.clock.advance(3600)
    assert sent(folder, begun).status_code == 403
    assert folder.count() == 0


def test_remote_stores_do_not_receive_uploads(cloud: World) -> None:
    begun = {"fields": {"public_id": "eggypro-products/egg"}, "url": "/images/uploads"}
    assert sent(cloud, begun).status_code == 404


def test_former_slug_redirects_image_requests(folder: World) -> None:
    [public_id] = folder.upload(JPG)
    folder.shop.products.update("egg-white-protein", {"slug": "egg"})
    moved = folder.client.simulate_delete(f"{IMAGES}/{public_id}", headers=ADMIN)
    assert moved.status_code == 308
    assert moved.headers["location"] == f"{PRODUCTS}/egg/images/{public_id}"
    assert post_files(folder.client, IMAGES, JPG).status_code == 308
    assert folder.count() == 1
