"""Parse the cells of products and variations: SKU, barcode, weight and state."""

from decimal import Decimal, InvalidOperation

from eggypro_adapters.files.woocommerce.columns import WooCommerceColumns
from eggypro_adapters.files.woocommerce.rows import WooCommerceRow

_PUBLISHED = frozenset({"1", "true", "yes", "publish"})
_UNPUBLISHED = frozenset({"0", "-1", "2", "false", "no", "draft", "private", "pending"})


def identity_fields(row: WooCommerceRow, columns: WooCommerceColumns) -> dict[str, object]:
    """Return the SKU, barcode and weight of a row, each if the file has its column."""
    values: dict[str, object] = {}
    if "sku" in row.cells:
        values["sku"] = row.cells["sku"] or None
    if "gtin" in columns.plugins:
        values["gtin"] = columns.first_value("gtin", row.cells)
    if columns.grams is not None:
        values["weight_grams"] = _weight(row.cells["Weight"], columns.grams)
    return values


def is_published(row: WooCommerceRow) -> bool | None:
    """Return whether a row is published (0: private, -1: draft), or None if unknown."""
    word = row.cell("published").lower()
    return word in _PUBLISHED if word in _PUBLISHED | _UNPUBLISHED else None


def _weight(cell: str, grams: Decimal) -> str | None:
    """Return a weight in grams as decimal text, or the text itself if it is not a number."""
    text = cell.replace(",", ".") if cell.count(",") == 1 and "." not in cell else cell
    try:
        weight = Decimal(text) * grams
    except InvalidOperation:
        return cell or None
    return f"{weight.normalize():f}" if weight.is_finite() else cell
