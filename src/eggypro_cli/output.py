"""Output of commands: results on stdout (JSON or tables), messages and questions on stderr."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

    from eggypro_core import Product, Shop, Variant
    from eggypro_core.errors import StorageFullError
    from eggypro_core.serializers import Json

_TRAILING = re.compile(" +$", re.MULTILINE)
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON; errors become problem JSON on stderr.")
]


class UsageError(typer.BadParameter):
    """Arguments that are each valid but contradict one another, or are incomplete."""

    def format_message(self) -> str:
        """Return the message without a parameter name: no single argument is wrong."""
        return self.message


class ShellError(typer.TyperException):
    """Error of the shell alone: a question without a yes, a stream that cannot be written."""


def examples(*lines: str) -> str:
    """Return the examples section of a help text.

    A line that starts with a space continues the one above it.
    """
    commands = (line if line.startswith(" ") else f"eggypro {line}" for line in lines)
    return "\n".join(["\b", "Examples:", *(f"  {command}" for command in commands)])


def print_body(body: Json, render: Callable[[], Iterable[RenderableType]], *, json: bool) -> None:
    """Write a result to stdout: `body` as JSON, or the output of `render` for people."""
    if json:
        write(json_line(body), sys.stdout)
    else:
        write(_render(render(), sys.stdout), sys.stdout)


def print_product(shop: Shop, product: Product, *, json: bool) -> None:
    """Write a product with all its fields to stdout."""
    from eggypro_cli.tables import product_card
    from eggypro_core.serializers import ProductSerializer

    body = ProductSerializer.of(shop).product(product)
    print_body(body, lambda: [product_card(product, shop.currency)], json=json)


def print_variant(variant: Variant, currency: str, *, json: bool) -> None:
    """Write a variant with all its fields to stdout."""
    from eggypro_cli.tables import variant_card
    from eggypro_core.serializers import variant_body

    print_body(variant_body(variant), lambda: [variant_card(variant, currency)], json=json)


def print_message(*sentences: RenderableType) -> None:
    """Write messages for people to stderr."""
    write(_render(sentences, sys.stderr), sys.stderr)


def print_warnings(warnings: Iterable[str]) -> None:
    """Write warnings, which are sentences without a full stop, to stderr."""
    print_message(*(f"{warning}." for warning in warnings))


def can_show_progress(*, json: bool) -> bool:
    """Return whether stderr is a terminal that can show a progress bar, for a person."""
    return not json and sys.stderr.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}


def confirm(question: str, *, yes: bool, json: bool) -> None:
    """Raise ShellError unless `yes` is set or the user confirms the question on stderr.

    With `json`, stderr is reserved for problem JSON: the question is shown at a terminal only.
    """
    if not yes and not _ask(question, shown=not json or sys.stdin.isatty()):
        raise ShellError("Nothing was changed. Confirm with y, or pass --yes")


def json_line(body: Json) -> bytes:
    """Encode a body as the HTTP API does, and add a line break."""
    import orjson

    return orjson.dumps(body) + b"\n"


def write(content: str | bytes, stream: TextIO) -> None:
    """Write and flush. A closed pipe (`| head`) is not an error.

    Raises ShellError or StorageFullError if stdout cannot be written. Errors of stderr are ignored:
    there is nowhere left to report them.
    """
    encoding = stream.encoding or "utf-8"
    raw = content if isinstance(content, bytes) else content.encode(encoding, "backslashreplace")
    try:
        stream.flush()
        stream.buffer.write(raw)
        stream.flush()
    except OSError as error:
        redirect_to_null(stream)
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            raise output_error(error) from None


def output_error(error: OSError) -> ShellError | StorageFullError:
    """Return the error for a failed read or write."""
    from eggypro_core.errors import StorageFullError, is_storage_full

    kind = StorageFullError if is_storage_full(error) else ShellError
    return kind(f"Reading or writing failed: {error.strerror or error}")


def redirect_to_null(stream: TextIO) -> None:
    """Redirect the rest of the buffer and all further output of a stream to /dev/null."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)


def _ask(question: str, *, shown: bool) -> bool:
    """Return whether stdin says yes. End of input and undecodable bytes count as no."""
    reply = ""
    try:
        if shown:
            write(f"{question} [y/N] ", sys.stderr)
        reply = sys.stdin.readline()
    except UnicodeDecodeError:
        return False
    finally:  # after Ctrl-C, Ctrl-D and pipes the cursor is still on the line of the question
        if shown and not (sys.stdin.isatty() and reply.endswith("\n")):
            write("\n", sys.stderr)
    return reply.strip().lower() in {"y", "yes"}


_UNLIMITED_WIDTH = 10_000


def _render(renderables: Iterable[RenderableType], stream: TextIO) -> str:
    """Render for a stream: in its width, with colours if it supports them.

    The terminal wraps plain sentences, so that names in them can be copied. Lines are not wrapped
    for pipes and files, unless COLUMNS is set.
    """
    from rich.console import Console

    is_plain = Console(file=stream).no_color  # NO_COLOR: bold needs control codes as well
    is_unlimited = not stream.isatty() and "COLUMNS" not in os.environ
    console = Console(
        file=stream,
        width=_UNLIMITED_WIDTH if is_unlimited else None,
        color_system=None if is_plain else "auto",
        markup=False,
        highlight=False,
        emoji=False,
    )
    with console.capture() as captured:
        for renderable in renderables:
            console.print(renderable, soft_wrap=isinstance(renderable, str))
    return _TRAILING.sub("", captured.get())
