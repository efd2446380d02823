"""Strict JSON parser: exact numbers, no duplicate names, no NaN or Infinity."""

import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from eggypro_core.validation.fields import InvalidValueError, escape_control


def parse(text: str, *, nan_is_null: bool = False) -> object:
    """Return the value of a JSON text. Raises InvalidValueError.

    With `nan_is_null`, NaN and Infinity, which some programs write, are None.
    """
    decoder = _LENIENT_DECODER if nan_is_null else _DECODER
    try:
        return decoder.decode(text)
    except InvalidValueError:
        raise
    except json.JSONDecodeError as error:
        raise InvalidValueError(f"Invalid JSON: {error.msg} (character {error.pos + 1})") from None
    except RecursionError:
        raise InvalidValueError("The JSON is nested too deeply") from None
    except (ValueError, InvalidOperation):
        raise InvalidValueError("A number in the JSON is too long") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        name = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise InvalidValueError(f"The name '{escape_control(name)}' appears twice in the JSON")
    return members


def _constant(name: str) -> NoReturn:
    raise InvalidValueError(f"{name} is not a valid JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Decimal, parse_constant=_constant
)
_LENIENT_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Decimal, parse_constant=lambda _: None
)
