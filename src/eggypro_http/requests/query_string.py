"""Strict parsing of query strings: repeated or undecodable parameters are rejected."""

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import unquote_to_bytes

import falcon

from eggypro_core.errors import FieldError, ParseError, ValidationError
from eggypro_core.validation import fields

_ENCODED = re.compile(r"(?:[!-$&-~]|%[0-9A-Fa-f]{2})*")


def parameters(request: falcon.Request, repeatable: Collection[str] = ()) -> dict[str, Any]:
    """Return the query parameters of a request by name: texts, lists of texts if `repeatable`.

    Raises ParseError for invalid encoding and ValidationError for repeated parameters.
    """
    if not request.query_string:
        return {}
    _require_encoded(request.query_string)
    repeated = [
        name
        for name, value in request.params.items()
        if isinstance(value, list) and name not in repeatable
    ]
    if repeated:
        raise ValidationError(
            [FieldError(fields.escape_control(name), "Must not be repeated") for name in repeated]
        )
    return {
        name: request.get_param_as_list(name) if name in repeatable else str(value)
        for name, value in request.params.items()
    }


def require_no_parameters(request: falcon.Request) -> None:
    """Raise ValidationError if the request has query parameters."""
    fields.check(parameters(request), {})


def _require_encoded(query: str) -> None:
    try:
        is_valid = _ENCODED.fullmatch(query) is not None
        unquote_to_bytes(query).decode()
    except UnicodeError:
        is_valid = False
    if not is_valid:
        raise ParseError("The query string is not percent-encoded UTF-8")
