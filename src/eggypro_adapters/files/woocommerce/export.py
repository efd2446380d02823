"""The values of a product that its rows in WooCommerce's CSV have, and those that they lack."""

from collections.abc import Mapping
from datetime import date
from functools import cache

from eggypro_adapters.files.cell_parsers import escape_formula
from eggypro_adapters.files.woocommerce.columns import WooCommerceColumns, parse_header
from eggypro_adapters.files.woocommerce.row_groups import parse_group
from eggypro_adapters.files.woocommerce.rows import WooCommerceRow
from eggypro_adapters.files.woocommerce.unused_cells import UnusedCells
from eggypro_adapters.files.woocommerce.writing import (
    COLUMNS,
    MAX_ATTRIBUTES,
    option_values,
    rows_of_product,
)
from eggypro_core.domain.product import Product


def exported_values(product: Product) -> Mapping[str, object]:
    """Return the values that a WooCommerce file of ours has for a product, without categories.

    The images of the product must have the addresses of an export.
    """
    columns = _columns()
    rows = [
        WooCommerceRow(number, columns.by_name(columns.pick(list(map(escape_formula, cells)))))
        for number, cells in enumerate(rows_of_product(product, None), 2)
    ]
    no_sale = date.max  # an export has no sale dates
    (entry,) = parse_group(rows, columns, UnusedCells(), no_sale)
    values = dict(entry.values or {})
    del values["categories"]
    return values


def lost_fields(product: Product) -> list[str]:
    """Return the names of the values of a product that a WooCommerce file lacks."""
    options = option_values(product.variants)
    items = product.variants or (product,)
    losses = {
        "ingredients": product.ingredients,
        "alt texts of images": any(image.alt for image in product.images),
        f"attributes after the first {MAX_ATTRIBUTES}": len({*product.attributes, *options})
        > MAX_ATTRIBUTES,
        "attributes with the name of an option": options.keys() & product.attributes.keys(),
        "quantities of stock that is not tracked": any(
            item.stock_quantity and not item.track_stock for item in items
        ),
    }
    return [name for name, lost in losses.items() if lost]


@cache
def _columns() -> WooCommerceColumns:
    columns = parse_header(COLUMNS)
    if columns is None:
        raise AssertionError("the header of an export has no product name")
    return columns
