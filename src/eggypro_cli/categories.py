"""`eggypro categories`: the tree of categories, and which products are in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.console import JsonOption, confirmed, examples, show, tell
from eggypro_cli.products import CursorOption, OffsetOption, SlugArgument, StatusWord
from eggypro_cli.wishes import as_text, query_of

if TYPE_CHECKING:
    from eggypro_cli.outside import Outside
    from eggypro_core import Category, CategoryQuery, Taxonomy

app = typer.Typer(help="List, show and change the tree of categories.")

CategoryArgument = Annotated[
    str, typer.Argument(metavar="SLUG", help="The category's slug.", callback=as_text)
]
InArgument = Annotated[
    str, typer.Argument(metavar="CATEGORY", help="The category's slug.", callback=as_text)
]
StatusOption = Annotated[
    StatusWord, typer.Option("--status", help="Visible categories, hidden ones, or both.")
]
NameOption = Annotated[str | None, typer.Option("--name", metavar="NAME", help="Its new name.")]
SlugOption = Annotated[
    str | None, typer.Option("--slug", metavar="SLUG", help="Its slug in addresses.")
]
TextOption = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="What it is about.")
]
ParentOption = Annotated[
    str | None,
    typer.Option("--parent", metavar="SLUG|none", help="The category that it is below, or none."),
]


@app.command(
    "list",
    epilog=examples(
        "categories list", "categories list --parent bars --json", "categories list --status all"
    ),
)
def list_categories(  # noqa: PLR0913  (one for each parameter of a list)
    context: typer.Context,
    *,
    parent: Annotated[
        str | None,
        typer.Option("--parent", metavar="SLUG|none", help="Only those below one, or the roots."),
    ] = None,
    limit: Annotated[
        str | None, typer.Option("--limit", metavar="N", help="How many to show: 1-1000, else 20.")
    ] = None,
    offset: OffsetOption = None,
    cursor: CursorOption = None,
    status: StatusOption = "active",
    json: JsonOption = False,
) -> None:
    """Show the whole tree, or a page of a list: with a parent, a place, or --json."""
    from eggypro_cli.category_tables import category_page, category_tree
    from eggypro_core import CategoryQuery
    from eggypro_core.representation import category_page_body

    place = {"parent": parent, "limit": limit, "offset": offset, "cursor": cursor}
    query = query_of(CategoryQuery.read, {**place, "status": status})
    outside: Outside = context.obj
    with outside.open() as eggypro:
        if not json and not any(place.values()):
            tree = list(_every(eggypro.taxonomy, query))
            show(None, lambda: category_tree(tree), json=False)
            return
        page = eggypro.taxonomy.page(query)
    show(category_page_body(page, query), lambda: category_page(page, query), json=json)


@app.command(
    "show", epilog=examples("categories show bars", "categories show old --status all --json")
)
def show_category(
    context: typer.Context,
    slug: CategoryArgument,
    *,
    status: StatusOption = "active",
    json: JsonOption = False,
) -> None:
    """Show one category."""
    from eggypro_core import Status

    _show(context, lambda taxonomy: taxonomy.find(slug, Status(status)), json=json)


@app.command(
    epilog=examples("categories create Bars", "categories create 'Protein bars' --parent bars")
)
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name.")],
    *,
    slug: SlugOption = None,
    description: TextOption = None,
    parent: ParentOption = None,
    json: JsonOption = False,
) -> None:
    """Add a category, a root if no parent is given."""
    values = _values(name=name, slug=slug, description=description, parent=parent)
    _show(context, lambda taxonomy: taxonomy.add(values), json=json)


@app.command(
    epilog=examples(
        "categories update bars --name 'Protein bars'", "categories update bars --parent none"
    )
)
def update(  # noqa: PLR0913  (one for each field)
    context: typer.Context,
    slug: CategoryArgument,
    *,
    name: NameOption = None,
    new_slug: SlugOption = None,
    description: TextOption = None,
    parent: ParentOption = None,
    json: JsonOption = False,
) -> None:
    """Change a category, or move it to another parent with all that is below it."""
    values = _values(name=name, slug=new_slug, description=description, parent=parent)
    _show(context, lambda taxonomy: taxonomy.change(slug, values), json=json)


@app.command(epilog=examples("categories archive bars"))
def archive(context: typer.Context, slug: CategoryArgument, *, json: JsonOption = False) -> None:
    """Hide a category, and all that is below it. Nothing is lost."""
    _show(context, lambda taxonomy: taxonomy.archive(slug), json=json)


@app.command(epilog=examples("categories restore bars"))
def restore(context: typer.Context, slug: CategoryArgument, *, json: JsonOption = False) -> None:
    """Show an archived category again."""
    _show(context, lambda taxonomy: taxonomy.restore(slug), json=json)


@app.command(epilog=examples("categories delete bars", "categories delete bars --yes"))
def delete(
    context: typer.Context,
    slug: CategoryArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without being asked.")] = False,
    json: JsonOption = False,
) -> None:
    """Delete a category for good. Its products stay; what is below it goes to its parent."""
    if not yes and not confirmed(f"Delete the category '{slug}' for good?"):
        tell("Nothing was changed; a yes, or --yes, is needed.")
        raise typer.Exit(1)
    _do(context, lambda taxonomy: taxonomy.remove(slug), f"Deleted '{slug}'.", json=json)


@app.command(epilog=examples("categories link egg-white-protein powders"))
def link(
    context: typer.Context, slug: SlugArgument, category: InArgument, *, json: JsonOption = False
) -> None:
    """Put a product in a category."""
    done = f"'{slug}' is in '{category}'."
    _do(context, lambda taxonomy: taxonomy.link(slug, category), done, json=json)


@app.command(epilog=examples("categories unlink egg-white-protein powders"))
def unlink(
    context: typer.Context, slug: SlugArgument, category: InArgument, *, json: JsonOption = False
) -> None:
    """Take a product out of a category."""
    done = f"'{slug}' is not in '{category}'."
    _do(context, lambda taxonomy: taxonomy.unlink(slug, category), done, json=json)


def _every(taxonomy: Taxonomy, query: CategoryQuery) -> Iterator[Category]:
    """Give all categories of a list."""
    from attrs import evolve

    following: CategoryQuery | None = evolve(query, limit=1000)
    while following is not None:
        page = taxonomy.page(following)
        yield from page.items
        following = page.next


def _values(**given: str | None) -> dict[str, object]:
    """Return the fields that are given. The parent `none` is no parent."""
    from eggypro_core.categories import ROOTS

    values: dict[str, object] = {name: one for name, one in given.items() if one is not None}
    if values.get("parent") == ROOTS:
        values["parent"] = None
    return values


def _show(context: typer.Context, call: Callable[[Taxonomy], Category], *, json: bool) -> None:
    """Show the category that a call gives."""
    from eggypro_cli.category_tables import category_card
    from eggypro_core.representation import category_body

    outside: Outside = context.obj
    with outside.open() as eggypro:
        category = call(eggypro.taxonomy)
    show(category_body(category), lambda: [category_card(category)], json=json)


def _do(context: typer.Context, call: Callable[[Taxonomy], None], done: str, *, json: bool) -> None:
    """Make a call, and say to people that it is done: to machines there is nothing to say."""
    outside: Outside = context.obj
    with outside.open() as eggypro:
        call(eggypro.taxonomy)
    if not json:
        show(None, lambda: [done], json=False)
