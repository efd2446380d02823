"""Whether all that a shop needs is there: checked side by side, so that nothing keeps a caller."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from enum import StrEnum
from threading import Lock, Thread
from typing import TypeAlias

from attrs import field, frozen

DATABASE, IMAGE_STORE, CACHE = "database", "cloudinary", "cache"
CHECK_TIMEOUT_SECONDS = 1.7
"""The seconds for which the answer of a check is waited for: the whole is to take below two."""
RESULT_TTL_SECONDS: Mapping[str, float] = {IMAGE_STORE: 30}
"""The seconds for which what a check found is told again. Cloudinary counts its callers' calls."""
_log = logging.getLogger(__name__)

Check: TypeAlias = Callable[[], None]
"""Raises an error, mostly UnavailableError or UpstreamError, unless a service is there."""
MonotonicClock: TypeAlias = Callable[[], float]


class ServiceStatus(StrEnum):
    """How a service is; a disabled one is not there, and nobody misses it."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DISABLED = "disabled"


class HealthStatus(StrEnum):
    """How a shop is: degraded while something is away without which it can still sell."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@frozen
class CheckResult:
    """How a service was at a time, and how many milliseconds it took to find out."""

    status: ServiceStatus
    checked_at: datetime
    duration_ms: float = 0
    reason: str = field(default="", repr=False)


@frozen
class HealthReport:
    """How a shop and its services are. `uptime` is in seconds.

    `configured` tells what the settings name, for which there may be a stand-in otherwise.
    """

    checked_at: datetime
    uptime_seconds: float
    duration_ms: float
    services: Mapping[str, CheckResult]
    configured: Mapping[str, bool]
    version: str
    environment: str

    @property
    def status(self) -> HealthStatus:
        """Return how the shop is. Without the database it can do nothing."""
        away = {
            name for name, one in self.services.items() if one.status is ServiceStatus.UNHEALTHY
        }
        if DATABASE in away:
            return HealthStatus.UNHEALTHY
        return HealthStatus.DEGRADED if away else HealthStatus.HEALTHY


@frozen
class _CheckRun:
    """A check that was begun at some second."""

    started_at: float
    future: "Future[CheckResult]" = field(factory=Future)


class HealthCheck:
    """Checks one service, never twice at once: who comes meanwhile shares what is found.

    A check that hangs keeps one thread, and no caller for longer than PATIENCE since its begin.
    What changes is logged, with the reason, once.
    """

    def __init__(
        self, name: str, check: Check, clock: Callable[[], datetime], seconds: MonotonicClock
    ) -> None:
        self._name = name
        self._check = check
        self._clock = clock
        self._seconds = seconds
        self._lock = Lock()
        self._run: _CheckRun | None = None
        self._last_status = ServiceStatus.HEALTHY

    def start(self) -> _CheckRun:
        """Begin a check, unless one is under way or what is known will do."""
        with self._lock:
            if self._run is None or self._is_expired(self._run):
                self._run = _CheckRun(self._seconds())
                thread = Thread(target=self._run_check, args=[self._run], daemon=True)
                thread.name = f"health of {self._name}"
                thread.start()
            return self._run

    def result(self, run: _CheckRun) -> CheckResult:
        """Return what a check found, as soon as that is known or can be waited for no longer."""
        left = run.started_at + CHECK_TIMEOUT_SECONDS - self._seconds()
        try:
            finding = run.future.result(max(left, 0))
        except TimeoutError:
            finding = self._make_result(run, f"no answer for {CHECK_TIMEOUT_SECONDS} s")
        self._log_change(finding)
        return finding

    def _is_expired(self, run: _CheckRun) -> bool:
        kept = RESULT_TTL_SECONDS.get(self._name, 0)
        return run.future.done() and self._seconds() - run.started_at >= kept

    def _run_check(self, run: _CheckRun) -> None:
        reason = ""
        try:
            self._check()
        except Exception as error:  # noqa: BLE001  (a thread's last resort: whatever it is, it is told)
            reason = str(error) or repr(error)
        run.future.set_result(self._make_result(run, reason))

    def _make_result(self, run: _CheckRun, reason: str) -> CheckResult:
        state = ServiceStatus.UNHEALTHY if reason else ServiceStatus.HEALTHY
        return CheckResult(state, self._clock(), (self._seconds() - run.started_at) * 1000, reason)

    def _log_change(self, finding: CheckResult) -> None:
        with self._lock:
            is_news, self._last_status = finding.status is not self._last_status, finding.status
        if is_news and finding.reason:
            _log.warning("%s is not well: %s", self._name, finding.reason)
        elif is_news:
            _log.info("%s is well again", self._name)


@frozen
class Health:
    """Looks after the services of a shop, by name; one without a check is disabled.

    `clock` tells the time, `seconds` pass since it was made.
    """

    _checks: Mapping[str, Check | None]
    _configured: Mapping[str, bool]
    _version: Callable[[], str]
    _environment: str
    _clock: Callable[[], datetime]
    _seconds: MonotonicClock
    _started_at: float = field(init=False)
    _health_checks: Mapping[str, HealthCheck | None] = field(init=False, repr=False)

    @_started_at.default
    def _read_start(self) -> float:
        return self._seconds()

    @_health_checks.default
    def _make_health_checks(self) -> Mapping[str, HealthCheck | None]:
        return {
            name: HealthCheck(name, check, self._clock, self._seconds) if check else None
            for name, check in self._checks.items()
        }

    def report(self) -> HealthReport:
        """Check everything at once, and return what was found: within two seconds."""
        asked = self._seconds()
        runs = {name: probe.start() for name, probe in self._health_checks.items() if probe}
        findings = {
            name: probe.result(runs[name])
            if probe
            else CheckResult(ServiceStatus.DISABLED, self._clock())
            for name, probe in self._health_checks.items()
        }
        return HealthReport(
            checked_at=self._clock(),
            uptime_seconds=asked - self._started_at,
            duration_ms=(self._seconds() - asked) * 1000,
            services=findings,
            configured=self._configured,
            version=self._version(),
            environment=self._environment,
        )

    def is_database_healthy(self) -> bool:
        """Whether the database answers."""
        probe = self._health_checks[DATABASE]
        return probe is None or probe.result(probe.start()).status is ServiceStatus.HEALTHY
