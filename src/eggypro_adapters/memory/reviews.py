"""In-memory store of reviews."""

from collections.abc import Sequence
from datetime import datetime

from attrs import asdict, evolve

from eggypro_adapters.memory.database import MemoryDatabase
from eggypro_adapters.memory.keyset import page_of
from eggypro_core.domain.event import Changes, EventType, Subject, review_event
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import Product, product_not_found
from eggypro_core.domain.review import Review, ReviewDraft, ReviewQuery, review_not_found


class MemoryReviewStore:
    """Store reviews in memory."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def list(self, query: ReviewQuery) -> Page[Review, ReviewQuery]:
        with self._database.lock:
            reviews = [
                review
                for review in self._list_by_product(query)
                if query.status.includes(is_verified=review.is_verified)
            ]
        return page_of(query, reviews, position_of=_sort_key, item_of=lambda review: review)

    def create(self, slug: str, draft: ReviewDraft, at: datetime) -> Review:
        with self._database.lock:
            product = self._get_active_product(slug)
            state = self._database.state
            name_and_comment = (draft.reviewer_name, draft.comment)
            for other in state.reviews_of(product):
                if other.is_verified:
                    continue
                if (other.reviewer_name, other.comment) == name_and_comment:
                    return other
            review = Review(
                **asdict(draft),
                id=next(self._database.ids),
                product=product.slug,
                is_verified=False,
                created_at=at,
            )
            state.save_review(product, review)
            self._record(EventType.REVIEW_SUBMITTED, review.id, product)
            return review

    def verify(self, review_id: int, *, is_verified: bool) -> Review:
        with self._database.lock:
            state = self._database.state
            if review_id not in state.reviews:
                raise review_not_found(review_id)
            product_id, review = state.reviews[review_id]
            product = state.products[product_id]
            changed = evolve(review, is_verified=is_verified, product=product.slug)
            state.save_review(product, changed)
            if changed.is_verified != review.is_verified:
                changes = {"is_verified": [review.is_verified, is_verified]}
                self._record(EventType.REVIEW_VERIFIED, review_id, product, changes)
            return changed

    def delete(self, review_id: int) -> bool:
        with self._database.lock:
            state = self._database.state
            row = state.reviews.pop(review_id, None)
            if row is not None:
                product = state.products[row[0]]
                state.refresh_rating(product)
                self._record(EventType.REVIEW_DELETED, review_id, product)
            return row is not None

    def _record(
        self, kind: EventType, review_id: int, product: Product, changes: Changes | None = None
    ) -> None:
        subject = Subject.of_product(product)
        self._database.record([review_event(kind, review_id, subject, changes)])

    def _list_by_product(self, query: ReviewQuery) -> Sequence[Review]:
        state = self._database.state
        if query.product is not None:
            return state.reviews_of(self._get_active_product(query.product))
        return [
            review for product in state.products.values() for review in state.reviews_of(product)
        ]

    def _get_active_product(self, slug: str) -> Product:
        product = self._database.state.get(slug)
        if not product.is_active:
            raise product_not_found(slug)
        return product


def _sort_key(review: Review) -> tuple[datetime, int]:
    return review.created_at, review.id
