"""Ports of the cache: stored entries and the feed of invalidations."""

from typing import Protocol

from eggypro_core.caching.entries import CacheEntry, Snapshot


class Cache(Protocol):
    """Keeps answers for a while. Whatever is wrong with it counts as nothing kept: no error.

    `key` is any text. What was kept is not returned after it `ends`, and may go before.
    """

    def get(self, key: str) -> CacheEntry | None:
        """Return what is kept under a key."""
        ...

    def set(self, key: str, entry: CacheEntry) -> None:
        """Keep an answer under a key, in place of what is there."""
        ...

    def delete(self, key: str) -> None:
        """Forget what is kept under a key."""
        ...

    def clear(self) -> None:
        """Forget all, and nothing that is not this cache's."""
        ...


class InvalidationFeed(Protocol):
    """Knows what is written to the products of a shop, by whomever.

    What this process wrote, and others on its host, it knows by when the write returns.
    """

    def snapshot(self) -> Snapshot | None:
        """Return a moment: a read that begins afterwards sees all that was written before it.

        None while nobody can tell what is written elsewhere.
        """
        ...

    def is_stale(self, snapshot: Snapshot, tags: tuple[str, ...]) -> bool:
        """Whether a read may have missed a write under one of its tags, as far as is known."""
        ...
