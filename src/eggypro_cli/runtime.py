"""Port of everything the commands need from outside: shop, migrations, settings, server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # `--help` must not import the core
    from eggypro_core import Shop, TokenService
    from eggypro_core.operations.backups import Backups
    from eggypro_core.operations.health import Check
    from eggypro_core.operations.migrations import Migrations
    from eggypro_http.config import HttpConfig


class Runtime(Protocol):
    """Access to the shop. Any method raises ConfigurationError if the settings are invalid."""

    def open_shop(self) -> Shop:
        """Connect to all services, for a `with` block. Raises UnavailableError."""
        ...

    def server_factory(
        self,
    ) -> AbstractContextManager[Callable[[], tuple[Shop, HttpConfig]]]:
        """Set up logging of this process; yield a factory that opens the shop in each worker.

        The factory is picklable and reads no settings.
        """
        ...

    def open_migrations(self) -> AbstractContextManager[Migrations]:
        """Connect to the database for migrations. Raises UnavailableError."""
        ...

    def replica_check(self) -> Check | None:
        """Return the check that the replica can be read, None if the settings name none."""
        ...

    def open_backups(self) -> AbstractContextManager[Backups]:
        """Connect to the database for a dump or a restore. Raises UnavailableError."""
        ...

    def libpq_environment(self) -> AbstractContextManager[Mapping[str, str]]:
        """Return the libpq environment variables of the database (`PGHOST` and so on).

        Raises UnavailableError.
        """
        ...

    def postgres_bin_dirs(self) -> list[Path]:
        """Return directories outside `PATH` that may hold Postgres programs."""
        ...

    def tokens(self) -> TokenService:
        """Return the token service, without connecting to anything."""
        ...

    def check_settings(self) -> None:
        """Read and validate all settings, without connecting to anything."""
        ...

    def settings_in_force(self) -> Sequence[tuple[str, str, str]]:
        """Return name, value and source of each setting. Secrets are masked."""
        ...

    def settings_warnings(self) -> list[str]:
        """Return a sentence for each variable that may be a misspelt setting."""
        ...

    def settings_example(self) -> str:
        """Return a commented `.env.example`."""
        ...

    def admin_key_file(self) -> Path | None:
        """Return the path of the generated admin key, None if the settings contain a key."""
        ...

    def startup_warnings(self) -> list[str]:
        """Return warnings for the operator of a server, one sentence each."""
        ...

    def demo(self) -> Path:
        """Return the path of the demo catalogue (JSONL in the project's own format)."""
        ...
