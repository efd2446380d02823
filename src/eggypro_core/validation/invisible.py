"""Removal of invisible characters, by which texts differ that look equal."""

import re

# Scripts in which joiners select the form of letters (Persian plurals, Indic half forms), and the
# symbols that joiners combine into one emoji.
_ARABIC = "\u0600-\u08ff\ufb50-\ufdff\ufe70-\ufefc\U0001e900-\U0001e95f"
_INDIC = "\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u1a20-\u1cff\ua800-\uabff\U00010a00-\U00011fff"
_EMOJI = "\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
_INVISIBLE = re.compile(
    "(\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f)"  # the flag of a region, such as Scotland
    "|[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\U000e0000-\U000e007f]"
)
_REPEATED_JOINER = re.compile("([\u200c\u200d])[\u200c\u200d]+")
_JOINER = re.compile(
    rf"((?<=[{_INDIC}])[\u200c\u200d]"
    rf"|(?<=[{_ARABIC}])[\u200c\u200d](?=[{_ARABIC}])"
    rf"|(?<=[{_EMOJI}])\u200d(?=[{_EMOJI}]))"
    "|[\u200c\u200d]"
)


def remove_invisible(text: str) -> str:
    """Return the text without zero-width characters, direction marks and soft hyphens.

    Joiners remain where they change the letters or emoji beside them. Idempotent.
    """
    if text.isascii():
        return text
    text = _REPEATED_JOINER.sub(r"\1", _INVISIBLE.sub(r"\1", text))
    return _JOINER.sub(r"\1", text)
