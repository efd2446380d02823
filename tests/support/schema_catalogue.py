"""Writes `catalogue.json`, the description of a migrated database: `make catalogue`."""

import json
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from attrs import asdict

from eggypro_adapters.embedded_postgres import attach
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.postgres.migrations.catalogue import (
    CATALOGUE_PATH,
    CatalogueObject,
    read_catalogue,
)


def render(objects: Iterable[CatalogueObject]) -> str:
    """Return the contents of the file, one object a line."""
    lines = ",\n".join(json.dumps(asdict(item), ensure_ascii=False) for item in objects)
    return f"[\n{lines}\n]\n"


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="egg-") as folder,
        attach(Path(folder), linger=0) as server,
        closing(Database.connect(server.url)) as database,
    ):
        PostgresMigrations(database).upgrade()
        with database.long_transaction() as connection:
            CATALOGUE_PATH.write_text(render(read_catalogue(connection)))


if __name__ == "__main__":
    main()
