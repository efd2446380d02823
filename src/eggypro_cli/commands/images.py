"""`eggypro images`: uploading those of a product, and tidying the store up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.options import SlugArgument, VersionOption
from eggypro_cli.output import JsonOption, examples, print_body, print_message, shows_progress

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

UNAVAILABLE_EXIT_CODE = 3
app = typer.Typer(
    help="Upload images of products, and tidy up the store of images.",
    epilog=examples("images upload egg-white front.jpg back.png", "images prune"),
)


@app.command(
    epilog=examples(
        "images upload egg-white front.jpg back.png",
        "images upload egg-white tin.webp --alt 'A tin of egg white'",
        "images upload egg-white - --json < front.jpg",
    )
)
def upload(
    context: typer.Context,
    slug: SlugArgument,
    files: Annotated[
        list[typer.FileBinaryRead],
        typer.Argument(metavar="FILES...", help="1-10 JPEG, PNG or WebP, or - for stdin."),
    ],
    *,
    alt: Annotated[
        list[str] | None,
        typer.Option("--alt", metavar="TEXT", help="What the image shows; one for each file."),
    ] = None,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Append images to a product, in this order: all of them or none."""
    from eggypro_cli.tables import image_table
    from eggypro_core.serializers import image_set_bodies

    outside: Runtime = context.obj
    with outside.open_shop() as shop, _busy(f"Uploading to {slug}", json=json):
        product = shop.images.upload(slug, files, alts=alt or (), version=version)
        new = image_set_bodies(product, shop.images.url)[-len(files) :]
    print_body({"items": new}, lambda: [image_table(product, len(files))], json=json)


@app.command(epilog=examples("images prune", "images prune --json"))
def prune(context: typer.Context, *, json: JsonOption = False) -> None:
    """Delete stored images that no product has.

    They are of uploads that failed or were never finished. Exits with 3 if the store would not
    delete some: those are kept for the next time.
    """
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        done = list(_counted(shop.images.prune(), json=json))
    removed, kept = done.count(True), done.count(False)
    print_body({"removed": removed, "kept": kept}, lambda: [f"{removed} removed"], json=json)
    if kept:
        if not json:
            print_message(f"{kept} could not be deleted now: try again later.")
        raise typer.Exit(UNAVAILABLE_EXIT_CODE)


def _busy(words: str, *, json: bool) -> AbstractContextManager[object]:
    """Show on a terminal that something is being done."""
    if not shows_progress(json=json):
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(words)


def _counted(deleted: Iterator[bool], *, json: bool) -> Iterator[bool]:
    """Show on a terminal how many were deleted."""
    if not shows_progress(json=json):
        yield from deleted
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("Deleting"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield from progress.track(deleted)
