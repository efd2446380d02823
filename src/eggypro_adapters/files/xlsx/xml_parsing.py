"""Parse the XML of a workbook in chunks, without document types and entities."""

from collections.abc import Iterator, Mapping
from typing import IO, Protocol
from xml.parsers import expat

from eggypro_core.errors import ParseError

_CHUNK_BYTES = 64 * 1024
_MAX_TAG_BYTES = 4 * 1024 * 1024
"""Bytes of a tag or comment: the parser holds it in memory until its end."""
_TEXT_LIMIT = 1024 * 1024
"""Characters of a text; the rest is dropped."""


class XmlHandler(Protocol):
    """Receive the elements of a document, by their names without namespaces."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Begin an element; the names of attributes have their namespace prefixes."""
        ...

    def end(self, name: str, text: str) -> None:
        """End an element; `text` is the text since the last tag."""
        ...


def parse_chunks(stream: IO[bytes], handler: XmlHandler) -> Iterator[None]:
    """Parse a document; yield after each chunk. Raises ParseError and expat.ExpatError."""
    parser = expat.ParserCreate()
    local_names = _LocalNames()
    texts: list[str] = []
    length = 0

    def start(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal length
        texts.clear()
        length = 0
        handler.start(local_names[name], attributes)

    def end(name: str) -> None:
        nonlocal length
        handler.end(local_names[name], "".join(texts))
        texts.clear()
        length = 0

    def add_text(text: str) -> None:
        nonlocal length
        length += len(text)
        if length <= _TEXT_LIMIT:
            texts.append(text)

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = add_text
    parser.StartDoctypeDeclHandler = refuse_document_type
    fed = 0
    while chunk := stream.read(_CHUNK_BYTES):
        parser.Parse(chunk)
        fed += len(chunk)
        if fed - parser.CurrentByteIndex > _MAX_TAG_BYTES:
            raise ParseError(f"The .xlsx file has an XML tag of more than {_MAX_TAG_BYTES:,} bytes")
        yield
    parser.Parse(b"", True)  # noqa: FBT003 - expat takes it by position
    yield


def parse_xml(stream: IO[bytes], handler: XmlHandler) -> None:
    """Parse a whole document."""
    for _ in parse_chunks(stream, handler):
        pass


def refuse_document_type(*_: object) -> None:
    """Raise ParseError: a document type can hold entities that expand without end."""
    raise ParseError("The file has an XML document type, which is not accepted: save it again")


class _LocalNames(dict[str, str]):
    """The names of elements without their namespace prefix."""

    def __missing__(self, name: str) -> str:
        self[name] = name.rpartition(":")[2]
        return self[name]
