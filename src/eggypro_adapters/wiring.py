"""The composition root: settings in, a shop backend out. Nothing else puts parts together."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING, TypedDict

from attrs import evolve

from eggypro_adapters.admin_key import NAME, kept_admin_key
from eggypro_adapters.files import NhHtmlCleaner, read_products, write_products
from eggypro_adapters.jwt_tokens import JoseTokenSigner
from eggypro_adapters.monitoring.cache_gauges import CountCache, cache_figures
from eggypro_adapters.monitoring.error_log import LogErrorTracker
from eggypro_adapters.monitoring.thread_errors import threads_tracked
from eggypro_adapters.monitoring.worker_stats import read_counts, written_down
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database, Noted, PoolerCheck, found_out
from eggypro_adapters.postgres.idempotency import PostgresOnce
from eggypro_adapters.postgres.image_registry import PostgresImageLedger
from eggypro_adapters.postgres.invalidation.feed import PostgresChanges, Written, touch_everything
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.replica import Replica, ReplicatedDatabase
from eggypro_adapters.postgres.request_log import PostgresCallStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.schema import REVISION
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_adapters.postgres.zero_result_searches import PostgresSearchMisses
from eggypro_adapters.request_log_buffer import BatchingRecorder
from eggypro_adapters.settings import Settings
from eggypro_adapters.settings.types import ImageKeeper, LogFormat, Pooler
from eggypro_core.access.authentication import Gate, Tokens
from eggypro_core.access.rate_limiting import Counter, Limiter, policies
from eggypro_core.caching.entries import CacheCounts, CacheReport
from eggypro_core.caching.ports import Cache
from eggypro_core.caching.read_cache import ReadCache
from eggypro_core.errors import ConfigurationError, Fault, UnavailableError
from eggypro_core.operations.error_tracking import ErrorTracker, Outage
from eggypro_core.operations.health import CACHE, DATABASE, IMAGES, Health
from eggypro_core.operations.migrations import Migrations
from eggypro_core.operations.request_metrics import CallStore, Figure, Monitor
from eggypro_core.ports import ImageFiles, ImageStore, utc_now
from eggypro_core.services.categories import Taxonomy
from eggypro_core.services.image_uploads import ImageStorage
from eggypro_core.services.images import Gallery
from eggypro_core.services.products import Catalog
from eggypro_core.services.reviews import Feedback
from eggypro_core.services.variants import Assortment
from eggypro_core.shop import Shop

if TYPE_CHECKING:
    from eggypro_adapters.local_images import LocalImageStore
    from eggypro_adapters.logs import AccessLog, Logs

DEMO = Path(__file__).with_name("demo.jsonl")
"""The catalogue of a demonstration, in the project's own JSONL."""

SIZE, HELD = 15, 4
"""How many connections a process has to the database, and how many of its own what is done once.

With the one that hears of changes they are 20.
"""
FEW = 1, 1
"""The same where there may be very many processes.

Nobody waits for themselves: who holds one of its own may ask for another, never the reverse.
"""


def open_shop(
    settings: Settings,
    trackers: tuple[ErrorTracker, ...] = (LogErrorTracker(),),
    *,
    in_request: bool = False,
) -> Shop:
    """Connect everything that the settings name, and return the services over it.

    Without POSTGRES_URL an embedded database is started or joined, and brought to this version.
    The trackers are told of outages. With `in_request` calls are noted before their answers go out,
    for platforms where a process may stop between two requests. Raises UnavailableError where
    something is away.
    """
    size, at_once = FEW if in_request else (SIZE, HELD)
    with ExitStack() as opened:
        written = Written(settings.eggypro_data_dir)
        opened.callback(written.close)
        database = opened.enter_context(
            _database(settings, settings.postgres_url, written.note, size=size)
        )
        outage = Outage("the database", trackers)
        database = database.watched_by(outage)
        # Apart, since what is done within may need a connection of the others: images do.
        held = Database.connect(
            database.engine.url, size=at_once, pooler=_pooler(settings), noted=written.note
        ).watched_by(outage)
        opened.callback(held.close)
        if settings.postgres_url is None:
            _bring_up_to_date(database)
        key = settings.admin_secret_key or kept_admin_key(settings.eggypro_data_dir)
        gate = Gate(key, _tokens(settings), settings.cron_secret)
        running = opened.enter_context(ExitStack())
        files = _image_files(settings, key)
        images = image_store(settings, key)
        images_away = Outage("the image store", trackers)
        storage = ImageStorage(images, PostgresImageLedger(database), utc_now, images_away)
        services = partial(_services, storage, files)
        calls = PostgresCallStore(database)
        recorders = _recorders(settings, running, calls, in_request=in_request)
        caches: list[CountCache] = []
        return Shop(
            **services(_replicated(settings, opened, database, written)),
            authenticator=gate,
            limiter=partial(_limiter, settings, running, Outage("Redis", trackers)),
            idempotency=PostgresOnce(held, services),
            zero_results=PostgresSearchMisses(database),
            trackers=trackers,
            request_metrics=Monitor(calls, utc_now),
            health=_health(settings, database, images),
            currency=settings.currency,
            image_files=files,
            trusted_proxies=settings.trusted_proxies,
            cors_origins=settings.cors_origin,
            cdn_ttl=settings.cdn_ttl,
            in_production=settings.in_production,
            figures=(
                _busy_connections(database),
                *cache_figures(caches),
                *map(_unnoted, recorders),
            ),
            metrics_networks=settings.metrics_networks,
            recorders=recorders,
            cache=partial(_cache, settings, running, database, written, caches.append),
            clear_caches=partial(_clear_caches, settings, database),
            cache_report=partial(_cache_report, settings),
            close=opened.pop_all().close,
        )


