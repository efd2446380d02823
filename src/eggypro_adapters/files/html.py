"""Sanitise HTML by an allow-list, or convert it to plain text."""

import html as entities
import re
from collections.abc import Mapping

import nh3
from attrs import define

from eggypro_adapters.files.html_nesting import limit_nesting


def _tag_names(text: str) -> set[str]:
    return set(text.split())


_ALLOWED = _tag_names(
    "p br b strong i em u s ul ol li h2 h3 h4 h5 h6 blockquote code pre hr "
    "table thead tbody tr th td a"
)
_PARAGRAPHS = _tag_names(
    "p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre hr section article header footer "
    "figure form fieldset details dialog hgroup"
)
_LINES = _tag_names(
    "br div li dt dd tr figcaption address main nav aside caption center dir menu legend summary "
    "search option optgroup button"
)
_CELLS = _tag_names("td th")
_OTHER_BLOCKS = (_PARAGRAPHS | _LINES) - _ALLOWED
"""Block tags that become paragraphs."""
_REMOVED_CONTENT = _tag_names("script style iframe")
_CONTENT_WITHOUT_TEXT = _REMOVED_CONTENT | _tag_names(
    "head title template textarea noscript object svg math select"
)
_MAX_LENGTH = 200_000
"""The maximum number of characters to clean or convert; the rest is cut off."""
_MAX_ENTITY_LENGTH = 40
_MAX_PASSES = 10
_TAGS = re.compile("<[^>]*>(?: ?<[^>]*>)* ?")
_PARAGRAPH = re.compile(f"</?(?:{'|'.join(_PARAGRAPHS)})>|<br>.*<br>")
_LINE = re.compile(f"</?(?:{'|'.join(_LINES)})>")
_AFTER_PRE = re.compile(r"<pre>\n+")
_OTHER_BLOCK_START = re.compile(rf"</?(?:{'|'.join(sorted(_OTHER_BLOCKS))})\b", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"<(/?)(pre|h[1-6]|{'|'.join(sorted(_OTHER_BLOCKS - {'h1'}))})>")
_NEW_PARAGRAPH = '<p class="new">'
_EMPTY_NEW_PARAGRAPH = re.compile(rf"{_NEW_PARAGRAPH}\s*</p>")


def _cleaner(
    tags: set[str], attributes: Mapping[str, set[str]], link_rel: str | None
) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=tags,
        clean_content_tags=_REMOVED_CONTENT,
        attributes={"*": set(), **attributes},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel=link_rel,
    )


_HREF = {"a": {"href"}}
_CLEANER = _cleaner(_ALLOWED, _HREF, "noopener nofollow")
_BLOCK_CLEANER = _cleaner(_ALLOWED | _OTHER_BLOCKS, _HREF, None)
_PARAGRAPH_CLEANER = _cleaner(_ALLOWED, {**_HREF, "p": {"class"}}, None)
_OUTLINER = nh3.Cleaner(
    tags=_PARAGRAPHS | _LINES | _CELLS,
    clean_content_tags=_CONTENT_WITHOUT_TEXT,
    attributes={"*": set()},
    link_rel=None,
)


class NhHtmlCleaner:
    """HtmlCleaner based on nh3, which parses HTML5 as browsers do."""

    def clean(self, html: str) -> str:
        """Return the HTML reduced to the allow-list. Idempotent."""
        return clean_html(html)


def clean_html(html: str) -> str:
    """Return the HTML reduced to the allow-list. Idempotent.

    Other block tags become paragraphs, h1 becomes h2, and HTML that is too long or too deep is cut
    off. Removing a tag can change how the rest is parsed: it is cleaned until nothing changes. HTML
    that does not stabilise within _MAX_PASSES becomes plain text.
    """
    html = _cut(html, _MAX_LENGTH)
    for _ in range(_MAX_PASSES):
        before, html = html, _clean_once(html)
        if html == before:
            return html
        if len(html) > _MAX_LENGTH:  # by half, because cleaning may add end tags
            html = _cut(html, _MAX_LENGTH // 2)
    return entities.escape(plain_text(html), quote=False)


def _clean_once(html: str) -> str:
    html = limit_nesting(html)
    if _OTHER_BLOCK_START.search(html):
        html = _blocks_to_paragraphs(html)
    return _AFTER_PRE.sub("<pre>", _CLEANER.clean(html))


def _blocks_to_paragraphs(html: str) -> str:
    """Return the HTML with a new paragraph at each start and end of another block."""
    html = _BLOCK_TAG.sub(_BlockReplacer().replace, _BLOCK_CLEANER.clean(html))
    html = _EMPTY_NEW_PARAGRAPH.sub("", _PARAGRAPH_CLEANER.clean(html))
    return html.replace(_NEW_PARAGRAPH, "<p>")


@define
class _BlockReplacer:
    """Replaces the block tags of well-formed HTML, in their order."""

    _text_depth: int = 0
    """The number of open headings and `pre`, in which a line break replaces a paragraph."""

    def replace(self, tag: re.Match[str]) -> str:
        """Return the text that replaces a tag."""
        end, name = tag.groups()
        if name == "pre" or name[1:].isdigit():
            self._text_depth += -1 if end else 1
            return f"<{end}h2>" if name == "h1" else tag[0]
        return "\n" if self._text_depth else _NEW_PARAGRAPH


def _cut(html: str, max_length: int) -> str:
    """Return at most `max_length` characters of the HTML, without half an entity at the end."""
    if len(html) <= max_length:
        return html
    html = html[:max_length]
    start = html.rfind("&", -_MAX_ENTITY_LENGTH)
    return html if start < 0 else html[:start]


def plain_text(html: str) -> str:
    """Return the plain text of HTML: blocks and `br` become line breaks, at most two in a row.

    nh3 makes it well-formed first: the parser of the standard library takes quadratic time for some
    broken HTML, and fails for some other.
    """
    html = _cut(html, _MAX_LENGTH)
    if "<" not in html and "&" not in html:
        return " ".join(html.split())
    text = " ".join(_OUTLINER.clean(limit_nesting(html)).replace("&nbsp;", " ").split())
    text = _TAGS.sub(_line_break, text)
    text = text.replace("  ", " ").replace(" \n", "\n").strip()
    return entities.unescape(text)


def _line_break(tags: re.Match[str]) -> str:
    """Return the whitespace that replaces a run of tags in plain text."""
    if _PARAGRAPH.search(tags[0]):
        return "\n\n"
    return "\n" if _LINE.search(tags[0]) else " "
