"""ReviewService: submit and moderate reviews."""

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
    """Manage the reviews of the products of a shop.

    Every method may raise UnavailableError. Methods with `values` parse the JSON fields of a
    request and raise ValidationError with all invalid fields.
    """

    _reviews: ReviewStore
    _clock: Clock

    def list(self, query: ReviewQuery) -> Page[Review, ReviewQuery]:
        """Return a page of reviews; its `next_query` requests the next page.

        With a product in `query`, raises NotFoundError unless it is active, and SlugMovedError.
        """
        if query.product is not None:
            require_slug(query.product)
        return self._reviews.list(query)

    def create(self, slug: str, values: Mapping[str, object]) -> Review:
        """Submit a review of an active product; it is public after moderation.

        A pending review with the same name and text is stored only once. Raises NotFoundError and
        SlugMovedError.
        """
        draft = ReviewDraft.parse(values)
        return self._reviews.create(require_slug(slug), draft, self._clock())

    def verify(self, review_id: int, values: Mapping[str, object]) -> Review:
        """Publish or hide a review, as given by `is_verified`.

        Updates the rating of the product. Raises NotFoundError.
        """
        is_verified = parse_moderation(values)
        if not is_id(review_id):
            raise review_not_found(review_id)
        return self._reviews.verify(review_id, is_verified=is_verified)

    def delete(self, review_id: int) -> bool:
        """Delete a review permanently and return whether it existed."""
        return is_id(review_id) and self._reviews.delete(review_id)
