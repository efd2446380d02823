"""A clock that stands still until a test sets it on."""

from datetime import UTC, datetime, timedelta

from attrs import define

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@define
class FakeClock:
    """Time that passes only when a test says so."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: int = 1) -> None:
        """Let seconds pass."""
        self.now += timedelta(seconds=seconds)


@define
class FakeMonotonicClock:
    """Seconds that pass only when a test says so."""

    now: float = 0

    def __call__(self) -> float:
        return self.now
