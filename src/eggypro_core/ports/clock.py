"""Clock port."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Return now, aware, in UTC."""
        ...


def utc_now() -> datetime:
    """Return the time that the system's clock shows."""
    return datetime.now(UTC)
