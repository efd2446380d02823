"""Separate the products whose rows share an ID or SKU in WooCommerce's CSV."""

from collections.abc import Iterator, Sequence
from datetime import date

from eggypro_adapters.files.row_messages import RowMessages
from eggypro_adapters.files.woocommerce.columns import WooCommerceColumns
from eggypro_adapters.files.woocommerce.product import parse_product
from eggypro_adapters.files.woocommerce.rows import VARIATION, WooCommerceRow
from eggypro_adapters.files.woocommerce.unused_cells import UnusedCells
from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.validation.fields import escape_control


def parse_group(
    rows: Sequence[WooCommerceRow],
    columns: WooCommerceColumns,
    unused: UnusedCells,
    today: date,
) -> Iterator[ImportEntry]:
    """Yield the products of rows that share an ID or SKU, and their variations.

    Variations belong to the first product. Identical rows are read once; different rows with the
    same ID are an error, and different rows with the same SKU and no ID are products of their own.
    """
    mains, warnings = _without_repeated([row for row in rows if row.kind != VARIATION])
    variations = [row for row in rows if row.kind == VARIATION]
    if not mains:
        yield _orphans(variations)
        return
    with_id = [row for row in mains if row.cell("id")]
    if len(with_id) > 1:
        lines = f"{with_id[0].line} and {with_id[1].line}"
        number = escape_control(with_id[0].cell("id"))
        message = f"Lines {lines} are different products with the ID {number}: keep one of them"
        error = ImportMessage(with_id[1].line, "id", message, columns.headers.get("id", ""), number)
        yield ImportEntry(rows[0].line, None, (error,))
        mains, variations = [row for row in mains if row not in with_id], []
    first = with_id[0] if with_id else mains[0]
    for row in mains:
        messages = RowMessages(row.line)
        if row is first:
            messages.warnings += warnings
        own = variations if row is first else []
        yield parse_product(row, own, columns, unused, messages, today)


def _without_repeated(
    rows: Sequence[WooCommerceRow],
) -> tuple[list[WooCommerceRow], list[ImportMessage]]:
    """Return the rows without later ones that are equal, and a warning for each of these."""
    unique: list[WooCommerceRow] = []
    warnings = []
    for row in rows:
        same = next((other for other in unique if other.cells == row.cells), None)
        if same:
            warnings.append(
                ImportMessage(row.line, "", f"Line {row.line} repeats line {same.line}: ignored")
            )
        else:
            unique.append(row)
    return unique, warnings


def _orphans(rows: Sequence[WooCommerceRow]) -> ImportEntry:
    parent = escape_control(rows[0].cell("parent"))
    message = f"The variation's parent '{parent}' is not in the file: add the row of its product"
    errors = (ImportMessage(row.line, "parent", message, value=parent) for row in rows)
    return ImportEntry(rows[0].line, None, tuple(errors))
