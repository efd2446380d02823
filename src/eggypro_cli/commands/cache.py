"""`eggypro cache`: what servers keep of their answers, and having them forget it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from eggypro_cli.output import JsonOption, examples, print_body

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime
    from eggypro_core.caching.entries import CacheReport

app = typer.Typer(
    help="Look at the answers that servers keep, or end them.",
    epilog=examples("cache stats"),
)


@app.command(epilog=examples("cache clear", "cache clear --json"))
def clear(context: typer.Context, *, json: JsonOption = False) -> None:
    """Have every server of the shop forget its answers.

    Those in Redis are removed. It is never needed after a change: servers hear of each.
    """
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        removed = shop.cache.clear()
    sentence = f"Every server makes its answers anew; {removed} that they shared were removed."
    print_body({"removed": removed}, lambda: [sentence], json=json)


@app.command(epilog=examples("cache stats", "cache stats --json"))
def stats(context: typer.Context, *, json: JsonOption = False) -> None:
    """Show what the servers of this host keep, and of what use.

    They count from their start, and write it down about once a second.
    """
    from eggypro_cli.tables import pair_table
    from eggypro_core.serializers import cache_report_body

    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        report = shop.cache.report()
    print_body(cache_report_body(report), lambda: [pair_table(_lines(report))], json=json)


def _lines(report: CacheReport) -> Iterator[tuple[str, str]]:
    for number, one in enumerate(report.workers, 1):
        counts = f"{one.hits} hits, {one.misses} misses, {one.stale} stale"
        yield f"worker {number}", f"{counts}; {_weight(one.kept, one.bytes)}"
    if not report.workers:
        yield "workers", "none is running here"
    if report.shared is not None:
        yield "shared", _weight(report.shared.kept, report.shared.bytes)


def _weight(kept: int, size: int) -> str:
    return f"{kept} answers kept, {size / 1_000_000:.1f} MB"
