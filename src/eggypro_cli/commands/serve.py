"""`eggypro serve`: start the HTTP API, with an embedded database if none is configured."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from eggypro_cli.commands.product_import import import_demo
from eggypro_cli.output import JsonOption, examples, print_body

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime
    from eggypro_core import Shop
    from eggypro_core.serializers import Json

EXAMPLES = examples("serve --demo", "serve --host 0.0.0.0 --port 80 --workers 4")
_LOOPBACK_BY_WILDCARD = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (printed, not bound)


def serve(  # noqa: PLR0913  (one per option)
    context: typer.Context,
    *,
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="Address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=1, max=65535, help="Port to listen on.")
    ] = 8000,
    workers: Annotated[
        int,
        typer.Option("--workers", metavar="N", min=1, max=256, help="Number of worker processes."),
    ] = 1,
    drain: Annotated[
        float,
        typer.Option(
            "--drain",
            min=0,
            max=5,
            metavar="SECONDS",
            help="Seconds to keep serving after /api/health/ready turns 503 on shutdown (0-5).",
        ),
    ] = 0.5,
    demo: Annotated[
        bool, typer.Option("--demo", help="Load the demo catalogue into an empty shop.")
    ] = False,
    show_key: Annotated[
        bool,
        typer.Option("--show-key", help="Print the development admin key, even to a log."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Serve the HTTP API until Ctrl-C or SIGTERM.

    Without POSTGRES_URL, an embedded database is started and migrated.
    """
    runtime: Runtime = context.obj
    with _sigterm_as_exit():
        from eggypro_http.server.granian import resolve_free_address
        from eggypro_http.server.granian import serve as serve_http

        resolve_free_address(host, port)  # fail before the shop is opened
        body, lines = _prepare(runtime, _address(host, port), demo=demo, show_key=show_key)
        print_body(body, lambda: lines, json=json)
        with runtime.server_factory() as open_worker:
            serve_http(open_worker, host=host, port=port, workers=workers, drain=drain)


def _prepare(
    runtime: Runtime, address: str, *, demo: bool, show_key: bool
) -> tuple[dict[str, Json], list[str]]:
    """Open the shop once to create its data; return the JSON body and the lines for people.

    A newly generated key is shown once, on a terminal only: it must not get into a log unless
    `show_key` is set.
    """
    key_file = runtime.admin_key_file()
    is_new = key_file is not None and not key_file.exists()
    with runtime.open_shop() as shop:  # closed at once: the workers open their own
        if demo and _is_empty(shop):
            import_demo(shop, runtime)
    api, health = f"{address}/api/products", f"{address}/api/health/live"
    docs = f"{address}/docs"
    lines = [f"The API    {api}", f"Try it     {docs}", f"Health     {health}"]
    if key_file is not None:
        shown = show_key or (is_new and sys.stdout.isatty())
        lines.append(_key_line(key_file, shown=shown))
    warnings = runtime.startup_warnings()
    body: dict[str, Json] = {"api": api, "docs": docs, "health": health, "notes": [*warnings]}
    return body, [*lines, *warnings, "Press Ctrl-C to stop."]


def _key_line(file: Path, *, shown: bool) -> str:
    if shown:
        return f"Admin key  {file.read_text('ascii').strip()} (stored in {file})"
    return f"Admin key  in {file}"


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    """Exit with 0 on SIGTERM until the server installs its own handler."""
    previous = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _exit(_number: int, _frame: object) -> NoReturn:
    # Not typer.Exit: it is a RuntimeError, which the `except Exception` of imports would swallow.
    sys.exit(0)


def _is_empty(shop: Shop) -> bool:
    from eggypro_core import ProductQuery, Status

    return shop.products.list(ProductQuery(status=Status.ALL, limit=1)).total == 0


def _address(host: str, port: int) -> str:
    """Return the URL of the API for a browser on this machine."""
    name = _LOOPBACK_BY_WILDCARD.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
