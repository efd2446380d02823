"""What a value from outside must be: each rule returns the clean value, or says what is wrong."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any, TypeAlias, TypeVar

from eggypro_core.errors import Fault, InvalidError

Rule: TypeAlias = Callable[[object], object]
Shape: TypeAlias = Mapping[str, Any]
"""What a value looks like, in the words of JSON Schema."""
T = TypeVar("T")

CENT = Decimal("0.01")
HIGHEST_WHOLE = 2_147_483_647
"""The highest whole number that a field may hold."""
_SPACES = re.compile("[ \t\r\n\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_LINE_BREAK = re.compile("\r\n?")
_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_LONG_TEXT = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_MARKS = 100
_MAYBE_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{_MARKS},}}")
_PASSES = 10


def shaped(rule: Callable[[object], T], shape: Shape) -> Callable[[object], T]:
    """Return a rule that tells what it takes, to whoever describes it."""
    rule.__dict__["shape"] = shape
    return rule


def shape_of(rule: Rule) -> Shape:
    """Return what a rule takes; text where it does not tell."""
    shape: Shape = getattr(rule, "shape", {"type": "string"})
    return shape


def nullable(shape: Shape) -> Shape:
    """Return the shape of the same, or of null."""
    if "type" not in shape:
        return {"anyOf": [shape, {"type": "null"}]}
    kinds = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
    return {**shape, "type": [*kinds, "null"]}


class RefusedError(ValueError):
    """A rule's word on one value. `check` turns it into the fault of a field."""


def check(
    values: Mapping[str, object],
    rules: Mapping[str, Rule],
    *,
    required: Collection[str] = (),
    ignored: Collection[str] = (),
    closed: Collection[str] = (),
    also: Sequence[Fault] = (),
) -> dict[str, Any]:
    """Return the clean values of the named fields.

    Raises InvalidError with every fault at once: values that break their rule, names that are
    `closed` or that no rule knows, unless they are `ignored`, `required` names that are missing,
    and what is `also` wrong.
    """
    clean: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in values.items():
        if name in rules and name not in closed:
            try:
                clean[name] = rules[name](value)
            except RefusedError as refused:
                faults.append(Fault(name, str(refused)))
        elif name not in ignored:
            fault = "Cannot be set here" if name in closed else "Unknown field"
            faults.append(Fault(printable(name), fault))
    faults += [Fault(name, absence(name)) for name in required if name not in values]
    refuse([*faults, *also])
    return clean


def refuse(faults: Sequence[Fault]) -> None:
    """Raise InvalidError if there are any faults."""
    if faults:
        raise InvalidError(faults)


def absence(field: str) -> str:
    """Return the sentence for a field that is needed and not there."""
    if field == "ingredients":
        return "At least one ingredient is required"
    return f"{label(field)} is required"


def label(field: str) -> str:
    """Return the words that sentences use for a field: `seo_title` is `Seo title`."""
    return {"sku": "SKU", "seo_title": "SEO title", "seo_description": "SEO description"}.get(
        field, field.replace("_", " ").capitalize()
    )


def printable(text: str, maximum: int = 100) -> str:
    """Return what can be shown of a text from outside: no control characters, and not too long."""
    return _NOT_TEXT.sub("\ufffd", text)[:maximum]


def is_clean(text: str) -> bool:
    """Whether a text is free of control characters and lone surrogates."""
    return _NOT_TEXT.search(text) is None


def line(name: str, maximum: int, *, never: str = "") -> Callable[[object], str]:
    """Return the rule of a text of one line: NFC, stripped, runs of white space made one space.

    `never` holds the characters that it must not contain; control characters it never may.
    """
    forbidden = re.compile(f"[{re.escape(never)}]") if never else None

    def rule(value: object) -> str:
        text = _normal(name, value, maximum)
        is_plain = text.isascii() and text.isprintable()  # most are: nothing more to look for
        text = " ".join(text.split()) if is_plain else _SPACES.sub(" ", text).strip(" ")
        if not text:
            raise RefusedError(f"{name} is required")
        if not (is_plain or is_clean(text)) or (forbidden and forbidden.search(text)):
            raise RefusedError(f"{name} contains invalid characters")
        return _within(name, text, maximum)

    return shaped(rule, {"type": "string", "minLength": 1, "maxLength": maximum})


