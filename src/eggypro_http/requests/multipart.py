"""Multipart forms, received part by part; each file is spooled to a temporary file."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import falcon
from attrs import field, frozen
from falcon.media.multipart import BodyPart, MultipartFormHandler
from falcon.util import BufferedReader

from eggypro_core.domain.image import MAX_UPLOAD_BYTES, file_too_large
from eggypro_core.errors import FieldError, ParseError, ValidationError
from eggypro_core.services.images import MAX_UPLOAD_FILES
from eggypro_core.validation.fields import escape_control
from eggypro_http.requests.json_body import is_uncompressed, require_length

MULTIPART_MEDIA_TYPE = "multipart/form-data"
FILE_FIELD = "file"
"""The name of the parts that are files."""
_MAX_FIELD_BYTES = 64 * 1024
"""The most bytes of a form besides its files."""
MAX_MULTIPART_BYTES = MAX_UPLOAD_FILES * MAX_UPLOAD_BYTES + _MAX_FIELD_BYTES
"""The most bytes of any form."""
_CHUNK_BYTES = 64 * 1024
_HANDLER = MultipartFormHandler()


@frozen
class MultipartForm:
    """The parts of a form: text fields by name, and files positioned at their start."""

    fields: dict[str, str] = field(factory=dict)
    files: list[BinaryIO] = field(factory=list)


@contextmanager
def read_multipart(
    request: falcon.Request, *, fields: Collection[str] = (), files: int
) -> Iterator[MultipartForm]:
    """Yield the form in the body of a request, which may have `fields` and at most `files` files.

    The files are deleted on exit. Raises TooLargeError for a file above the size limit of images,
    ParseError for a malformed form, ValidationError for missing or unexpected parts, and Falcon's
    errors for a length or a media type that is not accepted.
    """
    form = MultipartForm()
    with ExitStack() as stack:
        body = _body(request, files)
        stack.callback(body.exhaust)  # a client that is still sending would miss the response
        for part in _HANDLER.deserialize(body, request.content_type, None):
            name = _field_name(part)
            if name == FILE_FIELD and len(form.files) < files:
                form.files.append(stack.enter_context(TemporaryFile()))
                _copy_file(part, form.files[-1])
            elif name in fields and name not in form.fields:
                form.fields[name] = _text(part)
            else:
                raise ValidationError(
                    [FieldError(escape_control(name), _unexpected_message(name, fields, files))]
                )
        if not form.files:
            raise ValidationError([FieldError(FILE_FIELD, "At least one file is required")])
        yield form


def _body(request: falcon.Request, files: int) -> Any:
    """Return Falcon's buffered reader of the body; its class differs in compiled builds."""
    length = require_length(request, files * MAX_UPLOAD_BYTES + _MAX_FIELD_BYTES)
    media_type, _ = falcon.parse_header(request.content_type or "")
    if media_type.lower() != MULTIPART_MEDIA_TYPE or not is_uncompressed(request):
        raise falcon.HTTPUnsupportedMediaType(
            description=f"The files must be sent as uncompressed {MULTIPART_MEDIA_TYPE}"
        )
    return BufferedReader(request.stream.read, length)


def _field_name(part: BodyPart) -> str:
    try:
        return part.name or ""
    except UnicodeDecodeError:
        raise ParseError("The name of a form part is not UTF-8") from None


def _copy_file(part: BodyPart, file: BinaryIO) -> None:
    while chunk := part.stream.read(_CHUNK_BYTES):
        file.write(chunk)
        if file.tell() > MAX_UPLOAD_BYTES:
            raise file_too_large()
    file.seek(0)


def _text(part: BodyPart) -> str:
    try:
        return part.stream.read(_MAX_FIELD_BYTES).decode()
    except UnicodeDecodeError:
        raise ParseError("A form field is not UTF-8") from None


def _unexpected_message(name: str, fields: Collection[str], files: int) -> str:
    if name == FILE_FIELD:
        return f"Too many files (at most {files})"
    return "Must not be repeated" if name in fields else "Unknown field"
