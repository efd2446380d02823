"""The shop of the benchmarks: generated products in 20 categories, in an embedded Postgres."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from attrs import frozen

from bench.generate import products
from bench.processes import postmaster, run_command
from eggypro_adapters.embedded_postgres import attach

EGGYPRO = str(Path(sys.executable).with_name("eggypro"))
ADMIN_KEY = "benchmark-key-of-the-administrator"
CATEGORIES = 20
_SLUGS = 1000
_POSTGRES = {"max_connections": "300"}  # several servers run at once, with 64 clients each


@frozen
class BenchShop:
    """A shop to measure: settings of its servers, and a random sample of its products' slugs.

    `libpq_variables` tell other programs where its Postgres is.
    """

    data: Path
    conninfo: str
    settings: Mapping[str, str]
    libpq_variables: Mapping[str, str]
    slugs: list[str]

    @property
    def postmaster(self) -> int:
        """The main process of its Postgres."""
        return postmaster(self.data)

    def production_settings(self) -> dict[str, str]:
        """Return the settings of a serverless deployment, which does not really have its images."""
        libpq = self.libpq_variables
        return {
            "POSTGRES_URL": f"postgresql://{libpq['PGUSER']}@/{libpq['PGDATABASE']}"
            f"?host={libpq['PGHOST']}",
            "ADMIN_SECRET_KEY": ADMIN_KEY,
            "JWT_SECRET": "benchmark-secret-that-signs-tokens",
            "CLOUDINARY_CLOUD_NAME": "benchmark",
            "CLOUDINARY_API_KEY": "benchmark",
            "CLOUDINARY_API_SECRET": "benchmark",
        }

    def all_slugs(self) -> list[str]:
        """Return the slugs of all products."""
        with psycopg.connect(self.conninfo) as connection:
            return [slug for (slug,) in connection.execute("SELECT slug FROM products ORDER BY id")]


@contextmanager
def open_shop(folder: Path, count: int) -> Iterator[BenchShop]:
    """Yield a shop of `count` products, which runs for the duration of the block."""
    data, file = folder / "shop", folder / "shop.jsonl"
    settings = {
        "EGGYPRO_DATA_DIR": str(data),
        "ADMIN_SECRET_KEY": ADMIN_KEY,
        "RATE_LIMIT_MAX_REQUESTS": "1000000000",  # counted, but never reached
        "LOG_FORMAT": "json",
    }
    with file.open("w") as out:
        out.writelines(json.dumps(product) + "\n" for product in _products_in_categories(count))
    with attach(data, linger=1, settings=_POSTGRES) as server:
        run_command([EGGYPRO, "products", "import", str(file), "--json"], settings)
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")  # autovacuum does this within a minute
            rows = connection.execute(
                "SELECT slug FROM products ORDER BY hashint4(id) LIMIT %s", [_SLUGS]
            )
            slugs = [slug for (slug,) in rows]
            user, database = connection.info.user, connection.info.dbname
        variables = {
            "PGHOST": str(server.socket_dir),
            "PGPORT": "5432",
            "PGUSER": user,
            "PGDATABASE": database,
        }
        yield BenchShop(data, server.conninfo, settings, variables, slugs)


def _products_in_categories(count: int) -> Iterator[dict[str, object]]:
    for number, product in enumerate(products(count)):
        slug = f"aisle-{number % CATEGORIES}"
        category = {"slug": slug, "name": f"Aisle {number % CATEGORIES}"}
        yield {**product, "categories": [slug], "category_details": [category]}
