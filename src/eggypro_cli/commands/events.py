"""`eggypro events`: the log of what was changed, by whom and when."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eggypro_cli.options import SlugArgument, with_options
from eggypro_cli.output import JsonOption, examples, json_line, print_body, print_message, write
from eggypro_cli.queries import parse_query

if TYPE_CHECKING:
    from rich.console import RenderableType

    from eggypro_cli.runtime import Runtime
    from eggypro_core.domain.event import Event
    from eggypro_core.domain.event_query import EventPage

app = typer.Typer(
    help="List and follow the changes to the catalogue.",
    epilog=examples("events list --type 'product.*' --limit 20", "events follow --json"),
)
_POLL_SECONDS = 1.0
_FOLLOW_LIMIT = "1000"


def _option(flag: str, description: str, metavar: str = "TEXT") -> object:
    return Annotated[str | None, typer.Option(flag, metavar=metavar, help=description)]


EVENT_FILTERS: Mapping[str, object] = {
    "type": _option("--type", "Only events of a type: `product.updated`, `product.*`."),
    "actor": _option("--actor", "Only events of an actor, such as `admin` or `cli:ada`."),
    "source": _option("--source", "Only events of a source: http, cli, library, import, bulk."),
    "batch": _option("--batch", "Only events of a batch.", "ID"),
    "since": _option(
        "--since", "Only events from this time on, such as 2026-12-01T08:00Z.", "TIME"
    ),
    "until": _option("--until", "Only events before this time.", "TIME"),
}
_PAGING: Mapping[str, object] = {
    "after": _option("--after", "Continue after this cursor (printed at the end).", "CURSOR"),
    "limit": _option("--limit", "Number of events: 1-1000, default 100.", "N"),
}


@app.command(
    "list",
    epilog=examples("events list", "events list --actor admin --since 2026-12-01 --json"),
)
@with_options({**EVENT_FILTERS, **_PAGING})
def list_events(
    context: typer.Context,
    *,
    product: Annotated[
        str | None, typer.Option("--product", metavar="SLUG", help="Only events of a product.")
    ] = None,
    order: Annotated[
        Literal["asc", "desc"], typer.Option("--order", help="Oldest or newest first.")
    ] = "desc",
    options: dict[str, object],
    json: JsonOption = False,
) -> None:
    """List events, by default newest first."""
    _print_events(context, {**options, "product": product, "order": order}, json=json)


@app.command("follow", epilog=examples("events follow", "events follow --after 4711 --json"))
@with_options(EVENT_FILTERS)
def follow_events(
    context: typer.Context,
    *,
    options: dict[str, object],
    after: Annotated[
        str,
        typer.Option(
            "--after", metavar="CURSOR", help="Start after this cursor. Default: only new events."
        ),
    ] = "latest",
    until_end: Annotated[
        bool, typer.Option("--until-end", help="Stop at the end of the log; do not wait for more.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Print each event once, as it happens, until interrupted.

    With --json, each event is a line. The cursor to continue from is printed to stderr at the end.
    """
    from eggypro_core.domain.event_query import EventQuery, LogPosition
    from eggypro_core.serializers import event_body

    parameters = {**options, "after": after, "limit": _FOLLOW_LIMIT}
    query = parse_query(EventQuery.parse, parameters)
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        try:
            while True:
                page = shop.events.list(query)
                for event in page.items:
                    body = json_line(event_body(event)) if json else _line(event)
                    write(body, sys.stdout)
                if page.next_position is not None:
                    query = query.from_position(page.next_position)
                if not page.items:
                    if until_end:
                        break
                    time.sleep(_POLL_SECONDS)
        finally:
            if isinstance(query.after, LogPosition):
                print_message(f"Continue with --after {query.after.cursor}")


@with_options(_PAGING)
def print_history(
    context: typer.Context,
    slug: SlugArgument,
    *,
    options: dict[str, object],
    json: JsonOption = False,
) -> None:
    """Show who changed a product, newest first. Includes its variants and reviews."""
    _print_events(context, {**options, "product": slug, "order": "desc"}, json=json)


HISTORY_EXAMPLES = examples("products history egg-white-protein", "products history bar --json")


def _print_events(context: typer.Context, parameters: Mapping[str, object], *, json: bool) -> None:
    from eggypro_core.domain.event_query import EventQuery
    from eggypro_core.serializers import event_page_body

    query = parse_query(EventQuery.parse, parameters)
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        page = shop.events.list(query)
    print_body(event_page_body(page), lambda: _rendered(page, query.limit), json=json)


def _rendered(page: EventPage, limit: int) -> Iterator[RenderableType]:
    from eggypro_cli.event_tables import event_table

    if not page.items:
        yield "No events."
        return
    yield event_table(page.items)
    if page.next_position is not None and len(page.items) == limit:
        yield f"More events: --after {page.next_position.cursor}"


def _line(event: Event) -> str:
    from eggypro_cli.event_tables import change_lines

    origin, subject = event.origin, event.subject
    parts = (f"{event.at:%H:%M:%S}", origin.actor, event.type.value, subject.slug or subject.name)
    return "  ".join([*parts, *change_lines(event)]) + "\n"
