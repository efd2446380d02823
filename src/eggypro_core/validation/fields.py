"""What a value from outside must be: each rule returns the clean value, or says what is wrong."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any, TypeAlias, TypeVar

from eggypro_core.errors import FieldError, ValidationError

Validator: TypeAlias = Callable[[object], object]
Schema: TypeAlias = Mapping[str, Any]
"""What a value looks like, in the words of JSON Schema."""
T = TypeVar("T")

CENT = Decimal("0.01")
MAX_INTEGER = 2_147_483_647
"""The highest whole number that a field may hold."""
_SPACES = re.compile("[ \t\r\n\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_LINE_BREAK = re.compile("\r\n?")
_CONTROL_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MULTILINE_CONTROL_CHARACTERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_MAX_COMBINING_MARKS = 100
_POSSIBLE_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{_MAX_COMBINING_MARKS},}}")
_MAX_CLEANING_PASSES = 10


def with_schema(validator: Callable[[object], T], schema: Schema) -> Callable[[object], T]:
    """Return a rule that tells what it takes, to whoever describes it."""
    validator.__dict__["shape"] = schema
    return validator


def schema_of(validator: Validator) -> Schema:
    """Return what a rule takes; text where it does not tell."""
    shape: Schema = getattr(validator, "shape", {"type": "string"})
    return shape


def nullable_schema(schema: Schema) -> Schema:
    """Return the shape of the same, or of null."""
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*kinds, "null"]}


class InvalidValueError(ValueError):
    """A rule's word on one value. `check` turns it into the fault of a field."""


def check(
    values: Mapping[str, object],
    validators: Mapping[str, Validator],
    *,
    required: Collection[str] = (),
    ignore: Collection[str] = (),
    read_only: Collection[str] = (),
    errors: Sequence[FieldError] = (),
) -> dict[str, Any]:
    """Return the clean values of the named fields.

    Raises ValidationError with every fault at once: values that break their rule, names that are
    `closed` or that no rule knows, unless they are `ignored`, `required` names that are missing,
    and what is `also` wrong.
    """
    clean: dict[str, Any] = {}
    faults: list[FieldError] = []
    for name, value in values.items():
        if name in validators and name not in read_only:
            try:
                clean[name] = validators[name](value)
            except InvalidValueError as refused:
                faults.append(FieldError(name, str(refused)))
        elif name not in ignore:
            fault = "Cannot be set here" if name in read_only else "Unknown field"
            faults.append(FieldError(escape_control(name), fault))
    faults += [FieldError(name, required_message(name)) for name in required if name not in values]
    raise_if([*faults, *errors])
    return clean


def raise_if(errors: Sequence[FieldError]) -> None:
    """Raise ValidationError if there are any faults."""
    if errors:
        raise ValidationError(errors)


def required_message(field: str) -> str:
    """Return the sentence for a field that is needed and not there."""
    if field == "ingredients":
        return "At least one ingredient is required"
    return f"{field_label(field)} is required"


def field_label(field: str) -> str:
    """Return the words that sentences use for a field: `seo_title` is `Seo title`."""
    return {"sku": "SKU", "seo_title": "SEO title", "seo_description": "SEO description"}.get(
        field, field.replace("_", " ").capitalize()
    )


def escape_control(text: str, maximum: int = 100) -> str:
    """Return what can be shown of a text from outside: no control characters, and not too long."""
    return _CONTROL_CHARACTERS.sub("\ufffd", text)[:maximum]


def is_clean(text: str) -> bool:
    """Whether a text is free of control characters and lone surrogates."""
    return _CONTROL_CHARACTERS.search(text) is None


def single_line(name: str, maximum: int, *, excluded: str = "") -> Callable[[object], str]:
    """Return the rule of a text of one line: NFC, stripped, runs of white space made one space.

    `never` holds the characters that it must not contain; control characters it never may.
    """
    forbidden = re.compile(f"[{re.escape(excluded)}]") if excluded else None

    def rule(value: object) -> str:
        text = _normalise(name, value, maximum)
        is_plain = text.isascii() and text.isprintable()  # most are: nothing more to look for
        text = " ".join(text.split()) if is_plain else _SPACES.sub(" ", text).strip(" ")
        if not text:
            raise InvalidValueError(f"{name} is required")
        if not (is_plain or is_clean(text)) or (forbidden and forbidden.search(text)):
            raise InvalidValueError(f"{name} contains invalid characters")
        return _check_length(name, text, maximum)

    return with_schema(rule, {"type": "string", "minLength": 1, "maxLength": maximum})


