"""The origin of writes: who writes, from where, and why."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum

from attrs import evolve, field, frozen

MAX_REASON_LENGTH = 64
MAX_REFERENCE_LENGTH = 255


class Source(StrEnum):
    """The door through which a write comes."""

    HTTP = "http"
    ADMIN = "admin"
    CLI = "cli"
    LIBRARY = "library"
    IMPORT = "import"
    BULK = "bulk"
    SCHEDULE = "schedule"


@frozen
class Origin:
    """The origin of a write, stored with its batch of events.

    The `actor` is `admin`, `key:<name>`, `token:<name>`, `anonymous`, `cli:<user>`, `schedule`, or
    a name that a Python program chooses. `reference` points to a record elsewhere, such as an
    order; it must not contain personal data.
    """

    actor: str = "library"
    source: Source = Source.LIBRARY
    request_id: str | None = None
    reason: str | None = None
    reference: str | None = None


@frozen
class WriteContext:
    """The origin of the writes in a block, and the ids of the batches that they stored."""

    origin: Origin = Origin()
    batch_ids: list[int] = field(factory=list)

    @property
    def batch_id(self) -> int | None:
        """Return the id of the last batch; None if nothing has been changed."""
        return self.batch_ids[-1] if self.batch_ids else None


_context: ContextVar[WriteContext | None] = ContextVar("write_context", default=None)


def write_context() -> WriteContext:
    """Return the context of writes here; outside of `writing_as`, that of a Python program."""
    return _context.get() or WriteContext()


@contextmanager
def writing_as(origin: Origin) -> Iterator[WriteContext]:
    """Set the origin of all writes in a block, in this thread or task."""
    with _entered(WriteContext(origin)) as context:
        yield context


@contextmanager
def writing_for(
    *, source: Source | None = None, reason: str | None = None, reference: str | None = None
) -> Iterator[WriteContext]:
    """Add a source, a reason or a reference to the origin of all writes in a block."""
    outer = write_context()
    origin = evolve(
        outer.origin,
        source=source or outer.origin.source,
        reason=reason or outer.origin.reason,
        reference=reference or outer.origin.reference,
    )
    with _entered(evolve(outer, origin=origin)) as context:
        yield context


@contextmanager
def _entered(context: WriteContext) -> Iterator[WriteContext]:
    token = _context.set(context)
    try:
        yield context
    finally:
        _context.reset(token)
