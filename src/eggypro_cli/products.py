"""`eggypro products`: listing, searching and showing products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eggypro_cli.console import JsonOption, examples, show, tell
from eggypro_cli.loads import IMPORT_EXAMPLES, import_products
from eggypro_cli.wishes import as_text, query_of

if TYPE_CHECKING:
    from eggypro_cli.outside import Outside
    from eggypro_core import Catalog, Product, ProductQuery, Status

app = typer.Typer(help="List, search, show and import products.")
app.command("import", epilog=IMPORT_EXAMPLES)(import_products)

StatusWord = Literal["active", "archived", "all"]
SortWord = Literal["name", "name-desc", "price-asc", "price-desc", "newest", "rating", "relevance"]
SlugArgument = Annotated[
    str,
    typer.Argument(metavar="SLUG", help="The product's slug.", callback=as_text),
]
StatusOption = Annotated[
    StatusWord, typer.Option("--status", help="Products on sale, archived ones, or both.")
]
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
LimitOption = Annotated[
    str | None, typer.Option("--limit", metavar="N", help="How many to show: 1-100, else 20.")
]
OffsetOption = Annotated[
    str | None, typer.Option("--offset", metavar="N", help="How many to pass over: 0-10000.")
]
CursorOption = Annotated[
    str | None,
    typer.Option("--cursor", metavar="CURSOR", help="The place that a page says it goes on at."),
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
    }
    _show_page(context, wishes, json=json)


@app.command(
    "search",
    epilog=examples("products search 'egg white'", "products search vanilla --in-stock --json"),
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
    json: JsonOption = False,
) -> None:
    """Search products by name, ingredients, description and SKU: the best first."""
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
    from eggypro_cli.tables import product_card
    from eggypro_core import Status
    from eggypro_core.representation import product_body

    outside: Outside = context.obj
    with outside.open() as eggypro:
        product = _found(eggypro.catalog, slug, Status(status))
    body = product_body(product, eggypro.currency)
    show(body, lambda: [product_card(product, eggypro.currency)], json=json)


def _show_page(context: typer.Context, wishes: Mapping[str, object], *, json: bool) -> None:
    from eggypro_cli.tables import product_page
    from eggypro_core.representation import page_body

    query = _query(wishes)
    outside: Outside = context.obj
    with outside.open() as eggypro:
        page = eggypro.catalog.page(query)
    body = page_body(page, query, eggypro.currency)
    show(body, lambda: product_page(page, query, eggypro.currency), json=json)


def _query(wishes: Mapping[str, object]) -> ProductQuery:
    from eggypro_core import ProductQuery

    return query_of(ProductQuery.read, wishes)


def _found(catalog: Catalog, slug: str, status: Status) -> Product:
    """Return a product, by a former slug too."""
    from eggypro_core import MovedError

    try:
        return catalog.find(slug, status)
    except MovedError as moved:
        tell(f"'{slug}' is a former name of '{moved.slug}', shown here.")
        return catalog.find(moved.slug, status)
