"""The access log: a line for each call, written a little later."""

import logging
from collections.abc import Sequence
from functools import partial

from eggypro_adapters.buffered_writer import BufferedWriter, BufferLimits
from eggypro_adapters.logs.lines import LineWriter
from eggypro_adapters.logs.rendering import Renderer
from eggypro_core.operations.request_metrics import RequestRecord

LIMITS = BufferLimits(waiting=50_000, batch=1_000, gather_seconds=0.1)
_FAILED = 500
_log = logging.getLogger(__name__)


def access_log(lines: LineWriter, render: Renderer, *, in_request: bool = False) -> BufferedWriter:
    """Return a recorder that writes a line for each call that is serious enough for the log."""

    def write(calls: Sequence[RequestRecord]) -> None:
        lines.write("".join(f"{render(event)}\n" for event in map(_event, calls) if event))

    dropped = partial(_log.warning, "%d requests are not in this log: it took no more")
    return BufferedWriter("access log", write, LIMITS, in_request=in_request, on_drop=dropped)


def _event(call: RequestRecord) -> dict[str, object] | None:
    level = logging.ERROR if call.status >= _FAILED else logging.INFO
    if not _log.isEnabledFor(level):
        return None
    return {
        "timestamp": call.completed_at,
        "level": "info" if level == logging.INFO else "error",
        "logger": __name__,
        "event": "request",
        "method": call.method,
        "route": call.endpoint,
        "status": call.status,
        "ms": round(call.duration_ms, 2),
        "network": call.network,
        "request_id": call.request_id,
    }
