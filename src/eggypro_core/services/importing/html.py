"""Fit imported HTML into `details`, and name the elements that cleaning it drops."""

import re
from collections import Counter
from collections.abc import Callable

from eggypro_core.domain.product_fields import details_validator
from eggypro_core.services.importing.messages import EntryMessages
from eggypro_core.services.importing.texts import is_plain, replace_invalid
from eggypro_core.validation.fields import max_length

MAX_DETAILS = max_length(details_validator(str))
"""The maximum number of characters of clean `details`."""
_MAX_SOURCE = 4 * MAX_DETAILS
"""The maximum number of characters before cleaning."""
_MAX_PASSES = 10
_SIGNS = ("&", "<", ">", "\u00a0")
_MAX_GROWTH = 80
"""The most characters that cleaning one sign (an escape, a tag with its end tag and `rel`) adds."""
_CHARACTER_REFERENCE = re.compile("&#(?:[xX]([0-9a-fA-F]{1,6})|([0-9]{1,7}));?")
_VALID_CONTROLS = frozenset({0, 9, 10, 13})
_UNDEFINED_IN_WINDOWS_1252 = frozenset({0x7F, 0x81, 0x8D, 0x8F, 0x90, 0x9D})
_DROPPED = re.compile(
    r"""<(?:(?P<image>img\b)|(?P<iframe>iframe\b)|(?P<video>video\b)
    |a\s[^<>]{0,1000}?href\s*=\s*(?P<link>)["']?\s*(?!https?:|mailto:|[\s"'>]))""",
    re.VERBOSE,
)
_DROPPED_STARTS = ("<img", "<iframe", "<video", "href")
_NOUNS = {"image": "image", "iframe": "iframe", "video": "video", "link": "link address"}


def fit_details(
    value: object, messages: EntryMessages, clean_html: Callable[[str], str] = str
) -> object:
    """Return HTML that fits in `details` after cleaning. None becomes blank text."""
    if not isinstance(value, str):
        return "" if value is None else value
    html = value
    if not is_plain(html.replace("\n", ""), _MAX_SOURCE):
        html = html.replace("\t", " ").replace("\r\n", "\n")
        html = replace_invalid(html, "details", "Details", messages)
    if "&#" in html:
        html = _CHARACTER_REFERENCE.sub(_replace_control, html)
    if "<" in html and (dropped := dropped_elements(html)):
        messages.warn("details", f"{dropped} in details: ignored")
    return _shorten(html, messages, clean_html)


def dropped_elements(html: str) -> str:
    """Return the elements that cleaning drops, such as `2 images and 1 iframe`; may be blank.

    Links keep their text, and lose addresses that are neither absolute nor for mail.
    """
    lower = html.lower()
    if not any(map(lower.__contains__, _DROPPED_STARTS)):
        return ""
    counts = Counter(match.lastgroup for match in _DROPPED.finditer(lower))
    parts = [
        f"{count} {noun}{'' if count == 1 else 'es' if noun.endswith('s') else 's'}"
        for kind, noun in _NOUNS.items()
        if (count := counts[kind])
    ]
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def _shorten(html: str, messages: EntryMessages, clean_html: Callable[[str], str]) -> str:
    """Return the HTML, or clean HTML of at most MAX_DETAILS characters."""
    length = len(html)
    if length * _MAX_GROWTH <= MAX_DETAILS:
        return html
    if length + _MAX_GROWTH * sum(map(html.count, _SIGNS)) <= MAX_DETAILS:
        return html
    clean = clean_html(_cut(html, _MAX_SOURCE))
    if len(html) <= _MAX_SOURCE and len(clean) <= MAX_DETAILS:
        return html
    limit = MAX_DETAILS
    for _ in range(_MAX_PASSES):
        if len(clean) <= MAX_DETAILS:
            break
        shorter = clean_html(_cut(clean, limit))
        limit -= max(0, len(shorter) - MAX_DETAILS) + 1
        if len(shorter) <= MAX_DETAILS:
            clean = shorter
    message = f"Details are longer than {MAX_DETAILS} characters: truncated"
    messages.warn("details", message, html)
    return clean if len(clean) <= MAX_DETAILS else ""


def _cut(html: str, maximum: int) -> str:
    """Return at most `maximum` characters, without half a tag or word at the end."""
    if len(html) <= maximum:
        return html
    head = html[: max(0, maximum)]
    tag = head.rfind("<")
    if tag > head.rfind(">"):
        head = head[:tag]
    end = max(head.rfind(" "), head.rfind("\n"), head.rfind(">") + 1)
    return head[:end] if end >= maximum // 2 else head


def _replace_control(reference: re.Match[str]) -> str:
    """Return a character reference, or a space if it stands for a control character."""
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    is_control = code < ord(" ") and code not in _VALID_CONTROLS
    return " " if is_control or code in _UNDEFINED_IN_WINDOWS_1252 else reference[0]
