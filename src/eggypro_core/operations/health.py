"""Whether all that a shop needs is there: checked side by side, so that nothing keeps a caller."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from enum import StrEnum
from threading import Lock, Thread
from typing import TypeAlias

from attrs import field, frozen

DATABASE, IMAGES, CACHE = "database", "cloudinary", "cache"
PATIENCE = 1.7
"""The seconds for which the answer of a check is waited for: the whole is to take below two."""
KEPT: Mapping[str, float] = {IMAGES: 30}
"""The seconds for which what a check found is told again. Cloudinary counts its callers' calls."""
_log = logging.getLogger(__name__)

Check: TypeAlias = Callable[[], None]
"""Raises an error, mostly UnavailableError or ServiceFailedError, unless a service is there."""
Seconds: TypeAlias = Callable[[], float]


class State(StrEnum):
    """How a service is; a disabled one is not there, and nobody misses it."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DISABLED = "disabled"


class Status(StrEnum):
    """How a shop is: degraded while something is away without which it can still sell."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@frozen
class Finding:
    """How a service was at a time, and how many milliseconds it took to find out."""

    state: State
    at: datetime
    milliseconds: float = 0
    reason: str = field(default="", repr=False)


@frozen
class HealthReport:
    """How a shop and its services are. `uptime` is in seconds.

    `configured` tells what the settings name, for which there may be a stand-in otherwise.
    """

    at: datetime
    uptime: float
    milliseconds: float
    services: Mapping[str, Finding]
    configured: Mapping[str, bool]
    version: str
    environment: str

    @property
    def status(self) -> Status:
        """Return how the shop is. Without the database it can do nothing."""
        away = {name for name, one in self.services.items() if one.state is State.UNHEALTHY}
        if DATABASE in away:
            return Status.UNHEALTHY
        return Status.DEGRADED if away else Status.HEALTHY


@frozen
class _Run:
    """A check that was begun at some second."""

    began: float
    ended: "Future[Finding]" = field(factory=Future)


class Probe:
    """Checks one service, never twice at once: who comes meanwhile shares what is found.

    A check that hangs keeps one thread, and no caller for longer than PATIENCE since its begin.
    What changes is logged, with the reason, once.
    """

    def __init__(
        self, name: str, check: Check, clock: Callable[[], datetime], seconds: Seconds
    ) -> None:
        self._name = name
        self._check = check
        self._clock = clock
        self._seconds = seconds
        self._lock = Lock()
        self._run: _Run | None = None
        self._told = State.HEALTHY

    def begin(self) -> _Run:
        """Begin a check, unless one is under way or what is known will do."""
        with self._lock:
            if self._run is None or self._is_over(self._run):
                self._run = _Run(self._seconds())
                thread = Thread(target=self._do, args=[self._run], daemon=True)
                thread.name = f"health of {self._name}"
                thread.start()
            return self._run

    def finding(self, run: _Run) -> Finding:
        """Return what a check found, as soon as that is known or can be waited for no longer."""
        left = run.began + PATIENCE - self._seconds()
        try:
            finding = run.ended.result(max(left, 0))
        except TimeoutError:
            finding = self._found(run, f"no answer for {PATIENCE} s")
        self._tell(finding)
        return finding

    def _is_over(self, run: _Run) -> bool:
        kept = KEPT.get(self._name, 0)
        return run.ended.done() and self._seconds() - run.began >= kept

    def _do(self, run: _Run) -> None:
        reason = ""
        try:
            self._check()
        except Exception as error:  # noqa: BLE001  (a thread's last resort: whatever it is, it is told)
            reason = str(error) or repr(error)
        run.ended.set_result(self._found(run, reason))

    def _found(self, run: _Run, reason: str) -> Finding:
        state = State.UNHEALTHY if reason else State.HEALTHY
        return Finding(state, self._clock(), (self._seconds() - run.began) * 1000, reason)

    def _tell(self, finding: Finding) -> None:
        with self._lock:
            is_news, self._told = finding.state is not self._told, finding.state
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
    _seconds: Seconds
    _began: float = field(init=False)
    _probes: Mapping[str, Probe | None] = field(init=False, repr=False)

    @_began.default
    def _now(self) -> float:
        return self._seconds()

    @_probes.default
    def _made(self) -> Mapping[str, Probe | None]:
        return {
            name: Probe(name, check, self._clock, self._seconds) if check else None
            for name, check in self._checks.items()
        }

    def report(self) -> HealthReport:
        """Check everything at once, and return what was found: within two seconds."""
        asked = self._seconds()
        runs = {name: probe.begin() for name, probe in self._probes.items() if probe}
        findings = {
            name: probe.finding(runs[name]) if probe else Finding(State.DISABLED, self._clock())
            for name, probe in self._probes.items()
        }
        return HealthReport(
            at=self._clock(),
            uptime=asked - self._began,
            milliseconds=(self._seconds() - asked) * 1000,
            services=findings,
            configured=self._configured,
            version=self._version(),
            environment=self._environment,
        )

    def has_database(self) -> bool:
        """Whether the database answers."""
        probe = self._probes[DATABASE]
        return probe is None or probe.finding(probe.begin()).state is State.HEALTHY
