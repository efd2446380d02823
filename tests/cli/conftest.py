"""What the tests of the command line share: a world in memory, and a way to type commands."""

import pytest

from eggypro_cli.main import main
from tests.support.runtime import CommandResult, MemoryRuntime, RunCommand


@pytest.fixture
def world() -> MemoryRuntime:
    return MemoryRuntime()


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def typed(world: MemoryRuntime, capsys: pytest.CaptureFixture[str]) -> RunCommand:
    """Run `eggypro WORDS` in the world, and say what came of it."""

    def run(*words: str) -> CommandResult:
        capsys.readouterr()
        code = main(list(words), world)
        out, err = capsys.readouterr()
        return CommandResult(code, out, err)

    return run
