"""The tables of a database, as an operator looks at them."""

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen


@frozen
class TableSize:
    """A table: how many rows it has, about, and its bytes with all its indexes."""

    name: str
    rows: int
    bytes: int


class Migrations(Protocol):
    """Brings the schema of a database from one revision to another."""

    def upgrade(self, revision: str = "head") -> None:
        """Go up. Any number of processes may try at once: one does it, the others wait for it."""
        ...

    def downgrade(self, revision: str) -> None:
        """Go down to a revision, `-1` for one step, `base` for an empty database."""
        ...

    def current(self) -> str | None:
        """Return the revision that the database is at, None for an empty one."""
        ...

    def history(self) -> Sequence[tuple[str, str]]:
        """Return every revision and what it is for, newest first."""
        ...

    def create_revision(self, message: str) -> str:
        """Write the migration that brings the schema to the tables in code; return its path."""
        ...

    def differences(self) -> Sequence[str]:
        """Return how the tables in code and the database differ, a sentence each."""
        ...

    def table_sizes(self) -> Sequence[TableSize]:
        """Return the tables that the database has, by name, and what they weigh."""
        ...
