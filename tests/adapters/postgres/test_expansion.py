"""While servers are replaced one by one, the former code runs on the new tables."""

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
"""What the former code may trip over: what it knows is gone, or wants what it does not give."""
ALLOWED_STEPS = {
    "ALTER TABLE products DROP COLUMN search": "before the first release: nobody ran the former",
    "ALTER TABLE api_metrics ALTER COLUMN response_time TYPE": "integers still fit, both ways",
}
"""Such steps that are right nevertheless, and why."""


def breaking_steps(statement: str) -> list[str]:
    return [found[0] for found in BREAKING.finditer(" ".join(statement.split()))]


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
def test_steps_that_break_the_former_code_are_known(statement: str) -> None:
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
def test_steps_that_add_are_let_pass(statement: str) -> None:
    assert not breaking_steps(statement)


def test_no_migration_takes_away_what_the_former_code_needs_unless_it_is_named(
    empty_database_url: sa.URL, connect_database: Callable[..., Database]
) -> None:
    database, run = connect_database(empty_database_url), list[str]()

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        run.append(statement)

    PostgresMigrations(database).upgrade()
    assert {step for statement in run for step in breaking_steps(statement)} == set(ALLOWED_STEPS)
