"""`eggypro reviews`: the moderators' queue, and what they say of each review."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eggypro_cli.options import CursorOption, LimitOption, OffsetOption, YesOption, integer
from eggypro_cli.output import JsonOption, confirm, examples, print_body, write
from eggypro_cli.queries import follow_slug, parse_query

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime
    from eggypro_core import Page, Review, ReviewQuery, ReviewService

app = typer.Typer(
    help="List, verify and delete the reviews of products.",
    epilog=examples("reviews list", "reviews verify 7"),
)
ReviewArgument = Annotated[
    int,
    typer.Argument(metavar="ID", parser=integer, help="The review's id: `reviews list` tells it."),
]


@app.command(
    "list",
    epilog=examples(
        "reviews list",
        "reviews list --status all --limit 100 --json",
        "reviews list --product egg-white",
    ),
)
def list_reviews(  # noqa: PLR0913  (one for each parameter of a list)
    context: typer.Context,
    *,
    product: Annotated[
        str | None,
        typer.Option("--product", metavar="SLUG", help="What is shown of a product instead."),
    ] = None,
    status: Annotated[
        Literal["pending", "verified", "all"] | None,
        typer.Option("--status", help="Those that wait, which is the default, or others."),
    ] = None,
    limit: LimitOption = None,
    offset: OffsetOption = None,
    cursor: CursorOption = None,
    json: JsonOption = False,
) -> None:
    """List the reviews that wait for a moderator, or others.

    The oldest come first.
    """
    from eggypro_cli.tables import review_page
    from eggypro_core.serializers import review_page_body

    wishes = {"status": status, "limit": limit, "offset": offset, "cursor": cursor}
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        query, page = _asked(shop.reviews, product, wishes)
    print_body(review_page_body(page, query), lambda: review_page(page, query), json=json)


@app.command("verify", epilog=examples("reviews verify 7", "reviews verify 7 --take-back --json"))
def verify_review(
    context: typer.Context,
    review_id: ReviewArgument,
    *,
    take_back: Annotated[
        bool, typer.Option("--take-back", help="Hide it again: it waits as before.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show a review to everybody. The product's rating follows."""
    from eggypro_cli.tables import review_card
    from eggypro_core.serializers import review_body

    outside: Runtime = context.obj
    with outside.open_shop() as shop:
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
    """Delete a review for good.

    With --json nothing is written when it is done: there is nothing left to show.
    """
    from eggypro_core.domain.review import review_not_found

    confirm(f"Delete review {review_id} for good?", yes=yes, json=json)
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        if not shop.reviews.delete(review_id):
            raise review_not_found(review_id)
    if not json:
        write(f"Deleted review {review_id}.\n", sys.stdout)


def _asked(
    feedback: ReviewService, product: str | None, wishes: Mapping[str, object]
) -> tuple[ReviewQuery, Page[Review, ReviewQuery]]:
    """Return the query that options ask for, and its page."""
    from eggypro_core import ReviewQuery

    if product is None:
        query = parse_query(ReviewQuery.parse, wishes)
        return query, feedback.list(query)

    def of(slug: str) -> tuple[ReviewQuery, Page[Review, ReviewQuery]]:
        query = parse_query(lambda given: ReviewQuery.parse_for_product(slug, given), wishes)
        return query, feedback.list(query)

    return follow_slug(product, of)
