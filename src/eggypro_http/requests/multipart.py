"""Forms with files, received part by part, each file into a temporary one."""

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

MULTIPART = "multipart/form-data"
FILE_FIELD = "file"
"""What the parts are called that are files."""
_MAX_FIELD_BYTES = 64 * 1024
"""How many bytes of a form need not be files."""
MAX_MULTIPART_BYTES = MAX_UPLOAD_FILES * MAX_UPLOAD_BYTES + _MAX_FIELD_BYTES
"""How long any form may be."""
_CHUNK_BYTES = 64 * 1024
_HANDLER = MultipartFormHandler()


@frozen
class MultipartForm:
    """What a form brings: texts by name, and files to read from their beginning."""

    fields: dict[str, str] = field(factory=dict)
    files: list[BinaryIO] = field(factory=list)


@contextmanager
def read_multipart(
    request: falcon.Request, *, fields: Collection[str] = (), files: int
) -> Iterator[MultipartForm]:
    """Give the form that a request brings, with those fields and so many files at most.

    Raises TooLargeError for a file that is larger than an image may be, ParseError and
    ValidationError for a form that is none or another, and Falcon's errors for its length and type.
    """
    form = MultipartForm()
    with ExitStack() as opened:
        body = _body(request, files)
        opened.callback(body.exhaust)  # who is still sending would not hear a refusal
        for part in _HANDLER.deserialize(body, request.content_type, None):
            name = _field_name(part)
            if name == FILE_FIELD and len(form.files) < files:
                form.files.append(opened.enter_context(TemporaryFile()))
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
    """Return Falcon's reader of a body, which is one class or another where it is compiled."""
    length = require_length(request, files * MAX_UPLOAD_BYTES + _MAX_FIELD_BYTES)
    media_type, _ = falcon.parse_header(request.content_type or "")
    if media_type.lower() != MULTIPART or not is_uncompressed(request):
        raise falcon.HTTPUnsupportedMediaType(
            description=f"Send the files as {MULTIPART}, not compressed"
        )
    return BufferedReader(request.stream.read, length)


def _field_name(part: BodyPart) -> str:
    try:
        return part.name or ""
    except UnicodeDecodeError:
        raise ParseError("A part of the form has a name that is not UTF-8") from None


def _copy_file(part: BodyPart, file: BinaryIO) -> None:
    while piece := part.stream.read(_CHUNK_BYTES):
        file.write(piece)
        if file.tell() > MAX_UPLOAD_BYTES:
            raise file_too_large()
    file.seek(0)


def _text(part: BodyPart) -> str:
    try:
        return part.stream.read(_MAX_FIELD_BYTES).decode()
    except UnicodeDecodeError:
        raise ParseError("A part of the form is not UTF-8") from None


def _unexpected_message(name: str, fields: Collection[str], files: int) -> str:
    if name == FILE_FIELD:
        return f"Too many files (at most {files})"
    return "Given twice" if name in fields else "Unknown field"
