"""Validators of input values, each with its JSON Schema."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, TypeAlias, TypeVar

from eggypro_core.errors import FieldError, ValidationError
from eggypro_core.validation.invisible import remove_invisible

Validator: TypeAlias = Callable[[object], object]
"""Returns the clean value. Raises InvalidValueError if the value is invalid."""
Schema: TypeAlias = Mapping[str, Any]
"""The JSON Schema of a value."""
T = TypeVar("T")

CENT = Decimal("0.01")
MAX_INTEGER = 2_147_483_647
"""The highest integer that a field can hold."""
MAX_URL_LENGTH = 2048
# A host of labels (not ASCII signs) or an IPv6 address, a port, and anything after the first slash.
_LABEL = r"[^\s\x00-,./:-@\[-^`{-\x7f]+"
_HTTPS_URL = re.compile(
    rf"https://(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\])(?::([1-9][0-9]{{0,4}}))?(?:[/?#].*)?"
)
_MAX_PORT = 65_535
_SPACES = re.compile("[ \t\r\n\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_LINE_BREAK = re.compile("\r\n?")
_CONTROL_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MULTILINE_CONTROL_CHARACTERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_FIELD_LABELS = {
    "sku": "SKU",
    "gtin": "GTIN",
    "weight_grams": "Weight in grams",
    "seo_title": "SEO title",
    "seo_description": "SEO description",
}
_MAX_COMBINING_MARKS = 100
_POSSIBLE_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{_MAX_COMBINING_MARKS},}}")
_MAX_CLEANING_PASSES = 10


def with_schema(validator: Callable[[object], T], schema: Schema) -> Callable[[object], T]:
    """Attach the JSON Schema of the accepted values to a validator, and return the validator."""
    validator.__dict__["schema"] = schema
    return validator


def schema_of(validator: Validator) -> Schema:
    """Return the JSON Schema of a validator; without one, that of a string."""
    schema: Schema = getattr(validator, "schema", {"type": "string"})
    return schema


def max_length(validator: Validator) -> int:
    """Return the maximum number of characters that a validator of text accepts."""
    length: int = schema_of(validator)["maxLength"]
    return length


def nullable_schema(schema: Schema) -> Schema:
    """Return the JSON Schema that also accepts null."""
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return {**schema, "type": [*types, "null"]}


class InvalidValueError(ValueError):
    """A value is invalid. `check` turns the message into the error of a field."""


def check(
    values: Mapping[str, object],
    validators: Mapping[str, Validator],
    *,
    required: Collection[str] = (),
    ignore: Collection[str] = (),
    read_only: Collection[str] = (),
    errors: Sequence[FieldError] = (),
) -> dict[str, Any]:
    """Return the clean values by field name.

    Raises ValidationError with all errors at once: invalid values, fields that are `read_only` or
    unknown (unless in `ignore`), missing `required` fields, and `errors` found by the caller.
    """
    clean: dict[str, Any] = {}
    invalid: list[FieldError] = []
    for name, value in values.items():
        if name in validators and name not in read_only:
            try:
                clean[name] = validators[name](value)
            except InvalidValueError as error:
                invalid.append(FieldError(name, str(error)))
        elif name not in ignore:
            message = "Cannot be set here" if name in read_only else "Unknown field"
            invalid.append(FieldError(escape_control(name), message))
    invalid += [FieldError(name, required_message(name)) for name in required if name not in values]
    raise_if([*invalid, *errors])
    return clean


def raise_if(errors: Sequence[FieldError]) -> None:
    """Raise ValidationError if there are any errors."""
    if errors:
        raise ValidationError(errors)


def required_message(field: str) -> str:
    """Return the message for a missing required field."""
    if field == "ingredients":
        return "At least one ingredient is required"
    return f"{field_label(field)} is required"


def field_label(field: str) -> str:
    """Return the name of a field in messages: `SEO title` for `seo_title`."""
    return _FIELD_LABELS.get(field, field.replace("_", " ").capitalize())


def escape_control(text: str, maximum: int = 100) -> str:
    """Return untrusted text safe for display: control characters replaced, cut to `maximum`."""
    return _CONTROL_CHARACTERS.sub("\ufffd", text)[:maximum]


def is_clean(text: str) -> bool:
    """Return whether a text has neither control characters nor lone surrogates."""
    return _CONTROL_CHARACTERS.search(text) is None


def collapse_spaces(text: str) -> str:
    """Return the text as one line: stripped, with one space for each run of whitespace."""
    return _SPACES.sub(" ", text).strip(" ")


def single_line(name: str, maximum: int, *, excluded: str = "") -> Callable[[object], str]:
    """Return the validator of single-line text, which must not be empty.

    It normalises to NFC, strips, removes invisible characters and collapses whitespace to single
    spaces. Control characters and those in `excluded` are rejected.
    """
    forbidden = re.compile(f"[{re.escape(excluded)}]") if excluded else None

    def validate(value: object) -> str:
        if isinstance(value, str) and _is_plain(value, maximum):
            text = " ".join(value.split())
            if text and not (forbidden and forbidden.search(text)):
                return text
        text = collapse_spaces(_normalise(name, value, maximum))
        if not text:
            raise InvalidValueError(f"{name} is required")
        if not is_clean(text) or (forbidden and forbidden.search(text)):
            raise InvalidValueError(f"{name} contains invalid characters")
        return _check_length(name, text, maximum)

    return with_schema(validate, {"type": "string", "minLength": 1, "maxLength": maximum})


def multiline(
    name: str, maximum: int, clean: Callable[[str], str] = str
) -> Callable[[object], str]:
    """Return the validator of multiline text, which may be empty: NFC, stripped, LF line breaks.

    `clean` (an HTML sanitiser, for example) is applied before the length is checked. It must be
    idempotent. Because it may decode entities, its result is normalised and cleaned again until
    neither step changes it.
    """

    def normalise(value: object) -> str:
        if isinstance(value, str) and _is_plain(value.replace("\n", ""), maximum):
            return value.strip()
        text = _LINE_BREAK.sub("\n", _normalise(name, value, maximum)).replace("\t", " ")
        # Before str.strip, which takes some of these characters for whitespace.
        if _MULTILINE_CONTROL_CHARACTERS.search(text):
            raise InvalidValueError(f"{name} contains invalid characters")
        return text.strip()

    def validate(value: object) -> str:
        text = normalise(value)
        for _ in range(_MAX_CLEANING_PASSES):
            cleaned = clean(text)
            if cleaned == text and text.isascii():  # the common case: already normal
                return _check_length(name, text, maximum)
            text = normalise(cleaned)
            if text == cleaned:
                return _check_length(name, text, maximum)
        raise InvalidValueError(f"{name} contains invalid characters")

    return with_schema(validate, {"type": "string", "maxLength": maximum})


def optional(validator: Callable[[object], T]) -> Callable[[object], T | None]:
    """Return the validator that also accepts None and blank text, and returns None for both."""

    def validate(value: object) -> T | None:
        return None if value is None or _is_blank(value) else validator(value)

    schema = dict(schema_of(validator))
    if schema.keys() <= {"type", "minLength", "maxLength"}:
        schema.pop("minLength", None)
        return with_schema(validate, nullable_schema(schema))
    blank = {"type": "string", "pattern": r"^\s*$"}
    return with_schema(validate, nullable_schema({"anyOf": [schema, blank]}))


def is_https_url(text: str) -> bool:
    """Return whether a text is an https URL with a host, a valid port if any, and no user."""
    match = _HTTPS_URL.fullmatch(text)
    return match is not None and int(match[1] or 1) <= _MAX_PORT


def https_url(
    name: str, *, item_label: str = "", maximum: int = MAX_URL_LENGTH
) -> Callable[[object], str]:
    """Return the validator of an https URL without characters that need escaping.

    `item_label` replaces the name in the messages about the scheme and the host.
    """
    validate_line = single_line(name, maximum, excluded=' "<>\\^`{|}')
    label = item_label or name

    def validate(value: object) -> str:
        url = validate_line(value)
        if not url.startswith("https://"):
            raise InvalidValueError(f"{label} must be an https URL")
        if not is_https_url(url):
            raise InvalidValueError(
                f"{label} must be an https URL with a valid host, without user and password"
            )
        return url

    return with_schema(validate, {"type": "string", "format": "uri", "maxLength": maximum})


def slug(name: str, maximum: int, reserved: Collection[str] = ()) -> Callable[[object], str]:
    """Return the validator of a slug: lowercase ASCII letters, digits and hyphens."""
    pattern = re.compile("[a-z0-9-]+")

    def validate(value: object) -> str:
        text = _require_text(name, value)
        if not text:
            raise InvalidValueError(f"{name} is required")
        if not pattern.fullmatch(text):
            raise InvalidValueError(
                f"{name} must contain only lowercase letters, numbers, and hyphens"
            )
        if text in reserved:
            raise InvalidValueError(f"{name} '{text}' is reserved")
        return _check_length(name, text, maximum)

    return with_schema(
        validate, {"type": "string", "pattern": "^[a-z0-9-]+$", "maxLength": maximum}
    )


def money(name: str, maximum: Decimal) -> Callable[[object], Decimal]:
    """Return the validator of a positive amount in the shop's currency, exact to the cent.

    Accepts a Decimal, an int or a text such as `24.99`; no float, because floats are not exact.
    """

    def validate(value: object) -> Decimal:
        amount = decimal(name, value)
        if amount <= 0:
            raise InvalidValueError(f"{name} must be positive")
        if amount > maximum:
            raise InvalidValueError(f"{name} too high")
        exact = amount.quantize(CENT)
        if amount != exact:
            raise InvalidValueError(f"{name} must have at most 2 decimals")
        return exact

    text = {"type": "string", "pattern": r"^[0-9]{1,6}(\.[0-9]{1,2}0*)?$"}
    number = {"type": "number", "minimum": float(CENT), "maximum": float(maximum)}
    return with_schema(validate, {"anyOf": [text, number]})


def decimal(name: str, value: object) -> Decimal:
    """Return a finite number as an exact Decimal. Raises InvalidValueError."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, Decimal) and value.is_finite():
        return value
    raise InvalidValueError(f'{name} must be a number such as "24.99"')


