"""`eggypro products`: list, search and show products, and the group of all product commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.commands import (
    bulk_update,
    events,
    product_editing,
    product_export,
    product_import,
)
from eggypro_cli.options import (
    PRODUCT_FILTERS,
    PRODUCT_PAGING,
    PRODUCT_SEARCH,
    SlugArgument,
    StatusOption,
    with_options,
)
from eggypro_cli.output import JsonOption, examples, print_body, print_product
from eggypro_cli.queries import follow_slug, parse_query

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

app = typer.Typer(
    help="List, search, show, edit, import and export products.",
    epilog=examples(
        "products list --sort price-asc --in-stock",
        "products search 'egg white'",
        "products import catalogue.csv --dry-run",
    ),
)
app.command("import", epilog=product_import.IMPORT_EXAMPLES)(product_import.import_products)
app.command("export", epilog=product_export.EXPORT_EXAMPLES)(product_export.export_products)
app.command("bulk-update", epilog=bulk_update.EXAMPLES)(bulk_update.bulk_update)
app.command("history", epilog=events.HISTORY_EXAMPLES)(events.print_history)
app.command(epilog=product_editing.CREATE_EXAMPLES)(product_editing.create)
app.command(epilog=product_editing.UPDATE_EXAMPLES)(product_editing.update)
app.command(epilog=product_editing.ARCHIVE_EXAMPLES)(product_editing.archive)
app.command(epilog=product_editing.RESTORE_EXAMPLES)(product_editing.restore)
app.command(epilog=product_editing.DELETE_EXAMPLES)(product_editing.delete)

FacetsOption = Annotated[
    bool, typer.Option("--facets", help="Show facet counts: categories, price range, stock.")
]


@app.command(
    "list",
    epilog=examples(
        "products list --sort price-asc --in-stock",
        "products list --category bars --max-price 30 --json",
        "products list --status archived",
    ),
)
@with_options(PRODUCT_SEARCH | PRODUCT_FILTERS | PRODUCT_PAGING)
def list_products(
    context: typer.Context,
    *,
    options: dict[str, object],
    status: StatusOption = "active",
    facets: FacetsOption = False,
    json: JsonOption = False,
) -> None:
    """List products, one page at a time."""
    parameters = {**options, "status": status, "facets": facets or None}
    _show_page(context, parameters, json=json)


@app.command(
    "search",
    epilog=examples(
        "products search 'egg white'",
        "products search vanila --explain",
        "products search vanilla --in-stock --facets --json",
    ),
)
@with_options(PRODUCT_FILTERS | PRODUCT_PAGING)
def search_products(  # noqa: PLR0913  (one per list parameter)
    context: typer.Context,
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="Search words; the last may be a prefix.")
    ],
    *,
    options: dict[str, object],
    status: StatusOption = "active",
    facets: FacetsOption = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Explain the ranking of each result.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Search products, best match first.

    Searches names, brands, ingredients, categories, descriptions, tags, SKUs and GTINs.
    """
    parameters = {
        **options,
        "search": query,
        "status": status,
        "facets": facets or None,
        "explain": explain or None,
    }
    _show_page(context, parameters, json=json)


@app.command(
    "show",
    epilog=examples(
        "products show egg-white-protein", "products show old-product --status all --json"
    ),
)
def show_product(
    context: typer.Context,
    slug: SlugArgument,
    *,
    status: StatusOption = "active",
    json: JsonOption = False,
) -> None:
    """Show a product with all its fields. Former slugs work too."""
    from eggypro_core import Status

    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        product = follow_slug(slug, lambda slug: shop.products.get(slug, Status(status)))
    print_product(shop, product, json=json)


def _show_page(context: typer.Context, parameters: Mapping[str, object], *, json: bool) -> None:
    from eggypro_cli.tables import product_page
    from eggypro_core import ProductQuery
    from eggypro_core.serializers import ProductSerializer

    query = parse_query(ProductQuery.parse, parameters)
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        listing = shop.products.get_listing(query)
    body = ProductSerializer.of(shop).page(listing, query)
    print_body(body, lambda: product_page(listing, query, shop.currency), json=json)
