"""Port for schema migrations and table sizes."""

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen


@frozen
class TableSize:
    """Approximate number of rows of a table, and its size with all indexes."""

    name: str
    rows: int
    bytes: int


class Migrations(Protocol):
    """Migrate the schema of a database between revisions."""

    def upgrade(self, revision: str = "head") -> None:
        """Upgrade. Safe under concurrency: one process migrates, the others wait."""
        ...

    def downgrade(self, revision: str) -> None:
        """Downgrade to a revision; `-1` for one step, `base` for an empty database."""
        ...

    def current(self) -> str | None:
        """Return the revision of the database, None if it is empty."""
        ...

    def history(self) -> Sequence[tuple[str, str]]:
        """Return every revision and its description, newest first."""
        ...

    def create_revision(self, message: str) -> str:
        """Write a migration from the database to the tables in code; return its path."""
        ...

    def missing(self) -> Sequence[str]:
        """Return what the database lacks: objects of the newest revision, and rights of the shop.

        Each is a sentence that says what to do.
        """
        ...

    def differences(self) -> Sequence[str]:
        """Return what is missing, then other differences between code and database.

        Each is a sentence that says what to do.
        """
        ...

    def table_sizes(self) -> Sequence[TableSize]:
        """Return the sizes of all tables in the database, sorted by name."""
        ...
