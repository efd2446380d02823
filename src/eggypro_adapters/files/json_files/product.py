"""Parse a product from a JSON object with the fields of our own formats."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from eggypro_adapters.files.cell_parsers import FIELD_PARSERS
from eggypro_adapters.files.json_files import values as json_values
from eggypro_adapters.files.row_messages import rejected_entry
from eggypro_adapters.files.unused_columns import UnusedColumns
from eggypro_core.domain import variant
from eggypro_core.domain.product import READ_ONLY_FIELDS
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.validation.fields import InvalidValueError

_TRUNCATED_VARIANTS_MESSAGE = (
    "List all variants of the product (see variant_count): "
    "an import archives variants that are not listed"
)
_PRODUCT_FIELDS = FIELD_PARSERS.keys()
_READ_ONLY_FIELDS = READ_ONLY_FIELDS | {"version"}
_VARIANT_FIELDS = frozenset(field.name for field in variant.VARIANT_FIELDS)
_IMAGE_FIELDS = frozenset({"ref", "alt"})
_OWN_RECORD_FIELDS = frozenset({"category_details", "image_sets"})
"""Fields that only exports and our API have: their descriptions are plain text already."""


def parse_product(line: int, values: Mapping[str, object], unused: UnusedColumns) -> ImportEntry:
    """Return the product of a JSON object that begins on `line`.

    Unknown fields are counted in `unused`, whose entries must follow the last product. The body of
    a product in our API is read too: its read-only fields are ignored.
    """
    if _has_truncated_variants(values):
        return rejected_entry(line, _TRUNCATED_VARIANTS_MESSAGE, "variants")
    known = _known_members(values, _PRODUCT_FIELDS, unused, line)
    if isinstance(variants := known.get("variants"), list):
        known["variants"] = [
            _known_members(item, _VARIANT_FIELDS, unused, line, "variants.") for item in variants
        ]
    if "images" in known:
        known["images"] = _images(values, unused, line)
    if not _OWN_RECORD_FIELDS.isdisjoint(values):
        return ImportEntry(line, known)
    is_foreign = not values.keys() <= _PRODUCT_FIELDS | _READ_ONLY_FIELDS
    try:
        return ImportEntry(line, json_values.convert(known, is_foreign=is_foreign))
    except InvalidValueError as error:
        return rejected_entry(line, str(error), "price")


def _images(values: Mapping[str, Any], unused: UnusedColumns, line: int) -> object:
    """Return the images of a product; a body of our API has their alt texts in its image sets."""
    images, sets = values["images"], values.get("image_sets")
    if isinstance(sets, list) and all(isinstance(item, Mapping) for item in sets):
        return [
            {"ref": item.get("public_id") or item.get("original"), "alt": item.get("alt")}
            for item in sets
        ]
    if not isinstance(images, list):
        return images
    return [
        _known_members(json_values.image(item), _IMAGE_FIELDS, unused, line, "images.")
        for item in images
    ]


def _known_members(
    record: Any, known: AbstractSet[str], unused: UnusedColumns, line: int, prefix: str = ""
) -> Any:
    """Return the known members of a JSON object; anything else is left to its validator."""
    if not isinstance(record, Mapping) or known >= record.keys():
        return record
    for name, value in record.items():
        if name not in known and name not in _READ_ONLY_FIELDS and value is not None:
            unused.add(f"{prefix}{name}", str(value), line)
    return {name: value for name, value in record.items() if name in known}


def _has_truncated_variants(values: Mapping[str, object]) -> bool:
    """Whether a product has fewer variants than its `variant_count`, as in a list of the API."""
    variants, count = values.get("variants"), values.get("variant_count")
    if not isinstance(variants, list) or not isinstance(count, int):
        return False
    return 0 < len(variants) < count