def long_text(
    name: str, maximum: int, clean: Callable[[str], str] = str
) -> Callable[[object], str]:
    """Return the rule of a text of many lines, which may be empty: NFC, stripped, LF line breaks.

    `clean` is applied before the length is looked at (HTML is brought to its allow-list there). It
    must change nothing about what it returned. As it may write out what stood in the text as
    entities, what it returns is made normal and cleaned again until both leave it alone.
    """

    def normal(value: object) -> str:
        text = _normal(name, value, maximum)
        if text.isascii() and text.replace("\n", "").isprintable():  # most are: nothing to change
            return text.strip()
        text = _LINE_BREAK.sub("\n", text).replace("\t", " ")
        if _NOT_LONG_TEXT.search(text):  # before str.strip, to which some of them are white space
            raise RefusedError(f"{name} contains invalid characters")
        return text.strip()

    def rule(value: object) -> str:
        text = normal(value)
        for _ in range(_PASSES):
            cleaned = clean(text)
            text = normal(cleaned)
            if text == cleaned:
                return _within(name, text, maximum)
        raise RefusedError(f"{name} contains invalid characters")

    return shaped(rule, {"type": "string", "maxLength": maximum})


def optional(rule: Callable[[object], T]) -> Callable[[object], T | None]:
    """Return the rule that also takes None, or a blank text, for nothing."""

    def blank_or(value: object) -> T | None:
        blank = value is None or (isinstance(value, str) and not _SPACES.sub("", value))
        return None if blank else rule(value)

    shape = dict(shape_of(rule))
    if shape.keys() <= {"type", "minLength", "maxLength"}:
        shape.pop("minLength", None)
        return shaped(blank_or, nullable(shape))
    blank = {"type": "string", "pattern": r"^\s*$"}
    return shaped(blank_or, nullable({"anyOf": [shape, blank]}))


def address(name: str, *, each: str = "", maximum: int = 2048) -> Callable[[object], str]:
    """Return the rule of an address on the web: https, and nothing that needs to be escaped."""
    text = line(name, maximum, never=' "<>\\^`{|}')

    def rule(value: object) -> str:
        found = text(value)
        if not found.startswith("https://") or len(found) <= len("https://"):
            raise RefusedError(f"{each or name} must be an https address")
        return found

    return shaped(rule, {"type": "string", "format": "uri", "maxLength": maximum})


def slug(name: str, maximum: int, reserved: Collection[str] = ()) -> Callable[[object], str]:
    """Return the rule of an address: lower-case ASCII letters, digits and hyphens."""
    spelling = re.compile("[a-z0-9-]+")

    def rule(value: object) -> str:
        text = _text(name, value)
        if not text:
            raise RefusedError(f"{name} is required")
        if not spelling.fullmatch(text):
            raise RefusedError(f"{name} must contain only lowercase letters, numbers, and hyphens")
        if text in reserved:
            raise RefusedError(f"{name} '{text}' is reserved")
        return _within(name, text, maximum)

    return shaped(rule, {"type": "string", "pattern": "^[a-z0-9-]+$", "maxLength": maximum})


def money(name: str, highest: Decimal) -> Callable[[object], Decimal]:
    """Return the rule of an amount above zero in the shop's currency, exact to the cent.

    Takes a Decimal, an int or a text such as `24.99`; a float never, since it is not exact.
    """

    def rule(value: object) -> Decimal:
        amount = decimal(name, value)
        if amount <= 0:
            raise RefusedError(f"{name} must be positive")
        if amount > highest:
            raise RefusedError(f"{name} too high")
        exact = amount.quantize(CENT)
        if amount != exact:
            raise RefusedError(f"{name} must have at most 2 decimals")
        return exact

    written = {"type": "string", "pattern": r"^[0-9]{1,6}(\.[0-9]{1,2}0*)?$"}
    number = {"type": "number", "minimum": float(CENT), "maximum": float(highest)}
    return shaped(rule, {"anyOf": [written, number]})


