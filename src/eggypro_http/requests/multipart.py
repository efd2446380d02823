"""Forms with files, received part by part, each file into a temporary one."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import falcon
from attrs import field, frozen
from falcon.media.multipart import BodyPart, MultipartFormHandler
from falcon.util import BufferedReader

from eggypro_core.domain.image import HIGHEST_SIZE, too_large
from eggypro_core.errors import Fault, InvalidError, MalformedError
from eggypro_core.services.images import FILES
from eggypro_core.validation.fields import printable
from eggypro_http.requests.json_body import is_plain, length_of

FORM = "multipart/form-data"
FILE = "file"
"""What the parts are called that are files."""
_AROUND = 64 * 1024
"""How many bytes of a form need not be files."""
LONGEST = FILES * HIGHEST_SIZE + _AROUND
"""How long any form may be."""
_PIECE = 64 * 1024
_HANDLER = MultipartFormHandler()


@frozen
class Form:
    """What a form brings: texts by name, and files to read from their beginning."""

    fields: dict[str, str] = field(factory=dict)
    files: list[BinaryIO] = field(factory=list)


@contextmanager
def received(
    request: falcon.Request, *, fields: Collection[str] = (), files: int
) -> Iterator[Form]:
    """Give the form that a request brings, with those fields and so many files at most.

    Raises TooLargeError for a file that is larger than an image may be, MalformedError and
    InvalidError for a form that is none or another, and Falcon's errors for its length and type.
    """
    form = Form()
    with ExitStack() as opened:
        body = _body(request, files)
        opened.callback(body.exhaust)  # who is still sending would not hear a refusal
        for part in _HANDLER.deserialize(body, request.content_type, None):
            name = _name(part)
            if name == FILE and len(form.files) < files:
                form.files.append(opened.enter_context(TemporaryFile()))
                _receive(part, form.files[-1])
            elif name in fields and name not in form.fields:
                form.fields[name] = _text(part)
            else:
                raise InvalidError([Fault(printable(name), _unwanted(name, fields, files))])
        if not form.files:
            raise InvalidError([Fault(FILE, "At least one file is required")])
        yield form


def _body(request: falcon.Request, files: int) -> Any:
    """Return Falcon's reader of a body, which is one class or another where it is compiled."""
    length = length_of(request, files * HIGHEST_SIZE + _AROUND)
    media_type, _ = falcon.parse_header(request.content_type or "")
    if media_type.lower() != FORM or not is_plain(request):
        raise falcon.HTTPUnsupportedMediaType(
            description=f"Send the files as {FORM}, not compressed"
        )
    return BufferedReader(request.stream.read, length)


def _name(part: BodyPart) -> str:
    try:
        return part.name or ""
    except UnicodeDecodeError:
        raise MalformedError("A part of the form has a name that is not UTF-8") from None


def _receive(part: BodyPart, file: BinaryIO) -> None:
    while piece := part.stream.read(_PIECE):
        file.write(piece)
        if file.tell() > HIGHEST_SIZE:
            raise too_large()
    file.seek(0)


def _text(part: BodyPart) -> str:
    try:
        return part.stream.read(_AROUND).decode()
    except UnicodeDecodeError:
        raise MalformedError("A part of the form is not UTF-8") from None


def _unwanted(name: str, fields: Collection[str], files: int) -> str:
    if name == FILE:
        return f"Too many files (at most {files})"
    return "Given twice" if name in fields else "Unknown field"
