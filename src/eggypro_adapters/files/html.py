"""Sanitise HTML by an allow-list, or convert it to plain text."""

import html as entities
import re

import nh3


def _tag_names(text: str) -> set[str]:
    return set(text.split())


_ALLOWED = _tag_names(
    "p br b strong i em u s ul ol li h2 h3 h4 h5 h6 blockquote code pre hr "
    "table thead tbody tr th td a"
)
_PARAGRAPHS = _tag_names(
    "p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre hr section article header footer "
    "figure form fieldset"
)
_LINES = _tag_names("br div li dt dd tr figcaption address main nav aside caption")
_CELLS = _tag_names("td th")
_REMOVED_CONTENT = _tag_names("script style iframe")
_CONTENT_WITHOUT_TEXT = _REMOVED_CONTENT | _tag_names(
    "head title template textarea noscript object svg math select"
)
_MAX_PASSES = 10
_TAGS = re.compile("<[^>]*>(?: ?<[^>]*>)* ?")
_PARAGRAPH = re.compile(f"</?(?:{'|'.join(_PARAGRAPHS)})>|<br>.*<br>")
_LINE = re.compile(f"</?(?:{'|'.join(_LINES)})>")
_AFTER_PRE = re.compile(r"<pre>\n+")

_CLEANER = nh3.Cleaner(
    tags=_ALLOWED,
    clean_content_tags=_REMOVED_CONTENT,
    attributes={"*": set(), "a": {"href"}},
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener nofollow",
)
_OUTLINER = nh3.Cleaner(
    tags=_PARAGRAPHS | _LINES | _CELLS,
    clean_content_tags=_CONTENT_WITHOUT_TEXT,
    attributes={"*": set()},
    link_rel=None,
)
_STRIPPER = nh3.Cleaner(tags=set(), clean_content_tags=_REMOVED_CONTENT, link_rel=None)


class NhHtmlCleaner:
    """HtmlCleaner based on nh3, which parses HTML5 as browsers do."""

    def clean(self, html: str) -> str:
        """Return the HTML reduced to the allow-list. Idempotent."""
        return clean_html(html)


def clean_html(html: str) -> str:
    """Return the HTML reduced to the allow-list. Idempotent.

    Removing a tag can change how the rest is parsed: it is cleaned repeatedly until nothing
    changes. HTML that does not stabilise within _MAX_PASSES loses all its tags.
    """
    for _ in range(_MAX_PASSES):
        before, html = html, _AFTER_PRE.sub("<pre>", _CLEANER.clean(html))
        if html == before:
            return html
    return _STRIPPER.clean(html)


def plain_text(html: str) -> str:
    """Return the plain text of HTML: blocks and `br` become line breaks, at most two in a row.

    nh3 makes it well-formed first: the parser of the standard library takes quadratic time for some
    broken HTML, and fails for other.
    """
    if "<" not in html and "&" not in html:
        return " ".join(html.split())
    text = " ".join(_OUTLINER.clean(html).replace("&nbsp;", " ").split())
    text = _TAGS.sub(_line_break, text)
    text = text.replace("  ", " ").replace(" \n", "\n").strip()
    return entities.unescape(text)


def _line_break(tags: re.Match[str]) -> str:
    """Return the whitespace that replaces a run of tags in plain text."""
    if _PARAGRAPH.search(tags[0]):
        return "\n\n"
    return "\n" if _LINE.search(tags[0]) else " "