def decimal(name: str, value: object) -> Decimal:
    """Return a finite number, exactly as it was written. Raises RefusedError."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, Decimal) and value.is_finite():
        return value
    raise RefusedError(f'{name} must be a number such as "24.99"')


def whole(name: str, lowest: int, highest: int) -> Callable[[object], int]:
    """Return the rule of a whole number between two bounds, both allowed."""
    any_whole = integer(name)

    def rule(value: object) -> int:
        number = any_whole(value)
        if number < lowest:
            below_zero = f"{name} cannot be negative"
            raise RefusedError(f"{name} must be at least {lowest}" if lowest else below_zero)
        if number > highest:
            raise RefusedError(f"{name} too high (at most {highest})")
        return number

    return shaped(rule, {"type": "integer", "minimum": lowest, "maximum": highest})


def integer(name: str) -> Callable[[object], int]:
    """Return the rule of any whole number."""

    def rule(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise RefusedError(f"{name} must be an integer")
        return value

    return shaped(rule, {"type": "integer"})


def yes_or_no(name: str) -> Callable[[object], bool]:
    """Return the rule of true or false."""

    def rule(value: object) -> bool:
        if not isinstance(value, bool):
            raise RefusedError(f"{name} must be true or false")
        return value

    return shaped(rule, {"type": "boolean"})


def listed(
    name: str, item: Callable[[object], T], maximum: int, *, least: int = 0
) -> Callable[[object], tuple[T, ...]]:
    """Return the rule of a list whose items all follow `item`. `name` is the plural."""
    singular = name.removesuffix("s").lower()

    def rule(value: object) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise RefusedError(f"{name} must be a list")
        if len(value) < least:
            raise RefusedError(f"At least one {singular} is required")
        if len(value) > maximum:
            raise RefusedError(f"Too many {name.lower()}")
        return tuple(item(one) for one in value)

    bounds = {"minItems": least, "maxItems": maximum}
    return shaped(rule, {"type": "array", "items": shape_of(item), **bounds})


def text_map(
    name: str, *, maximum: int, key: Callable[[object], str], text: Callable[[object], T]
) -> Callable[[object], dict[str, T]]:
    """Return the rule of a map from texts to what `text` makes of texts."""

    def rule(value: object) -> dict[str, T]:
        if not isinstance(value, Mapping):
            raise RefusedError(f"{name} must be a map of texts")
        if len(value) > maximum:
            raise RefusedError(f"Too many {name.lower()}")
        clean = {key(each): text(content) for each, content in value.items()}
        if len(clean) < len(value):
            raise RefusedError(f"{name} must each have a name of their own")
        return clean

    pairs = {"propertyNames": shape_of(key), "additionalProperties": shape_of(text)}
    return shaped(rule, {"type": "object", **pairs, "maxProperties": maximum})


def _text(name: str, value: object) -> str:
    if value is None:
        raise RefusedError(f"{name} is required")
    if not isinstance(value, str):
        raise RefusedError(f"{name} must be text")
    return value


def _normal(name: str, value: object, maximum: int) -> str:
    """Return the text in NFC; one that could not fit even then is refused before the work."""
    text = _text(name, value)
    if len(text) > 4 * maximum:
        raise RefusedError(f"{name} too long")
    if text.isascii():
        return text
    if any(map(_stacks_marks, _MAYBE_MARKS.findall(text))):  # to order n marks takes n * n steps
        raise RefusedError(f"{name} contains invalid characters")
    return unicodedata.normalize("NFC", text)


def _stacks_marks(run: str) -> bool:
    """Whether so many marks stand in a row as no script needs."""
    return any(is_mark and len(list(row)) >= _MARKS for is_mark, row in groupby(run, _is_mark))


def _is_mark(character: str) -> bool:
    # By category: some marks of class 0 are made of two that are not.
    return unicodedata.category(character).startswith("M")


def _within(name: str, text: str, maximum: int) -> str:
    if len(text) > maximum:
        raise RefusedError(f"{name} too long")
    return text
