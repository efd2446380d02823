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

    from eggypro_core.representation import Json

_TRAILING = re.compile(" +$", re.MULTILINE)
JsonOption = Annotated[
    bool, typer.Option("--json", help="Write JSON for machines; errors are problem JSON too.")
]


def examples(*lines: str) -> str:
    """Return the part of a help text that shows commands as they are typed."""
    return "\n".join(["\b", "Examples:", *(f"  eggypro {line}" for line in lines)])


def show(body: Json, people: Callable[[], Iterable[RenderableType]], *, json: bool) -> None:
    """Write a result to stdout: its body as JSON, or what `people` are to see."""
    if json:
        write(json_line(body), sys.stdout)
    else:
        write(_rendered(people(), sys.stdout), sys.stdout)


def tell(*sentences: RenderableType) -> None:
    """Tell people on stderr."""
    write(_rendered(sentences, sys.stderr), sys.stderr)


def confirmed(question: str) -> bool:
    """Ask on stderr, and say whether the answer on stdin is a yes. No answer is none."""
    write(f"{question} [y/N] ", sys.stderr)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def json_line(body: Json) -> bytes:
    """Return the JSON of a body, as HTTP has it, and a line break."""
    import orjson

    return orjson.dumps(body) + b"\n"


def write(content: str | bytes, stream: TextIO) -> None:
    """Write at once. A reader that has gone (`| head`) is no error."""
    encoding = stream.encoding or "utf-8"
    raw = content if isinstance(content, bytes) else content.encode(encoding, "backslashreplace")
    try:
        stream.flush()
        stream.buffer.write(raw)
        stream.flush()
    except BrokenPipeError:
        abandon(stream)


def abandon(stream: TextIO) -> None:
    """Send what is left in its buffer, and all that follows, to nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _rendered(things: Iterable[RenderableType], stream: TextIO) -> str:
    """Return the text of some things as the stream can show it: its width, colours if it has any.

    Plain sentences are left for the terminal to wrap, so that what they name can be copied.
    """
    from rich.console import Console

    console = Console(file=stream, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        for thing in things:
            console.print(thing, soft_wrap=isinstance(thing, str))
    return _TRAILING.sub("", captured.get())
