"""Reviews and their moderation."""

from collections.abc import Mapping

from attrs import frozen

from eggypro_core.domain.pagination import Page, is_id
from eggypro_core.domain.review import (
    Review,
    ReviewDraft,
    ReviewQuery,
    parse_moderation,
    review_not_found,
)
from eggypro_core.ports import Clock, ReviewStore
from eggypro_core.services.products import require_slug


@frozen
class ReviewService:
    """What people say of the products of a shop.

    Every method may raise UnavailableError. Those that take `values` take them as they came from
    outside, by the names of the wire, and raise ValidationError with all that is wrong with them.
    """

    _reviews: ReviewStore
    _clock: Clock

    def list(self, query: ReviewQuery) -> Page[Review, ReviewQuery]:
        """Return a page of reviews; its `next_query` asks for the page after it.

        Those of a product raise NotFoundError unless it is on sale, and SlugMovedError.
        """
        if query.product is not None:
            require_slug(query.product)
        return self._reviews.list(query)

    def create(self, slug: str, values: Mapping[str, object]) -> Review:
        """Keep a review of a product on sale, for a moderator to look at.

        One that waits already, with the same name and the same words, is kept once. Raises
        NotFoundError, SlugMovedError.
        """
        draft = ReviewDraft.parse(values)
        return self._reviews.create(require_slug(slug), draft, self._clock())

    def verify(self, review_id: int, values: Mapping[str, object]) -> Review:
        """Show a review to everybody, or take it back, as `is_verified` says.

        The product's rating follows. Raises NotFoundError.
        """
        is_verified = parse_moderation(values)
        if not is_id(review_id):
            raise review_not_found(review_id)
        return self._reviews.verify(review_id, is_verified=is_verified)

    def delete(self, review_id: int) -> bool:
        """Delete a review for good; return whether there was one."""
        return is_id(review_id) and self._reviews.delete(review_id)
