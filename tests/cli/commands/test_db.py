"""`eggypro db`."""

import io
import sys
from pathlib import Path

import orjson
import pytest

from eggypro_core.operations.migrations import TableSize
from tests.support.runtime import MemoryMigrations, MemoryRuntime, RunCommand


@pytest.fixture
def runtime() -> MemoryRuntime:
    return MemoryRuntime(schema=MemoryMigrations(at="0001"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["upgrade"], "The database is at 0002.\n"),
        (["upgrade", "0001"], "The database is at 0001.\n"),
        (["downgrade", "-1", "--yes"], "The database is empty.\n"),
        (["downgrade", "--yes", "base"], "The database is empty.\n"),
        (["current"], "The database is at 0001.\n"),
        (["history"], "0002  Weights\n0001  First tables\n"),
        (["revision", "-m", "New things"], "versions/0003_new_things.py\n"),
        (["check"], "The database matches the schema in the code.\n"),
    ],
)
def test_each_command_prints_the_new_state(
    run_command: RunCommand, words: list[str], sentence: str
) -> None:
    result = run_command("db", *words)
    assert (result.code, result.out, result.err) == (0, sentence, "")


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (["upgrade"], {"revision": "0002"}),
        (["downgrade", "base", "--yes"], {"revision": None}),
        (["current"], {"revision": "0001"}),
        (["revision", "-m", "New"], {"path": "versions/0003_new.py"}),
        (["check"], {"differences": []}),
    ],
)
def test_each_command_has_json(run_command: RunCommand, words: list[str], body: object) -> None:
    assert orjson.loads(run_command("db", *words, "--json").out) == body


def test_json_of_the_history_contains_revision_and_message(run_command: RunCommand) -> None:
    newest = orjson.loads(run_command("db", "history", "--json").out)["items"][0]
    assert newest == {"revision": "0002", "message": "Weights"}


@pytest.mark.parametrize("reply", ["", "n\n", "\n"])
def test_unconfirmed_downgrade_changes_nothing(
    run_command: RunCommand, runtime: MemoryRuntime, monkeypatch: pytest.MonkeyPatch, reply: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(reply))
    result = run_command("db", "downgrade", "base")
    assert (result.code, result.out) == (1, "")
    assert "Nothing was changed" in result.err
    assert runtime.schema.at == "0001"


def test_confirmed_downgrade_is_applied(
    run_command: RunCommand, runtime: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert run_command("db", "downgrade", "base").code == 0
    assert runtime.schema.at is None


def test_unknown_revision_is_rejected(run_command: RunCommand) -> None:
    result = run_command("db", "upgrade", "9999")
    assert (result.code, result.out) == (1, "")
    assert "There is no revision '9999'" in result.err


def test_unknown_option_of_downgrade_is_a_usage_error(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    assert run_command("db", "downgrade", "base", "--yse").code == 2
    assert runtime.schema.at == "0001"


def test_check_lists_all_differences_and_exits_with_1(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.schema.schema_differences = ("products has no column weight", "There is a table spare")
    result = run_command("db", "check")
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines()[:2] == list(runtime.schema.schema_differences)
    json_result = run_command("db", "check", "--json")
    assert (json_result.code, json_result.err) == (1, "")
    assert orjson.loads(json_result.out) == {"differences": list(runtime.schema.schema_differences)}


def test_introspect_shows_tables_and_differences(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.schema.sizes = (
        TableSize("products", 1_000_000, 711_000_000),
        TableSize("reviews", 0, 1),
    )
    runtime.schema.at = "0002"
    result = run_command("db", "introspect")
    assert (result.code, result.err) == (0, "")
    assert [line.split() for line in result.out.splitlines()] == [
        ["table", "rows", "MB"],
        ["products", "1,000,000", "711.0"],
        ["reviews", "0", "0.0"],
        [],
        "The database is at 0002 and matches the schema in the code.".split(),
    ]
    runtime.schema.schema_differences = ("The code does not know the table spare",)
    result = run_command("db", "introspect")
    assert (result.code, result.out.splitlines()[-1]) == (1, runtime.schema.schema_differences[0])
    body = orjson.loads(run_command("db", "introspect", "--json").out)
    assert body["tables"][1] == {"name": "reviews", "rows": 0, "bytes": 1}
    assert body["differences"] == [*runtime.schema.schema_differences]


@pytest.fixture
def tool(runtime: MemoryRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a fake psql as the only tool: it records its environment and exits with 7."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    runtime.postgres_bin_dir = tmp_path
    program = tmp_path / "psql"
    program.write_text(
        f'#!/bin/sh\necho "$PGHOST $PGPASSWORD $PGOPTIONS" > {tmp_path}/environment; exit 7\n'
    )
    program.chmod(0o700)
    return tmp_path / "environment"


def test_studio_is_read_only_without_write(run_command: RunCommand, tool: Path) -> None:
    assert run_command("db", "studio").code == 7
    assert tool.read_text() == "db.example a-secret -c default_transaction_read_only=on\n"
    assert run_command("db", "studio", "--write").code == 7
    assert tool.read_text() == "db.example a-secret \n"


def test_json_of_studio_contains_no_password(run_command: RunCommand, tool: Path) -> None:
    result = run_command("db", "studio", "--json")
    assert (result.code, tool.exists()) == (0, False)
    assert orjson.loads(result.out) == {
        "program": str(tool.with_name("psql")),
        "read_only": True,
        "address": {"PGHOST": "db.example"},
    }


@pytest.mark.parametrize("words", [["--tool", "no-such-tool"], []])
def test_missing_tool_is_reported_with_what_to_install(
    run_command: RunCommand, tool: Path, words: list[str]
) -> None:
    tool.with_name("psql").unlink()
    result = run_command("db", "studio", *words)
    assert (result.code, result.out) == (1, "")
    assert "pip install pgcli" in result.err
