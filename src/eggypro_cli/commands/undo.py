"""`eggypro undo`: take back an import or a bulk update."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.exit_codes import REJECTED_EXIT_CODE
from eggypro_cli.options import YesOption, integer
from eggypro_cli.output import JsonOption, confirm, examples, print_body

if TYPE_CHECKING:
    from rich.console import RenderableType

    from eggypro_cli.runtime import Runtime
    from eggypro_core.domain.undo import UndoReport

EXAMPLES = examples("undo 4711 --dry-run", "undo 4711 --yes --json")
_MAX_SHOWN = 20


def undo(
    context: typer.Context,
    batch: Annotated[
        int,
        typer.Argument(metavar="BATCH", parser=integer, help="Batch id (see `events list`)."),
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be kept; change nothing.")
    ] = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Undo an import or a bulk update.

    What was changed since is kept and listed; then the exit code is 1. An undo can be undone.
    """
    from eggypro_core.serializers import undo_report_body

    runtime: Runtime = context.obj
    if not dry_run:
        confirm(f"Undo batch {batch}?", yes=yes, json=json)
    with runtime.open_shop() as shop:
        report = shop.events.undo(batch, dry_run=dry_run)
    print_body(undo_report_body(report), lambda: _lines(report), json=json)
    if report.kept:
        raise typer.Exit(REJECTED_EXIT_CODE)


def _lines(report: UndoReport) -> Iterator[RenderableType]:
    verb = "Would change back" if report.dry_run else "Changed back"
    yield f"{verb}: {report.reverted:,}. Kept: {len(report.kept):,}."
    for change in report.kept[:_MAX_SHOWN]:
        name = f" {change.field}" if change.field else ""
        yield f"  {change.slug}{name}: {change.message}"
    if len(report.kept) > _MAX_SHOWN:
        yield f"  … and {len(report.kept) - _MAX_SHOWN:,} more (--json lists all)"
    if report.batch is not None:
        yield f"To take this back: eggypro undo {report.batch}"
