"""Tests of reviews and their service on the memory store."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.memory import MemoryDatabase, MemoryProductStore, MemoryReviewStore
from eggypro_core.domain.product import ProductDraft, Rating
from eggypro_core.domain.review import (
    READ_ONLY_FIELDS,
    ReviewDraft,
    ReviewQuery,
    ReviewStatus,
    summarise_ratings,
)
from eggypro_core.errors import FieldError, NotFoundError, ParseError, ValidationError
from eggypro_core.services.reviews import ReviewService
from tests.support.builders import review_values

NO_HOST = "must be an https URL with a valid host, without user and password"
LONG_URL = "https://x.example/" + "a" * 238


def validation_errors(action: Callable[[], object]) -> tuple[FieldError, ...]:
    with pytest.raises(ValidationError) as raised:
        action()
    return raised.value.errors


@pytest.fixture
def reviews(clock: FakeClock) -> ReviewService:
    database = MemoryDatabase()
    draft = ProductDraft(name="Egg", price=Decimal(1))
    MemoryProductStore(database).create(draft, datetime(2026, 1, 1, tzinfo=UTC))
    return ReviewService(MemoryReviewStore(database), clock)


def test_parse_normalises_a_submitted_review() -> None:
    draft = ReviewDraft.parse(
        review_values(
            reviewer_name="  Ada \t Lovelace ",
            comment=" Two\r\nlines, e\u0301 ",
            image_url="https://x.example/é.jpg",
            video_url="",
        )
    )
    assert (draft.reviewer_name, draft.comment) == ("Ada Lovelace", "Two\nlines, é")
    assert (draft.image_url, draft.video_url) == ("https://x.example/é.jpg", None)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("reviewer_name", "", "Reviewer name is required"),
        ("reviewer_name", "\x00", "Reviewer name contains invalid characters"),
        ("reviewer_name", "x" * 256, "Reviewer name too long"),
        ("rating", 0, "Rating must be at least 1"),
        ("rating", 6, "Rating too high (at most 5)"),
        ("rating", "5", "Rating must be an integer"),
        ("rating", Decimal("4.5"), "Rating must be an integer"),
        ("rating", True, "Rating must be an integer"),
        ("comment", " \n ", "Comment is required"),
        ("comment", "x" * 5001, "Comment too long"),
        ("comment", "\ud800", "Comment contains invalid characters"),
        ("image_url", "http://x.example/a.jpg", "Image URL must be an https URL"),
        ("video_url", "javascript:alert(1)", "Video URL must be an https URL"),
        ("image_url", "https:///x", f"Image URL {NO_HOST}"),
        ("video_url", "https://user:pw@h/", f"Video URL {NO_HOST}"),
        ("reviewer_image_url", "https://h:99999/", f"Reviewer image URL {NO_HOST}"),
        ("reviewer_image_url", LONG_URL, "Reviewer image URL too long"),
        ("reviewer_image_url", 7, "Reviewer image URL must be text"),
        ("is_verified", True, "Cannot be set here"),
        ("stars", 5, "Unknown field"),
    ],
)
def test_parse_rejects_invalid_values(name: str, value: object, message: str) -> None:
    assert validation_errors(lambda: ReviewDraft.parse(review_values(**{name: value}))) == (
        FieldError(name, message),
    )


def test_all_errors_are_raised_at_once() -> None:
    errors = validation_errors(lambda: ReviewDraft.parse({"rating": 9, "id": 1, "image_url": "x"}))
    assert {error.field for error in errors} == {
        "rating",
        "id",
        "image_url",
        "reviewer_name",
        "comment",
    }


@pytest.mark.parametrize("name", sorted(READ_ONLY_FIELDS))
def test_read_only_fields_are_rejected(name: str) -> None:
    assert validation_errors(lambda: ReviewDraft.parse(review_values(**{name: 1})))[0].field == name


@given(st.lists(st.integers(1, 5), min_size=1))
def test_rating_is_the_average_rounded_half_up(ratings: list[int]) -> None:
    rating = summarise_ratings(ratings)
    assert rating.count == len(ratings)
    assert rating.average is not None
    exact = Decimal(sum(ratings)) / len(ratings)
    assert -Decimal("0.005") <= exact - rating.average < Decimal("0.005")
    assert rating.average.as_tuple().exponent == -2


def test_rating_without_reviews_is_none() -> None:
    assert summarise_ratings([]) == Rating(None, 0)


def test_query_survives_a_round_trip_through_params() -> None:
    query = ReviewQuery.parse({"status": "all", "limit": "7", "offset": "3"})
    assert (query.status, query.limit, query.offset) == (ReviewStatus.ALL, 7, 3)
    assert ReviewQuery.parse(query.params()) == query
    assert ReviewQuery().params() == {}
    assert ReviewQuery.parse_for_product("egg", {}).params() == {}


@pytest.mark.parametrize(
    ("params", "fields"),
    [
        ({"status": "new", "limit": "0", "colour": "red"}, {"status", "limit", "colour"}),
        ({"cursor": "x", "offset": "1"}, {"offset"}),
    ],
)
def test_invalid_parameters_are_rejected_by_name(params: dict[str, Any], fields: set[str]) -> None:
    assert {error.field for error in validation_errors(lambda: ReviewQuery.parse(params))} == fields


def test_reviews_of_a_product_have_no_status_filter() -> None:
    errors = validation_errors(lambda: ReviewQuery.parse_for_product("egg", {"status": "all"}))
    assert errors == (FieldError("status", "Unknown field"),)


def test_cursor_of_another_list_is_rejected(reviews: ReviewService) -> None:
    for comment in ("a", "b"):
        reviews.create("egg", review_values(comment=comment))
    next_query = reviews.list(ReviewQuery(limit=1)).next_query
    assert next_query is not None
    params = next_query.params()
    assert ReviewQuery.parse(params) == next_query
    invalid_queries: tuple[Callable[[], object], ...] = (
        lambda: ReviewQuery.parse(params | {"status": "all"}),
        lambda: ReviewQuery.parse_for_product("egg", params),
        lambda: ReviewQuery.parse({"cursor": params["cursor"][:-1]}),
    )
    for parse in invalid_queries:
        with pytest.raises(ParseError):
            parse()


def test_moderation_accepts_only_is_verified(reviews: ReviewService) -> None:
    review = reviews.create("egg", review_values())
    assert validation_errors(lambda: reviews.verify(review.id, {})) == (
        FieldError("is_verified", "Is verified is required"),
    )
    assert (
        len(
            validation_errors(
                lambda: reviews.verify(review.id, {"is_verified": "yes", "rating": 1})
            )
        )
        == 2
    )
    verified = reviews.verify(review.id, {"is_verified": True})
    assert verified == evolve(review, is_verified=True)
    assert reviews.list(ReviewQuery.parse_for_product("egg", {})).items == (verified,)


@pytest.mark.parametrize("review_id", [0, -1, 99, 2**31, 2**70])
def test_impossible_review_id_is_not_found(reviews: ReviewService, review_id: int) -> None:
    with pytest.raises(NotFoundError, match="no review"):
        reviews.verify(review_id, {"is_verified": True})
    assert not reviews.delete(review_id)


@pytest.mark.parametrize("slug", ["none", "No Slug", "a\x00", "\ud800", ""])
def test_reviews_of_a_missing_product_are_not_found(reviews: ReviewService, slug: str) -> None:
    with pytest.raises(NotFoundError):
        reviews.create(slug, review_values())
    with pytest.raises(NotFoundError):
        reviews.list(ReviewQuery(product=slug))


def test_created_at_comes_from_the_clock(reviews: ReviewService, clock: FakeClock) -> None:
    first = reviews.create("egg", review_values(comment="a"))
    clock.advance()
    second = reviews.create("egg", review_values(comment="b"))
    assert second.created_at - first.created_at > timedelta(0)
