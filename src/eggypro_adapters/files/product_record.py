"""A product as our own formats write it: every field that they read, and nothing else."""

from collections.abc import Iterable
from decimal import Decimal

from attrs import asdict

from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.domain.variant import Variant


def record(product: Product, details: Iterable[CategoryDraft]) -> dict[str, object]:
    """Return what is written of a product, and with it of some categories."""
    return {
        "name": product.name,
        "slug": product.slug,
        "sku": product.sku,
        "description": product.description,
        "details": product.details,
        "price": str(product.price),
        "compare_at_price": money(product.compare_at_price),
        "ingredients": list(product.ingredients),
        "attributes": dict(product.attributes),
        "seo_title": product.seo_title,
        "seo_description": product.seo_description,
        "stock_quantity": product.stock_quantity,
        "track_stock": product.track_stock,
        "is_active": product.is_active,
        "images": [{"ref": image.ref, "alt": image.alt} for image in product.images],
        "categories": [category.slug for category in product.categories],
        "variants": [_variant(variant) for variant in product.variants],
        "category_details": [asdict(draft) for draft in details],
    }


def money(amount: Decimal | None) -> str | None:
    """Return an amount as it is written."""
    return None if amount is None else str(amount)


def _variant(variant: Variant) -> dict[str, object]:
    return {
        "sku": variant.sku,
        "options": dict(variant.options),
        "price": str(variant.price),
        "compare_at_price": money(variant.compare_at_price),
        "stock_quantity": variant.stock_quantity,
        "track_stock": variant.track_stock,
        "image": variant.image,
        "position": variant.position,
        "is_active": variant.is_active,
    }
