"""How an event becomes a line: of JSON for machines, or for people to read."""

import re
from collections.abc import Callable
from typing import TypeAlias

import orjson
import structlog
from structlog.typing import EventDict, Processor

Renderer: TypeAlias = Callable[[EventDict], str]
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What a terminal obeys or a reader takes for a line break, and what UTF-8 cannot say."""
_WIDTH = 48
_REQUEST = ("status", "method", "route")
_TRACE = "exception"


def json_renderer() -> Renderer:
    """Return what writes an event as JSON."""
    render = structlog.processors.JSONRenderer(serializer=_json)

    def rendered(event: EventDict) -> str:
        line = str(render(None, "", event))
        # Some readers of lines take U+0085 or U+2028 for the end of one.
        return line if line.isascii() else _UNSEEN.sub(_escaped_in_json, line)

    return rendered


def console_renderer(*, colours: bool) -> Renderer:
    """Return what writes an event for a terminal: the time of day, what happened, and its data."""
    render = structlog.dev.ConsoleRenderer(
        colors=colours,
        pad_event_to=_WIDTH,
        sort_keys=False,
        exception_formatter=structlog.dev.plain_traceback,  # Rich would show the values of locals
    )

    def rendered(event: EventDict) -> str:
        if "route" in event and not colours:
            return _plain_request(event)
        shown = {name: _shown(value) for name, value in event.items()}
        shown["timestamp"] = str(event["timestamp"])[11:19]
        if "route" in event:
            del shown["logger"]
            shown["event"] = " ".join(str(shown.pop(name)) for name in _REQUEST)
        if _TRACE in event:
            shown[_TRACE] = _indented(event[_TRACE])
        return render(None, "", shown)

    return rendered


def _plain_request(event: EventDict) -> str:
    """Return what structlog makes of a request without colours, in a tenth of the time.

    Nothing in it is a caller's own words.
    """
    happened = "{status} {method} {route}".format_map(event)
    data = "ms={ms} network={network} request_id={request_id}".format_map(event)
    return f"{event['timestamp']:%H:%M:%S} [{event['level']:<9}] {happened:<{_WIDTH}} {data}"


_OURS = ("request_id", "user")
PROCESSORS: tuple[Processor, ...] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(_OURS),  # what libraries add may hold anything
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
)
"""What makes an event of a record of the standard library."""


def _json(event: EventDict, **_: object) -> str:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z).decode()
    except TypeError:  # a lone surrogate, a number too large
        told = {str(name): _shown(str(value)) for name, value in event.items()}
        return orjson.dumps(told).decode()


def _shown(value: object) -> object:
    return _UNSEEN.sub(_escaped, value) if isinstance(value, str) else value


def _escaped(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]


def _escaped_in_json(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _indented(trace: str) -> str:
    """Return a traceback that no line of the log can be mistaken for."""
    return "\n".join(f"    {_shown(line)}" for line in trace.split("\n"))
