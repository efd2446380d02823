"""Read products from JSON Lines: one JSON object per line."""

from collections.abc import Iterator

from eggypro_adapters.files.cell_parsers import FIELD_PARSERS
from eggypro_adapters.files.text_lines import MAX_PIECE_LENGTH, TextLines, is_undecodable
from eggypro_core.domain.product import READ_ONLY_FIELDS
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import FieldError
from eggypro_core.validation import strict_json
from eggypro_core.validation.fields import InvalidValueError, escape_control

_TRUNCATED_VARIANTS_MESSAGE = (
    "List all variants of the product (see variant_count): "
    "an import takes variants that are not listed off sale"
)
_READ_ONLY_FIELDS = (READ_ONLY_FIELDS | {"version"}) - FIELD_PARSERS.keys()


def read(lines: TextLines) -> Iterator[ImportEntry]:
    """Yield the product of each non-blank line."""
    for text in lines:
        number = lines.number
        try:
            values = _values(lines, text)
        except InvalidValueError as error:
            yield ImportEntry(number, None, (FieldError("", str(error)),))
            continue
        if values is not None:
            yield _entry(number, values)


def _values(lines: TextLines, text: str) -> dict[str, object] | None:
    if not lines.is_complete:
        lines.skip_rest()
        raise InvalidValueError(f"The line is longer than {MAX_PIECE_LENGTH:,} characters")
    if not text.strip():
        return None
    if is_undecodable(text):
        raise InvalidValueError(
            "The line has bytes that are invalid in the file's encoding: save the file as UTF-8"
        )
    values = strict_json.parse(text)
    if not isinstance(values, dict):
        raise InvalidValueError("The line is not a JSON object")
    return values


def _entry(number: int, values: dict[str, object]) -> ImportEntry:
    if FIELD_PARSERS.keys() >= values.keys():
        return ImportEntry(number, values)
    if _has_truncated_variants(values):
        return ImportEntry(number, None, (FieldError("variants", _TRUNCATED_VARIANTS_MESSAGE),))
    unknown = [
        name for name in values if name not in FIELD_PARSERS and name not in _READ_ONLY_FIELDS
    ]
    if unknown:
        errors = tuple(FieldError(escape_control(name), "Unknown field") for name in unknown)
        return ImportEntry(number, None, errors)
    return ImportEntry(number, {name: values[name] for name in values if name in FIELD_PARSERS})


def _has_truncated_variants(values: dict[str, object]) -> bool:
    """Whether a product has fewer variants than its `variant_count`, as in a list of the API."""
    variants, count = values.get("variants"), values.get("variant_count")
    if not isinstance(variants, list) or not isinstance(count, int):
        return False
    return 0 < len(variants) < count
