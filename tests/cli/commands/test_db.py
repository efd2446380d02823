"""`eggypro db` over the migrations of a database."""

import io
import sys
from pathlib import Path

import orjson
import pytest

from eggypro_core.operations.migrations import TableSize
from tests.support.runtime import MemoryMigrations, MemoryRuntime, RunCommand


@pytest.fixture
def world() -> MemoryRuntime:
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
def test_each_command_says_what_is_the_case_now(
    typed: RunCommand, words: list[str], sentence: str
) -> None:
    answer = typed("db", *words)
    assert (answer.code, answer.out, answer.err) == (0, sentence, "")


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
def test_each_command_has_json(typed: RunCommand, words: list[str], body: object) -> None:
    assert orjson.loads(typed("db", *words, "--json").out) == body


def test_the_json_of_the_history_names_revision_and_message(typed: RunCommand) -> None:
    newest = orjson.loads(typed("db", "history", "--json").out)["items"][0]
    assert newest == {"revision": "0002", "message": "Weights"}


@pytest.mark.parametrize("reply", ["", "n\n", "\n"])
def test_a_downgrade_without_a_yes_changes_nothing(
    typed: RunCommand, world: MemoryRuntime, monkeypatch: pytest.MonkeyPatch, reply: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(reply))
    answer = typed("db", "downgrade", "base")
    assert (answer.code, answer.out) == (1, "")
    assert "Nothing was changed" in answer.err
    assert world.schema.at == "0001"


def test_a_downgrade_that_is_confirmed_is_done(
    typed: RunCommand, world: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert typed("db", "downgrade", "base").code == 0
    assert world.schema.at is None


def test_an_unknown_revision_is_refused(typed: RunCommand) -> None:
    answer = typed("db", "upgrade", "9999")
    assert (answer.code, answer.out) == (1, "")
    assert "There is no revision '9999'" in answer.err


def test_an_unknown_option_of_a_downgrade_is_wrong_usage(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    assert typed("db", "downgrade", "base", "--yse").code == 2
    assert world.schema.at == "0001"


def test_a_check_lists_every_difference_and_exits_with_1(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    world.schema.schema_differences = ("products has no column weight", "There is a table spare")
    answer = typed("db", "check")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.splitlines()[:2] == list(world.schema.schema_differences)
    in_json = typed("db", "check", "--json")
    assert (in_json.code, in_json.err) == (1, "")
    assert orjson.loads(in_json.out) == {"differences": list(world.schema.schema_differences)}


def test_what_is_in_the_database_is_shown_and_how_it_differs(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    world.schema.sizes = (TableSize("products", 1_000_000, 711_000_000), TableSize("reviews", 0, 1))
    world.schema.at = "0002"
    answer = typed("db", "introspect")
    assert (answer.code, answer.err) == (0, "")
    assert [line.split() for line in answer.out.splitlines()] == [
        ["table", "rows", "MB"],
        ["products", "1,000,000", "711.0"],
        ["reviews", "0", "0.0"],
        [],
        "The database is at 0002 and matches the schema in the code.".split(),
    ]
    world.schema.schema_differences = ("The code does not know the table spare",)
    answer = typed("db", "introspect")
    assert (answer.code, answer.out.splitlines()[-1]) == (1, world.schema.schema_differences[0])
    body = orjson.loads(typed("db", "introspect", "--json").out)
    assert body["tables"][1] == {"name": "reviews", "rows": 0, "bytes": 1}
    assert body["differences"] == [*world.schema.schema_differences]


@pytest.fixture
def tool(world: MemoryRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only tool there is: it writes down where it was sent, and ends with 7."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    world.postgres_bin_dir = tmp_path
    program = tmp_path / "psql"
    program.write_text(
        f'#!/bin/sh\necho "$PGHOST $PGPASSWORD $PGOPTIONS" > {tmp_path}/told; exit 7\n'
    )
    program.chmod(0o700)
    return tmp_path / "told"


def test_a_studio_only_reads_unless_it_is_told(typed: RunCommand, tool: Path) -> None:
    assert typed("db", "studio").code == 7
    assert tool.read_text() == "db.example a-secret -c default_transaction_read_only=on\n"
    assert typed("db", "studio", "--write").code == 7
    assert tool.read_text() == "db.example a-secret \n"


def test_machines_are_told_of_the_studio_and_no_secret(typed: RunCommand, tool: Path) -> None:
    told = typed("db", "studio", "--json")
    assert (told.code, tool.exists()) == (0, False)
    assert orjson.loads(told.out) == {
        "program": str(tool.with_name("psql")),
        "read_only": True,
        "address": {"PGHOST": "db.example"},
    }


@pytest.mark.parametrize("words", [["--tool", "no-such-tool"], []])
def test_where_there_is_no_tool_it_is_said_what_to_install(
    typed: RunCommand, tool: Path, words: list[str]
) -> None:
    tool.with_name("psql").unlink()
    told = typed("db", "studio", *words)
    assert (told.code, told.out) == (1, "")
    assert "pip install pgcli" in told.err
