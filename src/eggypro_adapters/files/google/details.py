"""Attributes in the product details of a feed: `section:name:value`."""

from collections.abc import Sequence

from eggypro_adapters.files.google.rows import Feed, FeedRow

SEPARATOR = "\x1f"
"""Separates section, name and value of a detail that was read from XML elements."""
_PARTS = 3


def product_details(rows: Sequence[FeedRow], feed: Feed) -> dict[str, str | None]:
    """Return the details by name; count those that differ between rows as not imported."""
    values: dict[str, set[str]] = {}
    for row in rows:
        for cell in row.get_all("product_detail"):
            pairs = _pairs(cell)
            if not pairs:
                feed.unused.add(feed.columns["product_detail"], cell, row.line)
            for name, value in pairs:
                values.setdefault(name, set()).add(value)
    details: dict[str, str | None] = {}
    for name, texts in values.items():
        if len(texts) == 1:
            details[name] = texts.pop()
        else:
            example = f"{name}: {min(texts)}"
            feed.unused.add(feed.columns["product_detail"], example, rows[0].line)
    return details


def _pairs(cell: str) -> list[tuple[str, str]]:
    """Return names and values. A part that has too few colons belongs to the value before it."""
    if SEPARATOR in cell:
        _, name, value = (*cell.split(SEPARATOR), "", "")[:_PARTS]
        return [(name, value)] if name and value else []
    pairs: list[tuple[str, str]] = []
    for part in cell.split(","):
        section, colon, rest = part.partition(":")
        name, second_colon, value = rest.partition(":")
        if second_colon and name.strip() and value.strip():
            pairs.append((name.strip(), value.strip()))
        elif colon and not second_colon and section.strip() and rest.strip():
            pairs.append((section.strip(), rest.strip()))
        elif pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]},{part}")
    return pairs
