"""`eggypro products bulk-update`: one change to many products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eggypro_cli.options import (
    PRODUCT_FILTERS,
    PRODUCT_SEARCH,
    StatusWord,
    YesOption,
    integer,
    with_options,
)
from eggypro_cli.output import JsonOption, confirm, examples, print_body

if TYPE_CHECKING:
    from rich.console import RenderableType

    from eggypro_cli.runtime import Runtime
    from eggypro_core.domain.bulk_update import BulkReport

EXAMPLES = examples(
    "products bulk-update --category bars --price-percent -20 --dry-run",
    "products bulk-update --product egg-white --set brand=Hen --yes",
)
_MAX_SHOWN = 20


def _repeatable(flag: str, description: str, metavar: str = "SLUG") -> Any:
    return Annotated[
        list[str] | None, typer.Option(flag, metavar=metavar, help=f"{description}; repeatable.")
    ]


def _flag(name: str, description: str) -> Any:
    return Annotated[bool | None, typer.Option(name, help=description)]


_FILTERS: Mapping[str, object] = {
    **PRODUCT_SEARCH,
    **PRODUCT_FILTERS,
    "status": Annotated[
        StatusWord | None,
        typer.Option("--status", help="Filter by status; default: what the public sees."),
    ],
    "all": _flag("--all", "Select all products, archived ones too."),
}
_CHANGES: Mapping[str, object] = {
    "product": _repeatable("--product", "Only this product, by its slug"),
    "set": _repeatable("--set", "Set a field, such as brand=Hen", "FIELD=VALUE"),
    "add_category": _repeatable("--add-category", "Add the products to a category"),
    "remove_category": _repeatable("--remove-category", "Remove them from a category"),
    "add_tag": _repeatable("--add-tag", "Add a tag", "TAG"),
    "remove_tag": _repeatable("--remove-tag", "Remove a tag", "TAG"),
    "price_percent": Annotated[
        str | None,
        typer.Option("--price-percent", metavar="PERCENT", help="Change prices: -99 to 900."),
    ],
    "round_to": Annotated[
        str | None,
        typer.Option("--round-to", metavar="AMOUNT", help="Round prices to 0.05, 0.10 or 1.00."),
    ],
    "ending": Annotated[
        str | None,
        typer.Option(
            "--ending", metavar="AMOUNT", help="Round to the nearest price with this ending: 0.99."
        ),
    ],
    "keep_as_compare_at": _flag(
        "--keep-as-compare-at", "Keep the former price as compare-at price."
    ),
    "archive": _flag("--archive", "Archive the products."),
    "stock_delta": Annotated[
        int | None,
        typer.Option("--stock-delta", metavar="N", parser=integer, help="Add to the stock."),
    ],
    "expected": Annotated[
        int | None,
        typer.Option(
            "--expected", metavar="N", parser=integer, help="Fail unless N products match."
        ),
    ],
}


@with_options({**_FILTERS, **_CHANGES})
def bulk_update(
    context: typer.Context,
    *,
    options: dict[str, Any],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; change nothing.")
    ] = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Change many products at once: all or nothing.

    `eggypro undo` takes it back.
    """
    from eggypro_core.serializers import bulk_report_body

    values = _values(options)
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        if not dry_run:
            matched = shop.bulk_updates.run({**values, "dry_run": True}).matched
            confirm(f"Change {matched:,} matching products?", yes=yes, json=json)
            values.setdefault("expected", matched)
        report = shop.bulk_updates.run({**values, "dry_run": dry_run})
    print_body(bulk_report_body(report), lambda: _lines(report), json=json)


def _values(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON fields of the update that the options describe."""
    filters = {name: options[name] for name in _FILTERS if options[name] is not None}
    price = {
        name: options[option]
        for name, option in (
            ("percent", "price_percent"),
            ("round_to", "round_to"),
            ("ending", "ending"),
            ("keep_as_compare_at", "keep_as_compare_at"),
        )
        if options[option] is not None
    }
    values = {
        "products": options["product"],
        "filter": filters or (None if options["product"] else {}),
        "price": price or None,
        "set": dict(map(_assignment, options["set"] or ())) or None,
        "stock": None if options["stock_delta"] is None else {"delta": options["stock_delta"]},
        "add_categories": options["add_category"],
        "remove_categories": options["remove_category"],
        "add_tags": options["add_tag"],
        "remove_tags": options["remove_tag"],
        "archive": options["archive"],
        "expected": options["expected"],
    }
    return {name: value for name, value in values.items() if value not in (None, [])}


def _assignment(text: str) -> tuple[str, object]:
    """Return a field and its value: text, or true, false or null."""
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"'{text}' must be FIELD=VALUE", param_hint="--set")
    words: Mapping[str, object] = {"true": True, "false": False, "null": None, "": None}
    return name, words.get(value, value)


def _lines(report: BulkReport) -> Iterator[RenderableType]:
    from eggypro_cli.event_tables import change_text

    verb = "Would change" if report.dry_run else "Changed"
    yield f"{verb} {report.changed:,} of {report.matched:,} products."
    for slug, changes in report.changes[:_MAX_SHOWN]:
        for name, change in changes.items():
            yield f"  {slug} {change_text(name, change)}"
    if len(report.changes) > _MAX_SHOWN:
        yield f"  … and {report.changed - _MAX_SHOWN:,} more products"
    for warning in report.warnings[:_MAX_SHOWN]:
        yield f"Warning: {warning}"
    if report.batch is not None:
        yield f"To take this back: eggypro undo {report.batch}"
