"""Health checks of a shop's services, run in parallel within a time limit."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from enum import StrEnum
from threading import Lock, Thread
from typing import TypeAlias

from attrs import field, frozen

from eggypro_core.errors import EggyProError, UnavailableError

DATABASE, IMAGE_STORE, CACHE = "database", "cloudinary", "cache"
CHECK_TIMEOUT_SECONDS = 1.7
"""Seconds that a report waits for a check, so that a report takes less than two seconds."""
RESULT_TTL_SECONDS: Mapping[str, float] = {IMAGE_STORE: 30}
"""Seconds that the result of a check is cached: Cloudinary limits the number of API calls."""
_log = logging.getLogger(__name__)

Check: TypeAlias = Callable[[], None]
"""Raises an error, mostly UnavailableError or UpstreamError, unless a service is healthy."""
MonotonicClock: TypeAlias = Callable[[], float]


class ServiceStatus(StrEnum):
    """The status of a service; a disabled one is not configured and not needed."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DISABLED = "disabled"


class HealthStatus(StrEnum):
    """The status of a shop: degraded while a service other than the database is unhealthy."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@frozen
class CheckResult:
    """The status of a service at a time, and the duration of the check."""

    status: ServiceStatus
    checked_at: datetime
    duration_ms: float = 0
    error: Exception | None = field(default=None, repr=False)

    @property
    def reason(self) -> str:
        """The reason of an unhealthy service in words, for operators only; otherwise empty."""
        return "" if self.error is None else str(self.error) or repr(self.error)


@frozen
class HealthReport:
    """The health of a shop and its services.

    `configured` says which services the settings name; others may have a substitute.
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
        """Return the status of the shop: unhealthy without the database."""
        unhealthy = {
            name
            for name, result in self.services.items()
            if result.status is ServiceStatus.UNHEALTHY
        }
        if DATABASE in unhealthy:
            return HealthStatus.UNHEALTHY
        return HealthStatus.DEGRADED if unhealthy else HealthStatus.HEALTHY


@frozen
class _CheckRun:
    """A running or completed check."""

    started_at: float
    future: "Future[CheckResult]" = field(factory=Future)


class HealthCheck:
    """Check one service. Concurrent requests share one run of the check.

    A hanging check occupies one thread, and delays no caller beyond CHECK_TIMEOUT_SECONDS after its
    start. A change of status is logged once, with its reason.
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
        """Start a check unless one is running or the last result is still fresh."""
        with self._lock:
            if self._run is None or self._is_expired(self._run):
                self._run = _CheckRun(self._seconds())
                thread = Thread(target=self._run_check, args=[self._run], daemon=True)
                thread.name = f"health check of {self._name}"
                thread.start()
            return self._run

    def result(self, run: _CheckRun) -> CheckResult:
        """Wait for a check and return its result, or an unhealthy one after the timeout."""
        seconds_left = run.started_at + CHECK_TIMEOUT_SECONDS - self._seconds()
        try:
            result = run.future.result(max(seconds_left, 0))
        except TimeoutError:
            timeout = UnavailableError(f"No response within {CHECK_TIMEOUT_SECONDS} s")
            result = self._make_result(run, timeout)
        self._log_change(result)
        return result

    def _is_expired(self, run: _CheckRun) -> bool:
        ttl_seconds = RESULT_TTL_SECONDS.get(self._name, 0)
        return run.future.done() and self._seconds() - run.started_at >= ttl_seconds

    def _run_check(self, run: _CheckRun) -> None:
        failure = None
        try:
            self._check()
        except Exception as error:  # noqa: BLE001  (last resort of a thread: any error is reported)
            failure = error
        run.future.set_result(self._make_result(run, failure))

    def _make_result(self, run: _CheckRun, error: Exception | None) -> CheckResult:
        status = ServiceStatus.HEALTHY if error is None else ServiceStatus.UNHEALTHY
        return CheckResult(status, self._clock(), (self._seconds() - run.started_at) * 1000, error)

    def _log_change(self, result: CheckResult) -> None:
        if isinstance(result.error, EggyProError) and result.error.is_reported:
            return  # an outage detector has logged it
        with self._lock:
            has_changed = result.status is not self._last_status
            self._last_status = result.status
        if has_changed and result.reason:
            _log.warning("%s is unhealthy: %s", self._name, result.reason)
        elif has_changed:
            _log.info("%s is healthy again", self._name)


@frozen
class Health:
    """Check the services of a shop, by name; a service without a check is disabled.

    `clock` returns the time, `seconds` a monotonic number of seconds.
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
        """Run all checks in parallel and return the report within two seconds."""
        start = self._seconds()
        runs = {name: check.start() for name, check in self._health_checks.items() if check}
        results = {
            name: check.result(runs[name])
            if check
            else CheckResult(ServiceStatus.DISABLED, self._clock())
            for name, check in self._health_checks.items()
        }
        return HealthReport(
            checked_at=self._clock(),
            uptime_seconds=start - self._started_at,
            duration_ms=(self._seconds() - start) * 1000,
            services=results,
            configured=self._configured,
            version=self._version(),
            environment=self._environment,
        )

    def is_database_healthy(self) -> bool:
        """Return whether the database responds, and has a schema that this process can use."""
        check = self._health_checks[DATABASE]
        return check is None or check.result(check.start()).status is ServiceStatus.HEALTHY
