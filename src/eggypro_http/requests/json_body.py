"""Bodies of requests: JSON of bounded size, received whole and taken exactly."""

import falcon

from eggypro_core.errors import FieldError, ParseError, ValidationError
from eggypro_core.validation import strict_json
from eggypro_core.validation.fields import InvalidValueError
from eggypro_http.responses import JSON

MAX_JSON_BYTES = 1024 * 1024
_UTF_8 = {"utf-8", "utf8"}


def optional_json_object(request: falcon.Request) -> dict[str, object]:
    """Return the JSON object that a request brings, an empty one if it brings nothing."""
    return json_object(request) if require_length(request, MAX_JSON_BYTES) else {}


def json_object(request: falcon.Request) -> dict[str, object]:
    """Return the JSON object that a request brings. A number with a point is a Decimal.

    Raises ParseError for what is no JSON, ValidationError for JSON that is no object, and Falcon's
    errors for a length or a media type that is not taken.
    """
    value = _parse(_decode(_read_body(request)))
    if not isinstance(value, dict):
        raise ValidationError([FieldError("body", "The body must be a JSON object")])
    return value


def require_length(request: falcon.Request, limit: int) -> int:
    """Return how long a body is. Raises Falcon's errors where that is not told, or too long."""
    if "HTTP_TRANSFER_ENCODING" in request.env:  # not every server passes such a body on whole
        raise falcon.HTTPLengthRequired(description="Send the body with a Content-Length")
    length = request.content_length or 0
    if length > limit:
        raise falcon.HTTPContentTooLarge(description=f"A body may have {limit} bytes at most")
    return length


def is_uncompressed(request: falcon.Request) -> bool:
    """Whether a body comes as it is, and not compressed."""
    return bool(request.env.get("HTTP_CONTENT_ENCODING", "identity").lower() == "identity")


def _read_body(request: falcon.Request) -> bytes:
    length = require_length(request, MAX_JSON_BYTES)
    _require_json(request)
    body: bytes = request.stream.read(length)
    if len(body) < length:
        raise ParseError("The body ended before its Content-Length")
    if not body:
        raise ParseError("The body is empty: a JSON object is needed")
    return body


def _require_json(request: falcon.Request) -> None:
    media_type, options = falcon.parse_header(request.content_type or JSON)
    is_json = media_type.lower() == JSON or media_type.lower().endswith("+json")
    is_utf_8 = options.get("charset", "utf-8").lower() in _UTF_8
    if not (is_json and is_utf_8 and is_uncompressed(request)):
        raise falcon.HTTPUnsupportedMediaType(
            description=f"Send the body as {JSON}, in UTF-8 and not compressed"
        )


def _decode(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8 (byte {error.start + 1})") from None


def _parse(text: str) -> object:
    try:
        return strict_json.parse(text)
    except InvalidValueError as refused:
        raise ParseError(f"The body cannot be read. {refused}") from None
