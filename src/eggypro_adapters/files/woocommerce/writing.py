"""Convert products to rows of WooCommerce's CSV."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from eggypro_adapters.files.category_paths import paths_by_slug
from eggypro_adapters.files.product_record import text_cells
from eggypro_adapters.files.woocommerce.column_names import TEXT_COLUMNS
from eggypro_adapters.files.woocommerce.texts import (
    encode_line_breaks,
    escape_text,
    join_list,
    join_path,
)
from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.domain.variant import Variant

MAX_ATTRIBUTES = 12
"""Attributes per product in a file, including the options of variants."""
_META_COLUMNS = {field: columns[0] for field, columns in TEXT_COLUMNS.items()}
_ATTRIBUTE_COLUMNS = tuple(
    f"Attribute {number} {part}"
    for number in range(1, MAX_ATTRIBUTES + 1)
    for part in ("name", "value(s)", "visible", "global")
)
_GTIN = "GTIN, UPC, EAN, or ISBN"
_WEIGHT = "Weight (kg)"
COLUMNS = (
    *("ID", "Type", "SKU", _GTIN, "Name", "Slug", "Published", "Visibility in catalog"),
    *("Short description", "Description", "In stock?", "Stock", "Backorders allowed?", _WEIGHT),
    *("Sale price", "Regular price", "Categories", "Tags", "Brands", "Images"),
    *("Parent", "Position"),
    *_ATTRIBUTE_COLUMNS,
    *_META_COLUMNS.values(),
)


def category_paths(categories: Iterable[CategoryDraft]) -> Mapping[str, str]:
    """Return the paths of categories by slug: the names from the root, separated by `>`."""
    return {slug: join_path(names) for slug, names in paths_by_slug(categories).items()}


def rows_of_product(product: Product, paths: Mapping[str, str] | None) -> Iterator[list[str]]:
    """Yield the row of a product and one row per variant, active or not.

    Without the `paths` of categories, these are left out.
    """
    options = option_values(product.variants)
    cells = _product(product) | _attributes(product, options)
    if paths is not None:
        cells["Categories"] = join_list(paths[category.slug] for category in product.categories)
    if product.variants:
        cells["Type"] = "variable"
    else:
        cells |= {"Type": "simple", **_offer(product)}
    yield [cells.get(name, "") for name in COLUMNS]
    for variant in product.variants:
        cells = _variant(product, variant, list(options))
        yield [cells.get(name, "") for name in COLUMNS]


def option_values(variants: Iterable[Variant]) -> dict[str, list[str]]:
    """Return the values of each option by its name."""
    options: dict[str, dict[str, None]] = {}
    for variant in variants:
        for name, value in variant.options.items():
            options.setdefault(name, {})[value] = None
    return {name: list(values) for name, values in options.items()}


def _product(product: Product) -> dict[str, str]:
    return {
        "ID": str(product.id),
        "Name": escape_text(product.name),
        "Slug": product.slug,
        "Published": "1" if product.is_active else "-1",
        "Visibility in catalog": "visible" if product.is_listed else "hidden",
        "Short description": encode_line_breaks(escape_text(product.description)),
        "Description": encode_line_breaks(product.details),
        "Tags": join_list(map(escape_text, product.tags)),
        "Brands": join_list([escape_text(product.brand)] if product.brand else []),
        "Images": _join_urls(image.ref for image in product.images),
        **_identity(product),
        **{
            column: escape_text(text) for column, text in text_cells(product, _META_COLUMNS).items()
        },
    }


def _attributes(product: Product, options: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the cells of the variants' options and of as many attributes as fit."""
    cells: dict[str, str] = {}
    attributes = {name: [text] for name, text in product.attributes.items() if name not in options}
    pairs = list({**options, **attributes}.items())[:MAX_ATTRIBUTES]
    for number, (name, values) in enumerate(pairs, 1):
        cells |= _attribute(number, name, values)
    return cells


def _attribute(number: int, name: str, values: Iterable[str]) -> dict[str, str]:
    return {
        f"Attribute {number} name": escape_text(name),
        f"Attribute {number} value(s)": join_list(map(escape_text, values)),
        f"Attribute {number} visible": "1",
        f"Attribute {number} global": "0",
    }


def _variant(product: Product, variant: Variant, names: list[str]) -> dict[str, str]:
    cells = {
        "Type": "variation",
        "Name": escape_text(product.name),
        "Published": "1" if variant.is_active else "0",
        "Images": _join_urls([variant.image] if variant.image else []),
        "Parent": f"id:{product.id}",
        "Position": str(variant.position),
    }
    for number, name in enumerate(names, 1):
        value = variant.options.get(name)
        cells |= _attribute(number, name, [] if value is None else [value])
    return cells | _identity(variant) | _offer(variant)


def _identity(item: Product | Variant) -> dict[str, str]:
    """Return the cells of SKU, barcode and weight."""
    grams = item.weight_grams
    return {
        "SKU": item.sku or "",
        _GTIN: item.gtin or "",
        _WEIGHT: "" if grams is None else f"{(Decimal(grams) / 1000).normalize():f}",
    }


def _offer(item: Product | Variant) -> dict[str, str]:
    """Return the cells of a variant, or of a product without variants."""
    in_stock = item.stock_quantity > 0 or not item.track_stock
    on_sale = item.compare_at_price is not None
    return {
        "In stock?": "1" if in_stock else "0",
        "Stock": str(item.stock_quantity) if item.track_stock else "",
        "Backorders allowed?": "0",
        "Sale price": str(item.price) if on_sale else "",
        "Regular price": str(item.compare_at_price if on_sale else item.price),
    }


def _join_urls(refs: Iterable[str]) -> str:
    return ", ".join(ref.replace(",", "%2C") for ref in refs)
