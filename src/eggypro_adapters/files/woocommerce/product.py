"""One product of WooCommerce's, put together from its row and those of its variations."""

import html as entities
from collections.abc import Sequence

from eggypro_adapters.files.attributes import fitting
from eggypro_adapters.files.html import plain_text
from eggypro_adapters.files.images import pictures
from eggypro_adapters.files.product_record import optional_texts
from eggypro_adapters.files.row_messages import Notes
from eggypro_adapters.files.woocommerce.columns import SIZES, TEXT_COLUMNS, Columns
from eggypro_adapters.files.woocommerce.rows import ProductRow
from eggypro_adapters.files.woocommerce.texts import html, items
from eggypro_adapters.files.woocommerce.variants import (
    attributes,
    is_published,
    options,
    price,
    prices,
    several,
    stock,
)
from eggypro_core.domain.product_fields import NOT_IN_NAMES
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import Fault
from eggypro_core.validation.fields import printable

_SKIPPED = frozenset({"grouped", "external"})
_DESCRIPTION = 5000
_CATEGORY = 100
_NO_SIGNS = str.maketrans(dict.fromkeys(NOT_IN_NAMES, " "))
_HTML = 200_000
"""Characters of HTML that are looked at for the description: details may not be longer anyway."""


def product(rows: Sequence[ProductRow], columns: Columns) -> ImportEntry:
    """Return the product that some rows make. Its slug is made of its name."""
    mains = [row for row in rows if row.kind != "variation"]
    if len(mains) != 1:
        return _refused(rows, mains)
    notes = Notes(mains[0].line)
    variations = [row for row in rows if row is not mains[0]]
    values = _values(mains[0], variations, columns, notes)
    return ImportEntry(
        notes.line, None if notes.faults else values, tuple(notes.faults), tuple(notes.warnings)
    )


def _refused(rows: Sequence[ProductRow], mains: Sequence[ProductRow]) -> ImportEntry:
    line = rows[0].line
    if mains:
        lines = " and ".join(str(row.line) for row in mains[:2])
        fault = Fault("id", f"Lines {lines} are one and the same product")
    else:
        parent = printable(rows[0].cells.get("parent", ""))
        fault = Fault("parent", f"The parent '{parent}' is not in the file")
    return ImportEntry(line, None, (fault,))


def _values(
    main: ProductRow, variations: Sequence[ProductRow], columns: Columns, notes: Notes
) -> dict[str, object] | None:
    """Return what is imported of a product, None for one that is skipped."""
    if main.kind in _SKIPPED:
        article = "an" if main.kind == "external" else "a"
        notes.warn("type", f"Skipped: {article} {main.kind} product")
        return None
    offer = _offer(main, variations, columns, notes)
    if offer is None:
        if not notes.faults:
            notes.warn("price", "Skipped: no price")
        return None
    if main.kind not in {"simple", "variable"} and not variations:
        notes.warn("type", f"Type '{printable(main.kind)}' is taken as a simple product")
    return {
        **_texts(main, notes),
        **offer,
        **_state(main, notes),
        **_categories(main, notes),
        **_pictures(main, variations, notes),
        **_attributes(main, variations, columns, notes),
    }


def _offer(
    main: ProductRow, variations: Sequence[ProductRow], columns: Columns, notes: Notes
) -> dict[str, object] | None:
    """Return SKU, prices and stock, or the variants that have them; None without any price."""
    values: dict[str, object] = {}
    if "sku" in main.cells:
        values["sku"] = main.cells["sku"] or None
    if not {"price", "sale_price"} & main.cells.keys():
        if variations:
            notes.warn("variants", "No column of prices: the variants are left alone")
            return values
        return values | stock(main, notes)
    if len(variations) > 1 or any(options(row, columns) for row in variations):
        variants = several(main, variations, columns, notes)
        return {**values, "variants": variants} if variants else None
    row = variations[0] if variations else main
    cost = price(row, notes)
    return values | prices(row, cost) | stock(row, notes) if cost else None


def _texts(main: ProductRow, notes: Notes) -> dict[str, object]:
    cells = main.cells
    values: dict[str, object] = {}
    if cells["name"]:
        values["name"] = plain_text(cells["name"])
    if "description" in cells:
        values["details"] = html(cells["description"])
    if "description" in cells or "short" in cells:
        source = cells.get("short") or cells.get("description", "")
        text = plain_text(html(source[:_HTML]))
        values["description"] = notes.shortened(text, "description", "Description", _DESCRIPTION)
    return values | optional_texts(TEXT_COLUMNS, cells, notes)


def _state(main: ProductRow, notes: Notes) -> dict[str, object]:
    word = main.cells.get("published", "")
    published = is_published(main)
    if word and published is None:
        why = f"Published is '{printable(word)}', which says nothing here: passed over"
        notes.warn("is_active", why)
    return {} if published is None else {"is_active": published}


def _categories(main: ProductRow, notes: Notes) -> dict[str, object]:
    """Return the categories of a product, each by the names from the root."""
    if "categories" not in main.cells:
        return {}
    named = (entities.unescape(path).split(">") for path in items(main.cells["categories"]))
    found = ([name for part in path if (name := _category(part, notes))] for path in named)
    return {"categories": [path for path in found if path]}


def _category(text: str, notes: Notes) -> str:
    """Return the name of a category, with spaces for the signs that none may have."""
    name = " ".join(text.translate(_NO_SIGNS).split())
    return notes.shortened(name, "categories", "The name of a category", _CATEGORY).strip()


def _pictures(
    main: ProductRow, variations: Sequence[ProductRow], notes: Notes
) -> dict[str, object]:
    if "images" not in main.cells:
        return {}
    named = [image for row in (main, *variations) for image in items(row.cells["images"])]
    return {"images": pictures(((image, "") for image in named), notes)}


def _attributes(
    main: ProductRow, variations: Sequence[ProductRow], columns: Columns, notes: Notes
) -> dict[str, object]:
    """Return the attributes of a product, but for those that are options of its variations."""
    if not (columns.attributes or columns.units or columns.pairs):
        return {}
    cells = main.cells
    found = {name.removeprefix("meta:"): cells[name] for name in columns.attributes}
    for name in SIZES:
        found[name] = f"{cells[name]} {columns.units[name]}" if cells.get(name) else ""
    varied = {name for row in variations for name in options(row, columns)}
    found = {name: entities.unescape(text) for name, text in found.items()}
    found |= {name: text for name, text in attributes(main, columns) if name not in varied}
    kept = fitting({name: text for name, text in found.items() if name and text}, notes)
    return {"attributes": kept}
