"""`eggypro cache`: statistics of the response cache, and clearing it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from eggypro_cli.output import JsonOption, examples, print_body

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime
    from eggypro_core.caching.entries import CacheReport

app = typer.Typer(
    help="Show cache statistics, or clear the cache.",
    epilog=examples("cache stats"),
)


@app.command(epilog=examples("cache clear", "cache clear --json"))
def clear(context: typer.Context, *, json: JsonOption = False) -> None:
    """Clear the response cache of all servers, Redis included.

    Never needed after a write: every write invalidates the cache.
    """
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        removed = shop.caches.clear()
    sentence = f"Cleared the cache of all servers; removed {removed} shared entries."
    print_body({"removed": removed}, lambda: [sentence], json=json)


@app.command(epilog=examples("cache stats", "cache stats --json"))
def stats(context: typer.Context, *, json: JsonOption = False) -> None:
    """Show cache statistics of the servers on this host.

    Counters start with the server and are updated about once a second.
    """
    from eggypro_cli.tables import pair_table
    from eggypro_core.serializers import cache_report_body

    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        report = shop.caches.report()
    print_body(cache_report_body(report), lambda: [pair_table(_lines(report))], json=json)


def _lines(report: CacheReport) -> Iterator[tuple[str, str]]:
    for number, worker in enumerate(report.workers, 1):
        counts = f"{worker.hits} hits, {worker.misses} misses, {worker.stale} stale"
        yield f"worker {number}", f"{counts}; {_size(worker.kept, worker.bytes)}"
    if not report.workers:
        yield "workers", "none running on this host"
    if report.shared is not None:
        yield "shared", _size(report.shared.kept, report.shared.bytes)


def _size(entries: int, size: int) -> str:
    return f"{entries} entries, {size / 1_000_000:.1f} MB"
