"""`eggypro categories`: the category tree and the products in it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.commands import product_options
from eggypro_cli.options import PAGING, SlugArgument, StatusOption, YesOption, with_options
from eggypro_cli.output import JsonOption, UsageError, confirm, examples, print_body, write
from eggypro_cli.queries import parse_query

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime
    from eggypro_core import Category

app = typer.Typer(
    help="List, show and edit categories, and assign products to them.",
    epilog=examples("categories list --parent none", "categories link egg-bar bars"),
)
CategoryArgument = Annotated[
    str,
    typer.Argument(
        metavar="CATEGORY",
        help="Category slug.",
        callback=lambda slug: slug.encode(errors="replace").decode(),
    ),
]
ParentOption = Annotated[
    str | None, typer.Option("--parent", metavar="SLUG", help="Parent category.")
]
CATEGORY_PAGING = PAGING | {
    "limit": Annotated[
        str | None, typer.Option("--limit", metavar="N", help="Page size: 1-1000, default 20.")
    ],
}


@app.command(
    "list",
    epilog=examples(
        "categories list",
        "categories list --parent none --json",
        "categories list --parent food --status all --limit 1000",
    ),
)
@with_options(CATEGORY_PAGING)
def list_categories(
    context: typer.Context,
    *,
    parent: Annotated[
        str | None,
        typer.Option(
            "--parent", metavar="SLUG|none", help="List its subcategories; none: the roots."
        ),
    ] = None,
    options: dict[str, object],
    status: StatusOption = "active",
    json: JsonOption = False,
) -> None:
    """List categories by name, with path and product count."""
    from eggypro_cli.tables import category_page
    from eggypro_core import CategoryQuery
    from eggypro_core.serializers import category_page_body

    query = parse_query(CategoryQuery.parse, {**options, "parent": parent, "status": status})
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        page = shop.categories.list(query)
    print_body(category_page_body(page, query), lambda: category_page(page, query), json=json)


@app.command("show", epilog=examples("categories show bars", "categories show bars --json"))
def show_category(
    context: typer.Context,
    slug: CategoryArgument,
    *,
    status: StatusOption = "active",
    json: JsonOption = False,
) -> None:
    """Show a category with all its fields."""
    from eggypro_core import Status

    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        category = shop.categories.get(slug, Status(status))
    _show(category, json=json)


@app.command(
    "create",
    epilog=examples(
        "categories create Food",
        "categories create 'Protein bars' --slug bars --parent food",
    ),
)
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name.")],
    *,
    slug: product_options.SlugOption = None,
    description: product_options.DescriptionOption = None,
    parent: ParentOption = None,
    json: JsonOption = False,
) -> None:
    """Create a category, at the root unless --parent is given."""
    options = product_options.non_empty_options(
        {"slug": slug, "description": description, "parent": parent}
    )
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        category = shop.categories.create({"name": name, **options})
    _show(category, json=json)


@app.command(
    "update",
    epilog=examples(
        "categories update bars --name 'Protein bars' --parent snacks",
        "categories update bars --root --slug protein-bars",
    ),
)
def update(  # noqa: PLR0913  (one option per field)
    context: typer.Context,
    slug: CategoryArgument,
    *,
    name: product_options.NameOption = None,
    new_slug: Annotated[
        str | None, typer.Option("--slug", metavar="SLUG", help="New slug.")
    ] = None,
    description: product_options.DescriptionOption = None,
    parent: ParentOption = None,
    root: Annotated[bool, typer.Option("--root", help="Move it to the root.")] = False,
    json: JsonOption = False,
) -> None:
    """Update the given fields of a category.

    A new parent moves the category with all its subcategories.
    """
    values = product_options.non_empty_options(
        {"name": name, "slug": new_slug, "description": description, "parent": parent}
    )
    if root and parent is not None:
        raise UsageError("--root cannot be combined with --parent")
    if root:
        values["parent"] = None
    if not values:
        raise UsageError("Nothing to update: pass an option")
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        category = shop.categories.update(slug, values)
    _show(category, json=json)


@app.command("archive", epilog=examples("categories archive bars"))
def archive(context: typer.Context, slug: CategoryArgument, *, json: JsonOption = False) -> None:
    """Hide a category and its subcategories. `restore` undoes this."""
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        category = shop.categories.archive(slug)
    _show(category, json=json)


@app.command("restore", epilog=examples("categories restore bars"))
def restore(context: typer.Context, slug: CategoryArgument, *, json: JsonOption = False) -> None:
    """Restore an archived category."""
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        category = shop.categories.restore(slug)
    _show(category, json=json)


@app.command("delete", epilog=examples("categories delete bars", "categories delete bars --yes"))
def delete(
    context: typer.Context,
    slug: CategoryArgument,
    *,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Delete a category permanently.

    Its products are kept; its subcategories move to its parent. With --json, nothing is printed.
    """
    confirm(f"Permanently delete category '{slug}'?", yes=yes, json=json)
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        shop.categories.delete(slug)
    if not json:
        write(f"Deleted category '{slug}'.\n", sys.stdout)


@app.command("link", epilog=examples("categories link egg-bar bars"))
def link(
    context: typer.Context,
    slug: SlugArgument,
    category: CategoryArgument,
    *,
    json: JsonOption = False,
) -> None:
    """Add a product to a category. With --json, nothing is printed."""
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        shop.categories.link(slug, category)
    if not json:
        write(f"Added '{slug}' to '{category}'.\n", sys.stdout)


@app.command("unlink", epilog=examples("categories unlink egg-bar bars"))
def unlink(
    context: typer.Context,
    slug: SlugArgument,
    category: CategoryArgument,
    *,
    json: JsonOption = False,
) -> None:
    """Remove a product from a category. With --json, nothing is printed."""
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        shop.categories.unlink(slug, category)
    if not json:
        write(f"Removed '{slug}' from '{category}'.\n", sys.stdout)


def _show(category: Category, *, json: bool) -> None:
    from eggypro_cli.tables import category_card
    from eggypro_core.serializers import category_body

    print_body(category_body(category), lambda: [category_card(category)], json=json)
