"""Read products from a table whose columns are mapped to fields."""

from collections.abc import Iterator, Sequence

from attrs import define, field

from eggypro_adapters.files import disk_sorter, row_groups
from eggypro_adapters.files.cell_parsers import OMITTED_IF_BLANK
from eggypro_adapters.files.csv_records import CsvRow
from eggypro_adapters.files.csv_table import CsvTable
from eggypro_adapters.files.mapped_tables.cells import is_html, is_out_of_stock, unescape
from eggypro_adapters.files.mapped_tables.mapping import OPTION, MappedColumn, MappedColumns
from eggypro_adapters.files.row_messages import cell_error, rejected_entry
from eggypro_adapters.files.unused_columns import UnusedColumns
from eggypro_core.domain.product_files import ImportEntry, ImportFile, ImportMessage
from eggypro_core.validation.fields import InvalidValueError

FORMAT = "table"
_OMITTED_IF_BLANK = OMITTED_IF_BLANK | {"name", "is_listed", "source_id"}
_VARIANT_FIELDS = frozenset(
    {"sku", "gtin", "weight_grams", "price", "compare_at_price", "stock_quantity", "track_stock"}
)


@define
class _Row:
    """The values of a row by field, its options, and the errors of its cells."""

    line: int
    values: dict[str, object] = field(factory=dict)
    options: dict[str, str] = field(factory=dict)
    errors: list[ImportMessage] = field(factory=list)

    def entry(self) -> ImportEntry:
        """Return the row as a product without variants."""
        return _entry(self.line, self.values, self.errors)

    def variant(self) -> dict[str, object]:
        """Return the row as a variant."""
        values = {name: self.values[name] for name in _VARIANT_FIELDS & self.values.keys()}
        images = self.values.get("images")
        image = {"image": images[0]["ref"]} if isinstance(images, list) and images else {}
        return {"options": self.options, **values, **image}


def read_table(table: CsvTable, columns: MappedColumns) -> ImportFile:
    """Read the products of a table: one per row, or per group of rows if options are mapped."""
    names = {column.field: column.name for column in columns.mapped}
    has_options = any(name.startswith(OPTION) for name in names)
    entries = _variant_entries if has_options else _entries
    return ImportFile(FORMAT, entries(table, columns), names)


def entry_of_row(row: CsvRow, columns: Sequence[MappedColumn]) -> ImportEntry:
    """Return the product of a row."""
    return _parse(row, columns).entry()


def _entries(table: CsvTable, columns: MappedColumns) -> Iterator[ImportEntry]:
    unused = UnusedColumns()
    for row in table.rows():
        unused.add_row(columns.unused, row.cells, row.line)
        if row.error:
            yield rejected_entry(row.line, row.error)
        else:
            yield entry_of_row(row, columns.mapped)
    yield from unused.entries(table.header_line)


def _variant_entries(table: CsvTable, columns: MappedColumns) -> Iterator[ImportEntry]:
    """Yield the product of the rows with the same slug, or else the same name."""
    unused = UnusedColumns()
    key_fields = [
        column.position
        for field in ("slug", "name")
        for column in columns.mapped
        if column.field == field
    ]
    with disk_sorter.open_sorter() as sorter:
        for row in table.rows():
            unused.add_row(columns.unused, row.cells, row.line)
            key = next(filter(None, (_key(row, position) for position in key_fields)), "")
            if row.error or not key:
                yield rejected_entry(row.line, row.error or "The row has no name: add one")
            else:
                row_groups.add_row(sorter, key, row.line, row.cells)
        for group in row_groups.group_by_product(sorter):
            if isinstance(group, ImportEntry):
                yield group
            else:
                rows = [CsvRow(row.line, list(row.cells)) for row in group]
                yield from _group_entries([_parse(row, columns.mapped) for row in rows])
    yield from unused.entries(table.header_line)


def _group_entries(rows: Sequence[_Row]) -> Iterator[ImportEntry]:
    """Yield a product with the rows that have options as its variants, and repeated rows."""
    variants = [row for row in rows if row.options]
    products = [row for row in rows if not row.options]
    if not variants:
        yield from (row.entry() for row in products)
        return
    main = (products or variants)[0]
    values: dict[str, object] = {
        name: value
        for name, value in main.values.items()
        if products or name not in _VARIANT_FIELDS
    }
    if "images" in values:
        values["images"] = _all_images(rows)
    values["variants"] = [row.variant() for row in variants]
    errors = [error for row in (main, *variants) for error in row.errors]
    lines = tuple(row.line for row in variants)
    yield _entry(main.line, values, list(dict.fromkeys(errors)), lines)
    yield from (row.entry() for row in products[1:])


def _all_images(rows: Sequence[_Row]) -> list[object]:
    images = (row.values.get("images") for row in rows)
    flat = [image for group in images if isinstance(group, list) for image in group]
    return list({image["ref"]: image for image in flat}.values())


def _entry(
    line: int,
    values: dict[str, object],
    errors: Sequence[ImportMessage],
    variant_lines: tuple[int, ...] = (),
) -> ImportEntry:
    source_id = values.pop("source_id", None)
    return ImportEntry(
        line,
        None if errors else values,
        tuple(errors),
        source_id=None if source_id is None else str(source_id),
        variant_lines=variant_lines,
    )


def _key(row: CsvRow, position: int) -> str:
    return " ".join(row.cells[position].casefold().split()) if position < len(row.cells) else ""


def _parse(row: CsvRow, columns: Sequence[MappedColumn]) -> _Row:
    parsed = _Row(row.line)
    for column in columns:
        if column.position < len(row.cells):
            cell = unescape(row.cells[column.position])
            try:
                _add_value(parsed, column, cell)
            except InvalidValueError as error:
                message = str(error)
                parsed.errors.append(
                    cell_error(row.line, column.field, message, column=column.name, cell=cell)
                )
    return parsed


def _add_value(row: _Row, column: MappedColumn, cell: str) -> None:
    kind, _, name = column.field.partition(".")
    if kind == "option" and name:
        if cell:
            row.options[name] = cell
    elif kind == "attribute" and name:
        edits = row.values.setdefault("attribute_edits", {})
        if isinstance(edits, dict):
            edits[name] = cell or None
    elif column.field == "stock_quantity":
        if cell and (quantity := column.parse(cell)) is not None:
            row.values[column.field] = quantity
        if is_out_of_stock(cell):
            row.values["track_stock"] = True
    elif cell or column.field not in _OMITTED_IF_BLANK:
        row.values[column.field] = column.parse(cell)
        if column.field == "description" and is_html(cell):
            row.values.setdefault("details", cell)
