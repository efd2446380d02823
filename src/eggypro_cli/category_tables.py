"""How categories look to people: a tree, a page of a list, one of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table

from eggypro_cli.tables import pairs
from eggypro_core.categories import Category, CategoryQuery
from eggypro_core.paging import Page

_INDENT = "  "


def category_tree(categories: Sequence[Category]) -> Iterator[RenderableType]:
    """Return categories below one another. One whose parent is not among them stands at the top."""
    there = {category.slug for category in categories}
    below: dict[str | None, list[Category]] = defaultdict(list)
    for category in categories:
        below[category.parent if category.parent in there else None].append(category)
    if categories:
        yield _table(_branches(below))
    yield f"{len(categories)} in all"


def category_page(
    page: Page[Category, CategoryQuery], query: CategoryQuery
) -> Iterator[RenderableType]:
    """Return a page of categories, and how to see the next."""
    if page.items:
        yield _table((0, category) for category in page.items)
    yield f"{len(page.items)} of {page.total}"
    if page.next is not None:
        more = f"--offset {query.offset + query.limit}"
        if query.after is not None:
            more = f"--cursor {page.next.params()['cursor']}"
        yield f"For more, add {more}"


def category_card(category: Category) -> Table:
    """Return one category, a field a line; empty ones are left out."""
    rows = [
        ("name", category.name),
        ("slug", category.slug),
        ("path", " > ".join(category.path)),
        ("description", category.description or ""),
        ("products", str(category.product_count)),
        ("state", _state(category)),
        ("created", f"{category.created_at:%Y-%m-%d %H:%M} UTC"),
    ]
    return pairs([(name, value) for name, value in rows if value])


def _branches(below: Mapping[str | None, Sequence[Category]]) -> Iterator[tuple[int, Category]]:
    """Give each category behind the one above it, with its depth."""
    rest = [(0, category) for category in reversed(below.get(None, ()))]
    while rest:
        depth, category = rest.pop()
        yield depth, category
        rest += [(depth + 1, child) for child in reversed(below.get(category.slug, ()))]


def _table(rows: Iterable[tuple[int, Category]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("slug", overflow="fold", ratio=3)
    table.add_column("name", overflow="fold", ratio=3)
    table.add_column("products", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for depth, one in rows:
        slug = f"{_INDENT * depth}{one.slug}"
        table.add_row(slug, one.name, str(one.product_count), _state(one))
    return table


def _state(category: Category) -> str:
    if not category.is_active:
        return "archived"
    return "active" if category.is_visible else "hidden"
