"""A buffer between requests and the request log, which may be slow or unavailable."""

from collections.abc import Callable, Sequence
from time import monotonic

from eggypro_adapters.buffered_writer import BufferedWriter, BufferLimits
from eggypro_core.errors import UnavailableError
from eggypro_core.operations.request_metrics import RequestLog, RequestRecord

REQUEST_LOG_LIMITS = BufferLimits(
    max_records=20_000, max_batch=2_000, delay_seconds=0.4, close_timeout_seconds=5.0
)
"""At most about 10 MB."""


def request_log_buffer(
    store: RequestLog,
    *,
    in_request: bool = False,
    limits: BufferLimits = REQUEST_LOG_LIMITS,
    clock: Callable[[], float] = monotonic,
) -> BufferedWriter:
    """Return a recorder that writes to `store`; any error of the store counts as an outage."""

    def write(records: Sequence[RequestRecord]) -> None:
        try:
            store.append(records)
        except Exception as error:  # last resort: logging must not fail a request
            raise UnavailableError(str(error)) from error

    return BufferedWriter("request-log", write, limits, in_request=in_request, clock=clock)
