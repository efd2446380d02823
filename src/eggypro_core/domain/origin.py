"""The origin of writes: who writes, from where, and why."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum

from attrs import evolve, field, frozen

ANONYMOUS, SCHEDULE = "anonymous", "schedule"
"""The actors of requests without a credential, and of jobs."""
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
    """The context of the writes in a block: their origin, and the ids of their batches.

    Without an `origin`, the writes have that of their shop. The other fields replace its own.
    """

    origin: Origin | None = None
    source: Source | None = None
    reason: str | None = None
    reference: str | None = None
    batch_ids: list[int] = field(factory=list)

    @property
    def batch_id(self) -> int | None:
        """Return the id of the last batch; None if nothing has been changed."""
        return self.batch_ids[-1] if self.batch_ids else None

    def origin_or(self, default: Origin) -> Origin:
        """Return the origin of the writes in a shop with a default one."""
        origin = self.origin or default
        return evolve(
            origin,
            source=self.source or origin.source,
            reason=self.reason or origin.reason,
            reference=self.reference or origin.reference,
        )


_context: ContextVar[WriteContext | None] = ContextVar("write_context", default=None)


def write_context() -> WriteContext:
    """Return the context of writes in this thread or task."""
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
    context = evolve(
        outer,
        source=source or outer.source,
        reason=reason or outer.reason,
        reference=reference or outer.reference,
    )
    with _entered(context):
        yield context


@contextmanager
def _entered(context: WriteContext) -> Iterator[WriteContext]:
    token = _context.set(context)
    try:
        yield context
    finally:
        _context.reset(token)
