"""A clock that stands still until a test sets it on."""

from datetime import UTC, datetime, timedelta

from attrs import define

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@define
class FakeClock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: int = 1) -> None:
        self.now += timedelta(seconds=seconds)
