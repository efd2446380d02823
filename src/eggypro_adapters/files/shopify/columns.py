"""Parse the header of Shopify's CSV, in both generations of column names."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from attrs import frozen

from eggypro_adapters.files.cell_parsers import unescape_formula
from eggypro_adapters.files.csv_table import (
    MAX_COLUMN_NAME_LENGTH,
    check_unique_columns,
    column_key,
    unused_column_message,
)
from eggypro_core.errors import FieldError
from eggypro_core.validation.fields import escape_control

TEXT_COLUMNS = {"seo_title": "SEO title", "seo_description": "SEO description"}
"""Columns of the optional texts by field."""
_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "handle": ("Handle", "URL handle"),
        "title": ("Title",),
        "body": ("Body (HTML)", "Body", "Description"),
        "published": ("Published", "Published on online store"),
        "status": ("Status",),
        **{f"option{number}": (f"Option{number} Value",) for number in (1, 2, 3)},
        **{f"option{number}_name": (f"Option{number} Name",) for number in (1, 2, 3)},
        "sku": ("Variant SKU", "SKU"),
        "barcode": ("Variant Barcode", "Variant Barcodes", "Barcode"),
        "price": ("Variant Price", "Price"),
        "compare_at_price": ("Variant Compare At Price", "Compare-at price"),
        "tracker": ("Variant Inventory Tracker", "Inventory tracker"),
        "quantity": ("Variant Inventory Qty", "Inventory quantity"),
        "policy": ("Variant Inventory Policy", "Continue selling when out of stock"),
        "grams": ("Variant Grams", "Weight value (grams)"),
        "image": ("Image Src", "Product image URL"),
        "position": ("Image Position",),
        "alt": ("Image Alt Text",),
        "variant_image": ("Variant Image", "Variant image URL"),
        **{name: (column,) for name, column in TEXT_COLUMNS.items()},
        "Vendor": ("Vendor",),
        "Type": ("Type",),
        "Product Category": ("Product Category",),
        "Tags": ("Tags",),
    }
)
_IGNORED = (
    *("Option1 Linked To", "Option2 Linked To", "Option3 Linked To"),
    *("Cost per item", "Variant Taxable", "Charge tax", "Variant Tax Code", "Tax code"),
    *("Variant Fulfillment Service", "Fulfillment service", "Gift Card"),
    *("Variant Weight Unit", "Weight unit for display"),
    *("Variant Requires Shipping", "Requires shipping"),
    *(f"Unit Price {kind} Measure{unit}" for kind in ("Total", "Base") for unit in ("", " Unit")),
)
_ROLES = {column_key(name): role for role, names in _NAMES.items() for name in names}
_IGNORED_KEYS = frozenset(column_key(name) for name in _IGNORED)
_ATTRIBUTES = frozenset({"Vendor", "Type", "Product Category", "Tags"})
_MARKET = re.compile(r"(included|price|compare[- ]at price) / ", re.IGNORECASE)
_UNIT_PRICE = re.compile(r"(variant)?unitprice(total|base)measure(unit)?")
_KEEPS_NAME = re.compile(r"google shopping / |.*\(\w+\.metafields\.", re.IGNORECASE | re.DOTALL)


@frozen
class ShopifyColumns:
    """The columns that are imported: their positions in a row and their internal names.

    `attributes` are the columns that become product attributes of the same name.
    """

    width: int
    positions: Sequence[int]
    names: Sequence[str]
    attributes: Sequence[str]
    warnings: tuple[FieldError, ...]

    def pick(self, cells: Sequence[str]) -> list[str]:
        """Return the imported cells, stripped and unescaped; cells missing in a row are blank."""
        if len(cells) < self.width:
            cells = [*cells, *[""] * (self.width - len(cells))]
        stripped = [cells[position].strip() for position in self.positions]
        return [unescape_formula(cell) if cell[:1] == "'" else cell for cell in stripped]

    def by_name(self, cells: Sequence[str]) -> dict[str, str]:
        """Return the cells from `pick` by internal name."""
        return dict(zip(self.names, cells, strict=True))


def matches_header(header: Sequence[str]) -> bool:
    """Return whether a header is Shopify's: it has a handle and a title."""
    return {"handle", "title"} <= {_ROLES.get(column_key(name)) for name in header}


def parse_header(header: Sequence[str]) -> ShopifyColumns | None:
    """Return the columns of a header, or None if it has no handle.

    Raises ParseError if two columns have the same meaning.
    """
    columns = [
        (position, _column_name(text), text)
        for position, text in enumerate(header)
        if column_key(text)
    ]
    check_unique_columns((name or f"?{text.casefold()}", text) for _, name, text in columns)
    if "handle" not in {name for _, name, _ in columns}:
        return None
    imported = [
        (position, name)
        for position, name, _ in columns
        if name and len(name) <= MAX_COLUMN_NAME_LENGTH
    ]
    return ShopifyColumns(
        width=len(header),
        positions=[position for position, _ in imported],
        names=[name for _, name in imported],
        attributes=[name for _, name in imported if name in _ATTRIBUTES or _KEEPS_NAME.match(name)],
        warnings=tuple(
            FieldError(escape_control(text), unused_column_message(name))
            for _, name, text in columns
            if not _is_ignored(text) and (not name or len(name) > MAX_COLUMN_NAME_LENGTH)
        ),
    )


def _column_name(text: str) -> str:
    """Return the internal name of a column, or "" if it is not imported."""
    if _is_ignored(text):
        return ""
    return _ROLES.get(column_key(text)) or (text if _KEEPS_NAME.match(text) else "")


def _is_ignored(text: str) -> bool:
    return bool(
        column_key(text) in _IGNORED_KEYS
        or _MARKET.match(text)
        or _UNIT_PRICE.fullmatch(column_key(text))
    )
