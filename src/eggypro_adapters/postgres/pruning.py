"""Pruner: deletes expired rows while a server runs, so that no table grows for ever."""

from collections.abc import Iterator
from contextlib import contextmanager

from eggypro_adapters.background_loop import BackgroundLoop
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.locks import try_prune_lock
from eggypro_core.errors import UnavailableError
from eggypro_core.maintenance import MaintenanceJob, run_maintenance_job
from eggypro_core.shop import Shop

PRUNED_JOBS = (MaintenanceJob.METRICS, MaintenanceJob.IDEMPOTENCY, MaintenanceJob.EVENTS)
"""The jobs that delete rows of the database only."""
STEP_PAUSE_SECONDS, IDLE_PAUSE_SECONDS = 1.0, 30.0
"""Seconds until the next step: while rows are left, and otherwise."""


class Pruner:
    """Delete expired rows in the background: one batch of each table per step.

    Of all processes that use the database, one at a time does it. Counts the deleted rows and the
    failed steps of this process.
    """

    def __init__(self, shop: Shop, database: Database) -> None:
        self._shop = shop
        self._database = database
        self._loop = BackgroundLoop("pruning", self._run)
        self.removed = self.failures = 0

    @contextmanager
    def running(self) -> Iterator["Pruner"]:
        """Prune until the end of the block."""
        self._loop.wake()
        try:
            yield self
        finally:
            self._loop.stop()

    def prune(self) -> bool:
        """Delete a batch of each table; return whether more may be left.

        Returns False while another process does it. Raises UnavailableError.
        """
        with self._database.short_transaction() as connection:
            if not try_prune_lock(connection):
                return False
            results = [run_maintenance_job(self._shop, job, lambda: False) for job in PRUNED_JOBS]
        self.removed += sum(result.removed for result in results)
        return not all(result.complete for result in results)

    def _run(self) -> float:
        try:
            has_more = self.prune()
        except UnavailableError:  # the database logs its outages
            self.failures += 1
            return IDLE_PAUSE_SECONDS
        return STEP_PAUSE_SECONDS if has_more else IDLE_PAUSE_SECONDS
