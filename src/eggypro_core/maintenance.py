"""Upkeep: what is to be removed now and then, whoever is reminded of it: a schedule or a person."""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from eggypro_core.shop import Shop

REQUEST_RETENTION_DAYS = 30
"""The days for which calls of the API are remembered."""
_IDEMPOTENCY_BATCH_SIZE = 1000


class MaintenanceJob(StrEnum):
    """What is removed: images that no product has, old calls, idempotency keys that are over."""

    IMAGES = "images"
    METRICS = "metrics"
    IDEMPOTENCY = "idempotency"


@frozen
class JobResult:
    """What a job came to.

    How much was `removed`, and how much an image store would not delete now; whether it is
    `complete`, or something is left for the next time.
    """

    job: MaintenanceJob
    removed: int = 0
    kept: int = 0
    complete: bool = True


_Batches: TypeAlias = Generator[tuple[int, int]]
"""How many were removed, and how many could not be, one part after the other."""


def run_maintenance_job(
    shop: Shop, job: MaintenanceJob, should_continue: Callable[[], bool] = lambda: True
) -> JobResult:
    """Do a job as long as it `may_go_on`, which is asked after each part of it.

    It can be left at any part, done again, and done by several at once. Raises UnavailableError.
    """
    removed = kept = 0
    with closing(_JOBS[job](shop)) as parts:
        for gone, left in parts:
            removed, kept = removed + gone, kept + left
            if not should_continue():
                return JobResult(job, removed, kept, complete=False)
    return JobResult(job, removed, kept)


def _prune_images(shop: Shop) -> _Batches:
    for is_gone in shop.images.prune():
        yield int(is_gone), int(not is_gone)


def _prune_metrics(shop: Shop) -> _Batches:
    for count in shop.request_metrics.prune(REQUEST_RETENTION_DAYS):
        yield count, 0


def _prune_idempotency_keys(shop: Shop) -> _Batches:
    if shop.idempotency is not None:
        now = shop.clock()
        while count := shop.idempotency.prune(now, _IDEMPOTENCY_BATCH_SIZE):
            yield count, 0


_JOBS: Mapping[MaintenanceJob, Callable[[Shop], _Batches]] = {
    MaintenanceJob.IMAGES: _prune_images,
    MaintenanceJob.METRICS: _prune_metrics,
    MaintenanceJob.IDEMPOTENCY: _prune_idempotency_keys,
}
