"""Read Shopify's products.json as the rows of its CSV."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from itertools import zip_longest
from types import MappingProxyType
from typing import Any

from eggypro_adapters.files.csv_records import CsvRow
from eggypro_adapters.files.csv_table import CsvTable
from eggypro_adapters.files.unused_columns import UnusedColumns

_PRODUCT_COLUMNS = MappingProxyType(
    {
        "handle": "Handle",
        "title": "Title",
        "body_html": "Body (HTML)",
        "vendor": "Vendor",
        "product_type": "Type",
        "tags": "Tags",
        "published_at": "Published",
        "status": "Status",
    }
)
_VARIANT_COLUMNS = MappingProxyType(
    {
        "sku": "Variant SKU",
        "barcode": "Variant Barcode",
        "price": "Variant Price",
        "compare_at_price": "Variant Compare At Price",
        "grams": "Variant Grams",
        "inventory_management": "Variant Inventory Tracker",
        "inventory_quantity": "Variant Inventory Qty",
        "inventory_policy": "Variant Inventory Policy",
        "featured_image": "Variant Image",
    }
)
_OPTIONS = ("option1", "option2", "option3")
_IMAGE_COLUMNS = MappingProxyType(
    {"src": "Image Src", "position": "Image Position", "alt": "Image Alt Text"}
)
_SILENT = frozenset(
    {
        *("id", "product_id", "image_id", "admin_graphql_api_id", "created_at", "updated_at"),
        *("options", "variants", "images", "image", "position", "title", "published_scope"),
        *("inventory_item_id", "old_inventory_quantity"),
    }
)
"""Members that are read elsewhere, or are not imported without a warning."""
Record = Mapping[str, Any]


def matches(names: AbstractSet[str]) -> bool:
    """Return whether the members of an object are those of a product of Shopify."""
    return names >= {"handle", "title", "variants"}


def table_of_products(
    products: Iterable[tuple[int, Record | str]], first: Record, unused: UnusedColumns
) -> CsvTable:
    """Return products, or the texts of their errors, as a table with the columns of Shopify's CSV.

    It has the columns of the members of the `first` product. Other members are counted in `unused`.
    """
    header = [*_columns(_PRODUCT_COLUMNS, first), *_columns(_VARIANT_COLUMNS, _variants(first)[0])]
    header += [f"Option{number} {part}" for number in (1, 2, 3) for part in ("Name", "Value")]
    header += _IMAGE_COLUMNS.values() if "images" in first else ()
    return CsvTable(_rows(products, header, unused))


def _rows(
    products: Iterable[tuple[int, Record | str]], header: Sequence[str], unused: UnusedColumns
) -> Iterator[CsvRow]:
    yield CsvRow(1, list(header))
    for line, product in products:
        if isinstance(product, str):
            yield CsvRow(line, [], product)
            continue
        for cells in _product_rows(product):
            yield CsvRow(line, [cells.get(name, "") for name in header])
        _count_unused(product, _PRODUCT_COLUMNS.keys(), line, unused)
        for variant in _variants(product):
            _count_unused(variant, _VARIANT_COLUMNS.keys() | set(_OPTIONS), line, unused)


def _count_unused(
    record: Record, known: AbstractSet[str], line: int, unused: UnusedColumns
) -> None:
    for name, value in record.items():
        if name not in known and name not in _SILENT:
            unused.add(name, _text(value), line)


def _product_rows(product: Record) -> Iterator[dict[str, str]]:
    """Yield a row for each variant or image; the first one has the fields of the product."""
    cells = _cells(_PRODUCT_COLUMNS, product)
    if "published_at" in product:
        cells["Published"] = "TRUE" if product["published_at"] else "FALSE"
    names = [option.get("name") for option in _records(product, "options")]
    for number, name in enumerate(names, start=1):
        cells[f"Option{number} Name"] = _text(name)
    for variant, image in zip_longest(_variants(product), _records(product, "images")):
        if variant is not None:
            cells |= _cells(_VARIANT_COLUMNS, variant)
            cells |= {
                f"Option{number} Value": _text(variant.get(option))
                for number, option in enumerate(_OPTIONS, start=1)
            }
        yield cells | _cells(_IMAGE_COLUMNS, image or {})
        cells = {"Handle": _text(product.get("handle"))}


def _variants(product: Record) -> Sequence[Record]:
    return _records(product, "variants") or [{}]


def _records(record: Record, name: str) -> Sequence[Record]:
    items = record.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _columns(columns: Mapping[str, str], record: Record) -> Iterator[str]:
    return (column for name, column in columns.items() if name in record)


def _cells(columns: Mapping[str, str], record: Record) -> dict[str, str]:
    return {column: _text(record[name]) for name, column in columns.items() if name in record}


def _text(value: object) -> str:
    """Return the cell of a member: lists with commas, images by their address."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).upper()
    if isinstance(value, dict):
        return _text(value.get("src"))
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:f}" if isinstance(value, Decimal) and value.is_finite() else str(value)
