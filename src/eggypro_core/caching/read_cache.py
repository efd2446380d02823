"""A cache that is never wrong: what a read answered, kept until what it shows is written anew."""

import random
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from threading import Lock
from typing import TypeAlias

from attrs import define, field

from eggypro_core.caching.entries import (
    CacheCounts,
    CachedResponse,
    CacheEntry,
    CacheStatus,
    Snapshot,
)
from eggypro_core.caching.ports import Cache, InvalidationFeed
from eggypro_core.errors import NotFoundError, UnavailableError
from eggypro_core.retry_gate import RetryGate

NOT_FOUND_TTL_SECONDS = 5.0
"""The seconds for which it is remembered that something is not there."""
_REFRESH_AHEAD_SHARE = 0.1
"""The part of its life in which an answer is made anew by one of those who ask for it."""
_TTL_JITTER = 0.1
RETRY_INTERVAL_SECONDS = 1.0
"""The seconds between two attempts to read from a database that is away."""

Loader: TypeAlias = Callable[[], CachedResponse]
Tags: TypeAlias = tuple[str, ...]


@define
class _Flight:
    """An answer in the making: its read began after `seen`."""

    snapshot: Snapshot
    future: "Future[CachedResponse]" = field(factory=Future)


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
        feed: InvalidationFeed,
        *,
        ttl_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._local = local
        self._shared = shared
        self._feed = feed
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._lock = Lock()
        self._flights: dict[str, _Flight] = {}
        self._hits = self._misses = self._stale = 0
        self._gate = RetryGate(RETRY_INTERVAL_SECONDS, clock)

    @property
    def counts(self) -> CacheCounts:
        """How it went so far."""
        return CacheCounts(self._hits, self._misses, self._stale)

    def get_or_load(self, key: str, tags: Tags, load: Loader) -> tuple[CachedResponse, CacheStatus]:
        """Return an answer that shows all that was written under its tags, or what `load` returns.

        Of those who need the same at once, one loads. Raises what `load` does; that something is
        not there (NotFoundError) is remembered briefly.
        """
        seen = self._feed.snapshot()  # before anything is read
        kept = self._get_fresh(self._local, key, tags)
        if kept is not None and seen is not None and not self._should_refresh(key, kept):
            self._hits += 1
            return _unwrap(kept), CacheStatus.HIT
        try:
            return self._load_shared(key, tags, load, seen) if seen else self._load_uncached(load)
        except UnavailableError:
            if kept is None:
                raise
            self._stale += 1
            return _unwrap(kept), CacheStatus.STALE

    def _get_fresh(self, cache: Cache, key: str, tags: Tags) -> CacheEntry | None:
        """Return what a cache has, unless something that it shows was written since."""
        kept = cache.get(key)
        return None if kept is None or self._feed.is_stale(kept.snapshot, tags) else kept

    def _should_refresh(self, key: str, kept: CacheEntry) -> bool:
        """Whether this is who makes an answer anew, before it ends, while all others go on."""
        return self._is_near_expiry(kept) and key not in self._flights

    def _is_near_expiry(self, kept: CacheEntry) -> bool:
        return (
            kept.not_found_message is None
            and kept.expires_at - self._clock() < self._ttl_seconds * _REFRESH_AHEAD_SHARE
        )

    def _load_uncached(self, load: Loader) -> tuple[CachedResponse, CacheStatus]:
        """Load while nobody can tell what is written: the database may be away, or silent.

        Once it was, one tries at a time; nobody else waits for it. Raises UnavailableError.
        """
        if not self._gate.allows():
            raise UnavailableError("The database did not answer a moment ago: try again later")
        try:
            rendering, outcome = self._load(load)
        except UnavailableError:
            self._gate.block()
            raise
        self._gate.unblock()
        return rendering, outcome

    def _load(self, load: Loader) -> tuple[CachedResponse, CacheStatus]:
        rendering = load()
        self._misses += 1
        return rendering, CacheStatus.MISS

    def _load_shared(
        self, key: str, tags: Tags, load: Loader, seen: Snapshot
    ) -> tuple[CachedResponse, CacheStatus]:
        """Find or load an answer, or wait for who is about it."""
        flight, is_mine = self._join_flight(key, tags, seen)
        if not is_mine:
            rendering = flight.future.result()
            self._hits += 1
            return rendering, CacheStatus.HIT
        try:
            rendering, outcome = self._find_or_load(key, tags, load, seen)
        except BaseException as error:
            flight.future.set_exception(error)
            raise
        else:
            flight.future.set_result(rendering)
            return rendering, outcome
        finally:
            with self._lock:
                if self._flights.get(key) is flight:
                    del self._flights[key]

    def _join_flight(self, key: str, tags: Tags, seen: Snapshot) -> tuple[_Flight, bool]:
        """Return who is about an answer, and whether that is the caller.

        Nobody waits for one who may miss a write that they know of.
        """
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None and not self._feed.is_stale(flight.snapshot, tags):
                return flight, False
            flight = self._flights[key] = _Flight(seen)
            return flight, True

    def _find_or_load(
        self, key: str, tags: Tags, load: Loader, seen: Snapshot
    ) -> tuple[CachedResponse, CacheStatus]:
        places = self._levels(key, seen)
        for cache, name in places:  # here too: another may just have landed
            kept = self._get_fresh(cache, name, tags)
            if kept is not None and not self._is_near_expiry(kept):
                self._local.set(key, kept)
                self._hits += 1
                return _unwrap(kept), CacheStatus.HIT
        try:
            rendering, outcome = self._load(load)
        except NotFoundError as error:
            self._local.set(
                key,
                CacheEntry(
                    seen, self._clock() + NOT_FOUND_TTL_SECONDS, not_found_message=str(error)
                ),
            )
            raise
        if rendering.is_cacheable and not self._feed.is_stale(seen, tags):
            kept = CacheEntry(
                seen, self._clock() + self._ttl_seconds * _random_ttl_factor(), rendering
            )
            for cache, name in places:
                cache.set(name, kept)
        return rendering, outcome

    def _levels(self, key: str, seen: Snapshot) -> Iterable[tuple[Cache, str]]:
        """Return the caches, and the name there: one that is shared may serve several shops."""
        if self._shared is None:
            return [(self._local, key)]
        return [(self._local, key), (self._shared, f"{seen.history}:{key}")]


def _random_ttl_factor() -> float:
    """Return a factor about 1, so that what was made together does not end together."""
    return random.uniform(1 - _TTL_JITTER, 1 + _TTL_JITTER)  # noqa: S311


def _unwrap(kept: CacheEntry) -> CachedResponse:
    if kept.not_found_message is not None:
        raise NotFoundError(kept.not_found_message)
    return kept.response
