"""Things that tests begin with, so that each test names only what it is about."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self

from attrs import evolve, frozen

from eggypro_adapters.files import read_products, write_products
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.memory import (
    MemoryCategoryStore,
    MemoryDatabase,
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
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.idempotency import PostgresIdempotencyStore
from eggypro_adapters.postgres.image_registry import PostgresImageRegistry
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.request_log import PostgresRequestLog
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_adapters.postgres.zero_result_searches import PostgresZeroResultStore
from eggypro_core.access.authentication import Authenticator, Tokens
from eggypro_core.operations.health import CACHE, DATABASE, IMAGE_STORE, Check, Health
from eggypro_core.operations.idempotency import IdempotencyStore
from eggypro_core.operations.request_metrics import RequestLog, RequestMetrics
from eggypro_core.ports import (
    CategoryStore,
    Clock,
    ImageRegistry,
    ImageServer,
    ImageStore,
    ProductStore,
    ReviewStore,
    VariantStore,
    ZeroResultStore,
)
from eggypro_core.services.categories import CategoryService
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
"""The checks of a shop that has nothing but its database."""
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def product_values(**changes: object) -> dict[str, Any]:
    """Return what may be written of a product, by the names of the wire."""
    return {
        "name": "Egg White Protein",
        "description": "Pure protein of egg white",
        "details": "<p>Five eggs in each scoop.</p>",
        "ingredients": ["egg white", "vanilla"],
        "price": "24.99",
    } | changes


def variant_values(**changes: object) -> dict[str, Any]:
    """Return what may be written of a variant, by the names of the wire."""
    return {"options": {"Size": "1 kg"}, "price": "24.99"} | changes


def review_values(**changes: object) -> dict[str, Any]:
    """Return what may be submitted of a review, by the names of the wire."""
    return {"reviewer_name": "Ada", "rating": 5, "comment": "Very good eggs"} | changes


def make_tokens() -> Tokens:
    """Return the tokens of a shop, where it is always noon."""
    return Tokens(MemoryTokenSigner(), lambda: NOON)


@frozen
class ShopStores:
    """Where a shop keeps what it has."""

    products: ProductStore
    variants: VariantStore
    reviews: ReviewStore
    categories: CategoryStore
    zero_results: ZeroResultStore
    image_registry: ImageRegistry
    request_log: RequestLog
    make_idempotency: Callable[
        [Callable[["ShopStores"], Mapping[str, Any]]], IdempotencyStore[Shop]
    ]
    """Makes what does things once, of what makes services over the stores."""

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
            lambda _: MemoryIdempotencyStore(),
        )

    @classmethod
    def in_postgres(cls, database: Database, idempotency_database: Database | None = None) -> Self:
        """What is done once has the connections that are held, if any: work may need the others."""
        return cls(
            PostgresProductStore(database),
            PostgresVariantStore(database),
            PostgresReviewStore(database),
            PostgresCategoryStore(database),
            PostgresZeroResultStore(database),
            PostgresImageRegistry(database),
            PostgresRequestLog(database),
            lambda services: PostgresIdempotencyStore(
                idempotency_database or database, lambda joined: services(cls.in_postgres(joined))
            ),
        )


new_stores: Callable[[], ShopStores] = ShopStores.in_memory
"""Makes the stores of a shop that brings none. The tests of the API may put others here."""


def make_shop(  # noqa: PLR0913  (one for each thing that a test may bring)
    products: ProductStore | None = None,
    variants: VariantStore | None = None,
    reviews: ReviewStore | None = None,
    categories: CategoryStore | None = None,
    misses: ZeroResultStore | None = None,
    *,
    calls: RequestLog | None = None,
    checks: Mapping[str, Check | None] = DATABASE_ONLY_CHECKS,
    ledger: ImageRegistry | None = None,
    images: ImageStore | None = None,
    files: ImageServer | None = None,
    clock: Clock = lambda: NOON,
    seconds: Callable[[], float] = lambda: 0.0,
) -> Shop:
    """Return a shop, where it is always noon; whoever brings products has the rest in memory."""
    stores = new_stores() if products is None else ShopStores.in_memory()
    given: dict[str, Any] = {
        "products": products,
        "variants": variants,
        "reviews": reviews,
        "categories": categories,
        "zero_results": misses,
        "image_registry": ledger,
        "request_log": calls,
    }
    stores = evolve(stores, **{name: one for name, one in given.items() if one is not None})
    storage = ImageUploads(
        MemoryImageStore(PillowImageCleaner()) if images is None else images,
        stores.image_registry,
        clock,
    )
    services = partial(_services, storage, files, clock)
    return Shop(
        **services(stores),
        idempotency=stores.make_idempotency(services),
        authenticator=Authenticator(ADMIN_KEY, make_tokens(), CRON_SECRET),
        zero_results=stores.zero_results,
        request_metrics=RequestMetrics(stores.request_log, clock),
        health=make_health(checks, clock, seconds),
    )


def _services(
    storage: ImageUploads, files: ImageServer | None, clock: Clock, stores: ShopStores
) -> dict[str, Any]:
    """Return the services that write, by the names of Shop's fields."""
    return {
        "products": ProductService(
            stores.products,
            NhHtmlCleaner(),
            clock,
            stores.zero_results,
            storage,
            reader=read_products,
            writer=write_products,
        ),
        "variants": VariantService(stores.variants, clock),
        "reviews": ReviewService(stores.reviews, clock),
        "categories": CategoryService(stores.categories, clock),
        "images": ProductImageService(stores.products, storage, clock, files),
    }


def make_health(
    checks: Mapping[str, Check | None], clock: Clock, seconds: Callable[[], float]
) -> Health:
    """Return who looks after the services of a shop, as these checks find them."""
    configured = {"database": True, "cloudinary": False, "admin": True}
    return Health(checks, configured, lambda: "1.2.3", "test", clock, seconds)


def make_full_shop(images: LocalImageStore | None = None) -> Shop:
    """Return a shop in memory that has one of everything, with ids in this order from 1."""
    shop = make_shop(images=images, files=images)
    slug = shop.products.create(product_values()).slug
    shop.variants.create(slug, variant_values())
    shop.reviews.create(slug, review_values())
    shop.categories.create({"name": "Food"})
    return shop
