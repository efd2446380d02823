"""`eggypro products`: listing, searching and showing products, and the commands that write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eggypro_cli.commands import product_editing, product_export, product_import
from eggypro_cli.options import CursorOption, LimitOption, OffsetOption, SlugArgument, StatusOption
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
app.command(epilog=product_editing.CREATE_EXAMPLES)(product_editing.create)
app.command(epilog=product_editing.UPDATE_EXAMPLES)(product_editing.update)
app.command(epilog=product_editing.ARCHIVE_EXAMPLES)(product_editing.archive)
app.command(epilog=product_editing.RESTORE_EXAMPLES)(product_editing.restore)
app.command(epilog=product_editing.DELETE_EXAMPLES)(product_editing.delete)

SortWord = Literal["name", "name-desc", "price-asc", "price-desc", "newest", "rating", "relevance"]
CategoryOption = Annotated[
    str | None, typer.Option("--category", metavar="SLUG", help="Only those in a category.")
]
StockOption = Annotated[
    bool | None,
    typer.Option("--in-stock/--sold-out", help="Only those that can be bought, or cannot."),
]
LowestOption = Annotated[
    str | None, typer.Option("--min-price", metavar="AMOUNT", help="The lowest price.")
]
HighestOption = Annotated[
    str | None, typer.Option("--max-price", metavar="AMOUNT", help="The highest price.")
]
SortOption = Annotated[
    SortWord | None,
    typer.Option("--sort", help="The order; without it name, or relevance in a search."),
]


FacetsOption = Annotated[
    bool, typer.Option("--facets", help="Say what all of them come to: categories, prices, stock.")
]


@app.command(
    "list",
    epilog=examples(
        "products list --sort price-asc --in-stock",
        "products list --category bars --max-price 30 --json",
        "products list --status archived",
    ),
)
def list_products(  # noqa: PLR0913  (one for each parameter of a list)
    context: typer.Context,
    *,
    search: Annotated[
        str | None, typer.Option("--search", metavar="WORDS", help="Only those with the words.")
    ] = None,
    category: CategoryOption = None,
    in_stock: StockOption = None,
    min_price: LowestOption = None,
    max_price: HighestOption = None,
    sort: SortOption = None,
    limit: LimitOption = None,
    offset: OffsetOption = None,
    cursor: CursorOption = None,
    status: StatusOption = "active",
    facets: FacetsOption = False,
    json: JsonOption = False,
) -> None:
    """List products, a page at a time."""
    wishes = {
        "search": search,
        "category": category,
        "in_stock": in_stock,
        "min_price": min_price,
        "max_price": max_price,
        "sort": sort,
        "limit": limit,
        "offset": offset,
        "cursor": cursor,
        "status": status,
        "facets": facets or None,
    }
    _show_page(context, wishes, json=json)


@app.command(
    "search",
    epilog=examples(
        "products search 'egg white'",
        "products search vanila --explain",
        "products search vanilla --in-stock --facets --json",
    ),
)
def search_products(  # noqa: PLR0913  (one for each parameter of a list)
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words; the last may be begun.")],
    *,
    category: CategoryOption = None,
    in_stock: StockOption = None,
    min_price: LowestOption = None,
    max_price: HighestOption = None,
    sort: SortOption = None,
    limit: LimitOption = None,
    offset: OffsetOption = None,
    cursor: CursorOption = None,
    status: StatusOption = "active",
    facets: FacetsOption = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why each product stands where it does.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Search products, the best first.

    In names, ingredients, descriptions, categories and SKUs.
    """
    wishes = {
        "search": query,
        "category": category,
        "in_stock": in_stock,
        "min_price": min_price,
        "max_price": max_price,
        "sort": sort,
        "limit": limit,
        "offset": offset,
        "cursor": cursor,
        "status": status,
        "facets": facets or None,
        "explain": explain or None,
    }
    _show_page(context, wishes, json=json)


@app.command(
    "show",
    epilog=examples(
        "products show egg-white-protein", "products show an-old-one --status all --json"
    ),
)
def show_product(
    context: typer.Context,
    slug: SlugArgument,
    *,
    status: StatusOption = "active",
    json: JsonOption = False,
) -> None:
    """Show all of one product. A former slug leads to it too."""
    from eggypro_core import Status

    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        product = follow_slug(slug, lambda slug: shop.products.get(slug, Status(status)))
    print_product(shop, product, json=json)


def _show_page(context: typer.Context, wishes: Mapping[str, object], *, json: bool) -> None:
    from eggypro_cli.tables import product_page
    from eggypro_core import ProductQuery
    from eggypro_core.serializers import product_page_body

    query = parse_query(ProductQuery.parse, wishes)
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        listing = shop.products.get_listing(query)
    body = product_page_body(listing, query, shop.currency, shop.images.url)
    print_body(body, lambda: product_page(listing, query, shop.currency), json=json)
