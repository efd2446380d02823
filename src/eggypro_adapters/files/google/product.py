"""Parse a product from its rows in a feed."""

import html as entities
import re
from collections.abc import Mapping, Sequence

from eggypro_adapters.files.google.categories import category_paths
from eggypro_adapters.files.google.columns import ATTRIBUTES
from eggypro_adapters.files.google.details import product_details
from eggypro_adapters.files.google.images import image_links
from eggypro_adapters.files.google.offer import offer_fields
from eggypro_adapters.files.google.rows import Feed, FeedRow
from eggypro_adapters.files.google.variants import (
    additional_options,
    is_archived,
    option_column,
    options_of_rows,
    product_name,
    variant_fields,
)
from eggypro_adapters.files.html import plain_text
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.validation.fields import escape_control

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_HIDDEN = frozenset({"hidden", "staging"})
_VISIBLE = frozenset({"published", "visible"})
_STATUSES = frozenset({"active", "archived", "inactive", "draft"})


def parse_product(rows: Sequence[FeedRow], feed: Feed) -> ImportEntry:
    """Return the product of the rows of one item group, or of one row without a group."""
    messages = RowMessages(rows[0].line)
    rows = _without_copies(rows, messages)
    variants = [row for row in rows if row.get("item_group_id")]
    parents = [row for row in rows if not row.get("item_group_id")]
    _check_ids(variants, messages)
    _check_ids(parents, messages)
    options = options_of_rows(variants)
    main = (parents or variants)[0]
    source_id = main.get("item_group_id") or main.get("id")
    if _is_simple(variants, parents, options):
        values = _values(main, [main], [], feed, messages)
        values |= offer_fields((variants or parents)[0], feed, messages)
        lines: tuple[int, ...] = ()
    else:
        values = _values(main, variants, options, feed, messages)
        values["variants"] = variant_fields(variants, options, feed, messages)
        lines = tuple(row.line for row in variants)
    return ImportEntry(
        main.line,
        None if messages.errors else values,
        tuple(messages.errors),
        tuple(messages.warnings),
        source_id=None if main.is_own else source_id or None,
        variant_lines=() if messages.errors else lines,
    )


def _is_simple(
    variants: Sequence[FeedRow],
    parents: Sequence[FeedRow],
    options: Sequence[Mapping[str, str]],
) -> bool:
    """Return whether the product has no variants: no group, or a group of a single row."""
    if len(variants) != 1:
        return not variants
    row = variants[0]
    return not options[0] or not (
        parents or row.is_own or row.get("id") != row.get("item_group_id")
    )


def _without_copies(rows: Sequence[FeedRow], messages: RowMessages) -> list[FeedRow]:
    """Return the rows without copies of earlier ones, with a warning about each."""
    different: dict[object, FeedRow] = {}
    for row in rows:
        key = tuple(sorted((name, tuple(texts)) for name, texts in row.values.items()))
        first = different.setdefault(key, row)
        if first is not row:
            messages.warnings.append(
                ImportMessage(
                    row.line,
                    "",
                    f"Skipped: the row is the same as line {first.line}",
                    "id",
                    escape_control(row.get("id"), 60),
                )
            )
    return list(different.values())


def _check_ids(rows: Sequence[FeedRow], messages: RowMessages) -> None:
    """Add an error for each ID that rows with different values share."""
    lines: dict[str, int] = {}
    for row in rows:
        identifier = row.get("id") or row.get("slug")
        first = lines.setdefault(identifier, row.line) if identifier else row.line
        if first != row.line:
            text = escape_control(identifier, 60)
            messages.errors.append(
                ImportMessage(
                    row.line,
                    "id",
                    f"Lines {first} and {row.line} have the same ID '{text}' but different values: "
                    "remove one of them",
                    "id",
                    text,
                )
            )


