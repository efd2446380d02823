"""Renderers of log events: JSON lines for machines, text for a terminal."""

import re
from collections.abc import Callable
from typing import TypeAlias

import orjson
import structlog
from structlog.typing import EventDict, Processor

Renderer: TypeAlias = Callable[[EventDict], str]
_UNSAFE_CHARACTERS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Terminal control characters, line breaks of any kind, and lone surrogates."""
_EVENT_WIDTH = 48
_REQUEST_KEYS = ("status", "method", "route")
_TRACE_KEY = "exception"


def json_renderer() -> Renderer:
    """Return a renderer of JSON lines."""

    def render(event: EventDict) -> str:
        line = _json(event)
        # Some readers take U+0085 or U+2028 for the end of a line.
        return line if line.isascii() else _UNSAFE_CHARACTERS.sub(_json_escape, line)

    return render


def console_renderer(*, colours: bool) -> Renderer:
    """Return a renderer for terminals: time of day, event, and its data."""
    console = structlog.dev.ConsoleRenderer(
        colors=colours,
        pad_event_to=_EVENT_WIDTH,
        sort_keys=False,
        exception_formatter=structlog.dev.plain_traceback,  # Rich would show the values of locals
    )

    def render(event: EventDict) -> str:
        if "route" in event and not colours:
            return _plain_request(event)
        values = {name: _escape_value(value) for name, value in event.items()}
        values["timestamp"] = str(event["timestamp"])[11:19]
        if "route" in event:
            del values["logger"]
            values["event"] = " ".join(str(values.pop(name)) for name in _REQUEST_KEYS)
        if _TRACE_KEY in event:
            values[_TRACE_KEY] = _indent(event[_TRACE_KEY])
        return console(None, "", values)

    return render


def _plain_request(event: EventDict) -> str:
    """Return the line that structlog renders for a request without colours, ten times faster.

    Its values need no escaping: none is free text of the client.
    """
    summary = "{status} {method} {route}".format_map(event)
    data = "ms={ms} network={network} request_id={request_id}".format_map(event)
    return f"{event['timestamp']:%H:%M:%S} [{event['level']:<9}] {summary:<{_EVENT_WIDTH}} {data}"


_EXTRA_KEYS = ("request_id", "user")
PROCESSORS: tuple[Processor, ...] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(_EXTRA_KEYS),  # libraries may add anything, even secrets
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
)
"""The processors that turn a record of the standard library into an event."""


def _json(event: EventDict) -> str:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z).decode()
    except TypeError:  # a lone surrogate, a number too large
        texts = {str(name): _escape_value(str(value)) for name, value in event.items()}
        return orjson.dumps(texts).decode()


def _escape_value(value: object) -> object:
    return _UNSAFE_CHARACTERS.sub(_escape, value) if isinstance(value, str) else value


def _escape(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]


def _json_escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _indent(trace: str) -> str:
    """Indent a traceback, so that none of its lines looks like a line of the log."""
    return "\n".join(f"    {_escape_value(line)}" for line in trace.split("\n"))
