"""Things that tests begin with, so that each test names only what it is about."""

from datetime import UTC, datetime
from typing import Any

from eggypro_adapters.files import read_products, write_products
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.memory import (
    MemoryCategoryStore,
    MemoryDatabase,
    MemoryProductStore,
    MemoryReviewStore,
    MemoryTokenSigner,
    MemoryVariantStore,
)
from eggypro_core.access import Gate, Tokens
from eggypro_core.app import EggyPro
from eggypro_core.assortment import Assortment
from eggypro_core.catalog import Catalog
from eggypro_core.feedback import Feedback
from eggypro_core.ports import CategoryStore, ProductStore, ReviewStore, VariantStore
from eggypro_core.taxonomy import Taxonomy

ADMIN_KEY = "an-admin-key-of-tests-with-enough-characters"
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


def an_eggypro(
    products: ProductStore | None = None,
    variants: VariantStore | None = None,
    reviews: ReviewStore | None = None,
    categories: CategoryStore | None = None,
) -> EggyPro:
    """Return a shop, where it is always noon; in memory where no stores are given."""
    database = MemoryDatabase()
    return EggyPro(
        catalog=Catalog(
            MemoryProductStore(database) if products is None else products,
            NhHtmlCleaner(),
            lambda: NOON,
        ),
        assortment=Assortment(
            MemoryVariantStore(database) if variants is None else variants, lambda: NOON
        ),
        feedback=Feedback(
            MemoryReviewStore(database) if reviews is None else reviews, lambda: NOON
        ),
        taxonomy=Taxonomy(
            MemoryCategoryStore(database) if categories is None else categories, lambda: NOON
        ),
        gate=Gate(ADMIN_KEY, some_tokens()),
        reader=read_products,
        writer=write_products,
    )


def a_full_eggypro() -> EggyPro:
    """Return a shop in memory that has one of everything, with ids in this order from 1."""
    shop = an_eggypro()
    slug = shop.catalog.add(a_product()).slug
    shop.assortment.add(slug, a_variant())
    shop.feedback.submit(slug, a_review())
    shop.taxonomy.add({"name": "Food"})
    return shop
