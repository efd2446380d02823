"""In-memory metrics exporter and error tracker."""

from collections import Counter

from attrs import field, frozen

from eggypro_core.errors import EggyProError
from eggypro_core.operations.error_tracking import ErrorContext
from eggypro_core.operations.request_metrics import RequestRecord


@frozen
class MemoryMetricsExporter:
    """Count requests and export a line for each route, method and status."""

    request_counts: Counter[tuple[str, str, int]] = field(factory=Counter)

    def record(self, request: RequestRecord) -> None:
        self.request_counts[request.endpoint, request.method, request.status] += 1

    def export(self, accept: str) -> tuple[bytes, str]:  # noqa: ARG002  (one format only)
        lines = (
            f"{' '.join(map(str, key))} {count}\n" for key, count in self.request_counts.items()
        )
        return "".join(lines).encode(), "text/plain; charset=utf-8"


@frozen
class MemoryErrorTracker:
    """Store all reported errors and outages."""

    errors: list[tuple[BaseException, ErrorContext | None]] = field(factory=list)
    outages: list[str] = field(factory=list)

    def report_error(self, error: BaseException, context: ErrorContext | None) -> None:
        self.errors.append((error, context))

    def report_outage(self, service: str, error: EggyProError) -> None:  # noqa: ARG002  (only the service is stored)
        self.outages.append(service)
