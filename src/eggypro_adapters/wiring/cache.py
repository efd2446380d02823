"""The response cache of a server, and the administration of the caches of all servers."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from hashlib import blake2b
from time import time

from attrs import evolve

from eggypro_adapters.monitoring.cache_gauges import CacheCountsReader
from eggypro_adapters.monitoring.worker_stats import publish_counts, read_counts
from eggypro_adapters.postgres.connection import detect_pooler
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.invalidation.feed import (
    PostgresInvalidationFeed,
    WriteVersions,
    invalidate_all,
)
from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring.common import package_version
from eggypro_adapters.wiring.database import open_database, pooler_check
from eggypro_core.caching.entries import CacheCounts, CacheReport, ServerCaches
from eggypro_core.caching.ports import Cache
from eggypro_core.caching.read_cache import ReadCache


@contextmanager
def open_cache(
    settings: Settings, database: Database, write_versions: WriteVersions
) -> Iterator[tuple[ReadCache | None, list[CacheCountsReader]]]:
    """Yield the response cache (None if the settings disable it) and its counts."""
    if not settings.cache_ttl:
        yield None, []
        return
    from eggypro_adapters.memory import MemoryCache

    with ExitStack() as stack:
        pooler = pooler_check(settings)
        if settings.postgres_url_non_pooling:  # LISTEN does not work behind a pooler
            pooler = detect_pooler  # POSTGRES_POOLER is about the other URL
            database = stack.enter_context(open_database(settings, avoids_pooler=True))
        feed = stack.enter_context(
            PostgresInvalidationFeed(database, write_versions, pooler).running()
        )
        local, shared = MemoryCache(time), stack.enter_context(_shared_cache(settings))
        cache = ReadCache(local, shared, feed, ttl_seconds=settings.cache_ttl, clock=time)

        def counts() -> CacheCounts:
            return evolve(cache.counts, kept=len(local), bytes=local.bytes)

        stack.enter_context(publish_counts(settings.eggypro_data_dir, counts))
        yield cache, [counts]


def server_caches(settings: Settings, database: Database) -> ServerCaches:
    """Return the administration of the caches of all servers of the shop."""
    return ServerCaches(partial(_clear, settings, database), partial(_report, settings))


@contextmanager
def _shared_cache(settings: Settings) -> Iterator[Cache | None]:
    if settings.redis_url is None:
        yield None
    else:
        from eggypro_adapters.redis import shared_cache

        with shared_cache(settings.redis_url, _namespace(settings), time) as cache:
            yield cache


def _namespace(settings: Settings) -> str:
    """Return a hash of everything besides the database that responses depend on."""
    images = settings.image_store, settings.cloudinary_cloud_name
    key = repr((package_version(), settings.currency, images))
    return blake2b(key.encode(), digest_size=6).hexdigest()


def _clear(settings: Settings, database: Database) -> int:
    invalidate_all(database)
    if settings.redis_url is None:
        return 0
    from eggypro_adapters.redis import clear_cache

    return clear_cache(settings.redis_url)


def _report(settings: Settings) -> CacheReport:
    workers = read_counts(settings.eggypro_data_dir)
    if settings.redis_url is None:
        return CacheReport(workers)
    from eggypro_adapters.redis import measure_cache

    return CacheReport(workers, measure_cache(settings.redis_url))
