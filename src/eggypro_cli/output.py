"""What is written where: results on stdout, as JSON or for people, and the rest on stderr."""

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
    from eggypro_core.serializers import Json

_TRAILING = re.compile(" +$", re.MULTILINE)
JsonOption = Annotated[
    bool, typer.Option("--json", help="Write JSON for machines; errors are problem JSON too.")
]


class UsageError(typer.BadParameter):
    """Arguments that are right one by one, but not together."""

    def format_message(self) -> str:
        """Return the sentence alone: there is no one argument to name."""
        return self.message


class ShellError(typer.TyperException):
    """What only a shell refuses: a question without a yes, an output that cannot be written."""


def examples(*lines: str) -> str:
    """Return the part of a help text that shows commands as they are typed.

    A line that begins with a space goes on with the one above it.
    """
    typed = (line if line.startswith(" ") else f"eggypro {line}" for line in lines)
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in typed)])


def print_body(body: Json, people: Callable[[], Iterable[RenderableType]], *, json: bool) -> None:
    """Write a result to stdout: its body as JSON, or what `people` are to see."""
    if json:
        write(json_line(body), sys.stdout)
    else:
        write(_rendered(people(), sys.stdout), sys.stdout)


def print_product(shop: Shop, product: Product, *, json: bool) -> None:
    """Write one product to stdout, whole."""
    from eggypro_cli.tables import product_card
    from eggypro_core.serializers import product_body

    body = product_body(product, shop.currency, shop.images.url)
    print_body(body, lambda: [product_card(product, shop.currency)], json=json)


def print_variant(variant: Variant, currency: str, *, json: bool) -> None:
    """Write one variant to stdout, whole."""
    from eggypro_cli.tables import variant_card
    from eggypro_core.serializers import variant_body

    print_body(variant_body(variant), lambda: [variant_card(variant, currency)], json=json)


def print_message(*sentences: RenderableType) -> None:
    """Tell people on stderr."""
    write(_rendered(sentences, sys.stderr), sys.stderr)


def shows_progress(*, json: bool) -> bool:
    """Say whether stderr is for a person, on a terminal that can show how far something is."""
    return not json and sys.stderr.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}


def confirm(question: str, *, yes: bool, json: bool) -> None:
    """Raise ShellError unless there is a `yes`, or one on stdin to a question on stderr.

    With `json` stderr is for problem JSON: only a person at a terminal reads the question there.
    """
    if not yes and not _ask(question, shown=not json or sys.stdin.isatty()):
        raise ShellError("Nothing was changed; a yes, or --yes, is needed")


def json_line(body: Json) -> bytes:
    """Return the JSON of a body, as HTTP has it, and a line break."""
    import orjson

    return orjson.dumps(body) + b"\n"


def write(content: str | bytes, stream: TextIO) -> None:
    """Write at once. A reader that has gone (`| head`) is no error.

    Raises ShellError for a stdout that takes nothing. Of stderr, there is nobody left to tell.
    """
    encoding = stream.encoding or "utf-8"
    raw = content if isinstance(content, bytes) else content.encode(encoding, "backslashreplace")
    try:
        stream.flush()
        stream.buffer.write(raw)
        stream.flush()
    except OSError as error:
        discard(stream)
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            raise output_error(error) from None


def output_error(error: OSError) -> ShellError:
    """Return the refusal of what the system does not take or give."""
    return ShellError(f"Reading or writing failed: {error.strerror or error}")


def discard(stream: TextIO) -> None:
    """Send what is left in its buffer, and all that follows, to nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _ask(question: str, *, shown: bool) -> bool:
    """Say whether the answer on stdin is a yes. No answer is none, nor is one that is no text."""
    answer = ""
    try:
        if shown:
            write(f"{question} [y/N] ", sys.stderr)
        answer = sys.stdin.readline()
    except UnicodeDecodeError:
        return False
    finally:  # after Ctrl-C, Ctrl-D and pipes, the cursor is still behind the question
        if shown and not (sys.stdin.isatty() and answer.endswith("\n")):
            write("\n", sys.stderr)
    return answer.strip().lower() in {"y", "yes"}


_WIDE = 10_000


def _rendered(things: Iterable[RenderableType], stream: TextIO) -> str:
    """Return the text of some things as the stream can show it: its width, colours if it has any.

    Plain sentences are left for the terminal to wrap, so that what they name can be copied. A line
    for a pipe or a file is as long as it is, unless COLUMNS says otherwise.
    """
    from rich.console import Console

    is_plain = Console(file=stream).no_color  # NO_COLOR; bold letters are control codes as well
    is_wide = not stream.isatty() and "COLUMNS" not in os.environ
    console = Console(
        file=stream,
        width=_WIDE if is_wide else None,
        color_system=None if is_plain else "auto",
        markup=False,
        highlight=False,
        emoji=False,
    )
    with console.capture() as captured:
        for thing in things:
            console.print(thing, soft_wrap=isinstance(thing, str))
    return _TRAILING.sub("", captured.get())
