"""The program as started by a shell: help, version, imports, completion and streams."""

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
    *(["stock", name] for name in ("set", "adjust", "import")),
    *(["variants", name] for name in ("list", "show", "create", "update", "delete")),
    *(["categories", name] for name in ("list", "show", "create", "update", "archive")),
    *(["categories", name] for name in ("restore", "delete", "link", "unlink")),
    *(["reviews", name] for name in ("list", "verify", "delete")),
    ["search", "zero-results"],
    *(["metrics", name] for name in ("summary", "top", "errors", "prune")),
    ["health"],
    *(["images", name] for name in ("upload", "prune")),
    *(["db", name] for name in ("upgrade", "downgrade", "current", "history", "revision", "check")),
    *(["db", name] for name in ("introspect", "studio", "dump", "restore")),
    *(["env", name] for name in ("check", "example")),
    *(["cache", name] for name in ("clear", "stats")),
    ["auth", "token"],
    *(["events", name] for name in ("follow", "list")),
    *(["keys", name] for name in ("create", "list", "revoke")),
    ["products", "history"],
    ["products", "bulk-update"],
    ["undo"],
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
HELP_PROGRAM = f"""
import sys
from eggypro_cli.main import main
code = main(sys.argv[1:])
heavy = sorted({HEAVY} & set(sys.modules))
sys.exit(f"imported {{heavy}}" if heavy else code)
"""
ALL_HELP_PROGRAM = f"""
import sys
from eggypro_cli.main import main
for words in {[[], *COMMANDS]}:
    main([*words, "--help"])
heavy = sorted({HEAVY} & set(sys.modules))
sys.exit(f"imported {{heavy}}" if heavy else 0)
"""
BASH_COMPLETION = """
eval "$(_EGGYPRO_COMPLETE=source_bash eggypro)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_eggypro_completion eggypro
echo "${COMPREPLY[@]}"
"""
PRODUCTS_PROGRAM = """
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
    return PRODUCTS_PROGRAM.format(words=list(words))


def test_commands_list_is_complete() -> None:
    assert sorted(COMMANDS) == sorted(commands(get_command(app), []))


def commands(command: object, path: Sequence[str]) -> Iterator[list[str]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield list(path)
    for name, child in (children or {}).items():
        if not child.hidden:
            yield from commands(child, [*path, name])


@pytest.mark.parametrize("alias", ALIASES, ids=" ".join)
def test_former_names_are_hidden_aliases(run_command: RunCommand, alias: tuple[str, ...]) -> None:
    assert run_command(*alias, "--json") == run_command(*ALIASES[alias], "--json")
    assert run_command(*alias, "--json").code == 0
    assert f"  {alias[-1]} " not in run_command(*alias[:-1], "--help").out


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_has_summary_examples_and_json_within_80_columns(
    run_command: RunCommand, words: list[str]
) -> None:
    result = run_command(*words, "--help")
    lines = result.out.splitlines()
    assert result.code == 0
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("  ")
    assert f"    eggypro {' '.join(words)}" in result.out
    assert "--json" in result.out


def test_no_arguments_shows_help(run_command: RunCommand) -> None:
    assert run_command() == run_command("--help")
    assert "Usage: eggypro" in run_command().out


@pytest.mark.parametrize("group", ["", *sorted({words[0] for words in COMMANDS if words[1:]})])
def test_command_summaries_are_not_truncated(run_command: RunCommand, group: str) -> None:
    _, _, commands = run_command(*filter(None, [group]), "--help").out.partition("Commands:\n")
    summaries = [line for line in commands.splitlines() if line.startswith("  ")]
    assert [line for line in summaries if line.endswith("...")] == []


@pytest.mark.parametrize("group", sorted({words[0] for words in COMMANDS if words[1:]}))
def test_group_help_has_examples_within_80_columns(run_command: RunCommand, group: str) -> None:
    lines = run_command(group, "--help").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith(f"    eggypro {group}") for line in lines)


@pytest.mark.parametrize("words", [[], ["--help"], ["products", "list", "--help"]])
def test_only_requested_groups_are_built(words: list[str]) -> None:
    """Building all groups takes as long as importing Typer."""
    groups = vars(_build_command(words))["commands"]
    full = [name for name, group in groups.items() if vars(group).get("commands")]
    assert full == [word for word in words[:1] if word in groups]


def test_help_imports_no_heavy_modules() -> None:
    assert python(ALL_HELP_PROGRAM).stderr == b""


@pytest.mark.parametrize(
    ("words", "suggestions"),
    [
        (["eggypro", "products", "im"], "import"),
        (["eggypro", "stock", ""], "set adjust import"),
        (["eggypro", "products", "export", "--format", "sh"], "shopify"),
    ],
)
def test_bash_completes_commands_and_values(words: list[str], suggestions: str) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    process = subprocess.run(
        ["bash", "-c", BASH_COMPLETION, "bash", *words],
        capture_output=True,
        env={**os.environ, "PATH": path},
        check=False,
        timeout=60,
    )
    assert (process.stdout.decode().split(), process.stderr) == (suggestions.split(), b"")


def test_zsh_completes_commands() -> None:
    script = python(HELP_PROGRAM, _EGGYPRO_COMPLETE="source_zsh")
    completions = python(
        HELP_PROGRAM, _EGGYPRO_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="eggypro products im"
    )
    assert script.stdout.strip().startswith(b"#compdef eggypro")
    assert b'"import"' in completions.stdout
    assert b'"export"' not in completions.stdout


def test_version_is_printed(run_command: RunCommand) -> None:
    result = run_command("--version")
    assert result.code == 0
    assert result.out.startswith("eggypro 0.")


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_closed_pipe_is_not_an_error(json: list[str]) -> None:
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
def test_full_disk_is_reported_in_one_sentence(words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        process = subprocess.run(
            [sys.executable, "-c", on_products(*words)],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            check=False,
        )
    assert process.returncode == 3
    assert len(process.stderr.splitlines()) == 1
    assert b"Reading or writing failed: No space left on device" in process.stderr


@pytest.mark.parametrize(("closed", "code"), [("<&-", 1), (">&-", 0), ("2>&-", 1)])
def test_closed_standard_streams_cause_no_traceback(closed: str, code: int) -> None:
    """The prompt gets no reply without stdin, and is not visible without stderr."""
    words = ["products", "list"] if closed == ">&-" else ["products", "delete", "egg-1"]
    process = subprocess.run(
        ["sh", "-c", f'"$0" -c "$1" {closed}', sys.executable, on_products(*words)],
        input=b"",
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert process.returncode == code
    assert b"Traceback" not in process.stderr


def test_interrupt_during_import_causes_no_traceback() -> None:
    program = f"{INTERRUPTED_IMPORT}; from eggypro_cli.__main__ import run; sys.exit(run())"
    process = python(program)
    assert (process.returncode, process.stderr) == (130, b"")


INTERRUPTED_IMPORT = """
import sys
class Finder:
    def find_spec(self, name, *_):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
