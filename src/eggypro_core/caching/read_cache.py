"""A cache that is never wrong: what a read answered, kept until what it shows is written anew."""

import random
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from threading import Lock
from typing import TypeAlias

from attrs import define, field

from eggypro_core.caching.entries import CacheCounts, Kept, Moment, Outcome, Rendering
from eggypro_core.caching.ports import Cache, Changes
from eggypro_core.errors import NotFoundError, UnavailableError
from eggypro_core.retry_gate import RetryGate

ABSENT = 5.0
"""The seconds for which it is remembered that something is not there."""
_LAST_PART = 0.1
"""The part of its life in which an answer is made anew by one of those who ask for it."""
_JITTER = 0.1
AWAY = 1.0
"""The seconds between two attempts to read from a database that is away."""

Load: TypeAlias = Callable[[], Rendering]
Tags: TypeAlias = tuple[str, ...]


@define
class _Flight:
    """An answer in the making: its read began after `seen`."""

    seen: Moment
    landed: "Future[Rendering]" = field(factory=Future)


class ReadCache:
    """Gives answers of reads: one that was kept, as long as nothing was written that it shows.

    Whether it still holds is asked at each use, not by when it ends. While nobody can tell what is
    written elsewhere, every read is done; if the database is away too, what is not known to be
    outdated is given. `ttl` is in seconds; `clock` tells those since 1970.
    """

    def __init__(
        self,
        local: Cache,
        shared: Cache | None,
        changes: Changes,
        *,
        ttl: float,
        clock: Callable[[], float],
    ) -> None:
        self._local = local
        self._shared = shared
        self._changes = changes
        self._ttl = ttl
        self._clock = clock
        self._lock = Lock()
        self._flights: dict[str, _Flight] = {}
        self._hits = self._misses = self._stale = 0
        self._gate = RetryGate(AWAY, clock)

    @property
    def counts(self) -> CacheCounts:
        """How it went so far."""
        return CacheCounts(self._hits, self._misses, self._stale)

    def through(self, key: str, tags: Tags, load: Load) -> tuple[Rendering, Outcome]:
        """Return an answer that shows all that was written under its tags, or what `load` returns.

        Of those who need the same at once, one loads. Raises what `load` does; that something is
        not there (NotFoundError) is remembered briefly.
        """
        seen = self._changes.seen()  # before anything is read
        kept = self._current(self._local, key, tags)
        if kept is not None and seen is not None and not self._must_renew(key, kept):
            self._hits += 1
            return _given(kept), Outcome.HIT
        try:
            return self._together(key, tags, load, seen) if seen else self._alone(load)
        except UnavailableError:
            if kept is None:
                raise
            self._stale += 1
            return _given(kept), Outcome.STALE

    def _current(self, cache: Cache, key: str, tags: Tags) -> Kept | None:
        """Return what a cache has, unless something that it shows was written since."""
        kept = cache.get(key)
        return None if kept is None or self._changes.outdated(kept.seen, tags) else kept

    def _must_renew(self, key: str, kept: Kept) -> bool:
        """Whether this is who makes an answer anew, before it ends, while all others go on."""
        return self._is_due(kept) and key not in self._flights

    def _is_due(self, kept: Kept) -> bool:
        return kept.absent is None and kept.ends - self._clock() < self._ttl * _LAST_PART

    def _alone(self, load: Load) -> tuple[Rendering, Outcome]:
        """Load while nobody can tell what is written: the database may be away, or silent.

        Once it was, one tries at a time; nobody else waits for it. Raises UnavailableError.
        """
        if not self._gate.allows():
            raise UnavailableError("The database did not answer a moment ago: try again later")
        try:
            rendering, outcome = self._read(load)
        except UnavailableError:
            self._gate.block()
            raise
        self._gate.unblock()
        return rendering, outcome

    def _read(self, load: Load) -> tuple[Rendering, Outcome]:
        rendering = load()
        self._misses += 1
        return rendering, Outcome.MISS

    def _together(
        self, key: str, tags: Tags, load: Load, seen: Moment
    ) -> tuple[Rendering, Outcome]:
        """Find or load an answer, or wait for who is about it."""
        flight, is_mine = self._boarded(key, tags, seen)
        if not is_mine:
            rendering = flight.landed.result()
            self._hits += 1
            return rendering, Outcome.HIT
        try:
            rendering, outcome = self._found_or_loaded(key, tags, load, seen)
        except BaseException as error:
            flight.landed.set_exception(error)
            raise
        else:
            flight.landed.set_result(rendering)
            return rendering, outcome
        finally:
            with self._lock:
                if self._flights.get(key) is flight:
                    del self._flights[key]

    def _boarded(self, key: str, tags: Tags, seen: Moment) -> tuple[_Flight, bool]:
        """Return who is about an answer, and whether that is the caller.

        Nobody waits for one who may miss a write that they know of.
        """
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None and not self._changes.outdated(flight.seen, tags):
                return flight, False
            flight = self._flights[key] = _Flight(seen)
            return flight, True

    def _found_or_loaded(
        self, key: str, tags: Tags, load: Load, seen: Moment
    ) -> tuple[Rendering, Outcome]:
        places = self._places(key, seen)
        for cache, name in places:  # here too: another may just have landed
            kept = self._current(cache, name, tags)
            if kept is not None and not self._is_due(kept):
                self._local.set(key, kept)
                self._hits += 1
                return _given(kept), Outcome.HIT
        try:
            rendering, outcome = self._read(load)
        except NotFoundError as error:
            self._local.set(key, Kept(seen, self._clock() + ABSENT, absent=str(error)))
            raise
        if rendering.lasts and not self._changes.outdated(seen, tags):
            kept = Kept(seen, self._clock() + self._ttl * _jitter(), rendering)
            for cache, name in places:
                cache.set(name, kept)
        return rendering, outcome

    def _places(self, key: str, seen: Moment) -> Iterable[tuple[Cache, str]]:
        """Return the caches, and the name there: one that is shared may serve several shops."""
        if self._shared is None:
            return [(self._local, key)]
        return [(self._local, key), (self._shared, f"{seen.history}:{key}")]


def _jitter() -> float:
    """Return a factor about 1, so that what was made together does not end together."""
    return random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311


def _given(kept: Kept) -> Rendering:
    if kept.absent is not None:
        raise NotFoundError(kept.absent)
    return kept.rendering
