"""The values of a product in an exported feed."""

from collections.abc import Mapping
from datetime import UTC, datetime

from eggypro_adapters.files.google.product import parse_product
from eggypro_adapters.files.google.rows import Feed, FeedRow
from eggypro_adapters.files.google.writing import (
    COLUMNS,
    NO_PATHS,
    Paths,
    items_of_product,
    row_of_item,
)
from eggypro_core.domain.product import Product

_NO_SALE_DATES = datetime.min.replace(tzinfo=UTC)


def exported_values(product: Product, paths: Paths = NO_PATHS) -> Mapping[str, object]:
    """Return the values that an exported feed has of a product, even if it is not on sale.

    Without `paths`, the categories are left out: an import compares them by their slugs.
    """
    items = items_of_product(product, paths, "", None)
    rows = [
        FeedRow(1, {name: [text] for name, text in row_of_item(item).items()}) for item in items
    ]
    if not rows:
        return {}
    entry = parse_product(rows, Feed(dict.fromkeys(COLUMNS, ""), _NO_SALE_DATES))
    return {
        name: value for name, value in (entry.values or {}).items() if paths or name != "categories"
    }
