"""`eggypro reviews`: list, verify and delete."""

import orjson
import pytest

from eggypro_core.domain.review import Review, ReviewQuery
from eggypro_core.serializers import review_body, review_page_body
from tests.support.builders import product_values, review_values
from tests.support.runtime import MemoryRuntime, RunCommand


@pytest.fixture
def review(world: MemoryRuntime) -> Review:
    slug = world.shop.products.create(product_values()).slug
    comment = "Very good [red]eggs[/red]\n" * 20
    return world.shop.reviews.create(slug, review_values(comment=comment, rating=4))


def test_the_queue_is_a_table_that_80_columns_hold(typed: RunCommand, review: Review) -> None:
    answer = typed("reviews", "list")
    assert (answer.code, answer.err) == (0, "")
    assert max(map(len, answer.out.splitlines())) <= 80
    words = answer.out.split()
    assert {str(review.id), "4", "Ada", "pending", "[red]eggs[/red]"} <= set(words)
    assert answer.out.endswith("1 of 1\n")


def test_the_json_of_the_queue_is_the_body_of_http(
    typed: RunCommand, world: MemoryRuntime, review: Review
) -> None:
    query = ReviewQuery(limit=1)
    body = review_page_body(world.shop.reviews.list(query), query)
    answer = typed("reviews", "list", "--limit", "1", "--json")
    assert answer.out == orjson.dumps(body).decode() + "\n"
    assert orjson.loads(answer.out)["items"][0]["comment"] == review.comment


def test_a_review_is_shown_and_taken_back(
    typed: RunCommand, world: MemoryRuntime, review: Review
) -> None:
    answer = typed("reviews", "verify", str(review.id))
    assert "verified" in answer.out
    assert world.shop.products.get(review.product).rating.count == 1
    shown = typed("reviews", "list", "--product", review.product, "--json")
    assert orjson.loads(shown.out)["total"] == 1
    back = typed("reviews", "verify", str(review.id), "--take-back", "--json")
    assert back.out == orjson.dumps(review_body(review)).decode() + "\n"
    assert world.shop.products.get(review.product).rating.count == 0


def test_a_former_slug_leads_to_the_reviews(
    typed: RunCommand, world: MemoryRuntime, review: Review
) -> None:
    world.shop.products.update(review.product, {"slug": "whites"})
    answer = typed("reviews", "list", "--product", review.product)
    assert (answer.code, answer.out) == (0, "0 of 0\n")
    assert "'whites'" in answer.err


def test_a_review_is_deleted_if_somebody_says_yes(
    typed: RunCommand, world: MemoryRuntime, review: Review
) -> None:
    assert typed("reviews", "delete", str(review.id)).code == 1
    assert world.shop.reviews.list(ReviewQuery()).total == 1
    answer = typed("reviews", "delete", str(review.id), "--yes")
    assert (answer.code, answer.out) == (0, f"Deleted review {review.id}.\n")
    assert world.shop.reviews.list(ReviewQuery()).total == 0
    assert typed("reviews", "delete", str(review.id), "--yes", "--json").code == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["verify", "99"], 1),
        (["verify", "0"], 1),
        (["verify", "x"], 2),
        (["verify"], 2),
        (["list", "--status", "new"], 2),
        (["list", "--limit", "0"], 2),
        (["list", "--product", "egg-white-protein", "--status", "all"], 2),
        (["list", "--product", "none"], 1),
    ],
)
def test_a_refusal_is_one_sentence(
    typed: RunCommand, review: Review, words: list[str], code: int
) -> None:
    answer = typed("reviews", *words)
    assert (answer.code, answer.out) == (code, "")
    assert len(answer.err.splitlines()) == 1
    assert review.comment not in answer.err
