"""Parse the attributes of WooCommerce's products and the options of their variations."""

import html as entities
from collections.abc import Iterator, Mapping, Sequence

from eggypro_adapters.files.row_messages import RowMessages
from eggypro_adapters.files.woocommerce.columns import WooCommerceColumns
from eggypro_adapters.files.woocommerce.rows import WooCommerceRow
from eggypro_adapters.files.woocommerce.texts import split_list
from eggypro_core.validation.fields import escape_control

Options = Mapping[str, str]


def row_attributes(
    row: WooCommerceRow, columns: WooCommerceColumns
) -> Iterator[tuple[str, list[str]]]:
    """Yield the names and values of a row's attributes; both may be blank."""
    for name, values in columns.attributes:
        texts = [entities.unescape(text) for text in split_list(row.cells[values])]
        yield entities.unescape(row.cells[name]), texts


def parse_options(
    row: WooCommerceRow, parent: WooCommerceRow, columns: WooCommerceColumns
) -> dict[str, str]:
    """Return the options of a variation; a blank value means any and is omitted.

    A blank name is that of the parent's attribute with the same number.
    """
    names = (entities.unescape(parent.cells[name]) for name, _ in columns.attributes)
    attributes = zip(row_attributes(row, columns), names, strict=True)
    return {
        name or name_of_parent: ", ".join(values)
        for (name, values), name_of_parent in attributes
        if values and (name or name_of_parent)
    }


def options_of_variations(
    parent: WooCommerceRow,
    rows: Sequence[WooCommerceRow],
    columns: WooCommerceColumns,
    messages: RowMessages,
) -> Iterator[tuple[WooCommerceRow, Options]]:
    """Yield variations with their options, one pair for each variant.

    A variation of any value becomes a variant for each value of its first attribute that no other
    variation has, because a variant needs an option.
    """
    pairs = [(row, parse_options(row, parent, columns)) for row in rows]
    taken: list[Options] = [options for _, options in pairs if options]
    for row, options in pairs:
        values = [] if options else _values_of_any(row, parent, columns)
        if not values:
            yield row, options
            continue
        free = [single for single in values if single not in taken]
        taken += free
        _warn(row, values[0], free, messages)
        for number, single in enumerate(free):
            cells = row.cells if number == 0 else {**row.cells, "sku": ""}
            yield (row._replace(cells=cells) if "sku" in row.cells else row), single


def _values_of_any(
    row: WooCommerceRow, parent: WooCommerceRow, columns: WooCommerceColumns
) -> list[Options]:
    """Return the values of a variation's first attribute for which its parent has values."""
    values = {name: texts for name, texts in row_attributes(parent, columns) if name and texts}
    names = (name for name, _ in row_attributes(row, columns) if name in values)
    name = next(names, None)
    return [] if name is None else [{name: text} for text in dict.fromkeys(values[name])]


def _warn(
    row: WooCommerceRow, example: Options, free: Sequence[Options], messages: RowMessages
) -> None:
    (name,) = map(escape_control, example)
    texts = ", ".join(text for single in free for text in single.values())
    message = (
        f"The variation of any {name} is imported as {escape_control(texts)}"
        if free
        else f"Skipped: other variations have all values of {name}"
    )
    messages.add_warning("variants", message, row.line)
