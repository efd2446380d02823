"""A buffer between requests and the store of calls, which may be slow or unavailable."""

from collections.abc import Callable, Sequence
from time import monotonic

from eggypro_adapters.buffered_writer import BufferedWriter, BufferLimits
from eggypro_core.errors import UnavailableError
from eggypro_core.operations.request_metrics import RequestLog, RequestRecord

LIMITS = BufferLimits(waiting=20_000, batch=2_000, gather_seconds=0.4, close_seconds=5.0)
"""About ten megabytes at most."""


def request_log_buffer(
    store: RequestLog,
    *,
    in_request: bool = False,
    limits: BufferLimits = LIMITS,
    clock: Callable[[], float] = monotonic,
) -> BufferedWriter:
    """Return a recorder that writes calls to a store, of which any error counts as an outage."""

    def write(calls: Sequence[RequestRecord]) -> None:
        try:
            store.append(calls)
        except Exception as error:  # the last resort: no request may fail for it
            raise UnavailableError(str(error)) from error

    return BufferedWriter("calls", write, limits, in_request=in_request, clock=clock)
