"""The shop over the configured database."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TypedDict

from attrs import evolve, frozen

from eggypro_adapters.api_key_uses import ApiKeyUses
from eggypro_adapters.files import NhHtmlCleaner, read_products, read_stock, write_products
from eggypro_adapters.monitoring.error_log import LogErrorTracker
from eggypro_adapters.postgres.api_keys import PostgresApiKeyStore
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.events import PostgresEventLog
from eggypro_adapters.postgres.idempotency import PostgresIdempotencyStore
from eggypro_adapters.postgres.image_registry import PostgresImageRegistry
from eggypro_adapters.postgres.invalidation.feed import WriteVersions
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.request_log import PostgresRequestLog
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_adapters.postgres.zero_result_searches import PostgresZeroResultStore
from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring.access import admin_key, find_tokens
from eggypro_adapters.wiring.cache import server_caches
from eggypro_adapters.wiring.database import (
    POOL_SIZES,
    PoolSizes,
    open_database,
    open_replica,
    upgrade_schema,
)
from eggypro_adapters.wiring.images import image_store_and_server
from eggypro_adapters.wiring.monitoring import health_of
from eggypro_core.access.api_keys import CachedApiKeyVerifier
from eggypro_core.access.authentication import Authenticator
from eggypro_core.domain.origin import Origin
from eggypro_core.operations.error_tracking import ErrorTracker, OutageDetector
from eggypro_core.operations.request_metrics import RequestMetrics
from eggypro_core.ports import ImageServer, utc_now
from eggypro_core.services.api_keys import ApiKeyService
from eggypro_core.services.bulk_updates import BulkUpdateService
from eggypro_core.services.categories import CategoryService
from eggypro_core.services.events import EventService
from eggypro_core.services.image_uploads import ImageUploads
from eggypro_core.services.images import ProductImageService
from eggypro_core.services.products import ProductService
from eggypro_core.services.reviews import ReviewService
from eggypro_core.services.variants import VariantService
from eggypro_core.shop import Shop

DEFAULT_ORIGIN = Origin()
"""The origin of the writes of a Python program that names none."""


def open_shop(
    settings: Settings,
    trackers: tuple[ErrorTracker, ...] = (LogErrorTracker(),),
    *,
    origin: Origin = DEFAULT_ORIGIN,
) -> Shop:
    """Connect to all configured services and return the shop.

    Without POSTGRES_URL an embedded database is started or joined, and migrated to this version.
    Outages are reported to `trackers`. The event log names `origin` as the origin of writes outside
    of `writing_as`. Raises UnavailableError if a service is down.
    """
    with ExitStack() as stack:
        connected = stack.enter_context(connect_shop(settings, trackers, origin=origin))
        return evolve(connected.shop, close=stack.pop_all().close)


@frozen
class ConnectedShop:
    """A shop, its database, and the versions of the writes on this host."""

    shop: Shop
    database: Database
    write_versions: WriteVersions


@contextmanager
def connect_shop(
    settings: Settings,
    trackers: tuple[ErrorTracker, ...],
    pool_sizes: PoolSizes = POOL_SIZES,
    *,
    origin: Origin = DEFAULT_ORIGIN,
    in_request: bool = False,
) -> Iterator[ConnectedShop]:
    """Yield the configured shop. Its `close` does nothing: leave the block instead.

    With `in_request`, no thread stores the uses of API keys: a request does.
    """
    with ExitStack() as stack:
        write_versions = WriteVersions(settings.eggypro_data_dir)
        stack.callback(write_versions.close)
        database = stack.enter_context(
            open_database(settings, write_versions.record, sizes=pool_sizes)
        )
        database = database.with_outage(OutageDetector("the database", trackers))
        database = database.with_origin(origin)
        if settings.postgres_url is None:
            upgrade_schema(database)
        key = admin_key(settings)
        api_keys = PostgresApiKeyStore(database)
        uses = ApiKeyUses(api_keys, in_request=in_request)
        stack.callback(uses.close)
        images, image_server = image_store_and_server(settings, key)
        image_outage = OutageDetector("the image store", trackers)
        uploads = ImageUploads(images, PostgresImageRegistry(database), utc_now, image_outage)
        services = partial(_services, settings, uploads, image_server)
        replica_outage = OutageDetector("the replica", trackers)
        replicated = open_replica(settings, database, write_versions, replica_outage)
        shop = Shop(
            **services(stack.enter_context(replicated)),
            authenticator=Authenticator(
                key,
                find_tokens(settings, key),
                settings.cron_secret,
                CachedApiKeyVerifier(api_keys, utc_now, uses.note),
            ),
            api_keys=ApiKeyService(api_keys, utc_now),
            request_metrics=RequestMetrics(PostgresRequestLog(database), utc_now),
            health=health_of(settings, database, images),
            zero_results=PostgresZeroResultStore(database),
            idempotency=PostgresIdempotencyStore(database.with_share(pool_sizes.keyed), services),
            caches=server_caches(settings, database),
            event_retention_days=settings.event_retention_days,
            currency=settings.currency,
        )
        yield ConnectedShop(shop, database, write_versions)


class Services(TypedDict):
    """The services that write to the database."""

    products: ProductService
    variants: VariantService
    categories: CategoryService
    reviews: ReviewService
    images: ProductImageService
    events: EventService
    bulk_updates: BulkUpdateService


def _services(
    settings: Settings, uploads: ImageUploads, files: ImageServer | None, database: Database
) -> Services:
    """Return services that use a database or transaction; image files are not part of either."""
    products, categories = PostgresProductStore(database), PostgresCategoryStore(database)
    return {
        "products": ProductService(
            products,
            NhHtmlCleaner(),
            utc_now,
            PostgresZeroResultStore(database),
            uploads,
            reader=read_products,
            stock_reader=read_stock,
            writer=partial(
                write_products, currency=settings.currency, storefront_url=settings.app_url
            ),
            public_url=settings.public_url,
        ),
        "variants": VariantService(PostgresVariantStore(database), utc_now),
        "categories": CategoryService(categories, utc_now),
        "reviews": ReviewService(PostgresReviewStore(database), utc_now),
        "images": ProductImageService(products, uploads, utc_now, files),
        "events": EventService(PostgresEventLog(database), products, categories, utc_now),
        "bulk_updates": BulkUpdateService(products, utc_now),
    }
