"""Parse the header of Shopify's CSV, in all generations of column names."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from attrs import frozen

from eggypro_adapters.files.csv_table import MAX_COLUMN_NAME_LENGTH, column_key
from eggypro_adapters.files.unused_columns import UnusedColumns

TEXT_COLUMNS = {"seo_title": "SEO title", "seo_description": "SEO description"}
"""Columns of the optional texts by field."""
_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "handle": ("Handle", "URL handle"),
        "title": ("Title",),
        "body": ("Body (HTML)", "Body", "Description"),
        "vendor": ("Vendor",),
        "tags": ("Tags",),
        "published": ("Published", "Published on online store"),
        "status": ("Status",),
        **{f"option{number}": (f"Option{number} Value",) for number in (1, 2, 3)},
        **{f"option{number}_name": (f"Option{number} Name",) for number in (1, 2, 3)},
        "sku": ("Variant SKU", "SKU"),
        "barcode": ("Variant Barcode", "Variant Barcodes", "Barcode"),
        "price": ("Variant Price", "Price"),
        "compare_at_price": ("Variant Compare At Price", "Compare-at price"),
        "tracker": ("Variant Inventory Tracker", "Inventory tracker"),
        "quantity": ("Variant Inventory Qty", "Variant Inventory Quantity", "Inventory quantity"),
        "policy": ("Variant Inventory Policy", "Continue selling when out of stock"),
        "grams": ("Variant Grams", "Weight value (grams)"),
        "image": ("Image Src", "Product image URL"),
        "position": ("Image Position",),
        "alt": ("Image Alt Text",),
        "variant_image": ("Variant Image", "Variant image URL"),
        **{name: (column,) for name, column in TEXT_COLUMNS.items()},
        "Type": ("Type", "Custom Product Type", "Product Type"),
        "Product Category": (
            *("Product Category", "Standardized Product Type", "Standard Product Type"),
        ),
    }
)
_ROLES = {column_key(name): role for role, names in _NAMES.items() for name in names}
_EVIDENCE = frozenset({"body", "price", "sku", "option1", "option1_name", "status"})
"""Columns by which a table with handles and titles is recognised as Shopify's."""
_FIELDS = {
    "slug": "handle",
    "name": "title",
    "details": "body",
    "description": "body",
    "brand": "vendor",
    "tags": "tags",
    "is_active": "published",
    "is_listed": "status",
    "sku": "sku",
    "gtin": "barcode",
    "price": "price",
    "compare_at_price": "compare_at_price",
    "stock_quantity": "quantity",
    "track_stock": "policy",
    "weight_grams": "grams",
    "images": "image",
    "image": "variant_image",
    "variants": "option1",
    "options": "option1",
    **{name: name for name in TEXT_COLUMNS},
}
"""The internal name of the column of each field."""
_ATTRIBUTES = ("Type", "Product Category")
_GOOGLE = re.compile("google shopping / ", re.IGNORECASE)
_METAFIELD = re.compile(
    r"(?P<label>.*)\((?P<owner>\w+)\.metafields\.(?P<key>[^()]+)\)", re.IGNORECASE | re.DOTALL
)
_APOSTROPHE = re.compile("'+[=+@0-9-]")
"""An apostrophe that spreadsheets and Shopify put before formulas and digits."""
_APOSTROPHE_AND_DIGIT = re.compile("'+[0-9]")


@frozen
class ShopifyColumns:
    """The columns of a file: positions and internal names of those that are imported.

    `attributes` and `variant_attributes` map internal names to names of product attributes.
    `duplicates` are further columns of an internal name: its index in `names`, and the position and
    name of the column. `unused` are the positions and names of all other columns, `texts` the names
    in the file by internal name.
    """

    width: int
    positions: Sequence[int]
    names: Sequence[str]
    attributes: Mapping[str, str]
    variant_attributes: Mapping[str, str]
    duplicates: Sequence[tuple[int, int, str]]
    unused: Sequence[tuple[int, str]]
    texts: Mapping[str, str]

    def pick(self, cells: Sequence[str], line: int, unused: UnusedColumns) -> list[str]:
        """Return the imported cells, stripped and without apostrophes that are not part of them.

        Cells missing in a row are blank. Cells that are not imported are counted in `unused`.
        """
        unused.add_row(self.unused, cells, line)
        if len(cells) < self.width:
            cells = [*cells, *[""] * (self.width - len(cells))]
        stripped = [cells[position].strip() for position in self.positions]
        picked = [without_apostrophe(cell) if cell[:1] == "'" else cell for cell in stripped]
        for index, position, name in self.duplicates:
            cell = without_apostrophe(cells[position].strip())
            if not picked[index]:
                picked[index] = cell
            elif cell and cell != picked[index]:
                unused.add(name, cell, line)
        return picked

    def by_name(self, cells: Sequence[str]) -> dict[str, str]:
        """Return the cells from `pick` by internal name."""
        return dict(zip(self.names, cells, strict=True))

    @property
    def by_field(self) -> dict[str, str]:
        """Return the names of the columns in the file by field."""
        return {
            field: self.texts[name] for field, name in _FIELDS.items() if name in self.texts
        } | {f"attributes.{name}": column for column, name in self.attributes.items()}


