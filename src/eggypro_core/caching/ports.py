"""Ports of the cache: storage of entries and the invalidation feed."""

from typing import Protocol

from eggypro_core.caching.entries import CacheEntry, Snapshot


class Cache(Protocol):
    """Store entries until they expire. A failure counts as a miss and raises nothing.

    A `key` is any text. An expired entry is never returned; any entry may be evicted earlier.
    """

    def get(self, key: str) -> CacheEntry | None:
        """Return the entry of a key, or None."""
        ...

    def set(self, key: str, entry: CacheEntry) -> None:
        """Store the entry of a key, replacing any other."""
        ...

    def delete(self, key: str) -> None:
        """Delete the entry of a key."""
        ...

    def clear(self) -> None:
        """Delete all entries of this cache, and no others."""
        ...


class InvalidationFeed(Protocol):
    """Announce the tags of all writes to the products of a shop, from any process.

    Writes of processes on this host are visible in the feed as soon as the write returns.
    """

    def snapshot(self) -> Snapshot | None:
        """Return a snapshot; a read that begins afterwards sees all writes before it.

        Returns None while the writes of other processes cannot be observed.
        """
        ...

    def is_stale(self, snapshot: Snapshot, tags: tuple[str, ...]) -> bool:
        """Return whether a read at `snapshot` may have missed an announced write to `tags`."""
        ...
