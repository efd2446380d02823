"""A catalogue in Postgres: that of `POSTGRES_URL`, or an embedded one."""

import os

from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import DEMO_CATALOG_PATH, open_migrations, open_shop
from eggypro_core import Origin, ProductQuery, Sort

settings = Settings.read(os.environ)
with open_migrations(settings) as migrations:
    migrations.upgrade()
with open_shop(settings, origin=Origin("nightly sync")) as shop:
    with DEMO_CATALOG_PATH.open("rb") as file:
        print(shop.products.import_file(file).created, "products created")
    page = shop.products.list(ProductQuery(in_stock=True, sort=Sort.PRICE_ASC, limit=3))
    print(page.total, "products in stock. The cheapest are:")
    print(*(f"{product.price} {product.name}" for product in page.items), sep="\n")
    assert page.next_query is not None
    print("The next page starts with", shop.products.list(page.next_query).items[0].name)
