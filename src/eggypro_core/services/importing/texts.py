"""Fit imported texts into their fields: replace invalid characters, truncate long texts."""

import re
from collections.abc import Callable
from itertools import groupby, islice
from typing import TypeAlias
from unicodedata import category, normalize

from eggypro_core.services.importing.messages import EntryMessages
from eggypro_core.validation.fields import collapse_spaces
from eggypro_core.validation.invisible import remove_invisible
from eggypro_core.validation.unset import UNSET

Fitter: TypeAlias = Callable[[object, EntryMessages], object]
"""Returns the value as its field accepts it, or UNSET to leave the field out.

It adds a warning for every change that a reader of the file would notice. Values of a wrong type
are returned as they are: the validator of the field rejects them.
"""

_MAX_MARKS = 50
_EXPANSION = 3
"""NFC makes a text at most this many times longer."""
_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"
_INVALID = re.compile(f"[{_CONTROL}]")
_INVALID_IN_NAME = re.compile(f"[{_CONTROL}<>]")
_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{_MAX_MARKS},}}")
_POSSIBLE_MARKS = re.compile(f"[\u0300-\U0010ffff]{{{_MAX_MARKS}}}")
_LINE_BREAK = re.compile("\r\n?")


def line_fitter(name: str, label: str, maximum: int) -> Fitter:
    """Return the fitter of a single-line text."""

    def fit(value: object, messages: EntryMessages) -> object:
        return fit_line(value, name, label, maximum, messages) if isinstance(value, str) else value

    return fit


def name_fitter(name: str, label: str, maximum: int) -> Fitter:
    """Return the fitter of a name, in which `<` and `>` are invalid too."""

    def fit(value: object, messages: EntryMessages) -> object:
        if not isinstance(value, str):
            return UNSET if value is None else value
        return fit_name(value, name, label, maximum, messages) or UNSET

    return fit


def multiline_fitter(name: str, label: str, maximum: int) -> Fitter:
    """Return the fitter of a text with line breaks. None becomes blank text."""

    def fit(value: object, messages: EntryMessages) -> object:
        if not isinstance(value, str):
            return "" if value is None else value
        if is_plain(value.replace("\n", ""), maximum - value.count("\n")):
            return value
        text = replace_invalid(value, name, label, messages)
        text = _LINE_BREAK.sub("\n", text).replace("\t", " ").strip()
        return _cut(text, name, label, maximum, messages)

    return fit


def fit_line(text: str, name: str, label: str, maximum: int, messages: EntryMessages) -> str:
    """Return a single-line text without invalid characters, of at most `maximum` characters."""
    if is_plain(text, maximum):
        return text
    text = collapse_spaces(replace_invalid(text, name, label, messages))
    return _cut(text, name, label, maximum, messages)


def is_plain(text: str, maximum: int) -> bool:
    """Return whether a text certainly has only valid characters, and at most `maximum` in NFC."""
    length = len(text)
    if length > maximum or not text.isprintable():
        return False
    return text.isascii() or (
        length * _EXPANSION <= maximum and _POSSIBLE_MARKS.search(text) is None
    )


def is_blank(text: str) -> bool:
    """Return whether a text has no visible characters."""
    return not _INVALID.sub(" ", remove_invisible(text)).strip()


def fit_name(text: str, name: str, label: str, maximum: int, messages: EntryMessages) -> str:
    """Return a name without invalid characters, of at most `maximum` characters."""
    if "<" in text or ">" in text:
        text = replace_invalid(text, name, label, messages, _INVALID_IN_NAME)
    return line_key(fit_line(text, name, label, maximum, messages))


def line_key(text: str) -> str:
    """Return a valid single-line text as its validator returns it, for comparisons."""
    if text.isascii():
        return " ".join(text.split())
    return collapse_spaces(normalize("NFC", remove_invisible(text)))


def replace_invalid(
    text: str,
    name: str,
    label: str,
    messages: EntryMessages,
    invalid: re.Pattern[str] = _INVALID,
) -> str:
    """Return the text in NFC, with spaces for invalid characters and a warning if there are any.

    Invisible characters are removed.
    """
    text = remove_invisible(text)
    valid = _MARKS.sub(_limit_marks, invalid.sub(" ", text))
    composed = normalize("NFC", valid)
    limited = _MARKS.sub(_limit_marks, composed)  # NFC splits some letters into letter and mark
    if valid != text or limited != composed:
        message = f"{label} contains invalid characters: replaced by spaces"
        messages.warn(name, message, text)
    return limited


def cut_at_word(text: str, maximum: int) -> str:
    """Return the first `maximum` characters of the text, without half a word if possible."""
    if len(text) <= maximum:
        return text
    head = text[: maximum + 1]
    end = max(head.rfind(" "), head.rfind("\n"))
    return head[: end if end >= maximum // 2 else maximum].rstrip()


def _cut(text: str, name: str, label: str, maximum: int, messages: EntryMessages) -> str:
    if len(text) > maximum:
        messages.warn(name, f"{label} is longer than {maximum} characters: truncated", text)
    return cut_at_word(text, maximum)


def _limit_marks(run: re.Match[str]) -> str:
    """Return the text with at most _MAX_MARKS combining marks in a row, more than any script."""
    groups = groupby(run[0], lambda character: category(character).startswith("M"))
    return "".join(
        "".join(islice(characters, _MAX_MARKS) if is_mark else characters)
        for is_mark, characters in groups
    )
