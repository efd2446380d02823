"""The program as a shell starts it: help, version, imports and pipes."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from eggypro_cli.main import app
from tests.cli.world import Typed

COMMANDS = [
    *(["products", name] for name in ("list", "search", "show", "import")),
    *(["categories", name] for name in ("list", "show", "create", "update", "archive", "restore")),
    *(["categories", name] for name in ("delete", "link", "unlink")),
    *(["db", name] for name in ("upgrade", "downgrade", "current", "history", "revision", "check")),
    *(["env", name] for name in ("check", "example")),
    ["serve"],
    ["seed"],
]
HEAVY = {
    *("sqlalchemy", "psycopg", "alembic", "falcon", "granian"),
    *("orjson", "rich", "eggypro_core"),
}
ROOT = Path(__file__).parents[2]
HELP = f"""
import sys
from eggypro_cli.main import main
code = main(sys.argv[1:])
found = sorted({HEAVY} & set(sys.modules))
sys.exit(f"imported {{found}}" if found else code)
"""
LIST = """
import sys
from tests.builders import a_product
from tests.cli.world import World
from eggypro_cli.main import main
world = World()
for number in range(90):
    world.eggypro.catalog.add(a_product(name=f"Egg {{number}}", description="x" * 3000))
sys.exit(main({words!r}, world))
"""


def python(program: str, *args: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", program, *args],
        capture_output=True,
        env={**os.environ, **variables},
        cwd=ROOT,
        check=False,
        timeout=60,
    )


def on_products(*words: str) -> str:
    return LIST.format(words=list(words))


def test_every_command_is_tested_for_its_help() -> None:
    assert sorted(COMMANDS) == sorted(commands(get_command(app), []))


def commands(command: object, path: Sequence[str]) -> Iterator[list[str]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield list(path)
    for name, child in (children or {}).items():
        yield from commands(child, [*path, name])


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_help_has_a_sentence_examples_and_json_within_80_columns(
    typed: Typed, words: list[str]
) -> None:
    answer = typed(*words, "--help")
    lines = answer.out.splitlines()
    assert answer.code == 0
    assert max(map(len, lines[: lines.index("  Examples:")])) <= 80
    assert lines[2].startswith("  ")
    assert f"    eggypro {' '.join(words)}" in answer.out
    assert "--json" in answer.out


def test_the_bare_command_shows_the_help(typed: Typed) -> None:
    assert typed() == typed("--help")
    assert "Usage: eggypro" in typed().out


@pytest.mark.parametrize("words", [["--help"], ["products", "--help"], ["serve", "--help"]])
def test_the_help_imports_nothing_heavy(words: list[str]) -> None:
    assert python(HELP, *words).stderr == b""


def test_the_version_is_the_package_s(typed: Typed) -> None:
    answer = typed("--version")
    assert answer.code == 0
    assert answer.out.startswith("eggypro 0.")


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_a_reader_that_has_gone_is_no_error(json: list[str]) -> None:
    program = on_products("products", "list", "--limit", "90", *json)
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_terminal_without_the_letters_shows_what_it_can() -> None:
    shown = python(on_products("products", "show", "none-süch"), PYTHONIOENCODING="ascii")
    assert shown.returncode == 1
    assert b"'none-s\\xfcch'" in shown.stderr


def test_json_is_utf_8_whatever_the_terminal() -> None:
    program = on_products("products", "list", "--limit", "1", "--json")
    assert python(program, PYTHONIOENCODING="ascii").stdout.startswith(b'{"items":[{"id"')


def test_the_console_script_exits_with_the_code() -> None:
    script = f"import sys; sys.argv[1:] = ['frob']; {SCRIPT}"
    assert python(script).returncode == 2


SCRIPT = "from eggypro_cli.main import main; sys.exit(main())"


def test_typer_offers_what_main_catches() -> None:
    assert issubclass(typer.BadParameter, typer.TyperException)
