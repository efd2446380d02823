"""Reviews of products: their rules, what may be submitted, and lists of them."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from functools import partial

from attrs import evolve, frozen

from eggypro_core.domain.pagination import Position, cursor_of, read_cursor
from eggypro_core.domain.product import Rating
from eggypro_core.errors import MalformedError, NotFoundError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import (
    DEFAULT_LIMIT,
    PAGING,
    offset_with_cursor,
    one_of,
    worded,
)

REQUIRED = ("reviewer_name", "rating", "comment")
SHOWN = frozenset({"id", "product", "is_verified", "created_at"})
"""What a review shows but nobody submits."""


@frozen(kw_only=True)
class Review:
    """What somebody says of a product. `product` is its slug, `rating` 1 to 5.

    Until it `is_verified` only moderators see it.
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
    def read(cls, values: Mapping[str, object]) -> "ReviewDraft":
        """Check what was submitted. Raises InvalidError with every fault of it."""
        return cls(**fields.check(values, FIELDS, required=REQUIRED, closed=SHOWN))


class ReviewStatus(StrEnum):
    """Which reviews: those that wait for a moderator, those that are shown, or both."""

    PENDING = "pending"
    VERIFIED = "verified"
    ALL = "all"

    def shows(self, *, is_verified: bool) -> bool:
        """Whether a review in that state is meant."""
        return self is ReviewStatus.ALL or is_verified == (self is ReviewStatus.VERIFIED)


@frozen(kw_only=True)
class ReviewQuery:
    """A wish for reviews: a product's verified ones, newest first, or the moderators' queue.

    The queue is of all products and begins with the oldest.
    """

    product: str | None = None
    status: ReviewStatus = ReviewStatus.PENDING
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    after: Position | None = None

    @classmethod
    def read(cls, params: Mapping[str, object]) -> "ReviewQuery":
        """Check parameters of the queue as an address or a command gives them: texts.

        Raises InvalidError with every fault, MalformedError for a cursor of another list.
        """
        return cls._made(fields.check(params, QUEUE_PARAMETERS, also=offset_with_cursor(params)))

    @classmethod
    def read_of(cls, product: str, params: Mapping[str, object]) -> "ReviewQuery":
        """Check parameters of a product's reviews as `read` does."""
        values = fields.check(params, PAGING, also=offset_with_cursor(params))
        return cls._made({**values, "product": product, "status": ReviewStatus.VERIFIED})

    @classmethod
    def _made(cls, values: dict[str, object]) -> "ReviewQuery":
        cursor = values.pop("cursor", None)
        query = cls(**values)  # type: ignore[arg-type]  # they were checked
        return query if cursor is None else query._behind(str(cursor))

    @property
    def newest_first(self) -> bool:
        """Whether the newest comes first, as on a product's page."""
        return self.product is not None

    def following(self, last: Review) -> "ReviewQuery":
        """Return the query for what comes after a review."""
        return evolve(self, offset=0, after=Position(last.created_at.isoformat(), last.id))

    def after_key(self) -> tuple[datetime, int]:
        """Return the time and the id that the reviews of this query lie behind."""
        if self.after is None:
            raise ValueError("this query begins at the front")
        time = datetime.fromisoformat(self.after.key)
        if time.tzinfo is None:
            raise ValueError("not an aware time")
        return time, self.after.id

    def params(self) -> dict[str, str]:
        """Return the parameters that `read` takes for this query, without what is default."""
        in_queue = self.product is None and self.status is not ReviewStatus.PENDING
        return worded(
            {
                "status": self.status if in_queue else None,
                "limit": self.limit if self.limit != DEFAULT_LIMIT else None,
                "offset": self.offset or None,
                "cursor": self.after and cursor_of(self.after, self._list()),
            }
        )

    def _behind(self, cursor: str) -> "ReviewQuery":
        query = evolve(self, after=read_cursor(cursor, self._list()))
        try:
            query.after_key()
        except ValueError:
            raise MalformedError("The cursor does not belong to this list") from None
        return query

    def _list(self) -> str:
        return json.dumps(["reviews", self.product, self.status])


def read_moderation(values: Mapping[str, object]) -> bool:
    """Check what a moderator says of a review: `is_verified`, and nothing else."""
    return bool(fields.check(values, MODERATION, required=MODERATION.keys())["is_verified"])


def rating_of(ratings: Collection[int]) -> Rating:
    """Return what verified reviews come to: their average to two decimals, half up."""
    if not ratings:
        return Rating()
    average = Decimal(sum(ratings)) / len(ratings)
    return Rating(average.quantize(Decimal("0.01"), ROUND_HALF_UP), len(ratings))


def review_absent(review_id: int) -> NotFoundError:
    """Return the refusal of a review that is not there."""
    return NotFoundError(f"There is no review {review_id}", kind="review")


def _comment(value: object) -> str:
    text = _any_comment(value)
    if not text:
        raise fields.RefusedError("Comment is required")
    return text


_any_comment = fields.long_text("Comment", 5000)
_url = partial(fields.address, maximum=255)
FIELDS: Mapping[str, fields.Rule] = {
    "reviewer_name": fields.line("Reviewer name", 255),
    "reviewer_image_url": fields.optional(_url("Reviewer image URL")),
    "rating": fields.whole("Rating", 1, 5),
    "comment": fields.shaped(_comment, {**fields.shape_of(_any_comment), "minLength": 1}),
    "image_url": fields.optional(_url("Image URL")),
    "video_url": fields.optional(_url("Video URL")),
}
MODERATION: Mapping[str, fields.Rule] = {"is_verified": fields.yes_or_no("Is verified")}
QUEUE_PARAMETERS: Mapping[str, fields.Rule] = {"status": one_of("Status", ReviewStatus), **PAGING}
"""What `ReviewQuery.read` takes."""
