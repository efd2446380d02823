"""Limit the nesting of HTML before it is parsed: parsers take quadratic time for deep nesting."""

import re
from collections import Counter
from collections.abc import Callable

from attrs import define, field

MAX_DEPTH = 100
"""The maximum number of open tags."""
_MAX_FORMATTING = 10
"""The maximum number of open formatting tags, which parsers repeat in each block."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FORMATTING = _names("a b big code em font i nobr s small strike strong tt u")
_UNIQUE = _names("a nobr")
"""Formatting tags that close the previous one."""
_BARRIERS = _names("table select object applet marquee template")
"""Tags that end tags inside them cannot close."""
_BLOCKS = _BARRIERS | _names(
    "address article aside blockquote button center details dialog dir div dl fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup listing main menu nav ol pre search "
    "section summary ul"
)
_FLAT = _names(
    "p li dd dt caption colgroup tbody td tfoot th thead tr area base basefont bgsound br col "
    "embed hr image img input keygen link meta param source track wbr"
)
"""Tags that never nest in one another: they are empty, or parsers close the previous one."""
_REMOVED = _names("html head body frameset frame")
"""Tags that parsers ignore inside the body."""
_TOKEN = re.compile(
    r"""<!--(?:-?>|.*?--!?>|.*\Z)
    | <(?P<raw>script|style|iframe|xmp|noembed|noframes|noscript|textarea|title|plaintext|svg|math)
      (?=[\s/>]) (?:.*?</(?P=raw)(?=[\s/>])[^>]*+(?:>|\Z)|.*\Z)
    | <(?:[!?]|/[^a-z>])[^>]*+(?:>|\Z)
    | </>
    | <(?P<end>/?)(?P<name>[a-z][^\s/>]*+)
      (?: =\s*+(?:"[^"]*"|'[^']*') | [^>] )*+
      (?:>|\Z)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def limit_nesting(html: str) -> str:
    """Return the HTML without the tags that are deeper than MAX_DEPTH. Their text stays.

    Takes linear time. HTML with few tags is returned unchanged. Otherwise comments, scripts,
    pictures in SVG and all attributes except those of links are removed too, because they can hide
    tags or multiply them.
    """
    return html if html.count("<") <= MAX_DEPTH else _TOKEN.sub(_NestingLimiter().limit, html)


@define
class _NestingLimiter:
    """The open tags at a position in the HTML, as a parser would have them."""

    _open: list[str] = field(factory=list)
    _formatting_count: int = 0
    _dropped: Counter[str] = field(factory=Counter)
    """The open tags that were dropped, by name; their end tags are dropped too."""

    def limit(self, token: re.Match[str]) -> str:
        """Return the text that replaces a token: the tag, nothing, or a space for a block."""
        name = (token["name"] or "").lower()
        if not name or name in _REMOVED:
            return ""
        if name not in _FLAT:
            accept: Callable[[str], bool] = self._close if token["end"] else self._start
            if not accept(name):
                return " " if name in _BLOCKS else ""
        return token[0] if name == "a" else f"<{token['end']}{name}>"

    def _start(self, name: str) -> bool:
        is_formatting = name in _FORMATTING
        if name in _UNIQUE:
            self._close(name)
        if len(self._open) >= MAX_DEPTH or (
            is_formatting and self._formatting_count >= _MAX_FORMATTING
        ):
            self._dropped[name] += 1
            return False
        self._open.append(name)
        self._formatting_count += is_formatting
        return True

    def _close(self, name: str) -> bool:
        if self._dropped[name]:
            self._dropped[name] -= 1
            return False
        index = self._find(name)
        if index is None:
            return False
        if name in _FORMATTING:  # a parser leaves the blocks inside it open
            del self._open[index]
            self._formatting_count -= 1
        else:  # and opens the formatting inside it again
            self._open[index:] = [tag for tag in self._open[index + 1 :] if tag in _FORMATTING]
        return True

    def _find(self, name: str) -> int | None:
        """Return the index of the open tag that an end tag closes, or None."""
        is_inline = name not in _BLOCKS and name not in _FORMATTING
        for index in range(len(self._open) - 1, -1, -1):
            tag = self._open[index]
            if tag == name:
                return index
            if tag in _BARRIERS or (is_inline and tag in _BLOCKS):
                return None
        return None
