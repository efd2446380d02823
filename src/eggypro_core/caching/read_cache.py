"""Read-through cache with single flight and tag invalidation."""

import random
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from threading import Lock
from time import monotonic
from typing import TypeAlias

from attrs import define, evolve, field

from eggypro_core.caching.entries import (
    CacheCounts,
    CachedResponse,
    CacheEntry,
    CacheStatus,
    Snapshot,
    Tags,
)
from eggypro_core.caching.ports import Cache, InvalidationFeed
from eggypro_core.circuit_breaker import CircuitBreaker
from eggypro_core.errors import NotFoundError, UnavailableError, database_unavailable_error

NOT_FOUND_TTL_SECONDS = 5.0
"""Seconds that a NotFoundError is cached."""
_REFRESH_AHEAD_SHARE = 0.1
"""The last share of the TTL, in which one request refreshes the entry before it expires."""
_TTL_JITTER = 0.1
RETRY_INTERVAL_SECONDS = 1.0
"""Seconds between two attempts to read from an unavailable database."""

Loader: TypeAlias = Callable[[], CachedResponse]


@define
class _Flight:
    """A load in progress; its read began after `snapshot`."""

    snapshot: Snapshot
    future: "Future[CachedResponse]" = field(factory=Future)


class ReadCache:
    """Cache responses until a write touches one of their tags.

    Every use checks the entry against the invalidation feed, so freshness never depends on the TTL.
    While the feed is down, every read loads; if the database is down too, entries not known to be
    invalidated are served as stale. `clock` returns seconds since 1970, `monotonic_clock` seconds.
    """

    def __init__(
        self,
        local: Cache,
        shared: Cache | None,
        feed: InvalidationFeed,
        *,
        ttl_seconds: float,
        clock: Callable[[], float],
        monotonic_clock: Callable[[], float] = monotonic,
    ) -> None:
        self._local = local
        self._shared = shared
        self._feed = feed
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._lock = Lock()
        self._flights: dict[str, _Flight] = {}
        self._hits = self._misses = self._stale = 0
        self._circuit_breaker = CircuitBreaker(RETRY_INTERVAL_SECONDS, monotonic_clock)

    @property
    def counts(self) -> CacheCounts:
        """Return the counts since start, without the number and size of entries."""
        return CacheCounts(self._hits, self._misses, self._stale)

    def get_or_load(self, key: str, tags: Tags, load: Loader) -> tuple[CachedResponse, CacheStatus]:
        """Return a cached response that shows all writes to its tags, or the result of `load`.

        `tags` are those known before the load, which may return more of them with its response.
        Concurrent requests for one key share one load. Raises the errors of `load`; a NotFoundError
        is cached for NOT_FOUND_TTL_SECONDS.
        """
        snapshot = self._feed.snapshot()  # before any read
        entry = self._get_fresh(self._local, key)
        if entry is not None and self._is_hit(key, entry, snapshot):
            self._hits += 1
            return _unwrap(entry), CacheStatus.HIT
        try:
            if snapshot is None:
                return self._load_uncached(load)
            return self._load_shared(key, tags, load, snapshot)
        except UnavailableError:
            if entry is None:
                raise
            self._stale += 1
            return _unwrap(entry), CacheStatus.STALE

    def use_hit(self, key: str, response: CachedResponse) -> bool:
        """Return whether `get_or_load` would return `response` as a hit now; if so, count a hit."""
        snapshot = self._feed.snapshot()
        entry = self._get_fresh(self._local, key)
        is_hit = (
            entry is not None and entry.response is response and self._is_hit(key, entry, snapshot)
        )
        self._hits += is_hit
        return is_hit

    def _get_fresh(self, cache: Cache, key: str) -> CacheEntry | None:
        """Return the entry of a cache unless a write has invalidated it."""
        entry = cache.get(key)
        if entry is None or self._feed.is_stale(entry.snapshot, entry.response.tags):
            return None
        return entry

    def _is_hit(self, key: str, entry: CacheEntry, snapshot: Snapshot | None) -> bool:
        """Return whether a fresh entry needs no load: the feed is up, and it is not refreshed.

        One request refreshes an entry near its expiry; the others use it meanwhile.
        """
        return snapshot is not None and (key in self._flights or not self._is_near_expiry(entry))

    def _is_near_expiry(self, entry: CacheEntry) -> bool:
        return (
            entry.not_found_message is None
            and entry.expires_at - self._clock() < self._ttl_seconds * _REFRESH_AHEAD_SHARE
        )

    def _load_uncached(self, load: Loader) -> tuple[CachedResponse, CacheStatus]:
        """Load while the feed is down: the database may be down, or not responding.

        After a failure one request at a time retries; all others fail fast with UnavailableError.
        """
        if not self._circuit_breaker.allows():
            error = database_unavailable_error()
            error.is_reported = True  # with the error that opened the circuit breaker
            raise error
        try:
            response, status = self._load(load)
        except UnavailableError as error:
            if not error.is_busy:
                self._circuit_breaker.trip()
            raise
        self._circuit_breaker.reset()
        return response, status

    def _load(self, load: Loader) -> tuple[CachedResponse, CacheStatus]:
        response = load()
        self._misses += 1
        return response, CacheStatus.MISS

    def _load_shared(
        self, key: str, tags: Tags, load: Loader, snapshot: Snapshot
    ) -> tuple[CachedResponse, CacheStatus]:
        """Return the cached or loaded response, or wait for the flight that loads it."""
        flight, is_leader = self._join_flight(key, tags, snapshot)
        if not is_leader:
            response = flight.future.result()
            if self._feed.is_stale(flight.snapshot, response.tags):
                # The load began before this request, and may have missed a write to what it shows.
                # The next one begins after this request.
                flight, is_leader = self._join_flight(key, tags, self._feed.snapshot() or snapshot)
        if is_leader:
            return self._lead_flight(flight, key, tags, load)
        response = flight.future.result()
        self._hits += 1
        return response, CacheStatus.HIT

    def _lead_flight(
        self, flight: _Flight, key: str, tags: Tags, load: Loader
    ) -> tuple[CachedResponse, CacheStatus]:
        """Load, and pass the result or the error on to the requests that joined the flight."""
        try:
            try:
                response, status = self._look_up_or_load(key, tags, load, flight.snapshot)
            finally:  # before its result: waiting requests must not join it again
                self._remove_flight(key, flight)
        except BaseException as error:
            flight.future.set_exception(error)
            raise
        flight.future.set_result(response)
        return response, status

    def _remove_flight(self, key: str, flight: _Flight) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def _join_flight(self, key: str, tags: Tags, snapshot: Snapshot) -> tuple[_Flight, bool]:
        """Return the flight of a key, and whether the caller leads it.

        A flight that may have missed an announced write is replaced: nobody joins it any more.
        """
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None and not self._feed.is_stale(flight.snapshot, tags):
                return flight, False
            flight = self._flights[key] = _Flight(snapshot)
            return flight, True

    def _look_up_or_load(
        self, key: str, tags: Tags, load: Loader, snapshot: Snapshot
    ) -> tuple[CachedResponse, CacheStatus]:
        levels = self._levels(key, snapshot)
        for cache, level_key in levels:  # the local one too: another flight may just have landed
            entry = self._get_fresh(cache, level_key)
            if entry is not None and not self._is_near_expiry(entry):
                self._local.set(key, entry)
                self._hits += 1
                return _unwrap(entry), CacheStatus.HIT
        try:
            response, status = self._load(load)
        except NotFoundError as error:
            expires_at = self._clock() + NOT_FOUND_TTL_SECONDS
            response = CachedResponse(b"", tags=tags)
            self._local.set(key, CacheEntry(snapshot, expires_at, response, str(error)))
            raise
        response = evolve(response, tags=(*tags, *response.tags))
        if response.is_cacheable and not self._feed.is_stale(snapshot, response.tags):
            entry = CacheEntry(
                snapshot, self._clock() + self._ttl_seconds * _random_ttl_factor(), response
            )
            for cache, level_key in levels:
                cache.set(level_key, entry)
        return response, status

    def _levels(self, key: str, snapshot: Snapshot) -> Iterable[tuple[Cache, str]]:
        """Return each cache with its key: a shared one may serve several shops."""
        if self._shared is None:
            return [(self._local, key)]
        return [(self._local, key), (self._shared, f"{snapshot.history}:{key}")]


def _random_ttl_factor() -> float:
    """Return a random factor near 1, so that entries loaded together expire apart."""
    return random.uniform(1 - _TTL_JITTER, 1 + _TTL_JITTER)  # noqa: S311


def _unwrap(entry: CacheEntry) -> CachedResponse:
    if entry.not_found_message is not None:
        raise NotFoundError(entry.not_found_message)
    return entry.response
