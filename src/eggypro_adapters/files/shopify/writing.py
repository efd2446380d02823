"""Products as Shopify's CSV has them, by its newer names of columns."""

import re
from collections.abc import Iterator

from eggypro_adapters.files.product_record import format_amount, text_cells
from eggypro_adapters.files.shopify.columns import TEXT_COLUMNS
from eggypro_core.domain.product import Image, Product
from eggypro_core.domain.variant import MAX_OPTION_NAMES, Variant

_OPTION_COLUMNS = tuple(
    f"Option{number} {what}"
    for number in range(1, MAX_OPTION_NAMES + 1)
    for what in ("name", "value")
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
    """Return the rows of a product: one for each variant that is on sale, and for each image.

    The first has what is the product's. One without such variants has Shopify's default one.
    """
    variants = [variant for variant in product.variants if variant.is_active]
    names = list(dict.fromkeys(name for variant in variants for name in variant.options))
    offers = [_variant(variant, names) for variant in variants] or [_default_variant(product)]
    weight = _weight(product)
    for place in range(max(len(offers), len(product.images))):
        cells = {"URL handle": product.slug}
        if place < len(offers):
            cells |= offers[place] | weight
        if place < len(product.images):
            cells |= _image(product.images[place], place + 1)
        if place == 0:
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


def _offer(one: Product | Variant) -> dict[str, str]:
    """Return the cells of what a product without variants and a variant both have."""
    return {
        "SKU": one.sku or "",
        "Price": str(one.price),
        "Compare-at price": format_amount(one.compare_at_price) or "",
        "Inventory tracker": "shopify" if one.track_stock else "",
        "Inventory quantity": str(one.stock_quantity),
        "Continue selling when out of stock": "deny" if one.track_stock else "continue",
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
