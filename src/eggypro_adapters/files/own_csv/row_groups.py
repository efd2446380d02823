"""Read products of our own CSV that have a row for each variant."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import define, field, frozen

from eggypro_adapters.files.csv_records import CsvRow
from eggypro_adapters.files.disk_sorter import open_sorter
from eggypro_adapters.files.own_csv.columns import (
    OPTIONS,
    VARIANT_COLUMNS,
    Column,
    OwnColumns,
    entry_of_row,
    parse_row,
)
from eggypro_adapters.files.row_groups import GroupedRow, add_row, group_by_product
from eggypro_adapters.files.row_messages import rejected_entry
from eggypro_adapters.files.unused_columns import UnusedColumns
from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.validation.fields import escape_control

TWO_KINDS_OF_VARIANTS = (
    "The product has variants in its column 'variants' and in rows of their own: remove one of them"
)
_NO_PRODUCT = "The variant has no slug: repeat the slug of its product in this row"


def read(
    rows: Iterable[CsvRow], header: OwnColumns, unused: UnusedColumns
) -> Iterator[ImportEntry]:
    """Yield the errors of unreadable rows, then the products in the order of their first rows."""
    columns = _GroupColumns.of(header)
    with open_sorter() as sorter:
        for row in rows:
            unused.add_row(header.unknown, row.cells, row.line)
            if row.error:
                yield rejected_entry(row.line, row.error)
            elif key := columns.group_key(row.cells):
                add_row(sorter, key, row.line, row.cells)
            elif columns.is_variant(row.cells):
                yield rejected_entry(row.line, _NO_PRODUCT, "slug")
            else:
                yield entry_of_row(row.line, row.cells, header.product)
        for group in group_by_product(sorter):
            if isinstance(group, ImportEntry):
                yield group
            else:
                yield from _Group.of(columns, group, unused).entries()


@frozen
class _GroupColumns:
    """The columns of a file with a row for each variant, by their use."""

    of_products: Sequence[Column]
    of_products_only: Sequence[Column]
    """Columns that variants do not have."""
    of_variants: Sequence[Column]
    of_variants_only: Sequence[Column]
    """Columns that products do not have."""
    _positions: Mapping[str, int]

    @classmethod
    def of(cls, header: OwnColumns) -> "_GroupColumns":
        columns = (*header.product, *header.variant)
        product_names = {column.name for column in header.product}
        return cls(
            header.product,
            [column for column in header.product if column.name not in VARIANT_COLUMNS],
            header.variant,
            [column for column in header.variant if column.name not in product_names],
            {column.name: column.position for column in columns},
        )

    def is_variant(self, cells: Sequence[str]) -> bool:
        return self._cell(cells, OPTIONS) != ""

    def group_key(self, cells: Sequence[str]) -> str:
        """Return the key of the product that a row belongs to, or "" without slug and name."""
        for name in ("slug", "name"):
            if text := self._cell(cells, name):
                return f"{name}:{text}"
        return ""

    def _cell(self, cells: Sequence[str], name: str) -> str:
        return _cell(cells, self._positions.get(name, len(cells)))


@define
class _Group:
    """The rows of a product, usually a single one, and those of its variants."""

    columns: _GroupColumns
    products: Sequence[GroupedRow]
    variants: Sequence[GroupedRow]
    unused: UnusedColumns
    warnings: list[ImportMessage]
    errors: list[ImportMessage] = field(factory=list)

    @classmethod
    def of(
        cls, columns: _GroupColumns, rows: Iterable[GroupedRow], unused: UnusedColumns
    ) -> "_Group":
        """Return the group of rows; a row that repeats another is ignored with a warning."""
        unique: dict[tuple[str, ...], GroupedRow] = {}
        warnings = []
        for row in rows:
            first = unique.setdefault(tuple(row.cells), row)
            if first is not row:
                message = f"The row repeats line {first.line}: ignored"
                warnings.append(ImportMessage(row.line, "", message))
        variants = [row for row in unique.values() if columns.is_variant(row.cells)]
        products = [row for row in unique.values() if not columns.is_variant(row.cells)]
        return cls(columns, products, variants, unused, warnings)

    def entries(self) -> Iterator[ImportEntry]:
        """Yield the product with its variants, then further rows of the same product."""
        first = (self.products or self.variants)[0]
        values = self._product_values(first)
        variants = self._variants(first)
        if variants:
            if values.get("variants"):
                self.errors.append(ImportMessage(first.line, "variants", TWO_KINDS_OF_VARIANTS))
            values["variants"] = variants
        yield ImportEntry(
            first.line,
            None if self.errors else values,
            tuple(self.errors),
            tuple(self.warnings),
            variant_lines=tuple(row.line for row in self.variants),
        )
        for row in self.products[1:]:
            yield entry_of_row(row.line, row.cells, self.columns.of_products)

    def _product_values(self, first: GroupedRow) -> dict[str, object]:
        """Return the values of the product; without a row of its own, those of its first variant.

        A blank cell in the row of a variant leaves the product unchanged.
        """
        if self.products:
            columns = self.columns.of_products
            for row in self.products:
                self._count_unused(row, self.columns.of_variants_only, ())
        else:
            columns = [column._replace(skip_blank=True) for column in self.columns.of_products_only]
        values, errors = parse_row(first.line, first.cells, columns)
        self.errors += errors
        return values

    def _variants(self, first: GroupedRow) -> list[dict[str, object]]:
        variants = []
        lines: dict[tuple[tuple[str, str], ...], int] = {}
        for row in self.variants:
            values, errors = parse_row(row.line, row.cells, self.columns.of_variants)
            self.errors += errors
            self._count_unused(row, self.columns.of_products_only, first.cells)
            variants.append(values)
            self._check_options(values.get(OPTIONS), row.line, lines)
        return variants

    def _check_options(
        self, options: object, line: int, lines: dict[tuple[tuple[str, str], ...], int]
    ) -> None:
        """Add an error if a variant has the options of an earlier one; `lines` are by options."""
        if not isinstance(options, Mapping):
            return
        pairs = {str(name): " ".join(str(text).split()) for name, text in options.items()}
        first = lines.setdefault(tuple(sorted(pairs.items())), line)
        if first != line:
            text = escape_control(", ".join(f"{name} {text}" for name, text in pairs.items()))
            message = f"Lines {first} and {line} are variants with the same options: {text}"
            self.errors.append(ImportMessage(line, "variants", message))

    def _count_unused(
        self, row: GroupedRow, columns: Iterable[Column], expected: Sequence[str]
    ) -> None:
        """Count the cells of columns that a row cannot use, unless they are as expected."""
        kind = "variants" if self.columns.is_variant(row.cells) else "products"
        cells = row.cells
        for column in columns:
            if column.position >= len(cells) or not cells[column.position]:
                continue
            cell = _cell(cells, column.position)
            if cell and cell != _cell(expected, column.position):
                self.unused.add(f"{column.header} (in rows of {kind})", cell, row.line)


def _cell(cells: Sequence[str], position: int) -> str:
    """Return a cell with single spaces, "" beyond the end of the row."""
    return " ".join(cells[position].split()) if position < len(cells) else ""
