"""`eggypro reviews`: the moderation queue; verify and delete reviews."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eggypro_cli.options import PAGING, YesOption, integer, with_options
from eggypro_cli.output import JsonOption, confirm, examples, print_body, write
from eggypro_cli.queries import follow_slug, parse_query

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime
    from eggypro_core import Page, Review, ReviewQuery, ReviewService

app = typer.Typer(
    help="List, verify and delete product reviews.",
    epilog=examples("reviews list", "reviews verify 7"),
)
ReviewArgument = Annotated[
    int,
    typer.Argument(metavar="ID", parser=integer, help="Review id (see `reviews list`)."),
]


@app.command(
    "list",
    epilog=examples(
        "reviews list",
        "reviews list --status all --limit 100 --json",
        "reviews list --product egg-white",
    ),
)
@with_options(PAGING)
def list_reviews(
    context: typer.Context,
    *,
    product: Annotated[
        str | None,
        typer.Option("--product", metavar="SLUG", help="List the verified reviews of a product."),
    ] = None,
    status: Annotated[
        Literal["pending", "verified", "all"] | None,
        typer.Option("--status", help="Filter by status; default pending."),
    ] = None,
    options: dict[str, object],
    json: JsonOption = False,
) -> None:
    """List reviews, oldest first; by default those to moderate."""
    from eggypro_cli.tables import review_page
    from eggypro_core.serializers import review_page_body

    parameters = {**options, "status": status}
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        query, page = _query_and_page(shop.reviews, product, parameters)
    print_body(review_page_body(page, query), lambda: review_page(page, query), json=json)


@app.command("verify", epilog=examples("reviews verify 7", "reviews verify 7 --take-back --json"))
def verify_review(
    context: typer.Context,
    review_id: ReviewArgument,
    *,
    take_back: Annotated[
        bool, typer.Option("--take-back", help="Make it pending again, and hide it.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Publish a review and update the rating of its product."""
    from eggypro_cli.tables import review_card
    from eggypro_core.serializers import review_body

    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        review = shop.reviews.verify(review_id, {"is_verified": not take_back})
    print_body(review_body(review), lambda: [review_card(review)], json=json)


@app.command("delete", epilog=examples("reviews delete 7", "reviews delete 7 --yes"))
def delete_review(
    context: typer.Context,
    review_id: ReviewArgument,
    *,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Delete a review permanently. With --json, nothing is printed."""
    from eggypro_core.domain.review import review_not_found

    confirm(f"Permanently delete review {review_id}?", yes=yes, json=json)
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        if not shop.reviews.delete(review_id):
            raise review_not_found(review_id)
    if not json:
        write(f"Deleted review {review_id}.\n", sys.stdout)


def _query_and_page(
    reviews: ReviewService, product: str | None, parameters: Mapping[str, object]
) -> tuple[ReviewQuery, Page[Review, ReviewQuery]]:
    """Parse the parameters into a query, and return it with its page."""
    from eggypro_core import ReviewQuery

    if product is None:
        query = parse_query(ReviewQuery.parse, parameters)
        return query, reviews.list(query)

    def page_of(slug: str) -> tuple[ReviewQuery, Page[Review, ReviewQuery]]:
        query = parse_query(lambda values: ReviewQuery.parse_for_product(slug, values), parameters)
        return query, reviews.list(query)

    return follow_slug(product, page_of)
