"""What every ReviewStore must do, together with the ProductStore that stands beside it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve, frozen

from eggypro_adapters.contracts.product_store import NOON, a_draft, moved_to
from eggypro_core.domain.product import Rating
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.domain.review import Review, ReviewDraft, ReviewQuery, ReviewStatus, rating_of
from eggypro_core.errors import MovedError, NotFoundError
from eggypro_core.ports import ProductStore, ReviewStore

EGG = "egg-white"


@frozen
class Stores:
    """The two stores of one shop."""

    products: ProductStore
    reviews: ReviewStore

    def said(self, comment: str, rating: int = 5, *, hours: int = 0, **more: Any) -> Review:
        """Submit a review of the egg white, hours after noon."""
        draft = ReviewDraft(reviewer_name="Ada", rating=rating, comment=comment)
        return self.reviews.add(EGG, evolve(draft, **more), NOON + timedelta(hours=hours))

    def shown(self, *args: Any, **more: Any) -> Review:
        """Submit a review, and verify it."""
        return self.reviews.verify(self.said(*args, **more).id, is_verified=True)

    def rating(self) -> tuple[str | None, int]:
        """Return the rating of the egg white, in a list as on its own."""
        rating = self.products.find(EGG).rating
        assert self.products.page(ProductQuery()).items[0].rating == rating
        return None if rating.average is None else str(rating.average), rating.count


def comments(store: ReviewStore, query: ReviewQuery) -> list[str]:
    """Return the comments of all pages, each found by following `next`."""
    page = store.page(query)
    found = [review.comment for review in page.items]
    while page.next_query is not None:
        page = store.page(page.next_query)
        found += [review.comment for review in page.items]
    assert page.total == len(found)
    return found


OF_EGG = ReviewQuery(product=EGG, status=ReviewStatus.VERIFIED, limit=2)


class ReviewStoreContract:
    """A subclass gives the fixture `stores`: the stores of an empty shop."""

    @pytest.fixture(autouse=True)
    def _egg(self, stores: Stores) -> None:
        stores.products.add(a_draft(), NOON)

    def test_what_was_submitted_waits_whole(self, stores: Stores) -> None:
        said = stores.said(
            "Two\nlines \U0001f95a",
            3,
            reviewer_image_url="https://x.example/a.jpg",
            image_url="https://x.example/b.jpg",
            video_url="https://x.example/c.mp4",
        )
        assert (said.product, said.is_verified, said.created_at) == (EGG, False, NOON)
        assert (said.reviewer_name, said.rating, said.comment) == (
            "Ada",
            3,
            "Two\nlines \U0001f95a",
        )
        assert stores.reviews.page(ReviewQuery()).items == (said,)
        assert stores.reviews.page(OF_EGG).items == ()
        assert stores.rating() == (None, 0)

    def test_a_verified_review_is_shown_and_counts(self, stores: Stores) -> None:
        said = stores.said("Good", 4)
        verified = stores.reviews.verify(said.id, is_verified=True)
        assert verified == evolve(said, is_verified=True)
        assert stores.reviews.page(OF_EGG).items == (verified,)
        assert stores.reviews.page(ReviewQuery()).items == ()
        assert stores.rating() == ("4.00", 1)
        assert stores.reviews.verify(said.id, is_verified=False) == said
        assert stores.rating() == (None, 0)

    def test_the_average_is_rounded_half_up_to_two_decimals(self, stores: Stores) -> None:
        for number, rating in enumerate([5, 5, 5, 5, 5, 5, 5, 4]):
            stores.shown(f"{number}", rating)
        assert stores.rating() == ("4.88", 8)
        assert rating_of([5] * 7 + [4]) == Rating(Decimal("4.88"), 8)

    def test_a_deleted_review_counts_no_more(self, stores: Stores) -> None:
        kept, gone = stores.shown("a", 5), stores.shown("b", 2)
        assert stores.rating() == ("3.50", 2)
        assert stores.reviews.remove(gone.id)
        assert not stores.reviews.remove(gone.id)
        assert stores.rating() == ("5.00", 1)
        assert stores.reviews.page(OF_EGG).items == (kept,)

    def test_what_is_not_there_is_not_found(self, stores: Stores) -> None:
        with pytest.raises(NotFoundError):
            stores.reviews.verify(1000, is_verified=True)
        assert not stores.reviews.remove(1000)
        draft = ReviewDraft(reviewer_name="Ada", rating=5, comment="x")
        with pytest.raises(NotFoundError):
            stores.reviews.add("none", draft, NOON)
        with pytest.raises(NotFoundError):
            stores.reviews.page(evolve(OF_EGG, product="none"))

    def test_an_archived_product_is_not_reviewed_and_moderation_goes_on(
        self, stores: Stores
    ) -> None:
        said = stores.said("Good", 4)
        stores.products.change(EGG, lambda product: evolve(product, is_active=False))
        with pytest.raises(NotFoundError):
            stores.said("More")
        with pytest.raises(NotFoundError):
            stores.reviews.page(OF_EGG)
        assert stores.reviews.verify(said.id, is_verified=True).is_verified
        assert stores.products.find(EGG).rating == Rating(Decimal("4.00"), 1)

    def test_reviews_go_with_the_name_of_their_product_and_with_it(self, stores: Stores) -> None:
        said = stores.shown("Good")
        stores.products.change(EGG, moved_to("whites"))
        for act in (lambda: stores.reviews.page(OF_EGG), lambda: stores.said("More")):
            with pytest.raises(MovedError) as moved:
                act()
            assert moved.value.slug == "whites"
        [found] = stores.reviews.page(evolve(OF_EGG, product="whites")).items
        assert found == evolve(said, product="whites")
        everything = ReviewQuery(status=ReviewStatus.ALL)
        assert stores.reviews.page(everything).items == (found,)
        stores.products.remove("whites", lambda _: None)
        assert stores.reviews.page(everything).total == 0
        assert not stores.reviews.remove(said.id)

    def test_the_same_words_of_one_name_wait_once(self, stores: Stores) -> None:
        first = stores.said("Good", 4)
        assert stores.said("Good", 5, hours=1) == first
        assert stores.said("Good", reviewer_name="Bob") != first
        assert stores.said("Better") != first
        stores.reviews.verify(first.id, is_verified=True)
        assert stores.said("Good").id != first.id

    def test_lists_are_in_order_whatever_the_size_of_their_pages(self, stores: Stores) -> None:
        stores.products.add(a_draft("Other"), NOON)
        for number, hour in enumerate([2, 0, 1, 1, 3]):
            stores.shown(f"v{number}", hours=hour)
            stores.said(f"p{number}", hours=hour)
        verified = ["v4", "v0", "v3", "v2", "v1"]
        assert comments(stores.reviews, OF_EGG) == verified
        assert comments(stores.reviews, evolve(OF_EGG, limit=100)) == verified
        assert comments(stores.reviews, ReviewQuery(limit=2)) == ["p1", "p2", "p3", "p0", "p4"]
        queue = ReviewQuery(status=ReviewStatus.VERIFIED, limit=3)
        assert comments(stores.reviews, queue) == [*reversed(verified)]
        both = comments(stores.reviews, ReviewQuery(status=ReviewStatus.ALL, limit=3))
        assert [comment[1] for comment in both] == list("1122330044")
        skipped = stores.reviews.page(evolve(OF_EGG, offset=4))
        assert ([one.comment for one in skipped.items], skipped.total) == (["v1"], 5)
        assert stores.reviews.page(evolve(OF_EGG, product="other")).total == 0

    def test_ratings_leave_the_version(self, stores: Stores) -> None:
        before = stores.products.find(EGG)
        stores.shown("a", 2)
        after = stores.products.find(EGG)
        assert evolve(after, rating=before.rating) == before

    def test_best_rated_products_come_first_and_unrated_last(self, stores: Stores) -> None:
        for name in ("Best", "Unrated"):
            stores.products.add(a_draft(name), NOON)
        stores.shown("a", 3)
        draft = ReviewDraft(reviewer_name="Ada", rating=5, comment="x")
        best = stores.reviews.add("best", draft, NOON)
        stores.reviews.verify(best.id, is_verified=True)
        page = stores.products.page(ProductQuery(sort=Sort.RATING))
        assert [product.slug for product in page.items] == ["best", EGG, "unrated"]

    def test_a_search_tells_ratings_apart_that_differ_by_less_than_a_tenth(
        self, stores: Stores
    ) -> None:
        other = stores.products.add(a_draft("Egg Yolk"), NOON).slug
        for slug, stars in ((EGG, (5, 5, 5, 4, 4, 4, 4)), (other, (5, 5, 4, 4, 4))):
            for number, rating in enumerate(stars):
                draft = ReviewDraft(reviewer_name="Ada", rating=rating, comment=f"Words {number}")
                stores.reviews.verify(stores.reviews.add(slug, draft, NOON).id, is_verified=True)
        ranked = stores.products.page(ProductQuery(search="egg", sort=Sort.RELEVANCE)).items
        assert [(one.slug, str(one.rating.average)) for one in ranked] == [
            (EGG, "4.43"),
            (other, "4.40"),
        ]

    def test_moderators_at_once_leave_the_rating_of_all(self, stores: Stores) -> None:
        said = [stores.said(f"{number}", 1 + number % 5) for number in range(24)]

        def moderate(number: int) -> None:
            review = said[number % 24]
            if number % 7 == 0:
                stores.reviews.remove(review.id)
                return
            try:
                stores.reviews.verify(review.id, is_verified=number % 3 > 0)
            except NotFoundError:
                assert number % 24 % 7 in {0, 1, 4}  # those that are removed

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(moderate, range(72)))
        left = stores.reviews.page(evolve(OF_EGG, limit=100)).items
        assert stores.products.find(EGG).rating == rating_of([review.rating for review in left])

    def test_the_same_words_at_once_wait_once(self, stores: Stores) -> None:
        submit: Callable[[int], Review] = lambda _: stores.said("Good")  # noqa: E731
        with ThreadPoolExecutor(8) as threads:
            assert len({review.id for review in threads.map(submit, range(16))}) == 1
        assert stores.reviews.page(ReviewQuery()).total == 1
