"""Cached responses, cache entries and tags."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from sys import intern
from typing import TypeAlias

from attrs import field, frozen

Tags: TypeAlias = tuple[str, ...]
CATEGORY_TREE_TAG = "categories"
"""The tag of responses that show the name or position of a category."""
ALL_TAGS = "*"
"""The tag that matches every tag."""


class ListTag(StrEnum):
    """The tag of a property by which lists select, order or count public products.

    A list has the tags of the properties that it depends on, and those of the products it shows.
    """

    MEMBERSHIP = "products:membership"
    """Products that become public or are no longer: created, archived, restored, listed, deleted"""
    NAME = "products:name"
    PRICE = "products:price"
    STOCK = "products:stock"
    """Products that are sold out, or in stock again"""
    RATING = "products:rating"
    CATEGORIES = "products:categories"
    """Links between products and categories"""
    SEARCH = "products:search"
    """Words of products, the vocabulary, SKUs and GTINs"""


def product_tag(slug: str) -> str:
    """Return the tag of responses that show a product, or that it does not exist."""
    return intern(f"product:{slug}")  # one text for all entries that have the tag


class CacheStatus(StrEnum):
    """The source of a response: the cache, a load, or the cache during an outage."""

    HIT = "hit"
    MISS = "miss"
    STALE = "stale"


@frozen
class CachedResponse:
    """The body and headers of a response, and the tags of what it shows.

    It is stored only if `is_cacheable`.
    """

    body: bytes
    headers: Mapping[str, str] = field(factory=dict)
    is_cacheable: bool = True
    tags: Tags = ()


@frozen
class Snapshot:
    """A point in the write history of a database: a read at it sees every write before `number`.

    It sees some writes from `number` on, but none from `end` on. Numbers of different histories
    cannot be compared.
    """

    history: str
    number: int
    end: int = 0


@frozen
class CacheEntry:
    """A cached response, or the message of a cached NotFoundError (whose response has only tags).

    Its read saw every write before `snapshot`. It expires at `expires_at`, in seconds since 1970.
    """

    snapshot: Snapshot
    expires_at: float
    response: CachedResponse = CachedResponse(b"")
    not_found_message: str | None = None


@frozen
class CacheCounts:
    """Counts of cache hits, misses and stale responses (served while the database is down).

    `kept` is the number of cached responses, `bytes` their approximate total size.
    """

    hits: int = 0
    misses: int = 0
    stale: int = 0
    kept: int = 0
    bytes: int = 0


@frozen
class SharedCounts:
    """Number and approximate total size of the responses in the shared cache."""

    kept: int
    bytes: int


@frozen
class CacheReport:
    """Counts per running worker of a host, and of the shared cache if there is one."""

    workers: tuple[CacheCounts, ...] = ()
    shared: SharedCounts | None = None


@frozen
class ServerCaches:
    """The response caches of all servers of a shop. Both functions may raise UnavailableError.

    `clear` empties the cache of every server and returns the number of shared responses.
    """

    clear: Callable[[], int] = lambda: 0
    report: Callable[[], CacheReport] = CacheReport
