"""Read the products of a feed: a table, or XML."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from eggypro_adapters.files import disk_sorter, row_groups
from eggypro_adapters.files.csv_table import CsvTable
from eggypro_adapters.files.google.columns import (
    REPEATED,
    FeedHeader,
    column_name,
    is_default,
    parse_header,
)
from eggypro_adapters.files.google.export import exported_values
from eggypro_adapters.files.google.product import parse_product
from eggypro_adapters.files.google.rows import Feed, FeedRow
from eggypro_adapters.files.google.xml import XmlError, XmlItem, XmlItems
from eggypro_adapters.files.row_messages import rejected_entry
from eggypro_core.domain.product_files import ImportEntry, ImportFile
from eggypro_core.ports import Clock, utc_now

_FIELD_COLUMNS = {
    "name": "title",
    "slug": "slug",
    "sku": "id",
    "gtin": "gtin",
    "brand": "brand",
    "tags": "product_tags",
    "weight_grams": "shipping_weight",
    "description": "description",
    "details": "description",
    "price": "price",
    "compare_at_price": "sale_price",
    "stock_quantity": "availability",
    "images": "image_link",
    "image": "image_link",
    "categories": "product_type",
    "is_active": "status",
    "is_listed": "visibility",
}
_NO_IDENTITY = "The row has neither an ID nor a title: add one"


def read_table(table: CsvTable, *, clock: Clock = utc_now) -> ImportFile | None:
    """Read a table, or return None if its header has neither an ID nor a title.

    Iterating raises StorageFullError if the temporary folder has no room for the file.
    """
    header = parse_header(table.header)
    if header is None:
        return None
    feed = Feed(header.columns, clock())
    entries = _entries(_table_rows(table, header, feed), feed, header_line=table.header_line)
    return _file(feed, entries)


def read_xml(stream: BinaryIO, *, clock: Clock = utc_now) -> ImportFile:
    """Read RSS or Atom with Google's elements.

    Raises ParseError immediately if it is not XML, has a DOCTYPE or has no products.
    """
    items = XmlItems(stream)
    feed = Feed({}, clock())
    return _file(feed, _entries(_xml_rows(items, feed), feed, header_line=1))


def _file(feed: Feed, entries: Iterator[ImportEntry]) -> ImportFile:
    columns = {
        field: feed.columns[name] for field, name in _FIELD_COLUMNS.items() if name in feed.columns
    }
    return ImportFile("google", entries, columns, exported_values)


def _table_rows(table: CsvTable, header: FeedHeader, feed: Feed) -> Iterator[FeedRow | ImportEntry]:
    for row in table.rows():
        if row.error:
            yield rejected_entry(row.line, row.error)
            continue
        width = len(row.cells)
        for position, text in header.unused:
            if position < width and not is_default(text, row.cells[position]):
                feed.unused.add(text, row.cells[position], row.line)
        values: dict[str, list[str]] = {}
        for position, name in header.imported:
            if position < width and (value := row.cells[position].strip()):
                _add_value(values, name, value, row.line, feed)
        yield FeedRow(row.line, values)


def _xml_rows(items: XmlItems, feed: Feed) -> Iterator[FeedRow | ImportEntry]:
    for item in items:
        if isinstance(item, XmlError):
            yield rejected_entry(item.line, item.message)
            continue
        yield _xml_row(item, feed)


def _xml_row(item: XmlItem, feed: Feed) -> FeedRow:
    """Return the row of an item; Google's own elements precede those of RSS and Atom."""
    values: dict[str, list[str]] = {}
    for tag, value in sorted(item.elements, key=lambda element: ":" not in element[0]):
        name = column_name(tag)
        if name:
            feed.columns.setdefault(name, tag)
            if value and (name not in values or ":" in tag):
                _add_value(values, name, value, item.line, feed)
            elif value and name != "id" and value not in values[name]:
                feed.unused.add(tag, value, item.line)
        elif value and not is_default(tag, value):
            feed.unused.add(tag, value, item.line)
    return FeedRow(item.line, values)


def _add_value(values: dict[str, list[str]], name: str, value: str, line: int, feed: Feed) -> None:
    """Add a value to a row; count a second value as not imported if only one is allowed."""
    texts = values.setdefault(name, [])
    if not texts or name in REPEATED:
        texts.append(value)
    elif value not in texts:
        feed.unused.add(feed.columns[name], value, line)


def _entries(
    rows: Iterator[FeedRow | ImportEntry], feed: Feed, *, header_line: int
) -> Iterator[ImportEntry]:
    """Yield the product of each item group, after the errors of unreadable rows.

    The whole file is sorted in the temporary folder before the first product is yielded.
    """
    with disk_sorter.open_sorter() as sorter:
        for number, row in enumerate(rows):
            if isinstance(row, ImportEntry):
                yield row
            elif not row.values:
                continue
            elif key := _group_key(row, number):
                cells = [text for name, texts in row.values.items() for text in (name, *texts, "")]
                row_groups.add_row(sorter, key, row.line, cells)
                if key[0] == "g":
                    sorter.add_alias(f"i{key[1:]}", key)
            else:
                yield rejected_entry(row.line, _NO_IDENTITY, "name", column="id")
        for group in row_groups.group_by_product(sorter):
            if isinstance(group, ImportEntry):
                yield group
            else:
                yield parse_product([_stored_row(line, cells) for _, line, cells in group], feed)
    yield from feed.unused.entries(header_line)
    if warnings := feed.currency_warnings():
        yield ImportEntry(header_line, None, warnings=warnings)


def _group_key(row: FeedRow, number: int) -> str:
    """Return the key of the product of a row, or "" if it has no slug, ID or title."""
    if row.is_own:
        return f"s{row.get('slug').casefold()}"
    if row.get("item_group_id"):
        return f"g{row.get('item_group_id')}"
    if row.get("id"):
        return f"i{row.get('id')}"
    return f"n{number}" if row.get("title") else ""


def _stored_row(line: int, cells: Sequence[str]) -> FeedRow:
    values: dict[str, list[str]] = {}
    name = ""
    for text in cells:
        if not text:
            name = ""
        elif name:
            values[name].append(text)
        else:
            name = text
            values[name] = []
    return FeedRow(line, values)
