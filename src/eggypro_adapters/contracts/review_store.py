"""Contract suite of `ReviewStore` and the product store of the same shop."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve, frozen

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft, set_product_slug
from eggypro_core.domain.product import Rating
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.domain.review import (
    Review,
    ReviewDraft,
    ReviewQuery,
    ReviewStatus,
    summarise_ratings,
)
from eggypro_core.errors import NotFoundError, SlugMovedError
from eggypro_core.ports import ProductStore, ReviewStore

EGG = "egg-white"


@frozen
class ReviewStores:
    """The two stores of one shop."""

    products: ProductStore
    reviews: ReviewStore

    def create_review(
        self, comment: str, rating: int = 5, *, hours: int = 0, **fields: Any
    ) -> Review:
        """Submit a review of the egg white, `hours` after noon."""
        draft = ReviewDraft(reviewer_name="Ada", rating=rating, comment=comment)
        return self.reviews.create(EGG, evolve(draft, **fields), NOON + timedelta(hours=hours))

    def create_verified_review(self, *args: Any, **fields: Any) -> Review:
        """Submit and verify a review."""
        return self.reviews.verify(self.create_review(*args, **fields).id, is_verified=True)

    def get_rating(self) -> tuple[str | None, int]:
        """Return average and count of the egg white's rating; `get` and `list` must agree."""
        rating = self.products.get(EGG).rating
        assert self.products.list(ProductQuery()).items[0].rating == rating
        return None if rating.average is None else str(rating.average), rating.count


def list_comments(store: ReviewStore, query: ReviewQuery) -> list[str]:
    """Return the comments of all pages, following `next_query`."""
    page = store.list(query)
    comments = [review.comment for review in page.items]
    while page.next_query is not None:
        page = store.list(page.next_query)
        comments += [review.comment for review in page.items]
    assert page.total == len(comments)
    return comments


EGG_REVIEWS = ReviewQuery(product=EGG, status=ReviewStatus.VERIFIED, limit=2)


