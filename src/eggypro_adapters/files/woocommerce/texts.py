"""Convert WooCommerce's lists, escaped line breaks and descriptions."""

import re
from collections.abc import Iterable

_ITEMS = re.compile(r"(?<!\\),")
_BLOCK = re.compile(r"<(p|div|ul|ol|table|h[1-6]|br|blockquote|pre)\b", re.IGNORECASE)
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")


def split_list(cell: str) -> list[str]:
    r"""Return the items of a list; a comma inside an item is escaped as `\,`."""
    items = (item.replace("\\,", ",").strip() for item in _ITEMS.split(cell))
    return [item for item in items if item]


def join_list(texts: Iterable[str]) -> str:
    """Join items into a cell: the inverse of `split_list`."""
    return ", ".join(text.replace(",", "\\,") for text in texts)


def decode_line_breaks(cell: str) -> str:
    r"""Replace `\n` by line breaks; `\\n` stays a backslash and an n."""
    if "\\n" not in cell:
        return cell
    return "\\n".join(part.replace("\\n", "\n") for part in cell.split("\\\\n"))


def encode_line_breaks(text: str) -> str:
    """Escape line breaks: the inverse of `decode_line_breaks`."""
    return text.replace("\\n", "\\\\n").replace("\n", "\\n")


def description_html(cell: str) -> str:
    """Return the HTML of a description: blank lines separate paragraphs, as in WordPress."""
    text = decode_line_breaks(cell)
    if "\n" not in text or _BLOCK.search(text):
        return text
    paragraphs = (part.strip().replace("\n", "<br>") for part in _PARAGRAPHS.split(text))
    return "".join(f"<p>{part}</p>" for part in paragraphs if part)