def multiline(
    name: str, maximum: int, clean: Callable[[str], str] = str
) -> Callable[[object], str]:
    """Return the rule of a text of many lines, which may be empty: NFC, stripped, LF line breaks.

    `clean` is applied before the length is looked at (HTML is brought to its allow-list there). It
    must change nothing about what it returned. As it may write out what stood in the text as
    entities, what it returns is made normal and cleaned again until both leave it alone.
    """

    def normal(value: object) -> str:
        text = _normalise(name, value, maximum)
        if text.isascii() and text.replace("\n", "").isprintable():  # most are: nothing to change
            return text.strip()
        text = _LINE_BREAK.sub("\n", text).replace("\t", " ")
        if _MULTILINE_CONTROL_CHARACTERS.search(
            text
        ):  # before str.strip, to which some of them are white space
            raise InvalidValueError(f"{name} contains invalid characters")
        return text.strip()

    def rule(value: object) -> str:
        text = normal(value)
        for _ in range(_MAX_CLEANING_PASSES):
            cleaned = clean(text)
            text = normal(cleaned)
            if text == cleaned:
                return _check_length(name, text, maximum)
        raise InvalidValueError(f"{name} contains invalid characters")

    return with_schema(rule, {"type": "string", "maxLength": maximum})


def optional(validator: Callable[[object], T]) -> Callable[[object], T | None]:
    """Return the rule that also takes None, or a blank text, for nothing."""

    def blank_or(value: object) -> T | None:
        blank = value is None or (isinstance(value, str) and not _SPACES.sub("", value))
        return None if blank else validator(value)

    shape = dict(schema_of(validator))
    if shape.keys() <= {"type", "minLength", "maxLength"}:
        shape.pop("minLength", None)
        return with_schema(blank_or, nullable_schema(shape))
    blank = {"type": "string", "pattern": r"^\s*$"}
    return with_schema(blank_or, nullable_schema({"anyOf": [shape, blank]}))


def https_url(name: str, *, item_label: str = "", maximum: int = 2048) -> Callable[[object], str]:
    """Return the rule of an address on the web: https, and nothing that needs to be escaped."""
    text = single_line(name, maximum, excluded=' "<>\\^`{|}')

    def rule(value: object) -> str:
        found = text(value)
        if not found.startswith("https://") or len(found) <= len("https://"):
            raise InvalidValueError(f"{item_label or name} must be an https address")
        return found

    return with_schema(rule, {"type": "string", "format": "uri", "maxLength": maximum})


def slug(name: str, maximum: int, reserved: Collection[str] = ()) -> Callable[[object], str]:
    """Return the rule of an address: lower-case ASCII letters, digits and hyphens."""
    spelling = re.compile("[a-z0-9-]+")

    def rule(value: object) -> str:
        text = _require_text(name, value)
        if not text:
            raise InvalidValueError(f"{name} is required")
        if not spelling.fullmatch(text):
            raise InvalidValueError(
                f"{name} must contain only lowercase letters, numbers, and hyphens"
            )
        if text in reserved:
            raise InvalidValueError(f"{name} '{text}' is reserved")
        return _check_length(name, text, maximum)

    return with_schema(rule, {"type": "string", "pattern": "^[a-z0-9-]+$", "maxLength": maximum})


def money(name: str, maximum: Decimal) -> Callable[[object], Decimal]:
    """Return the rule of an amount above zero in the shop's currency, exact to the cent.

    Takes a Decimal, an int or a text such as `24.99`; a float never, since it is not exact.
    """

    def rule(value: object) -> Decimal:
        amount = decimal(name, value)
        if amount <= 0:
            raise InvalidValueError(f"{name} must be positive")
        if amount > maximum:
            raise InvalidValueError(f"{name} too high")
        exact = amount.quantize(CENT)
        if amount != exact:
            raise InvalidValueError(f"{name} must have at most 2 decimals")
        return exact

    written = {"type": "string", "pattern": r"^[0-9]{1,6}(\.[0-9]{1,2}0*)?$"}
    number = {"type": "number", "minimum": float(CENT), "maximum": float(maximum)}
    return with_schema(rule, {"anyOf": [written, number]})


