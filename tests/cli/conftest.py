"""Fixtures of the command-line tests: an in-memory runtime, and running commands on it."""

import pytest

from eggypro_cli.main import main
from tests.support.runtime import CommandResult, MemoryRuntime, RunCommand


@pytest.fixture
def runtime() -> MemoryRuntime:
    return MemoryRuntime()


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run_command(runtime: MemoryRuntime, capsys: pytest.CaptureFixture[str]) -> RunCommand:
    """Return a function that runs `eggypro WORDS` and returns its exit code and output."""

    def run(*words: str) -> CommandResult:
        capsys.readouterr()
        code = main(list(words), runtime)
        out, err = capsys.readouterr()
        return CommandResult(code, out, err)

    return run
