"""The parameters of an address, read strictly: nothing twice, nothing that cannot be decoded."""

import re
from urllib.parse import unquote_to_bytes

import falcon

from eggypro_core.errors import FieldError, ParseError, ValidationError
from eggypro_core.validation import fields

_ENCODED = re.compile(r"(?:[!-$&-~]|%[0-9A-Fa-f]{2})*")


def parameters(request: falcon.Request) -> dict[str, str]:
    """Return the parameters of a request. Raises ParseError, ValidationError for repeated ones."""
    if not request.query_string:
        return {}
    _require_encoded(request.query_string)
    repeated = [name for name, value in request.params.items() if isinstance(value, list)]
    if repeated:
        raise ValidationError(
            [FieldError(fields.escape_control(name), "Given twice") for name in repeated]
        )
    return {name: str(value) for name, value in request.params.items()}


def require_no_parameters(request: falcon.Request) -> None:
    """Raise ValidationError if the address has parameters."""
    fields.check(parameters(request), {})


def _require_encoded(query: str) -> None:
    try:
        readable = _ENCODED.fullmatch(query) is not None
        unquote_to_bytes(query).decode()
    except UnicodeError:
        readable = False
    if not readable:
        raise ParseError("The query string is not percent-encoded UTF-8")