def _values(
    main: FeedRow,
    rows: Sequence[FeedRow],
    options: Sequence[Mapping[str, str]],
    feed: Feed,
    messages: RowMessages,
) -> dict[str, object]:
    """Return the fields that all variants share; `rows` is only `main` if there are none."""
    everything = [main, *(row for row in rows if row is not main)]
    values: dict[str, object] = {}
    if main.is_own:
        values["slug"] = main.get("slug")
    if name := product_name(main, rows, options) if options else main.get("title"):
        values["name"] = name if main.is_own else entities.unescape(name)
    values |= _texts(everything, feed)
    if "product_type" in feed.columns:
        values["categories"] = category_paths(everything)
    if "product_tags" in feed.columns:
        values["tags"] = _tags(everything)
    if {"image_link", "additional_image_link"} & feed.columns.keys():
        values["images"] = [{"ref": link, "alt": None} for link in image_links(everything)]
    if attributes := _attributes(everything, options, feed):
        values["attribute_edits"] = attributes
    return values | _state(everything, rows, feed, messages)


def _texts(rows: Sequence[FeedRow], feed: Feed) -> dict[str, object]:
    """Return brand, description and details: those of the first row that has them."""
    values: dict[str, object] = {}
    if "brand" in feed.columns:
        values["brand"] = _first(rows, "brand", feed) or None
    if not {"description", "rich_text_description"} & feed.columns.keys():
        return values
    rich = _first(rows, "rich_text_description", feed)
    text = _first(rows, "description", feed)
    if rows[0].is_own:
        return values | {"description": text}
    values["description"] = _plain_text(text or rich)
    if rich or _TAG.search(text):
        values["details"] = rich or text
    return values


def _first(rows: Sequence[FeedRow], name: str, feed: Feed) -> str:
    """Return the first value of a column; count other values as not imported."""
    value = next((row.get(name) for row in rows if row.get(name)), "")
    for row in rows:
        if row.get(name) not in ("", value):
            feed.add_unused(row, name)
    return value


def _plain_text(text: str) -> str:
    """Return the text of HTML, or of plain text that may have entities."""
    if _TAG.search(text):
        return plain_text(text)
    return entities.unescape(text)


def _tags(rows: Sequence[FeedRow]) -> list[str]:
    cells = [cell for row in rows for cell in row.get_all("product_tags")]
    tags = [tag.strip() for cell in cells for tag in cell.split(",")]
    return list(dict.fromkeys(tag for tag in tags if tag))


def _attributes(
    rows: Sequence[FeedRow], options: Sequence[Mapping[str, str]], feed: Feed
) -> dict[str, str | None]:
    """Return the attributes that are the same in all rows; count others as not imported."""
    used = {option_column(name) for row_options in options for name in row_options}
    edits: dict[str, str | None] = {}
    for name, label in ATTRIBUTES.items():
        if name not in feed.columns or name in used:
            continue
        values = {tuple(row.get_all(name)) for row in rows if row.get(name)}
        if len(values) > 1:
            for row in rows:
                feed.add_unused(row, name)
            continue
        text = " | ".join(values.pop()) if values else ""
        edits[label] = None if name == "condition" and text.lower() == "new" else text or None
    for row in rows:
        additional = additional_options(row)
        if not additional:
            feed.add_unused(row, "additional_variant_attribute")
        elif not options:
            edits |= additional
    return edits | product_details(rows, feed)


def _state(
    everything: Sequence[FeedRow], rows: Sequence[FeedRow], feed: Feed, messages: RowMessages
) -> dict[str, object]:
    """Return whether the product is active and listed; unknown and blank words are ignored."""
    values: dict[str, object] = {}
    words = {name: [row.get(name).lower() for row in rows] for name in ("status", "visibility")}
    for name, field, known in (
        ("status", "is_active", _STATUSES),
        ("visibility", "is_listed", _HIDDEN | _VISIBLE),
    ):
        for row in everything:
            if (word := row.get(name).lower()) and word not in known:
                message = f"Unknown {name} '{escape_control(word, 60)}': ignored"
                messages.warnings.append(feed.message(row, field, name, message))
    if _STATUSES.intersection(words["status"]):
        values["is_active"] = not all(map(is_archived, rows))
    if (_HIDDEN | _VISIBLE).intersection(words["visibility"]):
        values["is_listed"] = not all(word in _HIDDEN for word in words["visibility"])
    return values
