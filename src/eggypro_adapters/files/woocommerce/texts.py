"""Convert WooCommerce's lists, paths, escaped line breaks and descriptions."""

import html as entities
import re
from collections.abc import Iterable, Sequence

_ITEMS = re.compile(r"(?<!\\),")
_ESCAPED_SEPARATOR = re.compile(" &gt; ", re.IGNORECASE)
_BLOCK = re.compile(r"<(p|div|ul|ol|table|h[1-6]|br|blockquote|pre)\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"%%\w+%%|(?<![\w%])%[a-z]\w*(\([^()]*\))?%|#(post|site|separator)_\w+")
"""Placeholders of search engine plugins: `%%title%%`, `%sitename%`, `#post_title`."""
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")


def split_list(cell: str) -> list[str]:
    r"""Return the items of a list; a comma inside an item is escaped as `\,`."""
    if "," not in cell:
        return [item] if (item := cell.strip()) else []
    items = (item.replace("\\,", ",").strip() for item in _ITEMS.split(cell))
    return [item for item in items if item]


def join_list(texts: Iterable[str]) -> str:
    """Join items into a cell: the inverse of `split_list`."""
    return ", ".join(text.replace(",", "\\,") for text in texts)


def split_path(text: str) -> list[str]:
    """Return the names of a path such as `Food > Bars`; `&gt;` is part of a name.

    Some files escape the separator itself: ` &gt; ` separates if no `>` does.
    """
    if ">" not in text:
        text = _ESCAPED_SEPARATOR.sub(">", text)
    names = (" ".join(entities.unescape(name).split()) for name in text.split(">"))
    return [name for name in names if name]


def join_path(names: Sequence[str]) -> str:
    """Join the names of a path: the inverse of `split_path`."""
    return " > ".join(map(escape_text, names))


def escape_text(text: str) -> str:
    """Return a text with the entities of HTML; a backslash would escape the comma after it."""
    return entities.escape(text, quote=False).replace("\\", "&#92;")


def decode_line_breaks(cell: str) -> str:
    r"""Replace `\n` by line breaks; `\\n` stays a backslash and an n."""
    if "\\n" not in cell:
        return cell
    return "\\n".join(part.replace("\\n", "\n") for part in cell.split("\\\\n"))


def encode_line_breaks(text: str) -> str:
    """Escape the line breaks of HTML, and backslashes, which could be read as line breaks."""
    return text.replace("\\", "&#92;").replace("\n", "\\n")


def description_html(cell: str) -> str:
    """Return the HTML of a description: blank lines separate paragraphs, as in WordPress."""
    text = decode_line_breaks(cell)
    if "\n" not in text or _BLOCK.search(text):
        return text
    paragraphs = (part.strip().replace("\n", "<br>") for part in _PARAGRAPHS.split(text))
    return "".join(f"<p>{part}</p>" for part in paragraphs if part)


def is_template(text: str) -> bool:
    """Return whether a text has placeholders of a search engine plugin."""
    return bool(_PLACEHOLDER.search(text)) if "%" in text or "#" in text else False
