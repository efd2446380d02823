"""`eggypro images`: upload product images and delete orphaned ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.exit_codes import UNAVAILABLE_EXIT_CODE
from eggypro_cli.options import SlugArgument, VersionOption
from eggypro_cli.output import JsonOption, can_show_progress, examples, print_body, print_message

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

app = typer.Typer(
    help="Upload product images, and delete orphaned ones.",
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
        typer.Argument(metavar="FILES...", help="1-10 JPEG, PNG or WebP files, or - for stdin."),
    ],
    *,
    alt: Annotated[
        list[str] | None,
        typer.Option(
            "--alt", metavar="TEXT", help="Alt text; repeat it for each file, in their order."
        ),
    ] = None,
    version: VersionOption = None,
    json: JsonOption = False,
) -> None:
    """Append images to a product in this order: all of them or none."""
    from eggypro_cli.tables import image_table
    from eggypro_core.serializers import ProductSerializer

    runtime: Runtime = context.obj
    with runtime.open_shop() as shop, _spinner(f"Uploading to {slug}", json=json):
        product = shop.images.upload(slug, files, alts=alt or (), version=version)
        items = ProductSerializer.of(shop).image_sets(product)[-len(files) :]
    print_body({"items": items}, lambda: [image_table(product, len(files))], json=json)


@app.command(epilog=examples("images prune", "images prune --json"))
def prune(context: typer.Context, *, json: JsonOption = False) -> None:
    """Delete stored images that belong to no product.

    They come from failed or unfinished uploads. Exits with 3 if the store fails to delete an
    image; the next run retries it.
    """
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        outcomes = list(_with_progress(shop.images.prune(), json=json))
    removed, kept = outcomes.count(True), outcomes.count(False)
    print_body({"removed": removed, "kept": kept}, lambda: [f"{removed} removed"], json=json)
    if kept:
        if not json:
            print_message(f"{kept} images could not be deleted. Try again later.")
        raise typer.Exit(UNAVAILABLE_EXIT_CODE)


def _spinner(message: str, *, json: bool) -> AbstractContextManager[object]:
    """Show a spinner on a terminal."""
    if not can_show_progress(json=json):
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(message)


def _with_progress(outcomes: Iterator[bool], *, json: bool) -> Iterator[bool]:
    """Yield the outcomes while showing their number on a terminal."""
    if not can_show_progress(json=json):
        yield from outcomes
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("Deleting"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield from progress.track(outcomes)
