"""MemoryFigures and MemoryErrorTracker: what was noted and told, in this process."""

from collections import Counter

from attrs import field, frozen

from eggypro_core.errors import EggyProError
from eggypro_core.operations.error_tracking import Circumstances
from eggypro_core.operations.request_metrics import Call


@frozen
class MemoryFigures:
    """Counts calls, and shows the counts: a line for each route, method and status."""

    calls: Counter[tuple[str, str, int]] = field(factory=Counter)

    def record(self, call: Call) -> None:
        self.calls[call.endpoint, call.method, call.status] += 1

    def show(self, accept: str) -> tuple[bytes, str]:  # noqa: ARG002  (there is no choice)
        lines = (f"{' '.join(map(str, key))} {count}\n" for key, count in self.calls.items())
        return "".join(lines).encode(), "text/plain; charset=utf-8"


@frozen
class MemoryErrorTracker:
    """Keeps all that it is told."""

    errors: list[tuple[BaseException, Circumstances | None]] = field(factory=list)
    outages: list[str] = field(factory=list)

    def unexpected(self, error: BaseException, during: Circumstances | None) -> None:
        self.errors.append((error, during))

    def outage(self, service: str, error: EggyProError) -> None:  # noqa: ARG002  (says enough)
        self.outages.append(service)
