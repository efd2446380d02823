"""The program as a shell starts it: help, version, imports and pipes."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from eggypro_cli.main import _build_command, app
from tests.support.runtime import RunCommand

COMMANDS = [
    ["openapi"],
    *(["products", name] for name in ("list", "search", "show", "import", "export")),
    *(["products", name] for name in ("create", "update", "archive", "restore", "delete")),
    *(["stock", name] for name in ("set", "adjust")),
    *(["variants", name] for name in ("list", "show", "create", "update", "delete")),
    *(["categories", name] for name in ("list", "show", "create", "update", "archive")),
    *(["categories", name] for name in ("restore", "delete", "link", "unlink")),
    *(["reviews", name] for name in ("list", "verify", "delete")),
    ["search", "zero-results"],
    *(["metrics", name] for name in ("summary", "top", "prune")),
    ["health"],
    *(["images", name] for name in ("upload", "prune")),
    *(["db", name] for name in ("upgrade", "downgrade", "current", "history", "revision", "check")),
    *(["db", name] for name in ("introspect", "studio")),
    *(["env", name] for name in ("check", "example")),
    *(["cache", name] for name in ("clear", "stats")),
    ["auth", "token"],
    ["deploy", "check"],
    ["maintenance", "run"],
    ["serve"],
    ["seed"],
]
ALIASES = {("upkeep",): ["maintenance", "run"], ("search", "misses"): ["search", "zero-results"]}
HEAVY = {
    *("sqlalchemy", "psycopg", "alembic", "falcon", "granian"),
    *("orjson", "rich", "jwt", "eggypro_core"),
}
ROOT = Path(__file__).parents[2]
HELP = f"""
import sys
from eggypro_cli.main import main
code = main(sys.argv[1:])
found = sorted({HEAVY} & set(sys.modules))
sys.exit(f"imported {{found}}" if found else code)
"""
ALL_HELP = f"""
import sys
from eggypro_cli.main import main
for words in {[[], *COMMANDS]}:
    main([*words, "--help"])
found = sorted({HEAVY} & set(sys.modules))
sys.exit(f"imported {{found}}" if found else 0)
"""
IN_BASH = """
eval "$(_EGGYPRO_COMPLETE=source_bash eggypro)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_eggypro_completion eggypro
echo "${COMPREPLY[@]}"
"""
LIST = """
import sys
from tests.support.builders import product_values
from tests.support.runtime import MemoryRuntime
from eggypro_cli.main import main
runtime = MemoryRuntime()
for number in range(90):
    runtime.shop.products.create(product_values(name=f"Egg {{number}}", description="x" * 3000))
sys.exit(main({words!r}, runtime))
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
        if not child.hidden:
            yield from commands(child, [*path, name])


@pytest.mark.parametrize("alias", ALIASES, ids=" ".join)
def test_former_names_are_hidden_aliases(typed: RunCommand, alias: tuple[str, ...]) -> None:
    assert typed(*alias, "--json") == typed(*ALIASES[alias], "--json")
    assert typed(*alias, "--json").code == 0
    assert f"  {alias[-1]} " not in typed(*alias[:-1], "--help").out


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_help_has_a_sentence_examples_and_json_within_80_columns(
    typed: RunCommand, words: list[str]
) -> None:
    answer = typed(*words, "--help")
    lines = answer.out.splitlines()
    assert answer.code == 0
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("  ")
    assert f"    eggypro {' '.join(words)}" in answer.out
    assert "--json" in answer.out


def test_the_bare_command_shows_the_help(typed: RunCommand) -> None:
    assert typed() == typed("--help")
    assert "Usage: eggypro" in typed().out


@pytest.mark.parametrize("group", ["", *sorted({words[0] for words in COMMANDS if words[1:]})])
def test_the_summary_of_each_command_is_a_whole_sentence(typed: RunCommand, group: str) -> None:
    _, _, commands = typed(*filter(None, [group]), "--help").out.partition("Commands:\n")
    summaries = [line for line in commands.splitlines() if line.startswith("  ")]
    assert [line for line in summaries if line.endswith("...")] == []


@pytest.mark.parametrize("group", sorted({words[0] for words in COMMANDS if words[1:]}))
def test_the_help_of_each_group_has_examples_within_80_columns(
    typed: RunCommand, group: str
) -> None:
    lines = typed(group, "--help").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith(f"    eggypro {group}") for line in lines)


