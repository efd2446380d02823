"""Parse the variants of a product from its variations in WooCommerce's CSV."""

import re
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from eggypro_adapters.files.images import image_ref
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_adapters.files.woocommerce.columns import WooCommerceColumns
from eggypro_adapters.files.woocommerce.fields import identity_fields, is_published
from eggypro_adapters.files.woocommerce.options import Options, options_of_variations
from eggypro_adapters.files.woocommerce.prices import has_price_column, parse_price, price_fields
from eggypro_adapters.files.woocommerce.rows import WooCommerceRow
from eggypro_adapters.files.woocommerce.stock import stock_fields, with_parent_stock
from eggypro_adapters.files.woocommerce.texts import split_list


class ParsedVariants(NamedTuple):
    """The values, options and lines of a product's variants, and the options of skipped ones."""

    variants: list[dict[str, object]]
    options: tuple[Options, ...]
    lines: tuple[int, ...]
    skipped_options: tuple[Options, ...]

    @property
    def option_names(self) -> set[str]:
        """The names of all options."""
        return {name for options in (*self.options, *self.skipped_options) for name in options}


def parse_variants(
    parent: WooCommerceRow,
    rows: Sequence[WooCommerceRow],
    columns: WooCommerceColumns,
    messages: RowMessages,
    today: date,
) -> ParsedVariants:
    """Return the variants of a product by position, without variations that have no price."""
    skipped: dict[int, list[Options]] = {}
    variants: list[dict[str, object]] = []
    options_of_variants = []
    lines = []
    published = _published_variations(parent, rows, messages)
    rows = sorted(with_parent_stock(parent, rows, messages), key=_sort_key)
    for row, options in options_of_variations(parent, rows, columns, messages):
        price = parse_price(row, messages, today, decimal_comma=columns.decimal_comma)
        if price is None and has_price_column(row):
            if not messages.errors and row.line not in skipped:
                messages.add_warning("variants", "Skipped: the variation has no price", row.line)
            skipped.setdefault(row.line, []).append(options)
            continue
        values = {
            "options": options,
            **identity_fields(row, columns),
            **price_fields(row, price),
            **stock_fields(row),
        }
        if (position := _position(row)) is not None:
            values["position"] = position
        if "images" in row.cells:
            images = split_list(row.cells["images"])
            values["image"] = image_ref(images[0]) if images else None
        if row.line in published:
            values["is_active"] = published[row.line]
        variants.append(values)
        options_of_variants.append(options)
        lines.append(row.line)
    skipped_options = tuple(options for group in skipped.values() for options in group)
    return ParsedVariants(variants, tuple(options_of_variants), tuple(lines), skipped_options)


def _published_variations(
    parent: WooCommerceRow, rows: Sequence[WooCommerceRow], messages: RowMessages
) -> dict[int, bool]:
    """Return whether variations are active, by line; those with an unknown state are omitted.

    Variations of a draft can have its state: they are then active as soon as the product is. The
    variations of a private product (0) have states of their own.
    """
    states = {row.line: is_published(row) for row in rows}
    inherited = [row.line for row in rows if _has_state_of(parent, row)]
    is_draft = parent.cell("published") != "0" or not any(states.values())
    if is_published(parent) is False and inherited and is_draft:
        states |= dict.fromkeys(inherited, True)
        messages.add_warning(
            "variants",
            f"{len(inherited)} variations of this draft are for sale as soon as it is published"
            if len(inherited) > 1
            else "The variation of this draft is for sale as soon as it is published",
            value=parent.cell("published"),
        )
    return {line: state for line, state in states.items() if state is not None}


def _has_state_of(parent: WooCommerceRow, row: WooCommerceRow) -> bool:
    return row.cell("published") == parent.cell("published")


def _position(row: WooCommerceRow) -> int | None:
    text = row.cell("position")
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def _sort_key(row: WooCommerceRow) -> tuple[bool, int]:
    position = _position(row)
    return position is None, position or 0
