"""Fake clocks that tests advance."""

from datetime import UTC, datetime, timedelta

from attrs import define

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@define
class FakeClock:
    """A wall clock that starts at noon and moves only by `advance`."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: int = 1) -> None:
        """Advance the clock by `seconds`."""
        self.now += timedelta(seconds=seconds)


@define
class FakeMonotonicClock:
    """A clock of seconds whose `now` is set by the test."""

    now: float = 0

    def __call__(self) -> float:
        return self.now
