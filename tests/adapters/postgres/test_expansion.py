"""Expand-only migrations: during a rolling deployment the former code runs on the new tables."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.migrations import PostgresMigrations

BREAKING = re.compile(
    r"ALTER TABLE \S+ (?:DROP (?:COLUMN )?(?!CONSTRAINT)\w+|RENAME .*"
    r"|ALTER (?:COLUMN )?\w+ (?:SET DATA )?(?:TYPE|SET NOT NULL)"
    r"|ADD (?:COLUMN )?(?=.*NOT NULL)(?!CONSTRAINT|.*(?:DEFAULT|GENERATED)).*)"
    r"|DROP TABLE (?:IF EXISTS )?\w+",
    re.IGNORECASE,
)
"""Steps that break the former code: they remove what it uses, or require what it omits."""
OPTIONAL_OBJECT = re.compile(r"\b(?:DROP|ALTER) [\w ]+ IF EXISTS\b", re.IGNORECASE)
ALLOWED_STEPS = {
    "ALTER TABLE products DROP COLUMN search": "before the first release: no former code exists",
    "ALTER TABLE api_metrics ALTER COLUMN response_time TYPE": "integers still fit, both ways",
    **{
        f"ALTER TABLE {table} ALTER COLUMN sku TYPE": "longer: every former SKU fits"
        for table in ("products", "variants", "skus")
    },
}
"""Breaking steps that are allowed, with the reason."""


def breaking_steps(statement: str) -> list[str]:
    return [match[0] for match in BREAKING.finditer(" ".join(statement.split()))]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE products DROP COLUMN sku",
        "alter table products drop sku",
        "ALTER TABLE products RENAME sku TO code",
        "ALTER TABLE products RENAME TO goods",
        "ALTER TABLE products ALTER COLUMN sku TYPE TEXT",
        "ALTER TABLE products ALTER COLUMN sku SET NOT NULL",
        "ALTER TABLE products\n ADD COLUMN code TEXT NOT NULL",
        "DROP TABLE reviews",
    ],
)
def test_breaking_steps_are_detected(statement: str) -> None:
    assert breaking_steps(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE products ADD COLUMN code TEXT",
        "ALTER TABLE products ADD COLUMN is_new BOOLEAN DEFAULT false NOT NULL",
        "ALTER TABLE products DROP CONSTRAINT price_positive",
        "ALTER TABLE products ALTER COLUMN sku DROP NOT NULL",
        "ALTER TABLE products ADD CONSTRAINT known CHECK (sku IS NOT NULL) NOT VALID",
        "CREATE TABLE goods (code TEXT NOT NULL)",
    ],
)
def test_additive_steps_are_allowed(statement: str) -> None:
    assert not breaking_steps(statement)


def test_migrations_contain_only_allowed_breaking_steps(
    empty_database_url: sa.URL, connect_database: Callable[..., Database]
) -> None:
    database, statements = connect_database(empty_database_url), list[str]()

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def record(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    PostgresMigrations(database).upgrade()
    # A restore runs them in a new schema: IF EXISTS could find the table of the schema in use.
    assert not [statement for statement in statements if OPTIONAL_OBJECT.search(statement)]
    steps = {step for statement in statements for step in breaking_steps(statement)}
    assert steps == set(ALLOWED_STEPS)