def open_server(settings: Settings, logs: "Logs", figures: Path) -> Shop:
    """Do what `open_shop` does for a process that serves: what it does is noted and told.

    The workers of a server share the folder of their figures.
    """
    from eggypro_adapters.monitoring.prometheus import PrometheusMetrics

    with ExitStack() as opened:
        trackers = opened.enter_context(_trackers(settings))
        opened.enter_context(threads_tracked(trackers))
        shop = opened.enter_context(open_shop(settings, trackers))
        access = logs.access()
        opened.callback(access.close)
        prometheus = PrometheusMetrics(figures, (*shop.figures, _unlogged(access)))
        opened.callback(prometheus.close)
        return evolve(
            shop,
            recorders=(*shop.recorders, access, prometheus),
            exposition=prometheus,
            close=opened.pop_all().close,
        )


def open_serverless(settings: Settings, logs: "Logs") -> Shop:
    """Do what `open_server` does where a process may stop between two requests.

    Each has few connections, as there may be very many processes; figures of one say nothing.
    Raises ConfigurationError where images would be kept in a folder, which nobody keeps.
    """
    if settings.image_store is ImageKeeper.LOCAL:
        reason = "IMAGE_STORE must be cloudinary: no folder lasts on a serverless platform"
        raise ConfigurationError([Fault("IMAGE_STORE", reason)])
    settings = evolve(settings, cache_ttl=0)
    with ExitStack() as opened:
        trackers = opened.enter_context(_trackers(settings, in_request=True))
        shop = opened.enter_context(open_shop(settings, trackers, in_request=True))
        recorders = (*shop.recorders, logs.access(in_request=True))
        return evolve(shop, recorders=recorders, close=opened.pop_all().close)


def logs_to_stderr(settings: Settings, *, colours: bool) -> "Logs":
    """Set up the log of a process that serves, and return it.

    It is on stderr: stdout is for what a command answers. It has colours at most on a terminal.
    """
    from eggypro_adapters.logs import Lines, set_up_logs

    lines = Lines()
    return set_up_logs(
        settings.log_level,
        json=settings.log_format is LogFormat.JSON,
        lines=lines,
        colours=colours and lines.is_terminal,
    )


class Services(TypedDict):
    """The services that write to the database."""

    products: Catalog
    variants: Assortment
    reviews: Feedback
    categories: Taxonomy
    images: Gallery


def _services(storage: ImageStorage, files: ImageFiles | None, database: Database) -> Services:
    """Return them over a database, or over one transaction in it; images are stored apart."""
    products = PostgresProductStore(database)
    misses = PostgresSearchMisses(database)
    return {
        "products": Catalog(
            products,
            NhHtmlCleaner(),
            utc_now,
            misses,
            storage,
            reader=read_products,
            writer=write_products,
        ),
        "variants": Assortment(PostgresVariantStore(database), utc_now),
        "reviews": Feedback(PostgresReviewStore(database), utc_now),
        "categories": Taxonomy(PostgresCategoryStore(database), utc_now),
        "images": Gallery(products, storage, utc_now, files),
    }


@contextmanager
def open_migrations(settings: Settings) -> Iterator[Migrations]:
    """Give the migrations of the database that the settings name, past its pooler if they can."""
    from eggypro_adapters.postgres.migrations import PostgresMigrations

    url = settings.postgres_url_non_pooling or settings.postgres_url
    with _database(settings, url) as database:
        yield PostgresMigrations(database)


