from collections.abc import Iterator

import pytest

from eggypro_adapters.contracts.error_tracker import ErrorTrackerContract
from eggypro_adapters.memory import MemoryErrorTracker
from eggypro_adapters.monitoring.error_log import LogErrorTracker
from eggypro_adapters.monitoring.sentry import SentryErrorTracker


class TestMemoryErrorTracker(ErrorTrackerContract):
    @pytest.fixture
    def tracker(self) -> MemoryErrorTracker:
        return MemoryErrorTracker()


class TestLogErrorTracker(ErrorTrackerContract):
    @pytest.fixture
    def tracker(self) -> LogErrorTracker:
        return LogErrorTracker()


class TestUnreachableSentryErrorTracker(ErrorTrackerContract):
    @pytest.fixture
    def tracker(self) -> Iterator[SentryErrorTracker]:
        tracker = SentryErrorTracker("http://public@127.0.0.1:1/7", environment="test", release="1")
        yield tracker
        tracker.close(timeout_seconds=0.1)
