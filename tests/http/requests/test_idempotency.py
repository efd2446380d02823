import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from threading import Event, Semaphore
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from attrs import evolve
from falcon.testing import Result, TestClient

from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.memory import MemoryIdempotencyStore
from eggypro_adapters.postgres.database import Database
from eggypro_core.operations.idempotency import StoredResponse
from eggypro_core.shop import Shop
from eggypro_http.app import ROUTES, create_app
from tests.support.builders import (
    ShopStores,
    make_full_shop,
    make_shop,
    product_values,
    review_values,
    variant_values,
)
from tests.support.multipart import BOUNDARY, CONTENT_TYPE, JPG, PNG, encode_form, encode_part
from tests.support.wsgi import (
    ADMIN,
    EGG,
    PATH_VALUES,
    PRODUCTS,
    Reply,
    error_fields,
    sample_path,
    send_request,
)

DEADLINE = 60.0
KEY_HEADER = {"Idempotency-Key": "3f2a"}
JSON = "application/json"
POSTS = [route.path for route in ROUTES if route.is_idempotent]
IMPORTS = "/api/imports"
STOCK = f"{PRODUCTS}/{{slug}}/stock"
BODIES: dict[str, tuple[str, bytes]] = {
    path: (JSON, json.dumps(body).encode())
    for path, body in {
        PRODUCTS: product_values(name="New"),
        STOCK: {"delta": -1},
        f"{PRODUCTS}/{{slug}}/variants": variant_values(options={"Size": "9 kg"}),
        f"{PRODUCTS}/{{slug}}/variants/{{variant}}/stock": {"delta": 1},
        f"{PRODUCTS}/{{slug}}/reviews": review_values(comment="Another"),
        "/api/categories": {"name": "New"},
        "/api/stock": {"items": [{"product": "plain", "delta": -1}]},
        "/api/bulk-updates": {"filter": {"all": True}, "set": {"brand": "Hen"}},
        "/api/images/uploads": {"product": PATH_VALUES["slug"]},
    }.items()
} | {
    f"{PRODUCTS}/{{slug}}/images": (CONTENT_TYPE, encode_form([encode_part(JPG)])),
    IMPORTS: ("text/csv", b"name,price,stock_quantity\nTea,2,1\n"),
}
DEPENDENT = {"/api/images/uploads/{upload}/complete", "/api/batches/{batch}/undo"}
"""Routes that cannot be requested on their own."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def idempotent_shop(images: LocalImageStore, clock: FakeClock) -> Shop:
    shop = make_full_shop(images)
    shop.products.create(product_values(name="Plain", stock_quantity=9))
    return evolve(shop, clock=clock)


@pytest.fixture
def client(idempotent_shop: Shop) -> TestClient:
    return TestClient(create_app(idempotent_shop))


def path_of(route: str) -> str:
    """Return an existing path of a route; only a product without variants has stock of its own."""
    return f"{PRODUCTS}/plain/stock" if route == STOCK else sample_path(route)


def post(client: TestClient, path: str, headers: dict[str, str] | None = None) -> Result:
    media_type, body = BODIES[path]
    request_headers = {**ADMIN, "Content-Type": media_type, **KEY_HEADER, **(headers or {})}
    return client.simulate_post(path_of(path), body=body, headers=request_headers)


def test_every_post_honours_or_rejects_the_key(client: TestClient) -> None:
    assert set(POSTS) == {*BODIES, *DEPENDENT}
    other_posts = [route for route in ROUTES if route.method == "POST" and route.path not in POSTS]
    paths = {route.path for route in other_posts}
    assert paths == {"/api/auth/admin", "/api/keys", "/images/uploads"}
    for route in other_posts:
        response = client.simulate_post(route.path, headers={**ADMIN, **KEY_HEADER})
        assert error_fields(response) == ["Idempotency-Key"]


@pytest.mark.parametrize("path", BODIES)
def test_repeated_requests_replay_the_response(client: TestClient, path: str) -> None:
    first = post(client, path)
    assert first.status_code in {200, 201}
    repeat = post(client, path)
    assert (repeat.status_code, repeat.content) == (first.status_code, first.content)
    assert repeat.headers.pop("idempotency-replayed") == "true"
    assert "idempotency-replayed" not in first.headers
    for name in ("x-request-id", "ratelimit", "ratelimit-policy"):
        first.headers.pop(name, None), repeat.headers.pop(name, None)
    assert repeat.headers == first.headers


def test_requests_without_a_key_run_each_time(client: TestClient) -> None:
    quantities = [post_stock(client, {}).json["stock_quantity"] for _ in range(3)]
    assert quantities == [8, 7, 6]


def test_requests_with_a_key_run_once(client: TestClient) -> None:
    quantities = [post_stock(client, KEY_HEADER).json["stock_quantity"] for _ in range(3)]
    assert quantities == [8, 8, 8]


def post_stock(client: TestClient, headers: dict[str, str], body: str = '{"delta": -1}') -> Result:
    content_type = {"Content-Type": JSON}
    return client.simulate_post(
        f"{PRODUCTS}/plain/stock", body=body, headers={**ADMIN, **content_type, **headers}
    )


def test_same_key_with_another_body_is_rejected(client: TestClient) -> None:
    post_stock(client, KEY_HEADER)
    response = post_stock(client, KEY_HEADER, '{"delta": -2}')
    assert response.status_code == 422
    assert response.json["type"] == "/problems/idempotency-key-reused"
    assert [error["field"] for error in response.json["errors"]] == ["Idempotency-Key"]
    assert post_stock(client, {}).json["stock_quantity"] == 7


def submit_review(client: TestClient, address: str, **headers: str) -> Result:
    return client.simulate_post(
        f"{EGG}/reviews",
        body=json.dumps(review_values(comment="Once")),
        headers={"Content-Type": JSON, **KEY_HEADER, **headers},
        remote_addr=address,
    )


def test_unverified_credentials_own_no_keys(client: TestClient) -> None:
    ada, bob = "203.0.113.1", "203.0.113.2"
    is_replayed = [
        submit_review(client, address, Authorization=credential).headers.get("idempotency-replayed")
        for address, credential in (
            (ada, "Bearer guess"),
            (ada, "Bearer another"),
            (bob, "Bearer guess"),
            (ada, ADMIN["Authorization"]),
            (bob, ADMIN["Authorization"]),
        )
    ]
    assert is_replayed == [None, "true", None, None, "true"]


def test_keys_are_bound_to_client_and_path(client: TestClient) -> None:
    post_stock(client, KEY_HEADER, '{"delta": 1}')
    assert client.simulate_post(
        f"{PRODUCTS}/{PATH_VALUES['slug']}/variants/2/stock",
        body='{"delta": 1}',
        headers={**ADMIN, "Content-Type": JSON, **KEY_HEADER},
    ).json == {"stock_quantity": 1}
    reviews = [
        client.simulate_post(
            f"{EGG}/reviews",
            body=json.dumps(review_values(comment=f"From {address}")),
            headers={"Content-Type": JSON, **KEY_HEADER},
            remote_addr=address,
        ).status_code
        for address in ("203.0.113.1", "203.0.113.2")
    ]
    assert reviews == [201, 201]


def test_keys_and_clients_that_only_read_alike_together_are_different(client: TestClient) -> None:
    reviews = [
        client.simulate_post(
            f"{EGG}/reviews",
            body=json.dumps(review_values(comment=f"From {address}")),
            headers={"Content-Type": JSON, "Idempotency-Key": key},
            remote_addr=address,
        ).status_code
        for key, address in (("egg", "11.2.3.4"), ("egg1", "1.2.3.4"))
    ]
    assert reviews == [201, 201]


def test_replay_requires_the_credential(client: TestClient) -> None:
    post_stock(client, KEY_HEADER)
    assert post_stock(client, {**KEY_HEADER, "Authorization": "Bearer wrong"}).status_code == 401
    assert post_stock(client, {**KEY_HEADER, "Authorization": ""}).status_code == 401


def test_rejected_requests_can_be_retried(client: TestClient) -> None:
    assert post_stock(client, KEY_HEADER, '{"delta": -100}').status_code == 409
    assert post_stock(client, KEY_HEADER).json["stock_quantity"] == 8


def test_keys_expire_after_a_day(client: TestClient, clock: FakeClock) -> None:
    post_stock(client, KEY_HEADER)
    clock.advance(24 * 60 * 60)
    response = post_stock(client, KEY_HEADER)
    assert "idempotency-replayed" not in response.headers
    assert response.json["stock_quantity"] == 7


@pytest.mark.parametrize("boundary", ["x", "another-boundary"])
def test_form_boundary_is_not_part_of_the_fingerprint(client: TestClient, boundary: str) -> None:
    def upload(boundary: str, *parts: bytes) -> Result:
        body = encode_form(map(encode_part, parts)).replace(BOUNDARY.encode(), boundary.encode())
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return client.simulate_post(
            f"{EGG}/images", body=body, headers={**ADMIN, **KEY_HEADER, **headers}
        )

    first = upload(BOUNDARY, JPG, PNG)
    assert first.status_code == 201
    repeat = upload(boundary, JPG, PNG)
    assert (repeat.status_code, repeat.content) == (201, first.content)
    assert len(client.simulate_get(EGG).json["images"]) == 2
    assert upload(boundary, JPG).status_code == 422


@pytest.mark.parametrize("key", ['"3f2a"', "3f2a"])
def test_keys_may_be_quoted(client: TestClient, key: str) -> None:
    post_stock(client, KEY_HEADER)
    assert post_stock(client, {"Idempotency-Key": key}).json["stock_quantity"] == 8


def test_quoted_keys_may_have_255_characters(
    client: TestClient,
) -> None:
    for length, status in ((255, 200), (256, 400)):
        header = {"Idempotency-Key": '"' + "a" * length + '"'}
        assert post_stock(client, header).status_code == status


@pytest.mark.parametrize("path", BODIES)
def test_body_is_received_before_a_transaction_starts(idempotent_shop: Shop, path: str) -> None:
    received: list[int] = []

    class RecordingStore(MemoryIdempotencyStore):
        def run(self, *args: Any) -> tuple[StoredResponse, bool]:
            received.append(stream.tell())
            return super().run(*args)

    media_type, body = BODIES[path]
    stream = BytesIO(body)
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": media_type,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": ADMIN["Authorization"],
        "HTTP_IDEMPOTENCY_KEY": "3f2a",
        "wsgi.input": stream,
    }
    app = create_app(evolve(idempotent_shop, idempotency=RecordingStore()))
    assert send_request(app, path_of(path), **environ).status in {200, 201}
    assert received == [len(body)]


def test_stalled_bodies_hold_no_connection(
    database_url: sa.URL,
    connect_database: Callable[..., Database],
    images: LocalImageStore,
) -> None:
    stores = ShopStores.in_postgres(connect_database(database_url, size=2))
    app = create_app(make_shop(stores=stores, images=images, files=images))
    waiting, released = Semaphore(0), Event()

    class StalledBody(BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            waiting.release()
            assert released.wait(DEADLINE)
            return b""

    def post_stalled_body(path: str) -> Reply:
        environ = {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": BODIES[path][0],
            "CONTENT_LENGTH": "100",
            "HTTP_AUTHORIZATION": ADMIN["Authorization"],
            "HTTP_IDEMPOTENCY_KEY": str(uuid4()),
            "wsgi.input": StalledBody(),
        }
        return send_request(app, path_of(path), **environ)

    stalled_paths = [path for path in BODIES for _ in range(3)]
    with ThreadPoolExecutor(len(stalled_paths)) as threads:
        try:
            stalled = [threads.submit(post_stalled_body, path) for path in stalled_paths]
            assert all(waiting.acquire(timeout=DEADLINE) for _ in stalled)
            assert post(TestClient(app), "/api/categories").status_code == 201
        finally:
            released.set()
        assert all(400 <= request.result().status < 500 for request in stalled)


@pytest.mark.parametrize("key", ["", " ", '"', '""', "a b", "\xe9", "a" * 256, '"a'])
def test_invalid_keys_are_rejected(client: TestClient, key: str) -> None:
    response = post_stock(client, {"Idempotency-Key": key})
    assert response.status_code == 400
    assert "Idempotency-Key" in response.json["detail"]


def test_malformed_bodies_are_rejected_as_without_a_key(client: TestClient) -> None:
    assert post_stock(client, KEY_HEADER, "{").status_code == 400
    huge = json.dumps({"delta": -1, "more": "x" * 2_000_000})
    assert post_stock(client, KEY_HEADER, huge).status_code == 413


@pytest.fixture(params=["memory", "postgres"])
def imports(request: pytest.FixtureRequest) -> TestClient:
    """The app over a shop in memory or in Postgres, whose stores share a transaction."""
    stores = None
    if request.param == "postgres":
        stores = ShopStores.in_postgres(request.getfixturevalue("emptied_database"))
    return TestClient(create_app(make_shop(stores=stores)))


def post_import(client: TestClient, body: bytes, **params: str) -> Result:
    return client.simulate_post(IMPORTS, body=body, params=params, headers={**ADMIN, **KEY_HEADER})


TEA = b"name,slug,price,stock_quantity\nTea,tea,2,1\n"
BAD_TEA = TEA + b"Ham,ham,cheap,1\n"


def test_import_with_a_key_runs_once(imports: TestClient) -> None:
    first = post_import(imports, TEA)
    assert (first.status_code, first.json["created"]) == (200, 1)
    imports.simulate_delete(f"{PRODUCTS}/tea", params={"permanent": "true"}, headers=ADMIN)
    repeat = post_import(imports, TEA)
    assert (repeat.content, repeat.headers["idempotency-replayed"]) == (first.content, "true")
    assert imports.simulate_get(f"{PRODUCTS}/tea").status_code == 404
    assert post_import(imports, TEA.replace(b"2", b"3")).status_code == 422


def test_dry_run_with_a_key_stores_nothing_and_is_never_taken_for_the_import(
    imports: TestClient,
) -> None:
    tried = post_import(imports, TEA, dry_run="true")
    assert (tried.status_code, tried.json["created"], tried.json["applied"]) == (200, 1, False)
    assert imports.simulate_get(f"{PRODUCTS}/tea").status_code == 404
    assert post_import(imports, TEA, dry_run="true").content == tried.content
    response = post_import(imports, TEA)
    assert response.status_code == 422
    assert [error["field"] for error in response.json["errors"]] == ["Idempotency-Key"]


def test_refused_import_is_not_stored_and_can_be_corrected(imports: TestClient) -> None:
    refused = post_import(imports, BAD_TEA)
    assert (refused.status_code, refused.json["type"]) == (422, "/problems/import-refused")
    assert imports.simulate_get(f"{PRODUCTS}/tea").status_code == 404
    again = post_import(imports, BAD_TEA)
    assert again.status_code == 422
    assert "idempotency-replayed" not in again.headers
    assert post_import(imports, TEA).json["created"] == 1


def test_large_import_is_received_before_a_lock_is_taken(idempotent_shop: Shop) -> None:
    held: list[int] = []

    class RecordingStore(MemoryIdempotencyStore):
        def run(self, *args: Any) -> tuple[StoredResponse, bool]:
            held.append(stream.tell())
            return super().run(*args)

    body = TEA + b"\n" * 2_000_000
    stream = BytesIO(body)
    reply = send_request(
        create_app(evolve(idempotent_shop, idempotency=RecordingStore())),
        IMPORTS,
        REQUEST_METHOD="POST",
        CONTENT_LENGTH=str(len(body)),
        HTTP_AUTHORIZATION=ADMIN["Authorization"],
        HTTP_IDEMPOTENCY_KEY="3f2a",
        **{"wsgi.input": stream},
    )
    assert (reply.status, held) == (200, [len(body)])