def decimal(name: str, value: object) -> Decimal:
    """Return a finite number, exactly as it was written. Raises RefusedError."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, Decimal) and value.is_finite():
        return value
    raise InvalidValueError(f'{name} must be a number such as "24.99"')


def integer_between(name: str, minimum: int, maximum: int) -> Callable[[object], int]:
    """Return the rule of a whole number between two bounds, both allowed."""
    any_whole = integer(name)

    def rule(value: object) -> int:
        number = any_whole(value)
        if number < minimum:
            below_zero = f"{name} cannot be negative"
            raise InvalidValueError(f"{name} must be at least {minimum}" if minimum else below_zero)
        if number > maximum:
            raise InvalidValueError(f"{name} too high (at most {maximum})")
        return number

    return with_schema(rule, {"type": "integer", "minimum": minimum, "maximum": maximum})


def integer(name: str) -> Callable[[object], int]:
    """Return the rule of any whole number."""

    def rule(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidValueError(f"{name} must be an integer")
        return value

    return with_schema(rule, {"type": "integer"})


def boolean(name: str) -> Callable[[object], bool]:
    """Return the rule of true or false."""

    def rule(value: object) -> bool:
        if not isinstance(value, bool):
            raise InvalidValueError(f"{name} must be true or false")
        return value

    return with_schema(rule, {"type": "boolean"})


def list_of(
    name: str, item: Callable[[object], T], maximum: int, *, minimum: int = 0
) -> Callable[[object], tuple[T, ...]]:
    """Return the rule of a list whose items all follow `item`. `name` is the plural."""
    singular = name.removesuffix("s").lower()

    def rule(value: object) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise InvalidValueError(f"{name} must be a list")
        if len(value) < minimum:
            raise InvalidValueError(f"At least one {singular} is required")
        if len(value) > maximum:
            raise InvalidValueError(f"Too many {name.lower()}")
        return tuple(item(one) for one in value)

    bounds = {"minItems": minimum, "maxItems": maximum}
    return with_schema(rule, {"type": "array", "items": schema_of(item), **bounds})


def string_map(
    name: str, *, maximum: int, key: Callable[[object], str], text: Callable[[object], T]
) -> Callable[[object], dict[str, T]]:
    """Return the rule of a map from texts to what `text` makes of texts."""

    def rule(value: object) -> dict[str, T]:
        if not isinstance(value, Mapping):
            raise InvalidValueError(f"{name} must be a map of texts")
        if len(value) > maximum:
            raise InvalidValueError(f"Too many {name.lower()}")
        clean = {key(each): text(content) for each, content in value.items()}
        if len(clean) < len(value):
            raise InvalidValueError(f"{name} must each have a name of their own")
        return clean

    pairs = {"propertyNames": schema_of(key), "additionalProperties": schema_of(text)}
    return with_schema(rule, {"type": "object", **pairs, "maxProperties": maximum})


def _require_text(name: str, value: object) -> str:
    if value is None:
        raise InvalidValueError(f"{name} is required")
    if not isinstance(value, str):
        raise InvalidValueError(f"{name} must be text")
    return value


def _normalise(name: str, value: object, maximum: int) -> str:
    """Return the text in NFC; one that could not fit even then is refused before the work."""
    text = _require_text(name, value)
    if len(text) > 4 * maximum:
        raise InvalidValueError(f"{name} too long")
    if text.isascii():
        return text
    if any(map(_stacks_marks, _POSSIBLE_MARKS.findall(text))):  # to order n marks takes n * n steps
        raise InvalidValueError(f"{name} contains invalid characters")
    return unicodedata.normalize("NFC", text)


def _stacks_marks(run: str) -> bool:
    """Whether so many marks stand in a row as no script needs."""
    return any(
        is_mark and len(list(row)) >= _MAX_COMBINING_MARKS
        for is_mark, row in groupby(run, _is_mark)
    )


def _is_mark(character: str) -> bool:
    # By category: some marks of class 0 are made of two that are not.
    return unicodedata.category(character).startswith("M")


def _check_length(name: str, text: str, maximum: int) -> str:
    if len(text) > maximum:
        raise InvalidValueError(f"{name} too long")
    return text
