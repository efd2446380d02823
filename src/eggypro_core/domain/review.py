"""Reviews: the record, its draft, validation, list queries and ratings."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from functools import partial
from typing import ClassVar, Self

from attrs import field, frozen

from eggypro_core.domain.pagination import PAGE_PARAMETERS, ListQuery, Parameters, parse_time_key
from eggypro_core.domain.product import Rating
from eggypro_core.errors import NotFoundError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import one_of

REQUIRED_FIELDS = ("reviewer_name", "rating", "comment")
READ_ONLY_FIELDS = frozenset({"id", "product", "is_verified", "created_at"})
"""The fields that a submitted review cannot set."""


@frozen(kw_only=True)
class Review:
    """A customer's review of a product. `product` is the slug, `rating` is 1 to 5.

    Only moderators can see a review that is not verified.
    """

    id: int
    product: str
    reviewer_name: str
    reviewer_image_url: str | None
    rating: int
    comment: str
    image_url: str | None
    video_url: str | None
    is_verified: bool
    created_at: datetime


@frozen(kw_only=True)
class ReviewDraft:
    """A review that is not stored yet."""

    reviewer_name: str
    rating: int
    comment: str
    reviewer_image_url: str | None = None
    image_url: str | None = None
    video_url: str | None = None

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> "ReviewDraft":
        """Validate a submitted review. Raises ValidationError with all errors."""
        return cls(
            **fields.check(
                values, REVIEW_VALIDATORS, required=REQUIRED_FIELDS, read_only=READ_ONLY_FIELDS
            )
        )


class ReviewStatus(StrEnum):
    """A filter by status: reviews pending moderation, verified ones, or both."""

    PENDING = "pending"
    VERIFIED = "verified"
    ALL = "all"

    def includes(self, *, is_verified: bool) -> bool:
        """Return whether the filter includes verified (or else pending) reviews."""
        return self is ReviewStatus.ALL or is_verified == (self is ReviewStatus.VERIFIED)


@frozen(kw_only=True)
class ReviewQuery(ListQuery[Review, datetime]):
    """A query for reviews: the verified ones of a product, newest first, or the moderation queue.

    The queue has the reviews of all products, oldest first.
    """

    parameters: ClassVar[Parameters] = {"status": one_of("Status", ReviewStatus), **PAGE_PARAMETERS}

    product: str | None = None
    status: ReviewStatus = field()

    @status.default
    def _(self) -> ReviewStatus:
        return ReviewStatus.PENDING if self.product is None else ReviewStatus.VERIFIED

    @classmethod
    def parse_for_product(cls, product: str, params: Mapping[str, object]) -> Self:
        """Return the query for a product's reviews, which has no `status` parameter."""
        return cls._parse(params, PAGE_PARAMETERS, product=product)

    @property
    def descending(self) -> bool:
        """Return whether the newest review comes first, as on a product page."""
        return self.product is not None

    def _sort_key(self, item: Review) -> datetime:
        return item.created_at

    def _parse_key(self, text: str) -> datetime:
        return parse_time_key(text)


def parse_moderation(values: Mapping[str, object]) -> bool:
    """Return the required field `is_verified`, the only one. Raises ValidationError."""
    return bool(
        fields.check(values, MODERATION_VALIDATORS, required=MODERATION_VALIDATORS.keys())[
            "is_verified"
        ]
    )


def summarise_ratings(ratings: Collection[int]) -> Rating:
    """Return the rating from the ratings of verified reviews; the average is rounded half up."""
    if not ratings:
        return Rating()
    average = Decimal(sum(ratings)) / len(ratings)
    return Rating(average.quantize(Decimal("0.01"), ROUND_HALF_UP), len(ratings))


def review_not_found(review_id: int) -> NotFoundError:
    """Return the error for a review that does not exist."""
    return NotFoundError(f"There is no review {review_id}", kind="review")


def _parse_comment(value: object) -> str:
    text = _comment_text(value)
    if not text:
        raise fields.InvalidValueError("Comment is required")
    return text


_comment_text = fields.multiline("Comment", 5000)
_url = partial(fields.https_url, maximum=255)
REVIEW_VALIDATORS: Mapping[str, fields.Validator] = {
    "reviewer_name": fields.single_line("Reviewer name", 255),
    "reviewer_image_url": fields.optional(_url("Reviewer image URL")),
    "rating": fields.integer_between("Rating", 1, 5),
    "comment": fields.with_schema(
        _parse_comment, {**fields.schema_of(_comment_text), "minLength": 1}
    ),
    "image_url": fields.optional(_url("Image URL")),
    "video_url": fields.optional(_url("Video URL")),
}
MODERATION_VALIDATORS: Mapping[str, fields.Validator] = {
    "is_verified": fields.boolean("Is verified")
}
