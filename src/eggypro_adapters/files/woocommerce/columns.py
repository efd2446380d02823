"""Parse the header of WooCommerce's CSV."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from attrs import frozen

from eggypro_adapters.files.cell_parsers import WHITESPACE, unescape_formula
from eggypro_adapters.files.csv_table import (
    MAX_COLUMN_NAME_LENGTH,
    check_unique_columns,
    column_key,
    unused_column_message,
)
from eggypro_core.errors import FieldError
from eggypro_core.validation.fields import escape_control

SIZES = ("Weight", "Length", "Width", "Height")
TEXT_COLUMNS = {
    "seo_title": "Meta: _yoast_wpseo_title",
    "seo_description": "Meta: _yoast_wpseo_metadesc",
}
"""Columns of the optional texts by field."""
_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "id": ("ID",),
        "type": ("Type",),
        "sku": ("SKU",),
        "Barcode": ("GTIN, UPC, EAN, or ISBN",),
        "name": ("Name",),
        "published": ("Published",),
        "short": ("Short description",),
        "description": ("Description",),
        "sale_starts": ("Date sale price starts",),
        "sale_ends": ("Date sale price ends",),
        "in_stock": ("In stock?",),
        "stock": ("Stock",),
        "backorders": ("Backorders allowed?",),
        "sale_price": ("Sale price",),
        "price": ("Regular price",),
        "categories": ("Categories",),
        "Tags": ("Tags",),
        "Brand": ("Brands", "Brand"),
        "images": ("Images",),
        "parent": ("Parent",),
        "position": ("Position",),
        **{name: (column,) for name, column in TEXT_COLUMNS.items()},
    }
)
_IGNORED = (
    *("Is featured?", "Visibility in catalog", "Tax status", "Tax class", "Low stock amount"),
    *("Sold individually?", "Allow customer reviews?", "Purchase note", "Shipping class"),
    *("Download limit", "Download expiry days", "Grouped products", "Upsells", "Cross-sells"),
    *("External URL", "Button text", "Cost of goods", "Commodity code (HS code)"),
    *("Country of origin", "Customs description"),
)
_ROLES = {column_key(name): role for role, names in _NAMES.items() for name in names}
_IGNORED_KEYS = frozenset(column_key(name) for name in _IGNORED)
_ATTRIBUTES = ("Barcode", "Tags", "Brand")
_SIZE = re.compile(rf"({'|'.join(SIZES)}) \((.+)\)", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"Attribute ([0-9]{1,4}) (name|value\(s\))", re.IGNORECASE)
_ATTRIBUTE_SETTING = re.compile(r"Attribute [0-9]+ (visible|global|default)", re.IGNORECASE)
_DOWNLOAD = re.compile(r"Download [0-9]+ (ID|name|URL)", re.IGNORECASE)
_META = re.compile(r"Meta: *(.+)", re.IGNORECASE | re.DOTALL)


@frozen
class WooCommerceColumns:
    """The columns that are imported: their positions in a row and their internal names.

    `attributes` are the columns that become product attributes of the same name, `units` the units
    of weight and dimensions, `attribute_pairs` the name and values columns of other attributes.
    """

    width: int
    positions: Sequence[int]
    names: Sequence[str]
    attributes: Sequence[str]
    units: Mapping[str, str]
    attribute_pairs: Sequence[tuple[str, str]]
    warnings: tuple[FieldError, ...]

    def pick(self, cells: Sequence[str]) -> list[str]:
        """Return the imported cells, unescaped; cells missing in a row are blank."""
        if len(cells) < self.width:
            cells = [*cells, *[""] * (self.width - len(cells))]
        return [_unescape(cells[position]) for position in self.positions]

    def by_name(self, cells: Sequence[str]) -> dict[str, str]:
        """Return the cells from `pick` by internal name."""
        return dict(zip(self.names, cells, strict=True))


def matches_header(header: Sequence[str]) -> bool:
    """Return whether a header is WooCommerce's: it has a type, a name and a regular price."""
    return {"type", "name", "price"} <= {_ROLES.get(column_key(name)) for name in header} and any(
        column_key(name) == "regularprice" for name in header
    )


def parse_header(header: Sequence[str]) -> WooCommerceColumns | None:
    """Return the columns of a header, or None if it has no product name.

    Raises ParseError if two columns have the same meaning.
    """
    columns = [
        (position, _column_name(text), text)
        for position, text in enumerate(header)
        if column_key(text)
    ]
    check_unique_columns((name or f"?{text.casefold()}", text) for _, name, text in columns)
    imported = [
        (position, name)
        for position, name, _ in columns
        if name and len(name) <= MAX_COLUMN_NAME_LENGTH
    ]
    names = [name for _, name in imported]
    if "name" not in names:
        return None
    return WooCommerceColumns(
        width=len(header),
        positions=[position for position, _ in imported],
        names=names,
        attributes=[name for name in names if name in _ATTRIBUTES or name.startswith("meta:")],
        units=_units(header),
        attribute_pairs=_attribute_pairs(names),
        warnings=tuple(
            FieldError(escape_control(text), unused_column_message(name))
            for _, name, text in columns
            if not _is_ignored(text) and (not name or len(name) > MAX_COLUMN_NAME_LENGTH)
        ),
    )


def _unescape(cell: str) -> str:
    """Return a cell without the apostrophes that stop spreadsheets from computing it."""
    cell = cell.strip(WHITESPACE)
    text = unescape_formula(cell)
    is_wrapped = text is not cell and text.endswith("'") and text.count("'") == 1
    return text[:-1] if is_wrapped else text


def _column_name(text: str) -> str:
    """Return the internal name of a column, or "" if it is not imported."""
    if size := _SIZE.fullmatch(text):
        return size[1].capitalize()
    if attribute := _ATTRIBUTE.fullmatch(text):
        return f"attribute {int(attribute[1])} {attribute[2][:4].lower()}"
    if role := _ROLES.get(column_key(text)):
        return role
    meta = _META.fullmatch(text)
    return f"meta:{meta[1].strip()}" if meta and not meta[1].startswith("_") else ""


def _is_ignored(text: str) -> bool:
    return bool(
        column_key(text) in _IGNORED_KEYS
        or _ATTRIBUTE_SETTING.fullmatch(text)
        or _DOWNLOAD.fullmatch(text)
        or text.casefold().startswith("meta: _")
    )


def _units(header: Sequence[str]) -> dict[str, str]:
    matches = (_SIZE.fullmatch(text) for text in header)
    return {match[1].capitalize(): match[2] for match in matches if match}


def _attribute_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the name and values columns of each attribute that has both."""
    name_columns = [name for name in names if re.fullmatch("attribute [0-9]+ name", name)]
    pairs = [(name, name.replace("name", "valu")) for name in name_columns]
    return [pair for pair in pairs if pair[1] in names]
