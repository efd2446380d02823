"""In-memory runtime of the command line."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from attrs import define, field, frozen

from eggypro_core import (
    ConfigurationError,
    FieldError,
    ParseError,
    Shop,
    TokenService,
    UnavailableError,
    ValidationError,
)
from eggypro_core.operations.backups import BackupReport, Backups, Progress
from eggypro_core.operations.health import Check
from eggypro_core.operations.migrations import Migrations, TableSize
from eggypro_http.config import HttpConfig
from tests.support.builders import make_shop, make_tokens


@define
class MemoryMigrations:
    """Migrations that only track the revision."""

    at: str | None = None
    revisions: Sequence[tuple[str, str]] = (("0002", "Weights"), ("0001", "First tables"))
    schema_differences: Sequence[str] = ()
    sizes: Sequence[TableSize] = ()

    def upgrade(self, revision: str = "head") -> None:
        self.at = self._check_revision("0002" if revision == "head" else revision)

    def downgrade(self, revision: str) -> None:
        names = [None, *(name for name, _ in reversed(self.revisions))]
        if revision == "-1":
            self.at = names[names.index(self.at) - 1]
        else:
            self.at = None if revision == "base" else self._check_revision(revision)

    def current(self) -> str | None:
        return self.at

    def history(self) -> Sequence[tuple[str, str]]:
        return self.revisions

    def create_revision(self, message: str) -> str:
        return f"versions/0003_{message.lower().replace(' ', '_')}.py"

    def missing(self) -> Sequence[str]:
        return self.schema_differences

    def differences(self) -> Sequence[str]:
        return self.schema_differences

    def table_sizes(self) -> Sequence[TableSize]:
        return self.sizes

    def _check_revision(self, revision: str) -> str:
        if revision not in dict(self.revisions):
            raise ValidationError([FieldError("revision", f"There is no revision '{revision}'")])
        return revision


@define
class MemoryBackups:
    """Backups that only write and check a mark."""

    report: BackupReport = field(
        factory=lambda: BackupReport("0001", "2026-11-30T12:00:00+00:00", 12, 1)
    )
    replaced: list[bool] = field(factory=list)
    kept_access: list[bool] = field(factory=list)

    def dump(self, target: BinaryIO, progress: Progress) -> BackupReport:
        progress("Dumping")
        target.write(b"dump")
        return self.report

    def restore(
        self, source: BinaryIO, progress: Progress, *, replace: bool, with_access: bool = False
    ) -> BackupReport:
        progress("Copying")
        if source.read() != b"dump":
            raise ParseError("The file is not a dump of EggyPro")
        self.replaced.append(replace)
        self.kept_access.append(with_access)
        return self.report


@define
class MemoryRuntime:
    """The runtime of commands, in memory."""

    shop: Shop = field(factory=make_shop)
    token_service: TokenService = field(factory=make_tokens)
    schema: MemoryMigrations = field(factory=MemoryMigrations)
    backups: MemoryBackups = field(factory=MemoryBackups)
    check_replica: Check | None = None
    settings_errors: Sequence[FieldError] = ()
    unavailable_message: str = ""
    key_file: Path | None = None
    warnings: list[str] = field(factory=list)
    typos: list[str] = field(factory=list)
    demo_file: Path = Path("no demo")
    postgres_bin_dir: Path = Path("no tools")

    def open_shop(self) -> Shop:
        self.check_settings()
        if self.unavailable_message:
            raise UnavailableError(self.unavailable_message)
        if self.key_file is not None and not self.key_file.exists():
            self.key_file.write_text("the-new-key\n")
        return self.shop

    def server_factory(
        self,
    ) -> AbstractContextManager[Callable[[], tuple[Shop, HttpConfig]]]:
        return nullcontext(lambda: (self.open_shop(), HttpConfig()))

    def open_migrations(self) -> AbstractContextManager[Migrations]:
        return nullcontext(self.schema)

    def replica_check(self) -> Check | None:
        return self.check_replica

    def open_backups(self) -> AbstractContextManager[Backups]:
        return nullcontext(self.backups)

    def libpq_environment(self) -> AbstractContextManager[Mapping[str, str]]:
        return nullcontext({"PGHOST": "db.example", "PGPASSWORD": "a-secret"})

    def postgres_bin_dirs(self) -> list[Path]:
        return [self.postgres_bin_dir]

    def tokens(self) -> TokenService:
        self.check_settings()
        return self.token_service

    def check_settings(self) -> None:
        if self.settings_errors:
            raise ConfigurationError(self.settings_errors)

    def settings_in_force(self) -> Sequence[tuple[str, str, str]]:
        self.check_settings()
        return [("CACHE_TTL", "300", "default"), ("JWT_SECRET", "***", "environment")]

    def settings_warnings(self) -> list[str]:
        return self.typos

    def settings_example(self) -> str:
        return "# POSTGRES_URL=\n"

    def admin_key_file(self) -> Path | None:
        return self.key_file

    def startup_warnings(self) -> list[str]:
        return self.warnings

    def demo(self) -> Path:
        return self.demo_file


@frozen
class CommandResult:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


RunCommand = Callable[..., CommandResult]
