"""Import products and stock that your program has, with a dry run first."""

from datetime import UTC, datetime
from html import escape, unescape

from eggypro_adapters.memory import MemoryProductStore
from eggypro_core import ImportEntry, ImportOptions, ProductService, StockEntry


class PlainText:
    def clean(self, html: str) -> str:
        return escape(unescape(html))


catalog = ProductService(MemoryProductStore(), PlainText(), lambda: datetime.now(UTC))
rows = [
    {"slug": "egg-white", "name": "Egg White", "sku": "EW", "price": "24.99", "stock_quantity": 7},
    {"slug": "shaker", "name": "Shaker", "sku": "SH", "price": "9.999", "stock_quantity": 3},
]
entries = [ImportEntry(line, values) for line, values in enumerate(rows, 1)]
dry_run = catalog.import_products(entries, ImportOptions(dry_run=True))
print(dry_run.created, "would be created")
report = catalog.import_products(entries)
print(report.created, "created")
for warning in report.warnings:
    print(f"line {warning.line}, {warning.field} {warning.value}: {warning.message}")
report = catalog.import_stock([StockEntry(1, "EW", 12), StockEntry(2, "SH", 3)])
for difference in report.differences:
    print(difference.slug, *difference.fields.items())
