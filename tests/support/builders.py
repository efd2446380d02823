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
    MemoryCallStore,
    MemoryCategoryStore,
    MemoryDatabase,
    MemoryImageLedger,
    MemoryImageStore,
    MemoryOnce,
    MemoryProductStore,
    MemoryReviewStore,
    MemorySearchMisses,
    MemoryTokenSigner,
    MemoryVariantStore,
)
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.idempotency import PostgresOnce
from eggypro_adapters.postgres.image_registry import PostgresImageLedger
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.request_log import PostgresCallStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_adapters.postgres.zero_result_searches import PostgresSearchMisses
from eggypro_core.access.authentication import Gate, Tokens
from eggypro_core.operations.health import CACHE, DATABASE, IMAGES, Check, Health
from eggypro_core.operations.idempotency import Once
from eggypro_core.operations.request_metrics import CallStore, Monitor
from eggypro_core.ports import (
    CategoryStore,
    Clock,
    ImageFiles,
    ImageLedger,
    ImageStore,
    ProductStore,
    ReviewStore,
    SearchMisses,
    VariantStore,
)
from eggypro_core.services.categories import Taxonomy
from eggypro_core.services.image_uploads import ImageStorage
from eggypro_core.services.images import Gallery
from eggypro_core.services.products import Catalog
from eggypro_core.services.reviews import Feedback
from eggypro_core.services.variants import Assortment
from eggypro_core.shop import Shop

ADMIN_KEY = "an-admin-key-of-tests-with-enough-characters"
CRON_SECRET = "a-secret-of-the-cron"  # noqa: S105
WELL: Mapping[str, Check | None] = {DATABASE: lambda: None, IMAGES: None, CACHE: None}
"""The checks of a shop that has nothing but its database."""
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_product(**changes: object) -> dict[str, Any]:
    """Return what may be written of a product, by the names of the wire."""
    return {
        "name": "Egg White Protein",
        "description": "Pure protein of egg white",
        "details": "<p>Five eggs in each scoop.</p>",
        "ingredients": ["egg white", "vanilla"],
        "price": "24.99",
    } | changes


def a_variant(**changes: object) -> dict[str, Any]:
    """Return what may be written of a variant, by the names of the wire."""
    return {"options": {"Size": "1 kg"}, "price": "24.99"} | changes


def a_review(**changes: object) -> dict[str, Any]:
    """Return what may be submitted of a review, by the names of the wire."""
    return {"reviewer_name": "Ada", "rating": 5, "comment": "Very good eggs"} | changes


def some_tokens() -> Tokens:
    """Return the tokens of a shop, where it is always noon."""
    return Tokens(MemoryTokenSigner(), lambda: NOON)


@frozen
class Stores:
    """Where a shop keeps what it has."""

    products: ProductStore
    variants: VariantStore
    reviews: ReviewStore
    categories: CategoryStore
    misses: SearchMisses
    ledger: ImageLedger
    calls: CallStore
    once: Callable[[Callable[["Stores"], Mapping[str, Any]]], Once[Shop]]
    """Makes what does things once, of what makes services over the stores."""

    @classmethod
    def in_memory(cls) -> Self:
        database = MemoryDatabase()
        return cls(
            MemoryProductStore(database),
            MemoryVariantStore(database),
            MemoryReviewStore(database),
            MemoryCategoryStore(database),
            MemorySearchMisses(),
            MemoryImageLedger(database),
            MemoryCallStore(),
            lambda _: MemoryOnce(),
        )

    @classmethod
    def in_postgres(cls, database: Database, held: Database | None = None) -> Self:
        """What is done once has the connections that are held, if any: work may need the others."""
        return cls(
            PostgresProductStore(database),
            PostgresVariantStore(database),
            PostgresReviewStore(database),
            PostgresCategoryStore(database),
            PostgresSearchMisses(database),
            PostgresImageLedger(database),
            PostgresCallStore(database),
            lambda services: PostgresOnce(
                held or database, lambda joined: services(cls.in_postgres(joined))
            ),
        )


new_stores: Callable[[], Stores] = Stores.in_memory
"""Makes the stores of a shop that brings none. The tests of the API may put others here."""


def a_shop(  # noqa: PLR0913  (one for each thing that a test may bring)
    products: ProductStore | None = None,
    variants: VariantStore | None = None,
    reviews: ReviewStore | None = None,
    categories: CategoryStore | None = None,
    misses: SearchMisses | None = None,
    *,
    calls: CallStore | None = None,
    checks: Mapping[str, Check | None] = WELL,
    ledger: ImageLedger | None = None,
    images: ImageStore | None = None,
    files: ImageFiles | None = None,
    clock: Clock = lambda: NOON,
    seconds: Callable[[], float] = lambda: 0.0,
) -> Shop:
    """Return a shop, where it is always noon; whoever brings products has the rest in memory."""
    stores = new_stores() if products is None else Stores.in_memory()
    given: dict[str, Any] = {
        "products": products,
        "variants": variants,
        "reviews": reviews,
        "categories": categories,
        "misses": misses,
        "ledger": ledger,
        "calls": calls,
    }
    stores = evolve(stores, **{name: one for name, one in given.items() if one is not None})
    storage = ImageStorage(
        MemoryImageStore(PillowImageCleaner()) if images is None else images, stores.ledger, clock
    )
    services = partial(_services, storage, files, clock)
    return Shop(
        **services(stores),
        idempotency=stores.once(services),
        authenticator=Gate(ADMIN_KEY, some_tokens(), CRON_SECRET),
        zero_results=stores.misses,
        request_metrics=Monitor(stores.calls, clock),
        health=some_health(checks, clock, seconds),
    )


def _services(
    storage: ImageStorage, files: ImageFiles | None, clock: Clock, stores: Stores
) -> dict[str, Any]:
    """Return the services that write, by the names of Shop's fields."""
    return {
        "products": Catalog(
            stores.products,
            NhHtmlCleaner(),
            clock,
            stores.misses,
            storage,
            reader=read_products,
            writer=write_products,
        ),
        "variants": Assortment(stores.variants, clock),
        "reviews": Feedback(stores.reviews, clock),
        "categories": Taxonomy(stores.categories, clock),
        "images": Gallery(stores.products, storage, clock, files),
    }


def some_health(
    checks: Mapping[str, Check | None], clock: Clock, seconds: Callable[[], float]
) -> Health:
    """Return who looks after the services of a shop, as these checks find them."""
    configured = {"database": True, "cloudinary": False, "admin": True}
    return Health(checks, configured, lambda: "1.2.3", "test", clock, seconds)


def a_full_shop(images: LocalImageStore | None = None) -> Shop:
    """Return a shop in memory that has one of everything, with ids in this order from 1."""
    shop = a_shop(images=images, files=images)
    slug = shop.products.add(a_product()).slug
    shop.variants.add(slug, a_variant())
    shop.reviews.submit(slug, a_review())
    shop.categories.add({"name": "Food"})
    return shop
