"""Read the items of an RSS or Atom feed, one at a time, without DTD and entities."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple
from xml.parsers import expat

from attrs import define, field

from eggypro_adapters.files.google.details import SEPARATOR
from eggypro_adapters.files.google.xml_repair import XmlRepair
from eggypro_core.errors import ParseError
from eggypro_core.validation.fields import escape_control

MAX_ITEM_LENGTH = 4 * 1024 * 1024
"""Characters of an item."""
_MAX_TEXT_LENGTH = 1024 * 1024
"""Characters of an element: the same limit as for the cells of a table."""
_MAX_ELEMENTS = 5000
"""Elements of an item."""
_MAX_DEPTH = 100
_MAX_TAG_BYTES = 4 * 1024 * 1024
"""Bytes of a tag or comment: the parser holds it in memory until its end."""
_CHUNK_BYTES = 64 * 1024
_ITEMS = frozenset({"item", "entry", "product"})
_DETAIL_PARTS = ("section_name", "attribute_name", "attribute_value")
_MAX_NAMED_ELEMENTS = 8


class XmlItem(NamedTuple):
    """An item on `line`: the names of its elements, with their texts, which may be blank."""

    line: int
    elements: list[tuple[str, str]]


class XmlError(NamedTuple):
    """An item that cannot be read, or the error that ends the file."""

    line: int
    message: str


class XmlItems:
    """Iterate over the items of a stream once.

    Raises ParseError immediately if there is no item, and if the XML declares a document type.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._handler = _Handler()
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.EntityDeclHandler = _refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._handler.end
        parser.CharacterDataHandler = self._handler.text
        self._repair = XmlRepair()
        self._fed = 0
        self._ended = False
        while not self._handler.items and not self._ended:
            self._read_chunk()
        first = self._handler.items[:1]
        if not first:
            names = ", ".join(f"<{escape_control(name, 60)}>" for name in self._handler.names)
            raise ParseError(
                f"The XML has no product: found {names or 'no element'}; a feed of Google or Meta "
                "has the products in <item> or <entry> elements"
            )
        if isinstance(first[0], XmlError) and self._ended and len(self._handler.items) == 1:
            raise ParseError(first[0].message)

    def __iter__(self) -> Iterator[XmlItem | XmlError]:
        while True:
            yield from self._handler.items
            self._handler.items.clear()
            if self._ended:
                return
            self._read_chunk()

    def _read_chunk(self) -> None:
        data = self._stream.read(_CHUNK_BYTES)
        self._ended = not data
        chunk = self._repair.feed(data)
        self._fed += len(chunk)
        try:
            self._parser.Parse(chunk, self._ended)
        except (expat.ExpatError, LookupError, ValueError) as error:
            self._fail(f"The XML is broken ({error})")
        else:
            if self._fed - self._parser.CurrentByteIndex > _MAX_TAG_BYTES:
                self._fail(f"A tag has more than {_MAX_TAG_BYTES:,} bytes")

    def _fail(self, message: str) -> None:
        line = self._parser.CurrentLineNumber
        self._ended = True
        self._handler.items.append(XmlError(line, f"{message}: the rest of the file is not read"))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._handler.start(name, attributes, self._parser.CurrentLineNumber)


def is_feed(head: bytes) -> bool:
    """Return whether the first bytes of a file are those of XML, as feeds are, in any encoding."""
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")[:1] == b"<"


def _refuse_doctype(*_: object) -> None:
    raise ParseError(
        "XML with a document type (<!DOCTYPE ...>) is refused: remove it. "
        "If this is a web page, export the feed as a file"
    )


@define
class _Handler:
    """Collect the elements of each item."""

    items: list[XmlItem | XmlError] = field(factory=list)
    names: dict[str, None] = field(factory=dict)
    """The names of the first elements outside of items."""
    _depth: int = 0
    _item: XmlItem | None = None
    _item_depth: int = 0
    _length: int = 0
    _error: str = ""
    _texts: list[str] = field(factory=list)
    _parts: list[tuple[str, str]] = field(factory=list)

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        """Begin an element."""
        self._depth += 1
        if self._item is None:
            if len(self.names) < _MAX_NAMED_ELEMENTS:
                self.names[name] = None
            if _local_name(name) in _ITEMS and self._depth > 1:
                self._item = XmlItem(line, [])
                self._item_depth = self._depth
                self._length = 0
                self._error = ""
            elif self._depth > _MAX_DEPTH:
                raise ParseError(f"The XML is nested more than {_MAX_DEPTH} levels deep")
            return
        if self._depth - self._item_depth > _MAX_DEPTH:
            self._error = f"The item is nested more than {_MAX_DEPTH} levels deep"
        elif len(self._item.elements) + len(self._parts) >= _MAX_ELEMENTS:
            self._error = f"The item has too many elements: at most {_MAX_ELEMENTS:,} are read"
        if self._depth == self._item_depth + 1:
            self._parts, self._texts = [], []
            self.text(attributes.get("href", ""))  # Atom's <link href="..."/>
        else:
            self._end_part("")

    def text(self, text: str) -> None:
        """Add text to the current element."""
        if self._item is None or self._depth == self._item_depth:
            return
        self._length += len(text)
        if self._length > MAX_ITEM_LENGTH:
            self._error = f"The item has more than {MAX_ITEM_LENGTH:,} characters"
        elif not self._error:
            self._texts.append(text)

    def end(self, name: str) -> None:
        """End an element."""
        if self._item is not None:
            if self._depth == self._item_depth:
                error = XmlError(self._item.line, self._error) if self._error else None
                self.items.append(error or self._item)
                self._item = None
            elif self._depth == self._item_depth + 1:
                self._end_part("")
                self._add_element(name)
            else:
                self._end_part(_local_name(name))
        self._depth -= 1

    def _end_part(self, name: str) -> None:
        """Store the text since the last tag as a part of the element."""
        text = "".join(self._texts).strip()
        self._texts = []
        if text and not self._error:
            self._parts.append((name, text))

    def _add_element(self, name: str) -> None:
        if self._item is None or self._error:
            return
        parts = dict(self._parts)
        if parts.keys() & set(_DETAIL_PARTS):
            text = SEPARATOR.join(parts.get(part, "") for part in _DETAIL_PARTS)
        else:
            text = " ".join(text for _, text in self._parts)
        if len(text) > _MAX_TEXT_LENGTH:
            self._error = (
                f"<{escape_control(name, 60)}> has more than {_MAX_TEXT_LENGTH:,} characters"
            )
        else:
            self._item.elements.append((name, text))


def _local_name(name: str) -> str:
    return name.rpartition(":")[2].lower()
