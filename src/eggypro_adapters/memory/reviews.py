"""The reviews of a shop's products within this process."""

from collections.abc import Sequence
from datetime import datetime

from attrs import asdict, evolve

from eggypro_adapters.memory.database import MemoryDatabase
from eggypro_adapters.memory.keyset import page_of
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import Product, product_not_found
from eggypro_core.domain.review import Review, ReviewDraft, ReviewQuery, review_not_found


class MemoryReviewStore:
    """Reviews in this process. Everything is gone with it."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def list(self, query: ReviewQuery) -> Page[Review, ReviewQuery]:
        with self._database.lock:
            every, shows = self._list_by_product(query), query.status.includes
        reviews = [review for review in every if shows(is_verified=review.is_verified)]
        return page_of(query, reviews, place=_sort_key, item_of=lambda review: review)

    def create(self, slug: str, draft: ReviewDraft, at: datetime) -> Review:
        with self._database.lock:
            product = self._get_active_product(slug)
            shelf = self._database.state
            said = (draft.reviewer_name, draft.comment)
            for other in shelf.reviews_of(product):
                if not other.is_verified and (other.reviewer_name, other.comment) == said:
                    return other
            review = Review(
                **asdict(draft),
                id=next(self._database.ids),
                product=product.slug,
                is_verified=False,
                created_at=at,
            )
            shelf.save_review(product, review)
            return review

    def verify(self, review_id: int, *, is_verified: bool) -> Review:
        with self._database.lock:
            shelf = self._database.state
            if review_id not in shelf.reviews:
                raise review_not_found(review_id)
            of, review = shelf.reviews[review_id]
            product = shelf.products[of]
            changed = evolve(review, is_verified=is_verified, product=product.slug)
            shelf.save_review(product, changed)
            return changed

    def delete(self, review_id: int) -> bool:
        with self._database.lock:
            shelf = self._database.state
            gone = shelf.reviews.pop(review_id, None)
            if gone is not None:
                shelf.refresh_rating(shelf.products[gone[0]])
            return gone is not None

    def _list_by_product(self, query: ReviewQuery) -> Sequence[Review]:
        shelf = self._database.state
        if query.product is not None:
            return shelf.reviews_of(self._get_active_product(query.product))
        return [one for product in shelf.products.values() for one in shelf.reviews_of(product)]

    def _get_active_product(self, slug: str) -> Product:
        product = self._database.state.get(slug)
        if not product.is_active:
            raise product_not_found(slug)
        return product


def _sort_key(review: Review) -> tuple[datetime, int]:
    return review.created_at, review.id
