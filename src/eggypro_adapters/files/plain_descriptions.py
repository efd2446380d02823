"""Turn descriptions that are HTML into plain text, and leave plain text as it is."""

import html as entities
import re

from eggypro_adapters.files.html import plain_text

_TAG_NAMES = (
    "p|br|b|i|u|s|a|em|strong|small|big|sub|sup|span|font|div|ul|ol|li|dl|dt|dd|h[1-6]|blockquote|"
    "code|pre|hr|table|thead|tbody|tfoot|tr|th|td|img|iframe|script|style|section|article|header|"
    "footer|figure|figcaption|center"
)
_TAG = re.compile(rf"</?(?:{_TAG_NAMES})(?:\s[^<>]*)?/?>|<!--", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[a-z]{2,8}|#[0-9]{1,7}|#x[0-9a-f]{1,6});", re.IGNORECASE)


def plain_description(text: str) -> str:
    """Return a description as plain text: HTML is recognised by its tags and entities."""
    if _TAG.search(text):
        return plain_text(text)
    return entities.unescape(text) if _ENTITY.search(text) else text
