"""Clock port."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Return the current time."""

    def __call__(self) -> datetime:
        """Return the current time, timezone-aware and in UTC."""
        ...


def utc_now() -> datetime:
    """Return the time of the system clock."""
    return datetime.now(UTC)
