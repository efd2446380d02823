"""Parse the variants of a product from the rows of its group in a feed."""

import re
from collections.abc import Collection, Mapping, Sequence

from eggypro_adapters.files.google.columns import ALWAYS_OPTIONS, OPTIONS
from eggypro_adapters.files.google.images import image_links
from eggypro_adapters.files.google.offer import offer_fields
from eggypro_adapters.files.google.rows import Feed, FeedRow
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_core.validation import strict_json
from eggypro_core.validation.fields import InvalidValueError

_SEPARATORS = " -\u2013\u2014|/,:;(["
"""The signs between a name and its options."""
_BEFORE_OPTION = re.compile(r"(\s[-\u2013\u2014|]\s*|/\s?|[,:;(\[]\s*)\Z")
_COLUMNS = {label.casefold(): name for name, label in OPTIONS.items()} | {
    "colour": "color",
    "flavour": "flavor",
}
_PAIR = re.compile(r"[^,:]+:[^,:]+(,[^,:]+:[^,:]+)*")


def option_column(name: str) -> str | None:
    """Return the column of an option, such as `color` of `Colour`."""
    return _COLUMNS.get(name.casefold())


def options_of_rows(rows: Sequence[FeedRow]) -> list[dict[str, str]]:
    """Return the options of each row.

    These are the additional attributes, colour, size and flavour, and each other column in which
    the rows differ. Rows that still look the same get their title or ID as an option.
    """
    if not rows:
        return []
    additional = [additional_options(row) for row in rows]
    if any(row.is_own for row in rows):
        return additional
    columns = [name for name in OPTIONS if _is_option(name, rows)]
    options = [
        {OPTIONS[name]: " / ".join(row.get_all(name)) for name in columns if row.get(name)} | more
        for row, more in zip(rows, additional, strict=True)
    ]
    if len(rows) == 1 or _are_distinct(options):
        return options
    titles = [{"Title": row.get("title")} for row in rows]
    last = titles if _are_distinct(titles) else [{"ID": row.get("id")} for row in rows]
    return [first | second for first, second in zip(options, last, strict=True)]


def variant_fields(
    rows: Sequence[FeedRow],
    options: Sequence[Mapping[str, str]],
    feed: Feed,
    messages: RowMessages,
) -> list[dict[str, object]]:
    """Return the values of the variants."""
    has_images = bool({"image_link", "additional_image_link"} & feed.columns.keys())
    archived = [is_archived(row) for row in rows]
    return [
        {
            "options": dict(row_options),
            "is_active": not is_off or all(archived),
            **offer_fields(row, feed, messages),
            **({"image": next(iter(image_links([row])), None)} if has_images else {}),
        }
        for row, row_options, is_off in zip(rows, options, archived, strict=True)
    ]


def is_archived(row: FeedRow) -> bool:
    """Return whether the status of a row is that of an archived product."""
    return row.get("status").lower() in {"archived", "inactive", "draft"}


def product_name(
    main: FeedRow, rows: Sequence[FeedRow], options: Sequence[Mapping[str, str]]
) -> str:
    """Return the name of the product whose variants are `rows`: their titles without options."""
    titles = [row.get("title") for row in rows if row.get("title")]
    if not titles or main not in rows or main.is_own or (len(rows) > 1 and len(set(titles)) == 1):
        return main.get("title")
    names = [
        _without_options(row.get("title"), values.values())
        for row, values in zip(rows, options, strict=True)
        if row.get("title")
    ]
    return names[0] if len(set(names)) == 1 else _common_start(names) or main.get("title")


def _is_option(name: str, rows: Sequence[FeedRow]) -> bool:
    values = {tuple(row.get_all(name)) for row in rows if row.get(name)}
    return len(values) > (0 if name in ALWAYS_OPTIONS else 1)


def additional_options(row: FeedRow) -> dict[str, str]:
    """Return the options in Meta's additional attributes: a JSON object, or `Scent:Rose,...`."""
    options: dict[str, str] = {}
    for cell in row.get_all("additional_variant_attribute"):
        pairs = _json_pairs(cell) if cell.startswith("{") else _text_pairs(cell)
        options |= {name.strip(): value.strip() for name, value in pairs if value.strip()}
    return options


def _json_pairs(cell: str) -> list[tuple[str, str]]:
    try:
        value = strict_json.parse(cell)
    except InvalidValueError:
        return []
    return [(name, str(text)) for name, text in value.items()] if isinstance(value, dict) else []


def _text_pairs(cell: str) -> list[tuple[str, str]]:
    if not _PAIR.fullmatch(cell):
        return []
    pairs = [part.partition(":") for part in cell.split(",")]
    return [(name, value) for name, _, value in pairs]


def _are_distinct(options: Sequence[Mapping[str, str]]) -> bool:
    """Return whether each row has options, and no two have the same."""
    keys = [
        frozenset((name, " ".join(value.casefold().split())) for name, value in row.items())
        for row in options
    ]
    return all(keys) and len(set(keys)) == len(keys)


def _without_options(title: str, values: Collection[str]) -> str:
    """Return a title without the option values that follow a separator at its end."""
    name = title
    for _ in values:
        name = _without_last_option(name.rstrip(" )]"), values) or name
    return name


def _without_last_option(title: str, values: Collection[str]) -> str:
    """Return a title without the option value at its end, or "" if it does not end with one."""
    for value in values:
        start = title[: -len(value)]
        if title.casefold().endswith(value.casefold()) and _BEFORE_OPTION.search(start):
            return start.rstrip(_SEPARATORS)
    return ""


def _common_start(names: Sequence[str]) -> str:
    """Return the words that all names begin with, without separators at the end."""
    words = [name.split() for name in names]
    length = 0
    for column in zip(*words, strict=False):
        if len(set(column)) > 1:
            break
        length += 1
    return " ".join(words[0][:length]).rstrip(_SEPARATORS)