class ReviewStoreContract:
    """Subclasses provide the fixture `stores`: the stores of an empty shop."""

    @pytest.fixture(autouse=True)
    def _create_egg_white(self, stores: ReviewStores) -> None:
        stores.products.create(make_draft(), NOON)

    def test_a_submitted_review_awaits_moderation(self, stores: ReviewStores) -> None:
        review = stores.create_review(
            "Two\nlines \U0001f95a",
            3,
            reviewer_image_url="https://x.example/a.jpg",
            image_url="https://x.example/b.jpg",
            video_url="https://x.example/c.mp4",
        )
        assert (review.product, review.is_verified, review.created_at) == (EGG, False, NOON)
        assert (review.reviewer_name, review.rating, review.comment) == (
            "Ada",
            3,
            "Two\nlines \U0001f95a",
        )
        assert stores.reviews.list(ReviewQuery()).items == (review,)
        assert stores.reviews.list(EGG_REVIEWS).items == ()
        assert stores.get_rating() == (None, 0)

    def test_a_verified_review_is_public_and_counts(self, stores: ReviewStores) -> None:
        review = stores.create_review("Good", 4)
        verified = stores.reviews.verify(review.id, is_verified=True)
        assert verified == evolve(review, is_verified=True)
        assert stores.reviews.list(EGG_REVIEWS).items == (verified,)
        assert stores.reviews.list(ReviewQuery()).items == ()
        assert stores.get_rating() == ("4.00", 1)
        assert stores.reviews.verify(review.id, is_verified=False) == review
        assert stores.get_rating() == (None, 0)

    def test_the_average_is_rounded_half_up_to_two_decimals(self, stores: ReviewStores) -> None:
        for number, rating in enumerate([5, 5, 5, 5, 5, 5, 5, 4]):
            stores.create_verified_review(f"{number}", rating)
        assert stores.get_rating() == ("4.88", 8)
        assert summarise_ratings([5] * 7 + [4]) == Rating(Decimal("4.88"), 8)

    def test_a_deleted_review_does_not_count(self, stores: ReviewStores) -> None:
        review, deleted = (
            stores.create_verified_review("a", 5),
            stores.create_verified_review("b", 2),
        )
        assert stores.get_rating() == ("3.50", 2)
        assert stores.reviews.delete(deleted.id)
        assert not stores.reviews.delete(deleted.id)
        assert stores.get_rating() == ("5.00", 1)
        assert stores.reviews.list(EGG_REVIEWS).items == (review,)

    def test_unknown_ids_and_slugs_are_not_found(self, stores: ReviewStores) -> None:
        with pytest.raises(NotFoundError):
            stores.reviews.verify(1000, is_verified=True)
        assert not stores.reviews.delete(1000)
        draft = ReviewDraft(reviewer_name="Ada", rating=5, comment="x")
        with pytest.raises(NotFoundError):
            stores.reviews.create("none", draft, NOON)
        with pytest.raises(NotFoundError):
            stores.reviews.list(evolve(EGG_REVIEWS, product="none"))

    def test_an_archived_product_takes_no_reviews_but_moderation(
        self, stores: ReviewStores
    ) -> None:
        review = stores.create_review("Good", 4)
        stores.products.update(EGG, lambda product: evolve(product, is_active=False))
        with pytest.raises(NotFoundError):
            stores.create_review("More")
        with pytest.raises(NotFoundError):
            stores.reviews.list(EGG_REVIEWS)
        assert stores.reviews.verify(review.id, is_verified=True).is_verified
        assert stores.products.get(EGG).rating == Rating(Decimal("4.00"), 1)

    def test_reviews_follow_a_renamed_product_and_are_deleted_with_it(
        self, stores: ReviewStores
    ) -> None:
        review = stores.create_verified_review("Good")
        stores.products.update(EGG, set_product_slug("whites"))
        for action in (
            lambda: stores.reviews.list(EGG_REVIEWS),
            lambda: stores.create_review("More"),
        ):
            with pytest.raises(SlugMovedError) as exc_info:
                action()
            assert exc_info.value.slug == "whites"
        [moved] = stores.reviews.list(evolve(EGG_REVIEWS, product="whites")).items
        assert moved == evolve(review, product="whites")
        all_reviews = ReviewQuery(status=ReviewStatus.ALL)
        assert stores.reviews.list(all_reviews).items == (moved,)
        stores.products.delete("whites", lambda _: None)
        assert stores.reviews.list(all_reviews).total == 0
        assert not stores.reviews.delete(review.id)

    def test_a_repeated_review_is_stored_once(self, stores: ReviewStores) -> None:
        first = stores.create_review("Good", 4)
        assert stores.create_review("Good", 5, hours=1) == first
        assert stores.create_review("Good", reviewer_name="Bob") != first
        assert stores.create_review("Better") != first
        stores.reviews.verify(first.id, is_verified=True)
        assert stores.create_review("Good").id != first.id

    def test_lists_are_sorted_with_any_page_size(self, stores: ReviewStores) -> None:
        stores.products.create(make_draft("Other"), NOON)
        for number, hour in enumerate([2, 0, 1, 1, 3]):
            stores.create_verified_review(f"v{number}", hours=hour)
            stores.create_review(f"p{number}", hours=hour)
        verified = ["v4", "v0", "v3", "v2", "v1"]
        assert list_comments(stores.reviews, EGG_REVIEWS) == verified
        assert list_comments(stores.reviews, evolve(EGG_REVIEWS, limit=100)) == verified
        assert list_comments(stores.reviews, ReviewQuery(limit=2)) == ["p1", "p2", "p3", "p0", "p4"]
        queue = ReviewQuery(status=ReviewStatus.VERIFIED, limit=3)
        assert list_comments(stores.reviews, queue) == [*reversed(verified)]
        comments = list_comments(stores.reviews, ReviewQuery(status=ReviewStatus.ALL, limit=3))
        assert [comment[1] for comment in comments] == list("1122330044")
        page = stores.reviews.list(evolve(EGG_REVIEWS, offset=4))
        assert ([review.comment for review in page.items], page.total) == (["v1"], 5)
        assert stores.reviews.list(evolve(EGG_REVIEWS, product="other")).total == 0

    def test_reviews_do_not_change_the_version(self, stores: ReviewStores) -> None:
        before = stores.products.get(EGG)
        stores.create_verified_review("a", 2)
        after = stores.products.get(EGG)
        assert evolve(after, rating=before.rating) == before

    def test_products_sort_by_rating_unrated_last(self, stores: ReviewStores) -> None:
        for name in ("Best", "Unrated"):
            stores.products.create(make_draft(name), NOON)
        stores.create_verified_review("a", 3)
        draft = ReviewDraft(reviewer_name="Ada", rating=5, comment="x")
        best = stores.reviews.create("best", draft, NOON)
        stores.reviews.verify(best.id, is_verified=True)
        page = stores.products.list(ProductQuery(sort=Sort.RATING))
        assert [product.slug for product in page.items] == ["best", EGG, "unrated"]

    def test_search_ranks_ratings_to_two_decimals(self, stores: ReviewStores) -> None:
        other = stores.products.create(make_draft("Egg Yolk"), NOON).slug
        for slug, ratings in ((EGG, (5, 5, 5, 4, 4, 4, 4)), (other, (5, 5, 4, 4, 4))):
            for number, rating in enumerate(ratings):
                draft = ReviewDraft(reviewer_name="Ada", rating=rating, comment=f"Words {number}")
                stores.reviews.verify(stores.reviews.create(slug, draft, NOON).id, is_verified=True)
        ranked = stores.products.list(ProductQuery(search="egg", sort=Sort.RELEVANCE)).items
        assert [(product.slug, str(product.rating.average)) for product in ranked] == [
            (EGG, "4.43"),
            (other, "4.40"),
        ]

    def test_concurrent_moderation_keeps_the_rating_consistent(self, stores: ReviewStores) -> None:
        reviews = [stores.create_review(f"{number}", 1 + number % 5) for number in range(24)]

        def moderate(number: int) -> None:
            review = reviews[number % 24]
            if number % 7 == 0:
                stores.reviews.delete(review.id)
                return
            try:
                stores.reviews.verify(review.id, is_verified=number % 3 > 0)
            except NotFoundError:
                assert number % 24 % 7 in {0, 1, 4}  # the deleted ones

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(moderate, range(72)))
        remaining = stores.reviews.list(evolve(EGG_REVIEWS, limit=100)).items
        assert stores.products.get(EGG).rating == summarise_ratings(
            [review.rating for review in remaining]
        )

    def test_concurrent_repeated_reviews_are_stored_once(self, stores: ReviewStores) -> None:
        submit: Callable[[int], Review] = lambda _: stores.create_review("Good")  # noqa: E731
        with ThreadPoolExecutor(8) as threads:
            assert len({review.id for review in threads.map(submit, range(16))}) == 1
        assert stores.reviews.list(ReviewQuery()).total == 1
