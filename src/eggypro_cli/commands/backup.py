"""`eggypro db dump` and `eggypro db restore`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.options import YesOption
from eggypro_cli.output import (
    JsonOption,
    UsageError,
    can_show_progress,
    confirm,
    examples,
    print_body,
    print_message,
    print_warnings,
)
from eggypro_cli.output_file import STDOUT, open_output

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime
    from eggypro_core.operations.backups import BackupReport
    from eggypro_core.serializers import Json

DUMP_EXAMPLES = examples(
    "db dump shop.eggypro",
    "db dump - | ssh backup.example 'cat > shop.eggypro'",
)
RESTORE_EXAMPLES = examples(
    "db restore shop.eggypro",
    "db restore shop.eggypro --replace --yes",
)


def dump(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="File to write, or - for stdout.")],
    *,
    json: JsonOption = False,
) -> None:
    """Write all data of the shop to one file.

    Images are included if they are in a local folder. The dump is a consistent snapshot; readers
    and writers continue meanwhile. A file is written completely or not at all.
    """
    if file == STDOUT and sys.stdout.isatty():
        raise UsageError("A dump is not text: name a file, or redirect stdout")
    runtime: Runtime = context.obj
    with (
        runtime.open_backups() as backups,
        open_output(file, "dump") as stream,
        _progress(json=json) as progress,
    ):
        report = backups.dump(stream, progress)
    if report.warnings and (file == STDOUT or not json):
        print_warnings(report.warnings)
    if file != STDOUT:
        line = f"Wrote {_contents(report)} to {file}."
        print_body({"file": file, **_body(report)}, lambda: [line], json=json)


def restore(
    context: typer.Context,
    file: Annotated[
        typer.FileBinaryRead, typer.Argument(metavar="FILE|-", help="Dump, or - for stdin.")
    ],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the data of a shop that has products.")
    ] = False,
    with_access: Annotated[
        bool, typer.Option("--with-access", help="Keep the API keys of the dump valid.")
    ] = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Replace all data of the shop with a dump.

    This is one transaction: if anything fails, nothing is changed. Servers can stay up: they show
    the restored shop as soon as the command returns. A dump of an older revision is upgraded.
    Its API keys are revoked without --with-access: some may have been revoked after the dump.
    """
    if replace:
        confirm("Replace all data of the shop?", yes=yes, json=json)
    runtime: Runtime = context.obj
    with (
        runtime.open_backups() as backups,
        _interrupt_message(),
        _progress(json=json) as progress,
    ):
        report = backups.restore(file, progress, replace=replace, with_access=with_access)
    if report.warnings and not json:
        print_warnings(report.warnings)
    line = f"Restored {_contents(report)}, as of {report.created_at}."
    print_body(_body(report), lambda: [line], json=json)


def _contents(report: BackupReport) -> str:
    counts = ((report.products, "product"), (report.images, "image"))
    return " and ".join(
        f"{count} {noun}" if count == 1 else f"{count} {noun}s" for count, noun in counts
    )


def _body(report: BackupReport) -> dict[str, Json]:
    from eggypro_core.serializers import backup_body

    return backup_body(report)


@contextmanager
def _interrupt_message() -> Iterator[None]:
    """Print what to do after an interruption. Images are published after the transaction."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        print_message(
            "Interrupted: nothing was restored, or some images are missing. Run the command again."
        )
        raise


@contextmanager
def _progress(*, json: bool) -> Iterator[Callable[[str], None]]:
    """Yield a callback that shows the current step on a terminal."""
    if not can_show_progress(json=json):
        yield lambda _step: None
        return
    from rich.console import Console

    with Console(stderr=True).status("Starting") as status:
        yield status.update