""".strip()


def test_unencodable_characters_are_escaped() -> None:
    process = python(on_products("products", "show", "none-süch"), PYTHONIOENCODING="ascii")
    assert process.returncode == 1
    assert b"'none-s\\xfcch'" in process.stderr


def test_json_is_utf_8_in_any_terminal_encoding() -> None:
    program = on_products("products", "list", "--limit", "1", "--json")
    assert python(program, PYTHONIOENCODING="ascii").stdout.startswith(b'{"items":[{"id"')


def test_console_script_returns_the_exit_code() -> None:
    [script] = entry_points(group="console_scripts", name="eggypro")
    program = f"from {script.module} import {script.attr}; sys.exit({script.attr}())"
    assert python(f"import sys; sys.argv[1:] = ['frob']; {program}").returncode == 2


def test_package_runs_as_module() -> None:
    process = subprocess.run([sys.executable, "-m", "eggypro_cli", "frob"], check=False, cwd=ROOT)
    assert process.returncode == 2


def test_docs_mention_every_command() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    assert [words for words in COMMANDS if f"eggypro {' '.join(words)}" not in page] == []


def test_docs_mention_no_unknown_command() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    named = re.findall(r"^eggypro ([a-z]+(?: [a-z]+)?)", page, re.MULTILINE)
    known = {" ".join(words) for words in COMMANDS} | {words[0] for words in COMMANDS}
    assert named
    assert {name for name in named if name not in known and name.split()[0] not in known} == set()


def test_bad_parameter_is_a_typer_exception() -> None:
    assert issubclass(typer.BadParameter, typer.TyperException)
