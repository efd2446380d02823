"""Files, reports and properties of imports in tests."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from eggypro_core.domain.category import CategoryQuery
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import (
    ImportEntry,
    ImportFile,
    ImportMessage,
    ImportOptions,
    ImportReport,
)
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.domain.variant import Variant, VariantQuery
from eggypro_core.services.products import ProductService
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from tests.support.builders import variant_values

GOOD: dict[str, object] = {"slug": "good", "name": "Good", "price": "5"}
OTHER: dict[str, object] = {"slug": "other", "name": "Other", "price": "6"}
BAD: dict[str, object] = {"slug": "bad", "name": "Bad", "price": "x"}
"""A product that is refused."""
BAD_PRICE = "Price 'x' is not a number: write it like 1234.50"


def entries(*values: Mapping[str, object], first: int = 2) -> list[ImportEntry]:
    """Return a file with one entry per line, from line `first` on."""
    return [ImportEntry(line, item) for line, item in enumerate(values, first)]


def run(shop: Shop, *values: Mapping[str, object], **options: Any) -> ImportReport:
    """Import products, one per line from line 2 on."""
    return shop.products.import_products(entries(*values), ImportOptions(**options))


def run_entries(shop: Shop, *file: ImportEntry, **options: Any) -> ImportReport:
    """Import entries of a file."""
    return shop.products.import_products(file, ImportOptions(**options))


def run_format(
    shop: Shop,
    exported_values: Callable[[Product], Mapping[str, object]],
    *file: ImportEntry,
    **options: Any,
) -> ImportReport:
    """Import entries of a format that writes `exported_values`."""
    imported = ImportFile("foreign", iter(file), exported_values=exported_values)
    return shop.products.import_products(imported, ImportOptions(**options))


def counts(report: ImportReport) -> tuple[int, int, int]:
    """Return how many products were created, changed and unchanged."""
    return report.created, report.changed, report.unchanged


def texts(messages: Iterable[ImportMessage]) -> list[tuple[int, str, str]]:
    """Return the line, field and text of each message."""
    return [(message.line, message.field, message.message) for message in messages]


def sized(size: str, price: str = "5.00", **values: object) -> dict[str, object]:
    """Return the values of a variant with a size."""
    return variant_values(options={"Size": size}, price=price, **values)


def good(*variants: Mapping[str, object], **values: object) -> dict[str, object]:
    """Return the values of a product with variants."""
    return GOOD | {"variants": variants} | values


def stored_products(catalog: ProductService) -> dict[str, Product]:
    """Return all products by slug."""
    items = catalog.list(ProductQuery(status=Status.ALL, limit=100)).items
    return {item.slug: catalog.get(item.slug, Status.ALL) for item in items}


def variants_of(shop: Shop, slug: str = "good") -> tuple[Variant, ...]:
    """Return all variants of a product in order."""
    query = VariantQuery(product=slug, status=Status.ALL, limit=100)
    return shop.variants.list(query).items


def snapshot(shop: Shop) -> list[Any]:
    """Return all products with all their variants and categories, and the category tree."""
    tree = shop.categories.list(CategoryQuery(status=Status.ALL, limit=1000)).items
    return [
        *((category.path, category.name) for category in tree),
        *(
            (product, variants_of(shop, slug))
            for slug, product in stored_products(shop.products).items()
        ),
    ]


def lossy_values(product: Product) -> dict[str, Any]:
    """Return the values of a format that shortens names, rounds prices and lacks most fields."""
    values: dict[str, Any] = {
        "slug": product.slug,
        "name": product.name[:5],
        "description": product.description or product.details.replace("<p>", "").strip("</p>"),
        "attribute_edits": {"Colour": product.attributes.get("Colour", "none")},
        "price": f"{product.price + 1:.0f}",
        "is_active": True,
    }
    if product.variants:
        del values["price"]
        values["variants"] = [
            {"options": variant.options, "price": f"{variant.price + 1:.0f}", "gtin": None}
            for variant in product.variants
        ]
    return values
