"""Reviews over HTTP: submitting, reading, moderating."""

from typing import Any

import pytest
from falcon.testing import Result, TestClient

from eggypro_core.shop import Shop
from tests.support.builders import review_values
from tests.support.wsgi import ADMIN, EGG, PRODUCTS, error_fields

EGG_REVIEWS = f"{EGG}/reviews"
QUEUE = "/api/reviews"


def submit(client: TestClient, path: str = EGG_REVIEWS, **changes: object) -> Result:
    return client.simulate_post(path, json=review_values(**changes))


def moderate(client: TestClient, number: int, body: Any) -> Result:
    return client.simulate_patch(f"{QUEUE}/{number}", headers=ADMIN, json=body)


def add_verified_review(
    client: TestClient, *, comment: str = "a", rating: int = 5
) -> dict[str, Any]:
    """Submit and verify a review."""
    number = submit(client, comment=comment, rating=rating).json["id"]
    body: dict[str, Any] = moderate(client, number, {"is_verified": True}).json
    return body


def test_submitted_review_is_held_for_moderation(client: TestClient) -> None:
    response = submit(client, image_url="https://x.example/a.jpg")
    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    body = response.json
    assert response.headers["location"] == f"{QUEUE}/{body['id']}"
    assert body == {
        "id": body["id"],
        "product": "egg-white-protein",
        "reviewer_name": "Ada",
        "reviewer_image_url": None,
        "rating": 5,
        "comment": "Very good eggs",
        "image_url": "https://x.example/a.jpg",
        "video_url": None,
        "is_verified": False,
        "created_at": "2026-01-01T12:00:00.000000Z",
    }
    assert client.simulate_get(EGG_REVIEWS).json["items"] == []
    queue = client.simulate_get(QUEUE, headers=ADMIN)
    assert queue.json["items"] == [body]
    assert queue.headers["cache-control"] == "no-store"


def test_identical_submissions_are_stored_once(client: TestClient) -> None:
    assert submit(client).json == submit(client).json
    assert client.simulate_get(QUEUE, headers=ADMIN).json["total"] == 1


def test_verified_review_is_public_and_rates_the_product(client: TestClient) -> None:
    before = client.simulate_get(EGG)
    first, second = (
        add_verified_review(client, rating=4),
        add_verified_review(client, rating=5, comment="b"),
    )
    page = client.simulate_get(EGG_REVIEWS)
    assert page.json["items"] == [second, first]
    assert page.json.items() >= {"total": 2, "limit": 20, "offset": 0, "next": None}.items()
    after = client.simulate_get(EGG)
    assert after.json["rating"] == {"average": "4.50", "count": 2}
    assert before.json["rating"] == {"average": None, "count": 0}
    assert after.headers["etag"] != before.headers["etag"]
    assert after.headers["etag"].startswith('"1.')
    assert client.simulate_get(PRODUCTS).json["items"][0]["rating"]["average"] == "4.50"


def test_review_can_be_hidden_and_deleted(client: TestClient) -> None:
    number = add_verified_review(client)["id"]
    assert moderate(client, number, {"is_verified": False}).json["is_verified"] is False
    assert client.simulate_get(EGG_REVIEWS).json["total"] == 0
    for _ in range(2):
        response = client.simulate_delete(f"{QUEUE}/{number}", headers=ADMIN)
        assert (response.status_code, response.content) == (204, b"")
    assert moderate(client, number, {"is_verified": True}).status_code == 404


def test_next_stays_within_its_list(client: TestClient) -> None:
    for comment in "abc":
        add_verified_review(client, comment=comment)
        submit(client, comment=f"{comment} waits")
    first = client.simulate_get(EGG_REVIEWS, params={"limit": 2}).json
    path, _, query = first["next"].partition("?")
    assert path == EGG_REVIEWS
    second = client.simulate_get(path, query_string=query).json
    assert [review["comment"] for review in first["items"] + second["items"]] == ["c", "b", "a"]
    assert (second["offset"], second["next"]) == (None, None)
    queue = client.simulate_get(QUEUE, params={"limit": 2}, headers=ADMIN).json
    path, _, query = queue["next"].partition("?")
    assert path == QUEUE
    remaining = client.simulate_get(path, query_string=query, headers=ADMIN).json["items"]
    assert [review["comment"][0] for review in queue["items"] + remaining] == ["a", "b", "c"]
    assert client.simulate_get(EGG_REVIEWS, query_string=query).status_code == 400
    all_reviews = client.simulate_get(QUEUE, params={"status": "all"}, headers=ADMIN)
    assert all_reviews.json["total"] == 6


def test_list_of_reviews_has_an_etag(client: TestClient) -> None:
    add_verified_review(client)
    tag = client.simulate_get(EGG_REVIEWS).headers["etag"]
    response = client.simulate_get(EGG_REVIEWS, headers={"If-None-Match": tag})
    assert (response.status_code, response.headers["etag"]) == (304, tag)
    add_verified_review(client, comment="b")
    assert client.simulate_get(EGG_REVIEWS, headers={"If-None-Match": tag}).status_code == 200


def test_submit_review_lists_every_error(client: TestClient) -> None:
    response = client.simulate_post(EGG_REVIEWS, json={"rating": 6, "is_verified": True, "x": 1})
    assert sorted(error_fields(response)) == [
        "comment",
        "is_verified",
        "rating",
        "reviewer_name",
        "x",
    ]


@pytest.mark.parametrize("body", [{}, {"is_verified": 1}, {"is_verified": True, "rating": 1}])
def test_moderation_requires_one_boolean(client: TestClient, body: dict[str, Any]) -> None:
    number = submit(client).json["id"]
    assert moderate(client, number, body).status_code == 422
    assert client.simulate_get(EGG_REVIEWS).json["total"] == 0


def test_archived_products_have_no_reviews(client: TestClient, shop: Shop) -> None:
    add_verified_review(client)
    shop.products.archive("egg-white-protein")
    assert client.simulate_get(EGG_REVIEWS).status_code == 404
    assert submit(client).status_code == 404
    assert submit(client, f"{PRODUCTS}/nobody/reviews").status_code == 404


def test_former_slug_redirects_to_the_reviews(client: TestClient, shop: Shop) -> None:
    shop.products.update("egg-white-protein", {"slug": "whites"})
    for response in (submit(client), client.simulate_get(EGG_REVIEWS, query_string="limit=1")):
        assert response.status_code == 308
        assert response.headers["location"].startswith(f"{PRODUCTS}/whites/reviews")
    assert (
        client.simulate_get(EGG_REVIEWS, query_string="limit=1")
        .headers["location"]
        .endswith("?limit=1")
    )


@pytest.mark.parametrize("number", ["0", "01", "-1", "2147483648", "1e3", "%D9%A3", "x"])
def test_invalid_ids_are_not_found(client: TestClient, number: str) -> None:
    assert client.simulate_patch(f"{QUEUE}/{number}", json={}).status_code == 404
    assert client.simulate_delete(f"{QUEUE}/{number}").status_code == 404


def test_order_of_error_checks(client: TestClient) -> None:
    path = f"{QUEUE}/99"

    def status_of(body: str, headers: dict[str, str], query: str = "") -> int:
        response = client.simulate_patch(path, headers=headers, body=body, query_string=query)
        return response.status_code

    assert client.simulate_put(path).status_code == 405
    assert status_of("{", {}) == 401
    assert status_of("{", ADMIN) == 400
    assert status_of("{}", ADMIN) == 422
    assert status_of('{"is_verified": true}', ADMIN, "x=1") == 422
    assert status_of('{"is_verified": true}', ADMIN) == 404
