"""`eggypro reviews`."""

import orjson
import pytest

from eggypro_core.domain.review import Review, ReviewQuery
from eggypro_core.serializers import review_body, review_page_body
from tests.support.builders import product_values, review_values
from tests.support.runtime import MemoryRuntime, RunCommand


@pytest.fixture
def review(runtime: MemoryRuntime) -> Review:
    slug = runtime.shop.products.create(product_values()).slug
    comment = "Very good [red]eggs[/red]\n" * 20
    return runtime.shop.reviews.create(slug, review_values(comment=comment, rating=4))


def test_queue_fits_80_columns(run_command: RunCommand, review: Review) -> None:
    result = run_command("reviews", "list")
    assert (result.code, result.err) == (0, "")
    assert max(map(len, result.out.splitlines())) <= 80
    words = result.out.split()
    assert {str(review.id), "4", "Ada", "pending", "[red]eggs[/red]"} <= set(words)
    assert result.out.endswith("1 of 1\n")


def test_json_of_the_queue_is_the_http_body(
    run_command: RunCommand, runtime: MemoryRuntime, review: Review
) -> None:
    query = ReviewQuery(limit=1)
    body = review_page_body(runtime.shop.reviews.list(query), query)
    result = run_command("reviews", "list", "--limit", "1", "--json")
    assert result.out == orjson.dumps(body).decode() + "\n"
    assert orjson.loads(result.out)["items"][0]["comment"] == review.comment


def test_review_is_verified_and_taken_back(
    run_command: RunCommand, runtime: MemoryRuntime, review: Review
) -> None:
    result = run_command("reviews", "verify", str(review.id))
    assert "verified" in result.out
    assert runtime.shop.products.get(review.product).rating.count == 1
    verified = run_command("reviews", "list", "--product", review.product, "--json")
    assert orjson.loads(verified.out)["total"] == 1
    pending = run_command("reviews", "verify", str(review.id), "--take-back", "--json")
    assert pending.out == orjson.dumps(review_body(review)).decode() + "\n"
    assert runtime.shop.products.get(review.product).rating.count == 0


def test_former_slug_lists_the_reviews(
    run_command: RunCommand, runtime: MemoryRuntime, review: Review
) -> None:
    runtime.shop.products.update(review.product, {"slug": "whites"})
    result = run_command("reviews", "list", "--product", review.product)
    assert (result.code, result.out) == (0, "0 of 0\n")
    assert "'whites'" in result.err


def test_review_is_deleted_after_confirmation(
    run_command: RunCommand, runtime: MemoryRuntime, review: Review
) -> None:
    assert run_command("reviews", "delete", str(review.id)).code == 1
    assert runtime.shop.reviews.list(ReviewQuery()).total == 1
    result = run_command("reviews", "delete", str(review.id), "--yes")
    assert (result.code, result.out) == (0, f"Deleted review {review.id}.\n")
    assert runtime.shop.reviews.list(ReviewQuery()).total == 0
    assert run_command("reviews", "delete", str(review.id), "--yes", "--json").code == 1


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
def test_errors_are_one_sentence(
    run_command: RunCommand, review: Review, words: list[str], code: int
) -> None:
    result = run_command("reviews", *words)
    assert (result.code, result.out) == (code, "")
    assert len(result.err.splitlines()) == 1
    assert review.comment not in result.err
