"""Products as JSON, one object a line."""

from collections.abc import Iterator

from eggypro_adapters.files.cell_parsers import FIELDS
from eggypro_adapters.files.text_lines import LONGEST, Lines, is_broken
from eggypro_core.domain.product import SHOWN
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import Fault
from eggypro_core.validation import strict_json
from eggypro_core.validation.fields import RefusedError, printable

_PART = "Only the first variants are shown here: those left out would be taken off sale"
_SHOWN_ONLY = (SHOWN | {"version"}) - FIELDS.keys()


def read(lines: Lines) -> Iterator[ImportEntry]:
    """Return the product of each line that is not blank."""
    for text in lines:
        number = lines.number
        try:
            values = _values(lines, text)
        except RefusedError as refused:
            yield ImportEntry(number, None, (Fault("", str(refused)),))
            continue
        if values is not None:
            yield _entry(number, values)


def _values(lines: Lines, text: str) -> dict[str, object] | None:
    if not lines.complete:
        lines.finish()
        raise RefusedError(f"The line is longer than {LONGEST:,} characters")
    if not text.strip():
        return None
    if is_broken(text):
        raise RefusedError("The line holds bytes that are no text in the file's encoding")
    values = strict_json.parse(text)
    if not isinstance(values, dict):
        raise RefusedError("The line is not a JSON object")
    return values


def _entry(number: int, values: dict[str, object]) -> ImportEntry:
    if FIELDS.keys() >= values.keys():
        return ImportEntry(number, values)
    if _shows_a_part(values):
        return ImportEntry(number, None, (Fault("variants", _PART),))
    unknown = [name for name in values if name not in FIELDS and name not in _SHOWN_ONLY]
    if unknown:
        faults = tuple(Fault(printable(name), "Unknown field") for name in unknown)
        return ImportEntry(number, None, faults)
    return ImportEntry(number, {name: values[name] for name in values if name in FIELDS})


def _shows_a_part(values: dict[str, object]) -> bool:
    """Whether an object has fewer variants than it says that there are: what the API shows has."""
    variants, count = values.get("variants"), values.get("variant_count")
    if not isinstance(variants, list) or not isinstance(count, int):
        return False
    return 0 < len(variants) < count
