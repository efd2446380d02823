"""Parse a product from its row and its variations' rows in WooCommerce's CSV."""

import html as entities
from collections.abc import Sequence

from eggypro_adapters.files.attributes import fit_attributes
from eggypro_adapters.files.html import plain_text
from eggypro_adapters.files.images import product_images
from eggypro_adapters.files.product_record import optional_texts
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_adapters.files.woocommerce.columns import SIZES, TEXT_COLUMNS, WooCommerceColumns
from eggypro_adapters.files.woocommerce.rows import WooCommerceRow
from eggypro_adapters.files.woocommerce.texts import description_html, split_list
from eggypro_adapters.files.woocommerce.variants import (
    is_published,
    parse_options,
    parse_price,
    price_fields,
    row_attributes,
    stock_fields,
    variant_fields,
)
from eggypro_core.domain.product_fields import FORBIDDEN_NAME_CHARACTERS
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import FieldError
from eggypro_core.validation.fields import escape_control

_SKIPPED_KINDS = frozenset({"grouped", "external"})
_MAX_DESCRIPTION_LENGTH = 5000
_MAX_CATEGORY_NAME_LENGTH = 100
_SPACE_FOR_FORBIDDEN = str.maketrans(dict.fromkeys(FORBIDDEN_NAME_CHARACTERS, " "))
_MAX_HTML_LENGTH = 200_000
"""Characters of HTML read for the description; longer `details` are rejected anyway."""


def parse_product(rows: Sequence[WooCommerceRow], columns: WooCommerceColumns) -> ImportEntry:
    """Return the product of a group of rows. Its slug is made from its name on import."""
    mains = [row for row in rows if row.kind != "variation"]
    if len(mains) != 1:
        return _rejected_entry(rows, mains)
    messages = RowMessages(mains[0].line)
    variations = [row for row in rows if row is not mains[0]]
    values = _values(mains[0], variations, columns, messages)
    return ImportEntry(
        messages.line,
        None if messages.errors else values,
        tuple(messages.errors),
        tuple(messages.warnings),
    )


def _rejected_entry(rows: Sequence[WooCommerceRow], mains: Sequence[WooCommerceRow]) -> ImportEntry:
    line = rows[0].line
    if mains:
        lines = " and ".join(str(row.line) for row in mains[:2])
        error = FieldError("id", f"Products on lines {lines} have the same ID or SKU")
    else:
        parent = escape_control(rows[0].cells.get("parent", ""))
        error = FieldError("parent", f"The variation's parent '{parent}' is not in the file")
    return ImportEntry(line, None, (error,))


def _values(
    main: WooCommerceRow,
    variations: Sequence[WooCommerceRow],
    columns: WooCommerceColumns,
    messages: RowMessages,
) -> dict[str, object] | None:
    """Return the values of a product, or None if it is skipped."""
    if main.kind in _SKIPPED_KINDS:
        article = "an" if main.kind == "external" else "a"
        messages.add_warning("type", f"Skipped: {article} {main.kind} product cannot be sold here")
        return None
    offer = _offer(main, variations, columns, messages)
    if offer is None:
        if not messages.errors:
            messages.add_warning("price", "Skipped: no price")
        return None
    if main.kind not in {"simple", "variable"} and not variations:
        messages.add_warning(
            "type", f"Unknown Type '{escape_control(main.kind)}': imported as a simple product"
        )
    return {
        **_texts(main, messages),
        **offer,
        **_state(main, messages),
        **_categories(main, messages),
        **_images(main, variations, messages),
        **_attributes(main, variations, columns, messages),
    }


def _offer(
    main: WooCommerceRow,
    variations: Sequence[WooCommerceRow],
    columns: WooCommerceColumns,
    messages: RowMessages,
) -> dict[str, object] | None:
    """Return SKU, price and stock, or the variants with these; None if nothing has a price."""
    values: dict[str, object] = {}
    if "sku" in main.cells:
        values["sku"] = main.cells["sku"] or None
    if not {"price", "sale_price"} & main.cells.keys():
        if variations:
            messages.add_warning(
                "variants", "The file has no price column: the variants are not imported"
            )
            return values
        return values | stock_fields(main, messages)
    if len(variations) > 1 or any(parse_options(row, columns) for row in variations):
        variants = variant_fields(main, variations, columns, messages)
        return {**values, "variants": variants} if variants else None
    row = variations[0] if variations else main
    price = parse_price(row, messages)
    return values | price_fields(row, price) | stock_fields(row, messages) if price else None


def _texts(main: WooCommerceRow, messages: RowMessages) -> dict[str, object]:
    cells = main.cells
    values: dict[str, object] = {}
    if cells["name"]:
        values["name"] = plain_text(cells["name"])
    if "description" in cells:
        values["details"] = description_html(cells["description"])
    if "description" in cells or "short" in cells:
        source = cells.get("short") or cells.get("description", "")
        text = plain_text(description_html(source[:_MAX_HTML_LENGTH]))
        values["description"] = messages.shorten(
            text, "description", "Description", _MAX_DESCRIPTION_LENGTH
        )
    return values | optional_texts(TEXT_COLUMNS, cells, messages)


def _state(main: WooCommerceRow, messages: RowMessages) -> dict[str, object]:
    word = main.cells.get("published", "")
    published = is_published(main)
    if word and published is None:
        messages.add_warning(
            "is_active", f"Unknown Published value '{escape_control(word)}': ignored"
        )
    return {} if published is None else {"is_active": published}


def _categories(main: WooCommerceRow, messages: RowMessages) -> dict[str, object]:
    """Return the categories of a product, each as the path of names from the root."""
    if "categories" not in main.cells:
        return {}
    texts = (entities.unescape(path).split(">") for path in split_list(main.cells["categories"]))
    paths = ([name for part in path if (name := _category_name(part, messages))] for path in texts)
    return {"categories": [path for path in paths if path]}


def _category_name(text: str, messages: RowMessages) -> str:
    """Return the name of a category, with forbidden characters replaced by spaces."""
    name = " ".join(text.translate(_SPACE_FOR_FORBIDDEN).split())
    return messages.shorten(
        name, "categories", f"Category name '{escape_control(name, 40)}'", _MAX_CATEGORY_NAME_LENGTH
    ).strip()


def _images(
    main: WooCommerceRow, variations: Sequence[WooCommerceRow], messages: RowMessages
) -> dict[str, object]:
    if "images" not in main.cells:
        return {}
    urls = [url for row in (main, *variations) for url in split_list(row.cells["images"])]
    return {"images": product_images(((url, "") for url in urls), messages)}


def _attributes(
    main: WooCommerceRow,
    variations: Sequence[WooCommerceRow],
    columns: WooCommerceColumns,
    messages: RowMessages,
) -> dict[str, object]:
    """Return the attributes of a product, except the options of its variations."""
    if not (columns.attributes or columns.units or columns.attribute_pairs):
        return {}
    cells = main.cells
    texts = {name.removeprefix("meta:"): cells[name] for name in columns.attributes}
    for name in SIZES:
        texts[name] = f"{cells[name]} {columns.units[name]}" if cells.get(name) else ""
    options = {name for row in variations for name in parse_options(row, columns)}
    texts = {name: entities.unescape(text) for name, text in texts.items()}
    texts |= {name: text for name, text in row_attributes(main, columns) if name not in options}
    attributes = {name: text for name, text in texts.items() if name and text}
    return {"attributes": fit_attributes(attributes, messages)}
