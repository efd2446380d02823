"""Builders of shops and of request values, with defaults for values that a test does not set."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Self

from attrs import evolve, frozen

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.files import read_products, read_stock, write_products
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.memory import (
    MemoryApiKeyStore,
    MemoryCategoryStore,
    MemoryDatabase,
    MemoryEventLog,
    MemoryIdempotencyStore,
    MemoryImageRegistry,
    MemoryImageStore,
    MemoryProductStore,
    MemoryRequestLog,
    MemoryReviewStore,
    MemoryTokenSigner,
    MemoryVariantStore,
    MemoryZeroResultStore,
)
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.postgres.api_keys import PostgresApiKeyStore
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.events import PostgresEventLog
from eggypro_adapters.postgres.idempotency import PostgresIdempotencyStore
from eggypro_adapters.postgres.image_registry import PostgresImageRegistry
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.request_log import PostgresRequestLog
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_adapters.postgres.zero_result_searches import PostgresZeroResultStore
from eggypro_core.access.api_keys import ApiKeyStore, CachedApiKeyVerifier
from eggypro_core.access.authentication import Authenticator, TokenService
from eggypro_core.operations.health import CACHE, DATABASE, IMAGE_STORE, Check, Health
from eggypro_core.operations.idempotency import IdempotencyStore
from eggypro_core.operations.request_metrics import RequestLog, RequestMetrics
from eggypro_core.ports import (
    CategoryStore,
    Clock,
    EventLog,
    ImageRegistry,
    ImageServer,
    ImageStore,
    ProductStore,
    ReviewStore,
    VariantStore,
    ZeroResultStore,
)
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

ADMIN_KEY = "an-admin-key-of-tests-with-enough-characters"
CRON_SECRET = "a-secret-of-the-cron"  # noqa: S105
DATABASE_ONLY_CHECKS: Mapping[str, Check | None] = {
    DATABASE: lambda: None,
    IMAGE_STORE: None,
    CACHE: None,
}
"""The checks of a shop without image store and cache."""


def product_values(**changes: object) -> dict[str, Any]:
    """Return the JSON values of a valid product, with `changes`."""
    return {
        "name": "Egg White Protein",
        "description": "Pure protein of egg white",
        "details": "<p>Five eggs in each scoop.</p>",
        "ingredients": ["egg white", "vanilla"],
        "price": "24.99",
    } | changes


def variant_values(**changes: object) -> dict[str, Any]:
    """Return the JSON values of a valid variant, with `changes`."""
    return {"options": {"Size": "1 kg"}, "price": "24.99"} | changes


def review_values(**changes: object) -> dict[str, Any]:
    """Return the JSON values of a valid review, with `changes`."""
    return {"reviewer_name": "Ada", "rating": 5, "comment": "Very good eggs"} | changes


def make_tokens() -> TokenService:
    """Return a token service whose clock stands at noon."""
    return TokenService(MemoryTokenSigner(), lambda: NOON)


@frozen
class ShopStores:
    """The stores of a shop."""

    products: ProductStore
    variants: VariantStore
    reviews: ReviewStore
    categories: CategoryStore
    zero_results: ZeroResultStore
    image_registry: ImageRegistry
    request_log: RequestLog
    event_log: EventLog
    api_keys: ApiKeyStore
    make_idempotency: Callable[
        [Callable[["ShopStores"], Mapping[str, Any]]], IdempotencyStore[Shop]
    ]
    """Returns the idempotency store, given a function that makes services from stores."""

    @classmethod
    def in_memory(cls) -> Self:
        database = MemoryDatabase()
        return cls(
            MemoryProductStore(database),
            MemoryVariantStore(database),
            MemoryReviewStore(database),
            MemoryCategoryStore(database),
            MemoryZeroResultStore(),
            MemoryImageRegistry(database),
            MemoryRequestLog(),
            MemoryEventLog(database),
            MemoryApiKeyStore(database),
            lambda _: MemoryIdempotencyStore(),
        )

    @classmethod
    def in_postgres(cls, database: Database, idempotency_database: Database | None = None) -> Self:
        """Return stores in Postgres.

        The idempotency store uses `idempotency_database`, if given: it holds a connection while
        the work needs another.
        """
        return cls(
            PostgresProductStore(database),
            PostgresVariantStore(database),
            PostgresReviewStore(database),
            PostgresCategoryStore(database),
            PostgresZeroResultStore(database),
            PostgresImageRegistry(database),
            PostgresRequestLog(database),
            PostgresEventLog(database),
            PostgresApiKeyStore(database),
            lambda services: PostgresIdempotencyStore(
                idempotency_database or database,
                lambda transaction: services(cls.in_postgres(transaction)),
            ),
        )


new_stores: Callable[[], ShopStores] = ShopStores.in_memory
"""Makes the stores of a shop for tests that pass none. Tests of the API may replace it."""


def make_shop(  # noqa: PLR0913  (one for each part that a test may replace)
    products: ProductStore | None = None,
    variants: VariantStore | None = None,
    reviews: ReviewStore | None = None,
    categories: CategoryStore | None = None,
    zero_results: ZeroResultStore | None = None,
    *,
    stores: ShopStores | None = None,
    request_log: RequestLog | None = None,
    checks: Mapping[str, Check | None] = DATABASE_ONLY_CHECKS,
    image_registry: ImageRegistry | None = None,
    images: ImageStore | None = None,
    files: ImageServer | None = None,
    clock: Clock = lambda: NOON,
    seconds: Callable[[], float] = lambda: 0.0,
) -> Shop:
    """Return a shop whose clock stands at noon.

    Single stores replace those of `stores`, which come from `new_stores` by default, or are in
    memory if `products` is passed.
    """
    if stores is None:
        stores = new_stores() if products is None else ShopStores.in_memory()
    replacements: dict[str, Any] = {
        "products": products,
        "variants": variants,
        "reviews": reviews,
        "categories": categories,
        "zero_results": zero_results,
        "image_registry": image_registry,
        "request_log": request_log,
    }
    stores = evolve(
        stores, **{name: store for name, store in replacements.items() if store is not None}
    )
    uploads = ImageUploads(
        MemoryImageStore(PillowImageCleaner()) if images is None else images,
        stores.image_registry,
        clock,
    )
    services = partial(_make_services, uploads, files, clock)
    return Shop(
        **services(stores),
        idempotency=stores.make_idempotency(services),
        authenticator=Authenticator(
            ADMIN_KEY, make_tokens(), CRON_SECRET, verifier_of(stores.api_keys, clock)
        ),
        api_keys=ApiKeyService(stores.api_keys, clock),
        zero_results=stores.zero_results,
        request_metrics=RequestMetrics(stores.request_log, clock),
        health=make_health(checks, clock, seconds),
    )


def verifier_of(store: ApiKeyStore, clock: Clock) -> CachedApiKeyVerifier:
    """Return a verifier that records each use at once."""
    return CachedApiKeyVerifier(store, clock, lambda key_id, at: store.record_uses({key_id: at}))


def _make_services(
    uploads: ImageUploads, files: ImageServer | None, clock: Clock, stores: ShopStores
) -> dict[str, Any]:
    """Return the services that write, by field name of `Shop`."""
    return {
        "products": ProductService(
            stores.products,
            NhHtmlCleaner(),
            clock,
            stores.zero_results,
            uploads,
            reader=read_products,
            stock_reader=read_stock,
            writer=write_products,
        ),
        "variants": VariantService(stores.variants, clock),
        "reviews": ReviewService(stores.reviews, clock),
        "categories": CategoryService(stores.categories, clock),
        "images": ProductImageService(stores.products, uploads, clock, files),
        "events": EventService(stores.event_log, stores.products, stores.categories, clock),
        "bulk_updates": BulkUpdateService(stores.products, clock),
    }


def make_health(
    checks: Mapping[str, Check | None], clock: Clock, seconds: Callable[[], float]
) -> Health:
    """Return the health of a shop with these checks."""
    configured = {"database": True, "cloudinary": False, "admin": True}
    return Health(checks, configured, lambda: "1.2.3", "test", clock, seconds)


def make_full_shop(images: LocalImageStore | None = None) -> Shop:
    """Return a shop with a product, a variant, a review and a category, with ids from 1."""
    shop = make_shop(images=images, files=images)
    slug = shop.products.create(product_values()).slug
    shop.variants.create(slug, variant_values())
    shop.reviews.create(slug, review_values())
    shop.categories.create({"name": "Food"})
    return shop
