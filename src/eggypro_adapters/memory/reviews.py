"""The reviews of a shop's products within this process."""

from datetime import datetime

from attrs import asdict, evolve

from eggypro_adapters.memory.database import MemoryDatabase
from eggypro_adapters.memory.keyset import page_of
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import Product, product_absent
from eggypro_core.domain.review import Review, ReviewDraft, ReviewQuery, review_absent


class MemoryReviewStore:
    """Reviews in this process. Everything is gone with it."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def page(self, query: ReviewQuery) -> Page[Review, ReviewQuery]:
        with self._database.lock:
            every, shows = self._every(query), query.status.shows
        reviews = [review for review in every if shows(is_verified=review.is_verified)]
        return page_of(query, reviews, place=_place, item_of=lambda review: review)

    def add(self, slug: str, draft: ReviewDraft, at: datetime) -> Review:
        with self._database.lock:
            product = self._sold(slug)
            shelf = self._database.shelf
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
            shelf.put_review(product, review)
            return review

    def verify(self, review_id: int, *, is_verified: bool) -> Review:
        with self._database.lock:
            shelf = self._database.shelf
            if review_id not in shelf.reviews:
                raise review_absent(review_id)
            of, review = shelf.reviews[review_id]
            product = shelf.products[of]
            changed = evolve(review, is_verified=is_verified, product=product.slug)
            shelf.put_review(product, changed)
            return changed

    def remove(self, review_id: int) -> bool:
        with self._database.lock:
            shelf = self._database.shelf
            gone = shelf.reviews.pop(review_id, None)
            if gone is not None:
                shelf.rate(shelf.products[gone[0]])
            return gone is not None

    def _every(self, query: ReviewQuery) -> list[Review]:
        shelf = self._database.shelf
        if query.product is not None:
            return shelf.reviews_of(self._sold(query.product))
        return [one for product in shelf.products.values() for one in shelf.reviews_of(product)]

    def _sold(self, slug: str) -> Product:
        product = self._database.shelf.find(slug)
        if not product.is_active:
            raise product_absent(slug)
        return product


def _place(review: Review) -> tuple[datetime, int]:
    return review.created_at, review.id
