"""A catalogue in memory: it needs attrs only and starts no server."""

from datetime import UTC, datetime
from html import escape, unescape

from eggypro_adapters.memory import MemoryProductStore
from eggypro_core import ProductQuery, ProductService, ValidationError


class PlainText:
    def clean(self, html: str) -> str:
        return escape(unescape(html))


catalog = ProductService(MemoryProductStore(), PlainText(), lambda: datetime.now(UTC))
egg = {"name": "Egg White", "description": "Albumen", "details": "500 g", "price": "24.99"}
catalog.create(egg | {"ingredients": ["egg white"], "stock_quantity": 7})
catalog.adjust_stock("egg-white", -2)
for product in catalog.list(ProductQuery(search="eg whites")).items:
    print(product.name, product.price, product.stock_quantity)
try:
    catalog.create(egg | {"price": "0", "ingredients": []})
except ValidationError as invalid:
    print(*(f"{error.field}: {error.message}" for error in invalid.errors), sep="\n")
