"""What the commands need of the world outside: made of the settings by `main`, or by a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # `--help` needs none of the domain
    from eggypro_core import Shop, Tokens
    from eggypro_core.operations.migrations import Migrations
    from eggypro_http.config import HttpConfig


class Runtime(Protocol):
    """The world outside. Every method raises ConfigurationError where the settings are wrong."""

    def open_shop(self) -> Shop:
        """Connect everything, for a `with` block. Raises UnavailableError."""
        ...

    def server_factory(
        self,
    ) -> AbstractContextManager[Callable[[], tuple[Shop, HttpConfig]]]:
        """Give what opens a shop in each process of a server, and set up the log of this one.

        It reads no settings, and is picklable.
        """
        ...

    def open_migrations(self) -> AbstractContextManager[Migrations]:
        """Connect the migrations of the database. Raises UnavailableError."""
        ...

    def libpq_environment(self) -> AbstractContextManager[Mapping[str, str]]:
        """Give the address of the database, as variables that tools of Postgres know.

        Raises UnavailableError.
        """
        ...

    def postgres_bin_dirs(self) -> list[Path]:
        """Return where programs of Postgres may be that are not on the path."""
        ...

    def tokens(self) -> Tokens:
        """Return the tokens of the shop; nothing is connected."""
        ...

    def check_settings(self) -> None:
        """Read all settings, and nothing else."""
        ...

    def settings_example(self) -> str:
        """Return a commented `.env.example`."""
        ...

    def admin_key_file(self) -> Path | None:
        """Return the file of the generated admin key, None where the settings give a key."""
        ...

    def startup_warnings(self) -> list[str]:
        """Return what the owner of a server should know when it starts, a sentence each."""
        ...

    def demo(self) -> Path:
        """Return the file of the demo catalogue, in the project's own JSONL."""
        ...
