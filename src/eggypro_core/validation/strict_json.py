"""JSON taken exactly: numbers as they are written, each name once, nothing that is not JSON."""

import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from eggypro_core.validation.fields import InvalidValueError, escape_control


def parse(text: str) -> object:
    """Return the value of a JSON text. Raises RefusedError with a sentence."""
    try:
        return _DECODER.decode(text)
    except InvalidValueError:
        raise
    except json.JSONDecodeError as error:
        raise InvalidValueError(
            f"This is not JSON: {error.msg} (character {error.pos + 1})"
        ) from None
    except RecursionError:
        raise InvalidValueError("The JSON is nested too deeply") from None
    except (ValueError, InvalidOperation):
        raise InvalidValueError("A number of the JSON is too long") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise InvalidValueError(f"The JSON names '{escape_control(name)}' twice")
    return found


def _constant(name: str) -> NoReturn:
    raise InvalidValueError(f"{name} is not a number that JSON knows")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Decimal, parse_constant=_constant
)
