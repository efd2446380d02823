"""Convert products to rows of Shopify's CSV, with the newer column names."""

import re
from collections.abc import Iterator

from eggypro_adapters.files.product_record import format_amount, text_cells
from eggypro_adapters.files.shopify.columns import TEXT_COLUMNS
from eggypro_core.domain.product import Image, Product
from eggypro_core.domain.variant import Variant

MAX_OPTION_COLUMNS = 3
"""The maximum number of option names in Shopify."""
_OPTION_COLUMNS = tuple(
    f"Option{number} {part}"
    for number in range(1, MAX_OPTION_COLUMNS + 1)
    for part in ("name", "value")
)
COLUMNS = (
    *("Title", "URL handle", "Description", "Vendor", "Product category", "Type", "Tags"),
    *("Published on online store", "Status", "SKU", "Barcode"),
    *_OPTION_COLUMNS,
    *("Price", "Compare-at price", "Inventory tracker", "Inventory quantity"),
    *("Continue selling when out of stock", "Weight value (grams)"),
    *("Product image URL", "Image position", "Image alt text", "Variant image URL"),
    *("SEO title", "SEO description"),
)
_ATTRIBUTE_COLUMNS = {
    "Vendor": "Vendor",
    "Product Category": "Product category",
    "Type": "Type",
    "Tags": "Tags",
}
_GRAMS = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) g")


def rows_of_product(product: Product) -> Iterator[list[str]]:
    """Yield the rows of a product: one per active variant, or per image if there are more.

    The first row has the product's own values. A product without active variants gets Shopify's
    default variant.
    """
    variants = [variant for variant in product.variants if variant.is_active]
    names = list(dict.fromkeys(name for variant in variants for name in variant.options))
    offers = [_variant(variant, names) for variant in variants] or [_default_variant(product)]
    weight = _weight(product)
    for index in range(max(len(offers), len(product.images))):
        cells = {"URL handle": product.slug}
        if index < len(offers):
            cells |= offers[index] | weight
        if index < len(product.images):
            cells |= _image(product.images[index], index + 1)
        if index == 0:
            cells |= _product(product) | _option_name_cells(names)
        yield [cells.get(name, "") for name in COLUMNS]


def _product(product: Product) -> dict[str, str]:
    attributes = {
        column: product.attributes.get(name, "") for name, column in _ATTRIBUTE_COLUMNS.items()
    }
    texts = text_cells(product, TEXT_COLUMNS)
    return {
        **attributes,
        **texts,
        "Title": product.name,
        "Description": product.details,
        "Published on online store": str(product.is_active).upper(),
        "Status": "active" if product.is_active else "archived",
    }


def _option_name_cells(names: list[str]) -> dict[str, str]:
    return {f"Option{number} name": name for number, name in enumerate(names or ["Title"], 1)}


def _default_variant(product: Product) -> dict[str, str]:
    barcode = product.attributes.get("Barcode", "")
    return {"Option1 value": "Default Title", "Barcode": barcode, **_offer(product)}


def _variant(variant: Variant, names: list[str]) -> dict[str, str]:
    options = {
        f"Option{number} value": variant.options.get(name, "")
        for number, name in enumerate(names, 1)
    }
    return {**options, "Variant image URL": variant.image or "", **_offer(variant)}


def _offer(item: Product | Variant) -> dict[str, str]:
    """Return the cells that a variant and a product without variants have in common."""
    return {
        "SKU": item.sku or "",
        "Price": str(item.price),
        "Compare-at price": format_amount(item.compare_at_price) or "",
        "Inventory tracker": "shopify" if item.track_stock else "",
        "Inventory quantity": str(item.stock_quantity),
        "Continue selling when out of stock": "deny" if item.track_stock else "continue",
    }


def _weight(product: Product) -> dict[str, str]:
    grams = _GRAMS.fullmatch(product.attributes.get("Weight", ""))
    return {"Weight value (grams)": grams[1]} if grams else {}


def _image(image: Image, position: int) -> dict[str, str]:
    return {
        "Product image URL": image.ref,
        "Image position": str(position),
        "Image alt text": image.alt or "",
    }
