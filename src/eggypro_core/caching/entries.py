"""Answers that are kept in a cache, and the tags that tell what they show."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from attrs import field, frozen

PRODUCT_LISTS_TAG = "products"
"""The tag of all that lists products or counts them."""
CATEGORY_TREE_TAG = "categories"
"""The tag of all that names a category or shows where it stands."""
ALL_TAGS = "*"
"""What stands for every tag."""


def product_tag(slug: str) -> str:
    """Return the tag of all that shows the product at a slug, or says that there is none."""
    return f"product:{slug}"


class CacheStatus(StrEnum):
    """Where an answer came from."""

    HIT = "hit"
    MISS = "miss"
    STALE = "stale"


@frozen
class CachedResponse:
    """An answer in bytes, and its headers. One that does not last is never kept."""

    body: bytes
    headers: Mapping[str, str] = field(factory=dict)
    is_cacheable: bool = True


@frozen
class Snapshot:
    """How much was written, in one history of a database: a read at it sees no later write.

    Numbers of two histories say nothing about one another.
    """

    history: str
    number: int


@frozen
class CacheEntry:
    """An answer that was kept, or the reason why there is none.

    What was written before `seen`, its read has seen. It is over at `ends`, in seconds since 1970.
    """

    snapshot: Snapshot
    expires_at: float
    response: CachedResponse = CachedResponse(b"")
    not_found_message: str | None = None


@frozen
class CacheCounts:
    """How often answers were found, made, and given although the database was away.

    How many are `kept`, and what they weigh together, about.
    """

    hits: int = 0
    misses: int = 0
    stale: int = 0
    kept: int = 0
    bytes: int = 0


@frozen
class SharedCounts:
    """How many answers all workers share, and what they weigh together, about."""

    kept: int
    bytes: int


@frozen
class CacheReport:
    """What each of the running workers of a host counts, and what they share, if they do."""

    workers: tuple[CacheCounts, ...] = ()
    shared: SharedCounts | None = None


@frozen
class ServerCaches:
    """The response caches of all servers of a shop. Both calls may raise UnavailableError.

    `clear` has every server drop its responses, and returns how many they shared.
    """

    clear: Callable[[], int] = lambda: 0
    report: Callable[[], CacheReport] = CacheReport
