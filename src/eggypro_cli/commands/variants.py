"""`eggypro variants`: list and show variants, and the group of all variant commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from eggypro_cli.commands import variant_editing
from eggypro_cli.options import (
    PAGING,
    SlugArgument,
    StatusOption,
    VariantArgument,
    with_options,
)
from eggypro_cli.output import JsonOption, examples, print_body, print_variant
from eggypro_cli.queries import follow_slug, parse_query

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime
    from eggypro_core import Page, Variant, VariantQuery, VariantService

app = typer.Typer(
    help="List, show, create, update and delete variants.",
    epilog=examples(
        "variants list egg-white", "variants create egg-white --option 'Size=1 kg' --price 24.99"
    ),
)
app.command(epilog=variant_editing.CREATE_EXAMPLES)(variant_editing.create)
app.command(epilog=variant_editing.UPDATE_EXAMPLES)(variant_editing.update)
app.command(epilog=variant_editing.DELETE_EXAMPLES)(variant_editing.delete)


@app.command(
    "list",
    epilog=examples(
        "variants list egg-white",
        "variants list egg-white --status all --limit 100 --json",
    ),
)
@with_options(PAGING)
def list_variants(
    context: typer.Context,
    slug: SlugArgument,
    *,
    options: dict[str, object],
    status: StatusOption = "active",
    json: JsonOption = False,
) -> None:
    """List the variants of a product by position, one page at a time."""
    from eggypro_cli.tables import variant_page
    from eggypro_core import VariantQuery
    from eggypro_core.serializers import variant_page_body

    parameters = {**options, "status": status}
    query = parse_query(lambda values: VariantQuery.parse_for_product(slug, values), parameters)
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        query, page = follow_slug(slug, lambda slug: _page_at(slug, query, shop.variants))
    body = variant_page_body(page, query)
    print_body(body, lambda: variant_page(page, query, shop.currency), json=json)


@app.command(
    "show",
    epilog=examples("variants show egg-white 7", "variants show egg-white 8 --status all --json"),
)
def show_variant(
    context: typer.Context,
    slug: SlugArgument,
    variant_id: VariantArgument,
    *,
    status: StatusOption = "active",
    json: JsonOption = False,
) -> None:
    """Show a variant with all its fields."""
    from eggypro_core import Status

    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        variant = follow_slug(
            slug, lambda slug: shop.variants.get(slug, variant_id, Status(status))
        )
    print_variant(variant, shop.currency, json=json)


def _page_at(
    slug: str, query: VariantQuery, variants: VariantService
) -> tuple[VariantQuery, Page[Variant, VariantQuery]]:
    """Return the query with the slug replaced by the current one, and its page."""
    from attrs import evolve

    product_query = evolve(query, product=slug)
    return product_query, variants.list(product_query)
