"""The world outside of the command line, in memory."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from attrs import define, field, frozen

from eggypro_core import (
    ConfigurationError,
    Fault,
    InvalidError,
    Shop,
    Tokens,
    UnavailableError,
)
from eggypro_core.operations.migrations import Migrations, TableSize
from eggypro_http.config import HttpConfig
from tests.support.builders import a_shop, some_tokens


@define
class MemoryMigrations:
    """A database that is nothing but its revision."""

    at: str | None = None
    revisions: Sequence[tuple[str, str]] = (("0002", "Weights"), ("0001", "First tables"))
    unlike: Sequence[str] = ()
    sizes: Sequence[TableSize] = ()

    def upgrade(self, revision: str = "head") -> None:
        self.at = self._named("0002" if revision == "head" else revision)

    def downgrade(self, revision: str) -> None:
        names = [None, *(name for name, _ in reversed(self.revisions))]
        if revision == "-1":
            self.at = names[names.index(self.at) - 1]
        else:
            self.at = None if revision == "base" else self._named(revision)

    def current(self) -> str | None:
        return self.at

    def history(self) -> Sequence[tuple[str, str]]:
        return self.revisions

    def revision(self, message: str) -> str:
        return f"versions/0003_{message.lower().replace(' ', '_')}.py"

    def differences(self) -> Sequence[str]:
        return self.unlike

    def tables(self) -> Sequence[TableSize]:
        return self.sizes

    def _named(self, revision: str) -> str:
        if revision not in dict(self.revisions):
            raise InvalidError([Fault("revision", f"There is no revision '{revision}'")])
        return revision


@define
class World:
    """What the commands need of the world, in memory."""

    shop: Shop = field(factory=a_shop)
    signing: Tokens = field(factory=some_tokens)
    schema: MemoryMigrations = field(factory=MemoryMigrations)
    faults: Sequence[Fault] = ()
    away: str = ""
    key_file: Path | None = None
    notes: list[str] = field(factory=list)
    demo_file: Path = Path("no demo")
    tools: Path = Path("no tools")

    def open(self) -> Shop:
        self.check_settings()
        if self.away:
            raise UnavailableError(self.away)
        if self.key_file is not None and not self.key_file.exists():
            self.key_file.write_text("the-new-key\n")
        return self.shop

    def opener(self) -> AbstractContextManager[Callable[[], tuple[Shop, HttpConfig]]]:
        return nullcontext(lambda: (self.open(), HttpConfig()))

    def migrations(self) -> AbstractContextManager[Migrations]:
        return nullcontext(self.schema)

    def address(self) -> AbstractContextManager[Mapping[str, str]]:
        return nullcontext({"PGHOST": "db.example", "PGPASSWORD": "a-secret"})

    def tool_folders(self) -> list[Path]:
        return [self.tools]

    def tokens(self) -> Tokens:
        self.check_settings()
        return self.signing

    def check_settings(self) -> None:
        if self.faults:
            raise ConfigurationError(self.faults)

    def example_settings(self) -> str:
        return "# POSTGRES_URL=\n"

    def admin_key_file(self) -> Path | None:
        return self.key_file

    def start_notes(self) -> list[str]:
        return self.notes

    def demo(self) -> Path:
        return self.demo_file


@frozen
class Answer:
    """What came of a command."""

    code: int
    out: str
    err: str


Typed = Callable[..., Answer]
