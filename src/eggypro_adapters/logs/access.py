"""The access log: one line per request, written in the background."""

import logging
from collections.abc import Sequence
from functools import partial

from eggypro_adapters.buffered_writer import BufferedWriter, BufferLimits
from eggypro_adapters.logs.lines import LineWriter
from eggypro_adapters.logs.rendering import Renderer
from eggypro_core.operations.request_metrics import RequestRecord

ACCESS_LOG_LIMITS = BufferLimits(max_records=50_000, max_batch=1_000, delay_seconds=0.1)
_MIN_ERROR_STATUS = 500
_log = logging.getLogger(__name__)


def access_log(lines: LineWriter, render: Renderer, *, in_request: bool = False) -> BufferedWriter:
    """Return a recorder that writes a line for each request that the log level lets through."""

    def write(records: Sequence[RequestRecord]) -> None:
        lines.write("".join(f"{render(event)}\n" for event in map(_event, records) if event))

    warn = partial(_log.warning, "%d requests are missing from this log: the buffer was full")
    return BufferedWriter(
        "access log", write, ACCESS_LOG_LIMITS, in_request=in_request, on_drop=warn
    )


def _event(request: RequestRecord) -> dict[str, object] | None:
    level = logging.ERROR if request.status >= _MIN_ERROR_STATUS else logging.INFO
    if not _log.isEnabledFor(level):
        return None
    return {
        "timestamp": request.completed_at,
        "level": "info" if level == logging.INFO else "error",
        "logger": __name__,
        "event": "request",
        "method": request.method,
        "route": request.endpoint,
        "status": request.status,
        "ms": round(request.duration_ms, 2),
        "network": request.network,
        "request_id": request.request_id,
    }
