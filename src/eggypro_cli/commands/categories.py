"""`eggypro categories`: the tree of categories, and which products are in them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.commands import product_options
from eggypro_cli.options import CursorOption, OffsetOption, SlugArgument, StatusOption, YesOption
from eggypro_cli.output import JsonOption, UsageError, confirm, examples, print_body, write
from eggypro_cli.queries import parse_query

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime
    from eggypro_core import Category

app = typer.Typer(
    help="List, show, create, change and delete categories; fill them.",
    epilog=examples("categories list --parent none", "categories link egg-bar bars"),
)
CategoryArgument = Annotated[
    str,
    typer.Argument(
        metavar="CATEGORY",
        help="The category's slug.",
        callback=lambda slug: slug.encode(errors="replace").decode(),
    ),
]
ParentOption = Annotated[
    str | None, typer.Option("--parent", metavar="SLUG", help="The category above it.")
]


@app.command(
    "list",
    epilog=examples(
        "categories list",
        "categories list --parent none --json",
        "categories list --parent food --status all --limit 1000",
    ),
)
def list_categories(  # noqa: PLR0913  (one for each parameter of a list)
    context: typer.Context,
    *,
    parent: Annotated[
        str | None,
        typer.Option("--parent", metavar="SLUG|none", help="Only those below it, or roots."),
    ] = None,
    limit: Annotated[
        str | None, typer.Option("--limit", metavar="N", help="How many to show: 1-1000, else 20.")
    ] = None,
    offset: OffsetOption = None,
    cursor: CursorOption = None,
    status: StatusOption = "active",
    json: JsonOption = False,
) -> None:
    """List categories by name.

    Each with its path, and how many products are in it.
    """
    from eggypro_cli.tables import category_page
    from eggypro_core import CategoryQuery
    from eggypro_core.serializers import category_page_body

    wishes = {
        "parent": parent,
        "limit": limit,
        "offset": offset,
        "cursor": cursor,
        "status": status,
    }
    query = parse_query(CategoryQuery.parse, wishes)
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        page = shop.categories.list(query)
    print_body(category_page_body(page, query), lambda: category_page(page, query), json=json)


@app.command("show", epilog=examples("categories show bars", "categories show bars --json"))
def show_one(
    context: typer.Context,
    slug: CategoryArgument,
    *,
    status: StatusOption = "active",
    json: JsonOption = False,
) -> None:
    """Show all of one category."""
    from eggypro_core import Status

    outside: Runtime = context.obj
    with outside.open_shop() as shop:
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
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name.")],
    *,
    slug: product_options.SlugOption = None,
    description: product_options.DescriptionOption = None,
    parent: ParentOption = None,
    json: JsonOption = False,
) -> None:
    """Create a category: a root, unless a parent is named."""
    more = product_options.given_options(
        {"slug": slug, "description": description, "parent": parent}
    )
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        category = shop.categories.create({"name": name, **more})
    _show(category, json=json)


@app.command(
    "update",
    epilog=examples(
        "categories update bars --name 'Protein bars' --parent snacks",
        "categories update bars --root --slug protein-bars",
    ),
)
def update(  # noqa: PLR0913  (an option for each field)
    context: typer.Context,
    slug: CategoryArgument,
    *,
    name: product_options.NameOption = None,
    new_slug: Annotated[
        str | None, typer.Option("--slug", metavar="SLUG", help="A new slug.")
    ] = None,
    description: product_options.DescriptionOption = None,
    parent: ParentOption = None,
    root: Annotated[bool, typer.Option("--root", help="Let nothing be above it.")] = False,
    json: JsonOption = False,
) -> None:
    """Change what is given of a category.

    A new parent moves it with all below it.
    """
    values = product_options.given_options(
        {"name": name, "slug": new_slug, "description": description, "parent": parent}
    )
    if root and parent is not None:
        raise UsageError("--root contradicts --parent")
    if root:
        values["parent"] = None
    if not values:
        raise UsageError("Say what to change, by an option")
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        category = shop.categories.update(slug, values)
    _show(category, json=json)


@app.command("archive", epilog=examples("categories archive bars"))
def archive(context: typer.Context, slug: CategoryArgument, *, json: JsonOption = False) -> None:
    """Hide a category and all below it. Nothing is lost; `restore` brings it back."""
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        category = shop.categories.archive(slug)
    _show(category, json=json)


@app.command("restore", epilog=examples("categories restore bars"))
def restore(context: typer.Context, slug: CategoryArgument, *, json: JsonOption = False) -> None:
    """Show an archived category again."""
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
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
    """Delete a category for good. Its products stay, what is below it goes to its parent.

    With --json nothing is written when it is done: there is nothing left to show.
    """
    confirm(f"Delete the category '{slug}' for good?", yes=yes, json=json)
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        shop.categories.delete(slug)
    if not json:
        write(f"Deleted the category '{slug}'.\n", sys.stdout)


@app.command("link", epilog=examples("categories link egg-bar bars"))
def link(
    context: typer.Context,
    slug: SlugArgument,
    category: CategoryArgument,
    *,
    json: JsonOption = False,
) -> None:
    """Put a product in a category. With --json nothing is written, as over HTTP."""
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        shop.categories.link(slug, category)
    if not json:
        write(f"'{slug}' is in '{category}'.\n", sys.stdout)


@app.command("unlink", epilog=examples("categories unlink egg-bar bars"))
def unlink(
    context: typer.Context,
    slug: SlugArgument,
    category: CategoryArgument,
    *,
    json: JsonOption = False,
) -> None:
    """Take a product out of a category. With --json nothing is written, as over HTTP."""
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        shop.categories.unlink(slug, category)
    if not json:
        write(f"'{slug}' is not in '{category}'.\n", sys.stdout)


def _show(category: Category, *, json: bool) -> None:
    from eggypro_cli.tables import category_card
    from eggypro_core.serializers import category_body

    print_body(category_body(category), lambda: [category_card(category)], json=json)
