"""Write the products on sale as a tab-separated feed with a row for each variant."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import StringIO
from types import MappingProxyType

from eggypro_adapters.files.google.categories import join_paths, path_text
from eggypro_adapters.files.google.columns import ATTRIBUTES
from eggypro_adapters.files.google.variants import option_column
from eggypro_adapters.files.html import plain_text
from eggypro_core.domain.product import Product
from eggypro_core.domain.variant import Variant

_ATTRIBUTE_COLUMNS = (
    *("condition", "color", "size", "material", "pattern", "size_type", "size_system"),
    *("gender", "age_group", "mpn", "google_product_category", "product_highlight"),
    *(f"custom_label_{number}" for number in range(5)),
    *("unit_pricing_measure", "unit_pricing_base_measure", "multipack", "energy_efficiency_class"),
    *("product_length", "product_width", "product_height"),
)
_ATTRIBUTE_NAMES = frozenset(ATTRIBUTES[column] for column in _ATTRIBUTE_COLUMNS)
COLUMNS = (
    *("id", "title", "description", "link", "image_link", "additional_image_link"),
    *("availability", "price", "sale_price", "brand", "gtin", "product_type", "shipping_weight"),
    *("item_group_id", *_ATTRIBUTE_COLUMNS),
    *("slug", "sku", "product_tags", "additional_variant_attribute"),
)
"""The columns of a feed; Google ignores the last four."""
_NONCHARACTERS = re.compile("[\ufffe\uffff]")
Paths = Mapping[str, tuple[str, ...]]
"""The names from the root to a category, by its slug."""
NO_PATHS: Paths = MappingProxyType({})
ProductUrl = Callable[[str], str]
"""Return the address of a product in the storefront from its slug."""
Item = dict[str, list[str]]


def is_exported(product: Product) -> bool:
    """Return whether a feed has a product: it is active, listed and can be bought."""
    has_offer = not product.has_variants or any(variant.is_active for variant in product.variants)
    return product.is_active and product.is_listed and has_offer


def tsv_lines(
    products: Iterable[Product],
    paths: Paths = NO_PATHS,
    *,
    currency: str = "",
    product_url: ProductUrl | None = None,
) -> Iterator[bytes]:
    """Yield the lines of a tab-separated feed."""
    yield _tsv_line(COLUMNS)
    for product in filter(is_exported, products):
        for item in items_of_product(product, paths, currency, product_url):
            cells = row_of_item(item)
            yield _tsv_line([cells.get(name, "") for name in COLUMNS])


def items_of_product(
    product: Product, paths: Paths, currency: str, product_url: ProductUrl | None
) -> Iterator[Item]:
    """Yield the items of a product: one for each active variant, or one without variants."""
    shared = _product_item(product, paths, product_url)
    if not product.has_variants:
        yield _clean(
            shared | _offer_item(product, currency) | {"id": [product.sku or product.slug]}
        )
    for variant in product.variants:
        if variant.is_active:
            yield _clean({**shared, **_variant_item(product, variant, currency)})


def row_of_item(item: Item) -> dict[str, str]:
    """Return the cells of an item: several values are separated by commas."""
    return {
        name: join_paths(texts) if name == "product_type" else ",".join(texts)
        for name, texts in item.items()
    }


def lost_fields(product: Product) -> Iterator[str]:
    """Yield the names of the values of a product that a feed does not have, in the plural."""
    variants = product.variants
    lost = {
        "details": product.details and product.description,
        "ingredients": product.ingredients,
        "stock quantities": product.stock_quantity,
        "SEO texts": product.seo_title or product.seo_description,
        "alt texts": any(image.alt for image in product.images),
        "attributes": product.attributes.keys() - _ATTRIBUTE_NAMES,
        "archived variants": any(not variant.is_active for variant in variants),
        "SKUs of products with variants": variants and product.sku,
    }
    yield from (name for name, value in lost.items() if value)


def _product_item(product: Product, paths: Paths, product_url: ProductUrl | None) -> Item:
    links = [image.ref for image in product.images if image.ref.startswith("http")]
    attributes = {
        column: [product.attributes.get(ATTRIBUTES[column], "")] for column in _ATTRIBUTE_COLUMNS
    }
    return {
        **attributes,
        "condition": [product.attributes.get("Condition") or "new"],
        "title": [product.name],
        "description": [product.description or plain_text(product.details)],
        "link": [product_url(product.slug)] if product_url else [],
        "image_link": links[:1],
        "additional_image_link": links[1:],
        "brand": [product.brand or ""],
        "product_type": [
            path_text(paths[category.slug])
            for category in product.categories
            if category.slug in paths
        ],
        "slug": [product.slug],
        "product_tags": list(product.tags),
    }


def _variant_item(product: Product, variant: Variant, currency: str) -> Item:
    options = dict(variant.options)
    columns = {option_column(name): [value] for name, value in options.items()}
    image = variant.image or ""
    links = [ref.ref for ref in product.images if ref.ref.startswith("http") and ref.ref != image]
    images = {"image_link": [image], "additional_image_link": links}
    return {
        **{name: value for name, value in columns.items() if name in _ATTRIBUTE_COLUMNS},
        **(images if image.startswith("http") else {}),
        **_offer_item(variant, currency),
        "id": [variant.sku or f"{product.slug}-{variant.id}"],
        "item_group_id": [product.slug],
        "additional_variant_attribute": [json.dumps(options, ensure_ascii=False)],
    }


def _offer_item(offer: Product | Variant, currency: str) -> Item:
    """Return the values of a variant, or of a product without variants."""
    regular = offer.compare_at_price or offer.price
    grams = offer.weight_grams
    return {
        "sku": [offer.sku or ""],
        "gtin": [offer.gtin or ""],
        "shipping_weight": [] if grams is None else [f"{grams} g"],
        "availability": ["in_stock" if offer.in_stock else "out_of_stock"],
        "price": [f"{regular} {currency}"],
        "sale_price": [f"{offer.price} {currency}"] if offer.compare_at_price else [],
    }


def _clean(item: Item) -> Item:
    """Return the item without line breaks and blank values."""
    texts = {
        name: [" ".join(_NONCHARACTERS.sub("", value).split()) for value in values]
        for name, values in item.items()
    }
    return {name: present for name, values in texts.items() if (present := [*filter(None, values)])}


def _tsv_line(cells: Sequence[str]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text, delimiter="\t", lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