@pytest.mark.parametrize("words", [[], ["--help"], ["products", "list", "--help"]])
def test_no_more_groups_are_build_command_than_were_typed(words: list[str]) -> None:
    """To build all of them takes as long as to load Typer."""
    built = vars(_build_command(words))["commands"]
    full = [name for name, one in built.items() if vars(one).get("commands")]
    assert full == [word for word in words[:1] if word in built]


def test_no_help_imports_anything_heavy() -> None:
    assert python(ALL_HELP).stderr == b""


@pytest.mark.parametrize(
    ("typed_words", "offered"),
    [
        (["eggypro", "products", "im"], "import"),
        (["eggypro", "stock", ""], "set adjust"),
        (["eggypro", "products", "export", "--format", "sh"], "shopify"),
    ],
)
def test_bash_completes_commands_and_values(typed_words: list[str], offered: str) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", IN_BASH, "bash", *typed_words],
        capture_output=True,
        env={**os.environ, "PATH": path},
        check=False,
        timeout=60,
    )
    assert (done.stdout.decode().split(), done.stderr) == (offered.split(), b"")


def test_zsh_gets_a_script_and_what_it_asks_for() -> None:
    script = python(HELP, _EGGYPRO_COMPLETE="source_zsh")
    offered = python(
        HELP, _EGGYPRO_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="eggypro products im"
    )
    assert script.stdout.strip().startswith(b"#compdef eggypro")
    assert b'"import"' in offered.stdout
    assert b'"export"' not in offered.stdout


def test_the_version_is_the_package_s(typed: RunCommand) -> None:
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


@pytest.mark.parametrize(
    "words",
    [["products", "list"], ["products", "list", "--json"], ["products", "list", "--help"]],
    ids=" ".join,
)
def test_a_disk_that_is_full_is_one_sentence(words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", on_products(*words)],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            check=False,
        )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert b"Reading or writing failed: No space left on device" in done.stderr


@pytest.mark.parametrize(("closed", "code"), [("<&-", 1), (">&-", 0), ("2>&-", 1)])
def test_a_stream_that_the_shell_closed_is_no_error(closed: str, code: int) -> None:
    """The question has no answer without stdin, and is not heard without stderr."""
    words = ["products", "list"] if closed == ">&-" else ["products", "delete", "egg-1"]
    done = subprocess.run(
        ["sh", "-c", f'"$0" -c "$1" {closed}', sys.executable, on_products(*words)],
        input=b"",
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == code
    assert b"Traceback" not in done.stderr


def test_an_interrupt_while_the_program_is_loaded_is_no_traceback() -> None:
    program = f"{INTERRUPTED_IMPORT}; from eggypro_cli.__main__ import run; sys.exit(run())"
    done = python(program)
    assert (done.returncode, done.stderr) == (130, b"")


INTERRUPTED_IMPORT = """
import sys
class Finder:
    def find_spec(self, name, *_):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
""".strip()


def test_a_terminal_without_the_letters_shows_what_it_can() -> None:
    shown = python(on_products("products", "show", "none-süch"), PYTHONIOENCODING="ascii")
    assert shown.returncode == 1
    assert b"'none-s\\xfcch'" in shown.stderr


def test_json_is_utf_8_whatever_the_terminal() -> None:
    program = on_products("products", "list", "--limit", "1", "--json")
    assert python(program, PYTHONIOENCODING="ascii").stdout.startswith(b'{"items":[{"id"')


def test_the_console_script_exits_with_the_code() -> None:
    [script] = entry_points(group="console_scripts", name="eggypro")
    program = f"from {script.module} import {script.attr}; sys.exit({script.attr}())"
    assert python(f"import sys; sys.argv[1:] = ['frob']; {program}").returncode == 2


def test_the_module_is_the_program() -> None:
    done = subprocess.run([sys.executable, "-m", "eggypro_cli", "frob"], check=False, cwd=ROOT)
    assert done.returncode == 2


def test_the_page_of_the_commands_names_each() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    assert [words for words in COMMANDS if f"eggypro {' '.join(words)}" not in page] == []


def test_the_page_of_the_commands_names_none_that_is_not() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    named = re.findall(r"^eggypro ([a-z]+(?: [a-z]+)?)", page, re.MULTILINE)
    known = {" ".join(words) for words in COMMANDS} | {words[0] for words in COMMANDS}
    assert named
    assert {name for name in named if name not in known and name.split()[0] not in known} == set()


def test_typer_offers_what_main_catches() -> None:
    assert issubclass(typer.BadParameter, typer.TyperException)
