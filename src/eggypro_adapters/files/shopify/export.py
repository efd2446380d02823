"""The values of a product that its rows in Shopify's CSV have, and those that they lack."""

from collections.abc import Mapping
from functools import cache

from eggypro_adapters.files.cell_parsers import escape_formula
from eggypro_adapters.files.html import plain_text
from eggypro_adapters.files.shopify.columns import ShopifyColumns, parse_header
from eggypro_adapters.files.shopify.product import parse_product
from eggypro_adapters.files.shopify.rows import ShopifyRow
from eggypro_adapters.files.shopify.writing import (
    ATTRIBUTE_COLUMNS,
    COLUMNS,
    rows_of_product,
    written_variants,
)
from eggypro_adapters.files.unused_columns import UnusedColumns
from eggypro_core.domain.product import Product

_WRITTEN_ATTRIBUTES = {*ATTRIBUTE_COLUMNS, "Vendor", "Brand", "Tags", "Barcode", "Weight"}


def exported_values(product: Product) -> Mapping[str, object]:
    """Return the values that a Shopify file of ours has for a product.

    The images of the product must have the addresses of an export.
    """
    columns = _columns()
    unused = UnusedColumns()
    rows = [
        ShopifyRow(number, number, columns.by_name(columns.pick(cells, number, unused)))
        for number, cells in enumerate(map(_escape, rows_of_product(product)), 2)
    ]
    return parse_product(rows, columns, unused).values or {}


def lost_fields(product: Product) -> list[str]:
    """Return the names of the values of a product that a Shopify file lacks, in the plural."""
    variants = written_variants(product)
    active = [variant for variant in product.variants if variant.is_active]
    losses = {
        "ingredients": product.ingredients,
        "categories": product.categories,
        "descriptions that differ from details": product.details
        and plain_text(product.details) != product.description,
        "other attributes": not product.attributes.keys() <= _WRITTEN_ATTRIBUTES,
        "archived variants": len(active) < len(product.variants),
        "variants that Shopify cannot have": active and not variants,
        "SKUs and GTINs of products with variants": variants and (product.sku or product.gtin),
        "commas in tags": any("," in tag for tag in product.tags),
        "visibility of archived products": not (product.is_active or product.is_listed),
    }
    return [name for name, lost in losses.items() if lost]


def _escape(cells: list[str]) -> list[str]:
    return [escape_formula(cell) for cell in cells]


@cache
def _columns() -> ShopifyColumns:
    columns = parse_header(COLUMNS)
    if columns is None:
        raise AssertionError("the header of an export has no handle")
    return columns
