"""JSON request bodies of bounded size, parsed strictly."""

import falcon

from eggypro_core.errors import FieldError, ParseError, ValidationError
from eggypro_core.validation import strict_json
from eggypro_core.validation.fields import InvalidValueError
from eggypro_http.responses import JSON_MEDIA_TYPE

MAX_JSON_BYTES = 1024 * 1024
_UTF_8 = {"utf-8", "utf8"}


def optional_json_object(request: falcon.Request) -> dict[str, object]:
    """Return the JSON object in the body of a request, an empty one if there is no body."""
    return json_object(request) if require_length(request, MAX_JSON_BYTES) else {}


def json_object(request: falcon.Request) -> dict[str, object]:
    """Return the JSON object in the body of a request. Numbers with a decimal point are Decimals.

    Raises ParseError for invalid JSON, ValidationError for JSON that is not an object, and Falcon's
    errors for a length or a media type that is not accepted.
    """
    value = _parse(_decode(_read_body(request)))
    if not isinstance(value, dict):
        raise ValidationError([FieldError("body", "The body must be a JSON object")])
    return value


def require_length(request: falcon.Request, limit: int) -> int:
    """Return the length of the body. Raises Falcon's errors if it is unknown or over `limit`."""
    if "HTTP_TRANSFER_ENCODING" in request.env:  # not every server passes on a whole chunked body
        raise falcon.HTTPLengthRequired(description="A Content-Length header is required")
    length = request.content_length or 0
    if length > limit:
        raise falcon.HTTPContentTooLarge(description=f"The body must not exceed {limit} bytes")
    return length


def is_uncompressed(request: falcon.Request) -> bool:
    """Return whether the body of a request is sent without compression."""
    return bool(request.env.get("HTTP_CONTENT_ENCODING", "identity").lower() == "identity")


def _read_body(request: falcon.Request) -> bytes:
    length = require_length(request, MAX_JSON_BYTES)
    _require_json(request)
    body: bytes = request.stream.read(length)
    if len(body) < length:
        raise ParseError("The body ended before its Content-Length")
    if not body:
        raise ParseError("The body is empty: a JSON object is required")
    return body


def _require_json(request: falcon.Request) -> None:
    media_type, options = falcon.parse_header(request.content_type or JSON_MEDIA_TYPE)
    is_json = media_type.lower() == JSON_MEDIA_TYPE or media_type.lower().endswith("+json")
    is_utf_8 = options.get("charset", "utf-8").lower() in _UTF_8
    if not (is_json and is_utf_8 and is_uncompressed(request)):
        raise falcon.HTTPUnsupportedMediaType(
            description=f"The body must be uncompressed {JSON_MEDIA_TYPE} in UTF-8"
        )


def _decode(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8 (byte {error.start + 1})") from None


def _parse(text: str) -> object:
    try:
        return strict_json.parse(text)
    except InvalidValueError as error:
        raise ParseError(f"The body cannot be parsed. {error}") from None
