"""Upkeep: what is to be removed now and then, whoever is reminded of it: a schedule or a person."""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from eggypro_core.shop import Shop

CALLS_KEPT = 30
"""The days for which calls of the API are remembered."""
_AT_ONCE = 1000


class Job(StrEnum):
    """What is removed: images that no product has, old calls, idempotency keys that are over."""

    IMAGES = "images"
    METRICS = "metrics"
    IDEMPOTENCY = "idempotency"


@frozen
class Upkept:
    """What a job came to.

    How much was `removed`, and how much an image store would not delete now; whether it is
    `complete`, or something is left for the next time.
    """

    job: Job
    removed: int = 0
    kept: int = 0
    complete: bool = True


_Parts: TypeAlias = Generator[tuple[int, int]]
"""How many were removed, and how many could not be, one part after the other."""


def keep_up(shop: Shop, job: Job, may_go_on: Callable[[], bool] = lambda: True) -> Upkept:
    """Do a job as long as it `may_go_on`, which is asked after each part of it.

    It can be left at any part, done again, and done by several at once. Raises UnavailableError.
    """
    removed = kept = 0
    with closing(_JOBS[job](shop)) as parts:
        for gone, left in parts:
            removed, kept = removed + gone, kept + left
            if not may_go_on():
                return Upkept(job, removed, kept, complete=False)
    return Upkept(job, removed, kept)


def _images(shop: Shop) -> _Parts:
    for is_gone in shop.images.prune():
        yield int(is_gone), int(not is_gone)


def _metrics(shop: Shop) -> _Parts:
    for count in shop.request_metrics.prune(CALLS_KEPT):
        yield count, 0


def _idempotency(shop: Shop) -> _Parts:
    if shop.idempotency is not None:
        now = shop.clock()
        while count := shop.idempotency.prune(now, _AT_ONCE):
            yield count, 0


_JOBS: Mapping[Job, Callable[[Shop], _Parts]] = {
    Job.IMAGES: _images,
    Job.METRICS: _metrics,
    Job.IDEMPOTENCY: _idempotency,
}
