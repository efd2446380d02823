"""Collect the images of a feed's rows."""

import re
from collections.abc import Iterable

from eggypro_adapters.files.google.rows import FeedRow
from eggypro_adapters.files.images import https_url
from eggypro_core.validation import strict_json
from eggypro_core.validation.fields import InvalidValueError

_BETWEEN_URLS = re.compile(r"(?<![\s,;|])[\s,;|]+(?=https?://)")


def image_links(rows: Iterable[FeedRow]) -> list[str]:
    """Return the image URLs of rows without duplicates, main images first within each row."""
    links = [
        link
        for row in rows
        for name in ("image_link", "additional_image_link")
        for cell in row.get_all(name)
        for link in _links(cell)
    ]
    return list(dict.fromkeys(https_url(link) or link for link in links))


def _links(cell: str) -> list[str]:
    """Return the URLs of a cell: separated by commas or spaces, or Meta's JSON list."""
    if cell.startswith("["):
        try:
            items = strict_json.parse(cell)
        except InvalidValueError:
            return [cell]
        if isinstance(items, list):
            urls = [item.get("url", "") if isinstance(item, dict) else item for item in items]
            return [url for url in urls if isinstance(url, str) and url]
    return [link for link in _BETWEEN_URLS.split(cell.rstrip(" ,;|")) if link]
