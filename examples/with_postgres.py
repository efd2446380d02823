"""The same over Postgres: that of POSTGRES_URL, else one of its own in EGGYPRO_DATA_DIR."""

import os

from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import open_eggypro, open_migrations
from eggypro_core import ProductQuery

settings = Settings.read(os.environ)
with open_migrations(settings) as migrations:
    migrations.upgrade()
with open_eggypro(settings) as shop, shop.catalog.import_products as _:
    pass