@contextmanager
def open_address(settings: Settings) -> Iterator[Mapping[str, str]]:
    """Give the database's address, past its pooler, as variables that tools of Postgres know."""
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.pq import Conninfo

    with ExitStack() as opened:
        url = settings.postgres_url_non_pooling or settings.postgres_url
        if url is None:
            from eggypro_adapters.embedded_postgres import attach

            url = opened.enter_context(attach(settings.eggypro_data_dir)).conninfo
        given = conninfo_to_dict(url.replace("+psycopg", "", 1))
        names = {one.keyword.decode(): one.envvar for one in Conninfo.get_defaults()}
        named = ((names.get(name), value) for name, value in given.items())
        yield {name.decode(): str(value) for name, value in named if name}


def tool_folders() -> list[Path]:
    """Return where programs of Postgres may be that are not on the path."""
    from eggypro_adapters.embedded_postgres import find_binaries

    with suppress(UnavailableError):
        return [find_binaries()]
    return []


def open_tokens(settings: Settings) -> Tokens:
    """Return the tokens of the shop; nothing is connected. Raises ConfigurationError."""
    tokens = _tokens(settings)
    if tokens is None:
        raise ConfigurationError([Fault("JWT_SECRET", "JWT_SECRET is required to issue tokens")])
    return tokens


def image_store(settings: Settings, secret: str) -> ImageStore:
    """Return who keeps the images: Cloudinary, or a folder, whose uploads the secret signs."""
    if settings.image_store is ImageKeeper.LOCAL:
        return _folder(settings, secret)
    from eggypro_adapters.cloudinary_images import Account, CloudinaryImageStore

    account = Account(
        settings.cloudinary_cloud_name or "",
        settings.cloudinary_api_key or "",
        settings.cloudinary_api_secret or "",
        settings.cloudinary_upload_prefix,
    )
    return CloudinaryImageStore(account, PillowImageCleaner(), utc_now)


def start_notes(settings: Settings) -> list[str]:
    """Return what the owner of a server should know when it starts, a sentence each."""
    if settings.redis_url is None:
        return ["Each worker counts the requests of clients on its own: REDIS_URL is not set."]
    return []


def admin_key_file(settings: Settings) -> Path | None:
    """Return the file that keeps a generated admin key, None where the settings give one."""
    return None if settings.admin_secret_key else settings.eggypro_data_dir / NAME


def _tokens(settings: Settings) -> Tokens | None:
    return Tokens(JoseTokenSigner(settings.jwt_secret), utc_now) if settings.jwt_secret else None


@contextmanager
def _trackers(
    settings: Settings, *, in_request: bool = False
) -> Iterator[tuple[ErrorTracker, ...]]:
    log = LogErrorTracker()
    if settings.sentry_dsn is None or not settings.enable_error_tracking:
        yield (log,)
        return
    from importlib.metadata import version

    from eggypro_adapters.monitoring.sentry import SentryErrorTracker

    sentry = SentryErrorTracker(
        settings.sentry_dsn,
        environment=settings.app_env,
        release=f"eggypro@{version('eggypro')}",
        in_request=in_request,
    )
    try:
        yield (log, sentry)
    finally:
        sentry.close()


def _unlogged(access: "AccessLog") -> Figure:
    meaning = "Requests that are missing in the log."
    return Figure("eggypro_log_dropped", meaning, access.dropped, is_total=True)


def _unnoted(recorder: BatchingRecorder) -> Figure:
    meaning = "Requests that are missing in api_metrics."
    return Figure("eggypro_calls_dropped", meaning, recorder.dropped, is_total=True)


def _busy_connections(database: Database) -> Figure:
    return Figure("eggypro_database_connections_busy", "Connections at work.", database.busy)


@contextmanager
def _database(
    settings: Settings, url: str | None, noted: Noted | None = None, *, size: int = SIZE
) -> Iterator[Database]:
    with ExitStack() as opened:
        if url is None:
            from eggypro_adapters.embedded_postgres import attach

            url = opened.enter_context(attach(settings.eggypro_data_dir)).url
        database = Database.connect(url, size=size, pooler=_pooler(settings), noted=noted)
        opened.callback(database.close)
        yield database


def _replicated(
    settings: Settings, opened: ExitStack, database: Database, written: Written
) -> Database:
    if settings.postgres_read_url is None:
        return database
    replica = Replica.connect(
        settings.postgres_read_url, written.needed, size=SIZE, pooler=_pooler(settings)
    )
    opened.callback(replica.close)
    return ReplicatedDatabase.of(database, replica)