def integer_between(name: str, minimum: int, maximum: int) -> Callable[[object], int]:
    """Return the validator of an integer from `minimum` to `maximum`, both inclusive."""
    validate_integer = integer(name)

    def validate(value: object) -> int:
        number = validate_integer(value)
        if number < minimum:
            negative = f"{name} cannot be negative"
            raise InvalidValueError(f"{name} must be at least {minimum}" if minimum else negative)
        if number > maximum:
            raise InvalidValueError(f"{name} too high (at most {maximum})")
        return number

    return with_schema(validate, {"type": "integer", "minimum": minimum, "maximum": maximum})


def integer(name: str) -> Callable[[object], int]:
    """Return the validator of an integer without bounds."""

    def validate(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidValueError(f"{name} must be an integer")
        return value

    return with_schema(validate, {"type": "integer"})


def boolean(name: str) -> Callable[[object], bool]:
    """Return the validator of a boolean."""

    def validate(value: object) -> bool:
        if not isinstance(value, bool):
            raise InvalidValueError(f"{name} must be true or false")
        return value

    return with_schema(validate, {"type": "boolean"})


def time(name: str) -> Callable[[object], datetime]:
    """Return the validator of a time in RFC 3339, in UTC unless it names an offset."""

    def validate(value: object) -> datetime:
        try:
            at = datetime.fromisoformat(str(value))
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidValueError(f"{name} must be a time such as 2026-12-01T08:00:00Z") from None

    return with_schema(validate, {"type": "string", "format": "date-time"})


def list_of(
    name: str, item: Callable[[object], T], maximum: int, *, minimum: int = 0
) -> Callable[[object], tuple[T, ...]]:
    """Return the validator of a list whose items `item` validates. `name` is a plural."""
    singular = name.removesuffix("s").lower()

    def validate(value: object) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise InvalidValueError(f"{name} must be a list")
        if len(value) < minimum:
            raise InvalidValueError(f"At least one {singular} is required")
        if len(value) > maximum:
            raise InvalidValueError(f"Too many {name.lower()}")
        return tuple(map(item, value))

    bounds = {"minItems": minimum, "maxItems": maximum}
    return with_schema(validate, {"type": "array", "items": schema_of(item), **bounds})


def string_map(
    name: str, *, maximum: int, key: Callable[[object], str], text: Callable[[object], T]
) -> Callable[[object], dict[str, T]]:
    """Return the validator of a map: `key` validates its keys, `text` its values."""
    singular = name.removesuffix("s")

    def validate(value: object) -> dict[str, T]:
        if not isinstance(value, Mapping):
            raise InvalidValueError(f"{name} must be a map of names to text")
        if len(value) > maximum:
            raise InvalidValueError(f"Too many {name.lower()}")
        clean = {key(raw_key): text(raw_text) for raw_key, raw_text in value.items()}
        if len(clean) < len(value):
            raise InvalidValueError(f"{singular} names must be unique")
        return clean

    members = {"propertyNames": schema_of(key), "additionalProperties": schema_of(text)}
    return with_schema(validate, {"type": "object", **members, "maxProperties": maximum})


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not _SPACES.sub("", remove_invisible(value))


def _is_plain(text: str, maximum: int) -> bool:
    """Return whether a text is like nearly all, which need no slow checks: printable ASCII."""
    return len(text) <= maximum and text.isascii() and text.isprintable()


def _require_text(name: str, value: object) -> str:
    if value is None:
        raise InvalidValueError(f"{name} is required")
    if not isinstance(value, str):
        raise InvalidValueError(f"{name} must be text")
    return value


def _normalise(name: str, value: object, maximum: int) -> str:
    """Return the text in NFC, without invisible characters.

    Text that is too long in any form is rejected first.
    """
    text = _require_text(name, value)
    if len(text) > 4 * maximum:
        raise InvalidValueError(f"{name} too long")
    if text.isascii():
        return text
    # Normalising a run of n combining marks takes n * n steps.
    if any(map(_has_excess_marks, _POSSIBLE_MARKS.findall(text))):
        raise InvalidValueError(f"{name} contains invalid characters")
    return unicodedata.normalize("NFC", remove_invisible(text))


def _has_excess_marks(text: str) -> bool:
    """Return whether the text has more combining marks in a row than any script needs."""
    return any(
        is_mark and len(list(marks)) >= _MAX_COMBINING_MARKS
        for is_mark, marks in groupby(text, _is_mark)
    )


def _is_mark(character: str) -> bool:
    # By category, not combining class: some marks of class 0 decompose into marks of other classes.
    return unicodedata.category(character).startswith("M")


def _check_length(name: str, text: str, maximum: int) -> str:
    if len(text) > maximum:
        raise InvalidValueError(f"{name} too long")
    return text
