"""`eggypro serve`: the API, from an empty folder to a running server."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from eggypro_cli.commands.product_import import load_demo
from eggypro_cli.output import JsonOption, examples, print_body

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime
    from eggypro_core import Shop
    from eggypro_core.serializers import Json

EXAMPLES = examples("serve --demo", "serve --host 0.0.0.0 --port 80 --workers 4")
_LOOPBACK_BY_WILDCARD = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (an address to show, not to bind)


def serve(  # noqa: PLR0913  (one for each option)
    context: typer.Context,
    *,
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="The address to listen at.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=1, max=65535, help="The port.")
    ] = 8000,
    workers: Annotated[
        int,
        typer.Option("--workers", metavar="N", min=1, max=256, help="How many processes serve."),
    ] = 1,
    drain: Annotated[
        float,
        typer.Option(
            "--drain",
            min=0,
            max=5,
            metavar="SECONDS",
            help="How long to go on at the end while /api/health/ready says no already: 0-5.",
        ),
    ] = 0.5,
    demo: Annotated[
        bool, typer.Option("--demo", help="Load the demo catalogue if there are no products.")
    ] = False,
    show_key: Annotated[
        bool,
        typer.Option("--show-key", help="Show the admin key of development, wherever that goes."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Serve the HTTP API until Ctrl-C or SIGTERM.

    Without POSTGRES_URL an embedded database is started, and its schema brought up to date.
    """
    outside: Runtime = context.obj
    with _sigterm_as_exit():
        from eggypro_http.server.granian import resolve_free_address
        from eggypro_http.server.granian import serve as serve_http

        resolve_free_address(host, port)  # before anything is promised
        body, addresses = _prepare(outside, _address(host, port), demo=demo, show_key=show_key)
        print_body(body, lambda: addresses, json=json)
        with outside.server_factory() as opener:
            serve_http(opener, host=host, port=port, workers=workers, drain=drain)


def _prepare(
    outside: Runtime, address: str, *, demo: bool, show_key: bool
) -> tuple[dict[str, Json], list[str]]:
    """Bring the shop into being; return what is said of it, to machines and to people.

    A key that was just made is shown once, to a terminal: a log must not have it unless told to.
    """
    key_file = outside.admin_key_file()
    is_new = key_file is not None and not key_file.exists()
    with outside.open_shop() as shop:  # closed again: what serves are other processes
        if demo and _is_empty(shop):
            load_demo(shop, outside)
    api, health = f"{address}/api/products", f"{address}/api/health/live"
    docs = f"{address}/docs"
    people = [f"The API    {api}", f"To try it  {docs}", f"Health     {health}"]
    if key_file is not None:
        shown = show_key or (is_new and sys.stdout.isatty())
        people.append(_key_line(key_file, shown=shown))
    notes = outside.startup_warnings()
    body: dict[str, Json] = {"api": api, "docs": docs, "health": health, "notes": [*notes]}
    return body, [*people, *notes, "Ctrl-C stops it."]


def _key_line(file: Path, *, shown: bool) -> str:
    if shown:
        return f"Admin key  {file.read_text('ascii').strip()} (kept in {file})"
    return f"Admin key  in {file}"


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    """Have SIGTERM end this with 0 while the server, which takes it over, is not up yet."""
    former = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _end(_number: int, _frame: object) -> NoReturn:
    # Not typer.Exit: as a RuntimeError it would be lost in the many `except Exception` of imports.
    sys.exit(0)


def _is_empty(shop: Shop) -> bool:
    from eggypro_core import ProductQuery, Status

    return shop.products.list(ProductQuery(status=Status.ALL, limit=1)).total == 0


def _address(host: str, port: int) -> str:
    """Return the address of the API as a browser on this machine can open it."""
    name = _LOOPBACK_BY_WILDCARD.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