def _limiter(settings: Settings, opened: ExitStack, outage: Outage, gate: Gate) -> Limiter:
    counter = opened.enter_context(_counter(settings.redis_url, outage))
    limits = policies(settings.rate_limit_max_requests, settings.rate_limit_window_ms)
    return Limiter(gate, counter, limits)


@contextmanager
def _counter(redis_url: str | None, outage: Outage) -> Iterator[Counter]:
    from eggypro_adapters.memory import MemoryCounter

    local = MemoryCounter(monotonic)
    if redis_url is None:
        yield local
    else:
        from eggypro_adapters.redis import shared_counter

        with shared_counter(redis_url, local, outage=outage) as counter:
            yield counter


def _cache(
    settings: Settings,
    opened: ExitStack,
    database: Database,
    written: Written,
    made: Callable[[CountCache], None],
) -> ReadCache | None:
    if not settings.cache_ttl:
        return None
    from eggypro_adapters.memory import MemoryCache

    pooler = _pooler(settings)
    if settings.postgres_url_non_pooling:  # behind a pooler nobody hears of anything
        pooler = found_out  # what the settings say is said of the other address
        database = opened.enter_context(_database(settings, settings.postgres_url_non_pooling))
    changes = opened.enter_context(PostgresChanges(database, written, pooler).running())
    local, shared = MemoryCache(time), opened.enter_context(_shared_cache(settings))
    cache = ReadCache(local, shared, changes, ttl=settings.cache_ttl, clock=time)

    def counts() -> CacheCounts:
        return evolve(cache.counts, kept=len(local), bytes=local.bytes)

    made(counts)
    opened.enter_context(written_down(settings.eggypro_data_dir, counts))
    return cache


@contextmanager
def _shared_cache(settings: Settings) -> Iterator[Cache | None]:
    if settings.redis_url is None:
        yield None
    else:
        from eggypro_adapters.redis import shared_cache

        with shared_cache(settings.redis_url, _namespace(settings), time) as cache:
            yield cache


def _namespace(settings: Settings) -> str:
    """Return what answers depend on besides the database, as a short text."""
    images = settings.image_store, settings.cloudinary_cloud_name
    shape = repr((_version(), settings.currency, images))
    return blake2b(shape.encode(), digest_size=6).hexdigest()


def _clear_caches(settings: Settings, database: Database) -> int:
    touch_everything(database)
    if settings.redis_url is None:
        return 0
    from eggypro_adapters.redis import empty_cache

    return empty_cache(settings.redis_url)


def _cache_report(settings: Settings) -> CacheReport:
    workers = read_counts(settings.eggypro_data_dir)
    if settings.redis_url is None:
        return CacheReport(workers)
    from eggypro_adapters.redis import weigh_cache

    return CacheReport(workers, weigh_cache(settings.redis_url))


def _recorders(
    settings: Settings, opened: ExitStack, calls: CallStore, *, in_request: bool
) -> tuple[BatchingRecorder, ...]:
    if not settings.enable_api_metrics:
        return ()
    recorder = BatchingRecorder(calls, in_request=in_request)
    opened.callback(recorder.close)
    return (recorder,)


def _health(settings: Settings, database: Database, images: ImageStore) -> Health:
    at_cloudinary = settings.image_store is ImageKeeper.CLOUDINARY
    return Health(
        {
            DATABASE: database.ping,
            IMAGES: images.check if at_cloudinary else None,
            CACHE: partial(_ping, settings.redis_url) if settings.redis_url else None,
        },
        {
            "database": settings.postgres_url is not None,
            "cloudinary": at_cloudinary,
            "admin": settings.admin_secret_key is not None,
        },
        _version,
        settings.app_env,
        utc_now,
        monotonic,
    )


def _ping(redis_url: str) -> None:
    from eggypro_adapters.redis import ping

    ping(redis_url)


@cache
def _version() -> str:
    from importlib.metadata import version

    return version("eggypro")


def _bring_up_to_date(database: Database) -> None:
    if database.revision() != REVISION:
        from eggypro_adapters.postgres.migrations import PostgresMigrations

        PostgresMigrations(database).upgrade()


def _image_files(settings: Settings, secret: str) -> ImageFiles | None:
    return _folder(settings, secret) if settings.image_store is ImageKeeper.LOCAL else None


def _folder(settings: Settings, secret: str) -> "LocalImageStore":
    from eggypro_adapters.local_images import LocalImageStore  # needs a POSIX system

    return LocalImageStore(settings.eggypro_data_dir / "images", PillowImageCleaner(), secret)


def _pooler(settings: Settings) -> PoolerCheck:
    if settings.postgres_pooler is Pooler.AUTO:
        return found_out
    stands = settings.postgres_pooler is Pooler.YES
    return lambda _: stands
