"""The composition root: settings in, a shop backend out. Nothing else puts parts together."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from time import monotonic, time
from typing import TYPE_CHECKING

from eggypro_adapters.admin_key import NAME, kept_admin_key
from eggypro_adapters.call_batches import BatchingRecorder
from eggypro_adapters.files import NhHtmlCleaner, read_products, write_products
from eggypro_adapters.jose import JoseTokenSigner
from eggypro_adapters.memory import MemoryCache, MemoryCounter
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.postgres.calls import PostgresCallStore
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.changes import PostgresChanges, Written
from eggypro_adapters.postgres.engine import Database, Noted, PoolerCheck, found_out
from eggypro_adapters.postgres.ledger import PostgresImageLedger
from eggypro_adapters.postgres.misses import PostgresSearchMisses
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.tables import REVISION
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_adapters.settings import Settings
from eggypro_adapters.settings_values import ImageKeeper, Pooler
from eggypro_core.access import Gate, Tokens
from eggypro_core.app import EggyPro
from eggypro_core.assortment import Assortment
from eggypro_core.caching import ReadCache
from eggypro_core.catalog import Catalog
from eggypro_core.errors import ConfigurationError, Fault
from eggypro_core.feedback import Feedback
from eggypro_core.gallery import Gallery
from eggypro_core.health import CACHE, DATABASE, IMAGES, Health
from eggypro_core.limiter import Limiter
from eggypro_core.monitor import Monitor
from eggypro_core.ports import CallRecorder, CallStore, Counter, ImageFiles, ImageStore, Migrations
from eggypro_core.rates import policies
from eggypro_core.storage import ImageStorage
from eggypro_core.taxonomy import Taxonomy

if TYPE_CHECKING:
    from eggypro_adapters.local_images import LocalImageStore

DEMO = Path(__file__).with_name("demo.jsonl")
"""The catalogue of a demonstration, in the project's own JSONL."""


def open_eggypro(settings: Settings, *, in_request: bool = False) -> EggyPro:
    """Connect everything that the settings name, and return the services over it.

    Without POSTGRES_URL an embedded database is started or joined, and brought to this version.
    With `in_request` calls are noted before their answers go out, for platforms where a process may
    stop between two requests. Raises UnavailableError where something is away.
    """
    with ExitStack() as opened:
        written = Written(settings.eggypro_data_dir)
        opened.callback(written.close)
        database = opened.enter_context(_database(settings, settings.postgres_url, written.note))
        if settings.postgres_url is None:
            _bring_up_to_date(database)
        key = settings.admin_secret_key or kept_admin_key(settings.eggypro_data_dir)
        gate = Gate(key, _tokens(settings))
        running = opened.enter_context(ExitStack())
        misses = PostgresSearchMisses(database)
        products = PostgresProductStore(database)
        files = _image_files(settings, key)
        images = image_store(settings, key)
        storage = ImageStorage(images, PostgresImageLedger(database), _now)
        calls = PostgresCallStore(database)
        return EggyPro(
            catalog=Catalog(products, NhHtmlCleaner(), _now, misses, storage),
            assortment=Assortment(PostgresVariantStore(database), _now),
            feedback=Feedback(PostgresReviewStore(database), _now),
            taxonomy=Taxonomy(PostgresCategoryStore(database), _now),
            gallery=Gallery(products, storage, _now, files),
            gate=gate,
            limiter=partial(_limiter, settings, running),
            search_misses=misses,
            reader=read_products,
            writer=write_products,
            monitor=Monitor(calls, _now),
            health=_health(settings, database, images),
            currency=settings.currency,
            image_files=files,
            trusted_proxies=settings.trusted_proxies,
            cors_origins=settings.cors_origin,
            cdn_ttl=settings.cdn_ttl,
            in_production=settings.in_production,
            recorders=_recorders(settings, running, calls, in_request=in_request),
            cache=partial(_cache, settings, running, database, written),
            close=opened.pop_all().close,
        )


@contextmanager
def open_migrations(settings: Settings) -> Iterator[Migrations]:
    """Give the migrations of the database that the settings name, past its pooler if they can."""
    from eggypro_adapters.postgres.migrations import PostgresMigrations

    url = settings.postgres_url_non_pooling or settings.postgres_url
    with _database(settings, url) as database:
        yield PostgresMigrations(database)


def open_tokens(settings: Settings) -> Tokens:
    """Return the tokens of the shop; nothing is connected. Raises ConfigurationError."""
    tokens = _tokens(settings)
    if tokens is None:
        raise ConfigurationError([Fault("JWT_SECRET", "is required to issue tokens")])
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
    return CloudinaryImageStore(account, PillowImageCleaner(), _now)


def start_notes(settings: Settings) -> list[str]:
    """Return what the owner of a server should know when it starts, a sentence each."""
    if settings.redis_url is None:
        return ["Each worker counts the requests of clients on its own: REDIS_URL is not set."]
    return []


def admin_key_file(settings: Settings) -> Path | None:
    """Return the file that keeps a generated admin key, None where the settings give one."""
    return None if settings.admin_secret_key else settings.eggypro_data_dir / NAME


def _tokens(settings: Settings) -> Tokens | None:
    return Tokens(JoseTokenSigner(settings.jwt_secret), _now) if settings.jwt_secret else None


@contextmanager
def _database(
    settings: Settings, url: str | None, noted: Noted | None = None
) -> Iterator[Database]:
    with ExitStack() as opened:
        if url is None:
            from eggypro_adapters.embedded_postgres import attach

            url = opened.enter_context(attach(settings.eggypro_data_dir)).url
        database = Database.connect(url, pooler=_pooler(settings), noted=noted)
        opened.callback(database.close)
        yield database


def _limiter(settings: Settings, opened: ExitStack, gate: Gate) -> Limiter:
    counter = opened.enter_context(_counter(settings.redis_url))
    limits = policies(settings.rate_limit_max_requests, settings.rate_limit_window_ms)
    return Limiter(gate, counter, limits)


@contextmanager
def _counter(redis_url: str | None) -> Iterator[Counter]:
    local = MemoryCounter(monotonic)
    if redis_url is None:
        yield local
    else:
        from eggypro_adapters.redis import shared_counter

        with shared_counter(redis_url, local) as counter:
            yield counter


def _cache(
    settings: Settings, opened: ExitStack, database: Database, written: Written
) -> ReadCache | None:
    if not settings.cache_ttl:
        return None
    if settings.postgres_url_non_pooling:  # behind a pooler nobody hears of anything
        database = opened.enter_context(_database(settings, settings.postgres_url_non_pooling))
    changes = opened.enter_context(PostgresChanges(database, written).running())
    return ReadCache(MemoryCache(time), None, changes, ttl=settings.cache_ttl, clock=time)


def _recorders(
    settings: Settings, opened: ExitStack, calls: CallStore, *, in_request: bool
) -> tuple[CallRecorder, ...]:
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
        _now,
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


def _now() -> datetime:
    return datetime.now(UTC)