def matches_header(header: Sequence[str]) -> bool:
    """Return whether a header is Shopify's.

    It has a handle and a column of variants, or a handle, a title and another typical column, or at
    least half of its columns are Shopify's.
    """
    keys = [column_key(name) for name in header if name]
    roles = {_ROLES.get(key, "") for key in keys}
    if "handle" not in roles:
        return False
    if any(key.startswith("variant") and key in _ROLES for key in keys):
        return True
    known = [name for name in header if column_key(name) in _ROLES or _METAFIELD.match(name)]
    return "title" in roles and (bool(roles & _EVIDENCE) or 2 * len(known) >= len(keys))


def parse_header(header: Sequence[str]) -> ShopifyColumns | None:
    """Return the columns of a header, or None if it has no handle."""
    imported: dict[str, int] = {}
    duplicates: list[tuple[str, int, str]] = []
    unused: list[tuple[int, str]] = []
    attributes = _attribute_names(header)
    for position, text in enumerate(header):
        name = _ROLES.get(column_key(text)) or (text if text in attributes else "")
        if not name and text:
            unused.append((position, text))
        elif name in imported:
            duplicates.append((name, position, text))
        elif name:
            imported[name] = position
    if "handle" not in imported:
        return None
    names = list(imported)
    return ShopifyColumns(
        width=len(header),
        positions=list(imported.values()),
        names=names,
        attributes={
            name: attributes.get(name, name)
            for name in names
            if name in _ATTRIBUTES or (name in attributes and not _is_of_variant(name))
        },
        variant_attributes={
            name: attributes[name] for name in names if name in attributes and _is_of_variant(name)
        },
        duplicates=[(names.index(name), position, text) for name, position, text in duplicates],
        unused=unused,
        texts={name: header[position] for name, position in imported.items()},
    )


def escape_apostrophe(cell: str) -> str:
    """Prefix an apostrophe to a text whose own apostrophe would be removed on import."""
    return f"'{cell}" if _APOSTROPHE_AND_DIGIT.match(cell) else cell


def without_apostrophe(cell: str) -> str:
    """Return a cell without the apostrophe that is not part of its value."""
    return cell[1:] if _APOSTROPHE.match(cell) else cell


def _is_of_variant(text: str) -> bool:
    match = _METAFIELD.match(text)
    return bool(match and match["owner"].lower() == "variant")


def _attribute_names(header: Iterable[str]) -> dict[str, str]:
    """Return the attribute names of the columns of metafields and of Google Shopping.

    An attribute has the name of its column. If that is too long, it has the label of the column, or
    the key of the metafield if other columns have the same label.
    """
    texts = [
        text for text in dict.fromkeys(header) if _GOOGLE.match(text) or _METAFIELD.match(text)
    ]
    labels = Counter(map(_label, dict.fromkeys(texts)))
    return {
        text: text if len(text) <= MAX_COLUMN_NAME_LENGTH else _short_name(text, labels)
        for text in texts
    }


def _short_name(text: str, labels: Mapping[str, int]) -> str:
    label = _label(text)
    if label and len(label) <= MAX_COLUMN_NAME_LENGTH and labels[label] == 1:
        return label
    match = _METAFIELD.match(text)
    return (match["key"] if match else text)[-MAX_COLUMN_NAME_LENGTH:]


def _label(text: str) -> str:
    match = _METAFIELD.match(text)
    return (match["label"] if match else text).strip()
