"""Convert products to rows of WooCommerce's CSV."""

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from eggypro_adapters.files.product_record import text_cells
from eggypro_adapters.files.woocommerce.columns import TEXT_COLUMNS
from eggypro_adapters.files.woocommerce.texts import encode_line_breaks, join_list
from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.domain.variant import Variant

MAX_ATTRIBUTES = 12
"""Attributes per product in a file, including the options of variants."""
_ATTRIBUTE_COLUMNS = tuple(
    f"Attribute {number} {part}"
    for number in range(1, MAX_ATTRIBUTES + 1)
    for part in ("name", "value(s)", "visible", "global")
)
COLUMNS = (
    *("ID", "Type", "SKU", "GTIN, UPC, EAN, or ISBN", "Name", "Published"),
    *("Short description", "Description", "In stock?", "Stock", "Backorders allowed?"),
    *("Sale price", "Regular price", "Categories", "Tags", "Brands", "Images"),
    *("Parent", "Position"),
    *_ATTRIBUTE_COLUMNS,
    *TEXT_COLUMNS.values(),
)
_OWN_COLUMNS = {
    "Barcode": "GTIN, UPC, EAN, or ISBN",
    "Tags": "Tags",
    "Brand": "Brands",
}


def category_paths(categories: Iterable[CategoryDraft]) -> Mapping[str, str]:
    """Return the paths of categories by slug: the names from the root, separated by `>`."""
    paths: dict[str, str] = {}
    for category in categories:
        name = escape(category.name, quote=False)
        parent = category.parent
        paths[str(category.slug)] = f"{paths[parent]} > {name}" if parent else name
    return paths


def rows_of_product(product: Product, paths: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield the row of a product and one row per variant, active or not."""
    values = _option_values(product.variants)
    cells = _product(product) | _attributes(product, values)
    cells["Categories"] = join_list(paths[category.slug] for category in product.categories)
    cells |= {"Type": "variable"} if values else {"Type": "simple", **_offer(product)}
    yield [cells.get(name, "") for name in COLUMNS]
    for variant in product.variants:
        cells = _variant(product, variant, list(values))
        yield [cells.get(name, "") for name in COLUMNS]


def _option_values(variants: Iterable[Variant]) -> dict[str, list[str]]:
    """Return the values of each option by its name."""
    options: dict[str, dict[str, None]] = {}
    for variant in variants:
        for name, value in variant.options.items():
            options.setdefault(name, {})[value] = None
    return {name: list(values) for name, values in options.items()}


def _product(product: Product) -> dict[str, str]:
    return {
        "ID": str(product.id),
        "SKU": product.sku or "",
        "Name": escape(product.name, quote=False),
        "Published": "1" if product.is_active else "-1",
        "Short description": escape(encode_line_breaks(product.description), quote=False).replace(
            "\n", "<br>"
        ),
        "Description": encode_line_breaks(product.details),
        "Images": _join_urls(image.ref for image in product.images),
        **text_cells(product, TEXT_COLUMNS),
    }


def _attributes(product: Product, options: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the cells of the variants' options and of as many attributes as fit."""
    cells = {
        column: escape(product.attributes.get(name, ""), quote=False)
        for name, column in _OWN_COLUMNS.items()
    }
    attributes = {
        name: [text]
        for name, text in product.attributes.items()
        if name not in _OWN_COLUMNS and name not in options
    }
    pairs = list({**options, **attributes}.items())[:MAX_ATTRIBUTES]
    for number, (name, values) in enumerate(pairs, 1):
        cells |= _attribute(number, name, values)
    return cells


def _attribute(number: int, name: str, values: Iterable[str]) -> dict[str, str]:
    return {
        f"Attribute {number} name": escape(name, quote=False),
        f"Attribute {number} value(s)": escape(join_list(values), quote=False),
        f"Attribute {number} visible": "1",
        f"Attribute {number} global": "0",
    }


def _variant(product: Product, variant: Variant, names: list[str]) -> dict[str, str]:
    cells = {
        "Type": "variation",
        "SKU": variant.sku or "",
        "Name": escape(product.name, quote=False),
        "Published": "1" if variant.is_active else "0",
        "Images": _join_urls([variant.image] if variant.image else []),
        "Parent": f"id:{product.id}",
        "Position": str(variant.position),
    }
    for number, name in enumerate(names, 1):
        value = variant.options.get(name)
        cells |= _attribute(number, name, [] if value is None else [value])
    return cells | _offer(variant)


def _offer(item: Product | Variant) -> dict[str, str]:
    """Return the cells that a variant and a product without variants have in common."""
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
