"""Repair `&` and HTML entities in XML, the usual faults of feeds that shops make themselves."""

import re
from html.entities import html5

_XML_ENTITIES = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
_CDATA_END = b"]]>"
_MAX_ENTITY = 64
_MAX_REST = 64 * 1024
"""Bytes without a tag or white space that wait for more."""
_PIECE = re.compile(
    rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?:#[0-9]{1,7};|#x[0-9a-fA-F]{1,6};|([a-zA-Z][a-zA-Z0-9]{0,31});)?",
    re.DOTALL,
)


class XmlRepair:
    """Repair a file piece by piece: `&` becomes `&amp;`, and `&eacute;` a number.

    Text in CDATA is unchanged, as are files in UTF-16.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._in_cdata = False
        self._is_active: bool | None = None

    def feed(self, data: bytes) -> bytes:
        """Return the next part of the repaired file; b"" ends it."""
        if self._is_active is None and data:
            self._is_active = b"\x00" not in data[:64]
        if not self._is_active:
            return data
        text = self._rest + data
        end = _safe_end(text) if data else len(text)
        self._rest = text[end:]
        return self._repaired(text[:end])

    def _repaired(self, text: bytes) -> bytes:
        start = 0
        if self._in_cdata:
            found = text.find(_CDATA_END)
            if found < 0:
                return text
            start = found + len(_CDATA_END)
            self._in_cdata = False
        return text[:start] + _PIECE.sub(self._replace, text[start:])

    def _replace(self, match: re.Match[bytes]) -> bytes:
        piece, name = match[0], match[1]
        if piece[:1] == b"<":
            self._in_cdata = not piece.endswith(_CDATA_END)
            return piece
        if piece == b"&":
            return b"&amp;"
        if name is None or name in _XML_ENTITIES:
            return piece
        characters = html5.get(f"{name.decode()};")
        if characters is None:
            return b"&amp;" + piece[1:]
        return b"".join(b"&#%d;" % ord(character) for character in characters)


def _safe_end(text: bytes) -> int:
    """Return the length of the part that does not end within an entity or a mark of CDATA."""
    end = max(0, *map(text.rfind, (b"<", b" ", b"\n")))
    if len(text) - end <= _MAX_REST:
        return end
    end = len(text) - _MAX_ENTITY
    ampersand = text.rfind(b"&", end - _MAX_ENTITY, end)
    if ampersand >= 0:
        return ampersand
    return end - len(text[end - 2 : end]) + len(text[end - 2 : end].rstrip(b"]"))
