"""The columns of Shopify's CSV files, by both generations of their names."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from attrs import frozen

from eggypro_adapters.files.cell_parsers import unescaped
from eggypro_adapters.files.csv_table import key, refuse_twice
from eggypro_core.errors import Fault
from eggypro_core.validation.fields import printable

LONGEST_NAME = 100
TEXT_COLUMNS = {"seo_title": "SEO title", "seo_description": "SEO description"}
"""The columns of optional texts, by field."""
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
_ROLES = {key(name): role for role, names in _NAMES.items() for name in names}
_IGNORED_KEYS = frozenset(key(name) for name in _IGNORED)
_ATTRIBUTES = frozenset({"Vendor", "Type", "Product Category", "Tags"})
_MARKET = re.compile(r"(included|price|compare[- ]at price) / ", re.IGNORECASE)
_UNIT_PRICE = re.compile(r"(variant)?unitprice(total|base)measure(unit)?")
_NAMED_AS_IS = re.compile(r"google shopping / |.*\(\w+\.metafields\.", re.IGNORECASE | re.DOTALL)


@frozen
class Columns:
    """The columns that are read: where each is and what it is called inside.

    `attributes` are those that become attributes of the product by that very name.
    """

    width: int
    places: Sequence[int]
    names: Sequence[str]
    attributes: Sequence[str]
    warnings: tuple[Fault, ...]

    def pick(self, cells: Sequence[str]) -> list[str]:
        """Return the cells that are read, stripped and unescaped; blank what a short row lacks."""
        if len(cells) < self.width:
            cells = [*cells, *[""] * (self.width - len(cells))]
        found = [cells[place].strip() for place in self.places]
        return [unescaped(cell) if cell[:1] == "'" else cell for cell in found]

    def named(self, picked: Sequence[str]) -> dict[str, str]:
        """Return the cells that were picked, by name."""
        return dict(zip(self.names, picked, strict=True))


def recognises(header: Sequence[str]) -> bool:
    """Whether a header is one of Shopify's: it has a handle and a title."""
    return {"handle", "title"} <= {_ROLES.get(key(name)) for name in header}


def columns(header: Sequence[str]) -> Columns | None:
    """Return the columns that a header names, None where it has no handle.

    Raises MalformedError where two mean the same.
    """
    named = [(place, _name(text), text) for place, text in enumerate(header) if key(text)]
    refuse_twice((name or f"?{text.casefold()}", text) for _, name, text in named)
    if "handle" not in {name for _, name, _ in named}:
        return None
    read = [(place, name) for place, name, _ in named if name and len(name) <= LONGEST_NAME]
    return Columns(
        width=len(header),
        places=[place for place, _ in read],
        names=[name for _, name in read],
        attributes=[name for _, name in read if name in _ATTRIBUTES or _NAMED_AS_IS.match(name)],
        warnings=tuple(
            Fault(printable(text), _why_not(name))
            for _, name, text in named
            if not _is_ignored(text) and (not name or len(name) > LONGEST_NAME)
        ),
    )


def _name(text: str) -> str:
    """Return what a column is called inside, "" for one that is not read."""
    if _is_ignored(text):
        return ""
    return _ROLES.get(key(text)) or (text if _NAMED_AS_IS.match(text) else "")


def _is_ignored(text: str) -> bool:
    return bool(
        key(text) in _IGNORED_KEYS or _MARKET.match(text) or _UNIT_PRICE.fullmatch(key(text))
    )


def _why_not(name: str) -> str:
    return (
        f"A name of more than {LONGEST_NAME} characters: not read"
        if name
        else "Unknown column: not read"
    )
