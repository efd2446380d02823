"""Split a JSON document into objects: an array, an indented object, or lists within an object."""

import re
from collections.abc import Iterable, Iterator

from attrs import define, field

from eggypro_adapters.files.json_files.lists import (
    MAX_OPENING_LENGTH,
    ListOpening,
    find_array,
    find_list,
)
from eggypro_adapters.files.text_lines import MAX_PIECE_LENGTH, TextLines

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+("?)|[{}\[\]]', re.DOTALL)
_STRING_REST = re.compile(r'(?:[^"\\]++|\\.)*+("?)', re.DOTALL)


def is_document(line: str, *, is_complete: bool) -> bool:
    """Return whether JSON that begins with this line is a document, not an object per line."""
    text = line.lstrip()
    if find_list(text):
        return True
    splitter = _Splitter()
    objects = list(splitter.feed(text, 1, is_complete=True))
    return is_complete and text.startswith("{") and not objects


def split_objects(lines: TextLines) -> Iterator[tuple[int, str]]:
    """Yield the line and the JSON text of each element of a document.

    A text that is longer than MAX_PIECE_LENGTH is cut one character after it. A document that ends
    too early yields a last text that is not valid JSON.
    """
    opening = _read_opening(lines)
    skipped = opening.length if opening else 0
    splitter = _Splitter(is_list=skipped > 0, has_more_lists=bool(opening and opening.is_one_of))
    for piece in lines:
        start = min(skipped, len(piece))
        skipped -= start
        yield from splitter.feed(piece[start:], lines.number, is_complete=lines.is_complete)
        if splitter.is_closed:
            return
    yield from splitter.rest()


def _read_opening(lines: TextLines) -> ListOpening | None:
    """Return the beginning of the list of products; read no line."""
    if opening := find_array(lines.peek()):
        return opening
    head: list[str] = []
    length = 0
    while length < MAX_OPENING_LENGTH and (text := next(lines, "")):
        head.append(text)
        length += len(text)
        if not lines.is_complete:
            break
    lines.push_back(head)
    return find_list("".join(head))


@define
class _Splitter:
    """Find where the elements of a list of JSON values begin and end."""

    is_list: bool = False
    has_more_lists: bool = False
    """Whether lists follow, each after its name."""
    is_closed: bool = field(default=False, init=False)
    """Whether the end of the last list has been read."""
    _is_between: bool = field(default=False, init=False)
    """Whether the position is between two lists."""
    _depth: int = field(default=0, init=False)
    _start: int = field(default=0, init=False)
    """The position in the current piece after the last element."""
    _line: int = field(default=1, init=False)
    _parts: list[str] = field(factory=list, init=False)
    _length: int = field(default=0, init=False)
    _in_string: bool = field(default=False, init=False)
    _after_backslash: bool = field(default=False, init=False)

    def feed(self, text: str, line: int, *, is_complete: bool) -> Iterator[tuple[int, str]]:
        """Yield the elements that end in the next piece of text, which is on `line`."""
        self._start = 0
        position = self._skip_string(text) if self._in_string else 0
        while not self.is_closed and (match := _TOKEN.search(text, position)):
            position = match.end()
            if match[1] is not None:
                self._in_string = not match[1]
            elif match[0] in "{[":
                yield from self._open_bracket(match, line)
            else:
                yield from self._close_bracket(match, line)
        if self.is_closed:
            return
        self._after_backslash = self._in_string and text[position:] == "\\"
        self._in_string = self._in_string and not is_complete
        if self._depth:
            self._add(text[self._start :])
        elif not self._is_between:
            yield from _scalars(text[self._start :], line)

    def rest(self) -> Iterator[tuple[int, str]]:
        """Yield the element in which the document ends, and nothing if it is complete."""
        if self._depth:
            yield self._line, self._take("")
        elif self.is_list and not self.is_closed:
            yield self._line, "["

    def _open_bracket(self, bracket: re.Match[str], line: int) -> Iterable[tuple[int, str]]:
        """Begin the next list, or an object or array; return the values before it."""
        if self._depth:
            self._depth += 1
            return ()
        before = bracket.string[self._start : bracket.start()]
        if self._is_between and bracket[0] == "[":
            self._is_between = False
            self._start = bracket.end()
            return ()
        self._depth = 1
        self._start, self._line = bracket.start(), line
        return () if self._is_between else _scalars(before, line)

    def _close_bracket(self, bracket: re.Match[str], line: int) -> Iterable[tuple[int, str]]:
        """End an object or array, the list or the document; return the elements that end here."""
        if self._depth > 1:
            self._depth -= 1
            return ()
        text = bracket.string[self._start : bracket.end()]
        if self._depth:
            self._depth = 0
            self._start = bracket.end()
            return [(self._line, self._take(text))]
        if self._is_between:
            self.is_closed = True
        elif self.is_list:
            self._start = bracket.end()
            self._is_between = self.has_more_lists
            self.is_closed = not self.has_more_lists
            return _scalars(text[:-1], line)
        return ()

    def _skip_string(self, text: str) -> int:
        """Return the position after the rest of a string that began in an earlier piece."""
        match = _STRING_REST.match(text, int(self._after_backslash))
        if match is None:
            return len(text)
        self._in_string = not match[1]
        return match.end()

    def _add(self, text: str) -> None:
        part = text[: MAX_PIECE_LENGTH + 1 - self._length]
        self._length += len(part)
        self._parts.append(part)

    def _take(self, text: str) -> str:
        self._add(text)
        element = "".join(self._parts)
        self._parts, self._length = [], 0
        return element


def _scalars(text: str, line: int) -> Iterator[tuple[int, str]]:
    """Yield the values between the objects and arrays of a list: they are not products."""
    if value := text.strip(", \t\r\n\ufeff"):
        yield line, value
