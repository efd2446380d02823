"""Maintenance jobs: delete unused images, and records that are no longer needed."""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from eggypro_core.shop import Shop

METRICS_RETENTION_DAYS = 30
"""Days for which requests stay in the request log, and zero-result searches after the last one."""
_IDEMPOTENCY_BATCH_SIZE = 1000


class MaintenanceJob(StrEnum):
    """A job: delete unused images, old metrics, expired idempotency keys or old events.

    The metrics are those of requests and of zero-result searches.
    """

    IMAGES = "images"
    METRICS = "metrics"
    IDEMPOTENCY = "idempotency"
    EVENTS = "events"


@frozen
class JobResult:
    """The result of a job.

    `removed` counts the deleted items, `kept` the images that the store failed to delete. If not
    `complete`, the next run continues.
    """

    job: MaintenanceJob
    removed: int = 0
    kept: int = 0
    complete: bool = True


_Batches: TypeAlias = Generator[tuple[int, int]]
"""The numbers of deleted items and of failures, per batch."""


def run_maintenance_job(
    shop: Shop, job: MaintenanceJob, should_continue: Callable[[], bool] = lambda: True
) -> JobResult:
    """Run a job; stop after the batch for which `should_continue` returns False.

    A job can be interrupted after any batch, repeated, and run concurrently. Raises
    UnavailableError.
    """
    removed = kept = 0
    with closing(_JOBS[job](shop)) as batches:
        for removed_count, kept_count in batches:
            removed, kept = removed + removed_count, kept + kept_count
            if not should_continue():
                return JobResult(job, removed, kept, complete=False)
    return JobResult(job, removed, kept)


def _prune_images(shop: Shop) -> _Batches:
    for is_deleted in shop.images.prune():
        yield int(is_deleted), int(not is_deleted)


def _prune_metrics(shop: Shop) -> _Batches:
    for count in shop.request_metrics.prune(METRICS_RETENTION_DAYS):
        yield count, 0
    before = shop.clock() - timedelta(days=METRICS_RETENTION_DAYS)
    if count := shop.zero_results.prune(before):
        yield count, 0


def _prune_idempotency_keys(shop: Shop) -> _Batches:
    if shop.idempotency is not None:
        now = shop.clock()
        while count := shop.idempotency.prune(now, _IDEMPOTENCY_BATCH_SIZE):
            yield count, 0


def _prune_events(shop: Shop) -> _Batches:
    for count in shop.events.prune(shop.event_retention_days):
        yield count, 0


_JOBS: Mapping[MaintenanceJob, Callable[[Shop], _Batches]] = {
    MaintenanceJob.IMAGES: _prune_images,
    MaintenanceJob.METRICS: _prune_metrics,
    MaintenanceJob.IDEMPOTENCY: _prune_idempotency_keys,
    MaintenanceJob.EVENTS: _prune_events,
}
