"""`eggypro env`, and invalid settings in other commands."""

import orjson
import pytest

from eggypro_core import FieldError
from tests.support.runtime import MemoryRuntime, RunCommand

SETTINGS_ERRORS = (
    FieldError("POSTGRES_URL", "POSTGRES_URL is required"),
    FieldError("CACHE_TTL", "CACHE_TTL must be a whole number"),
)


def test_settings_in_force_are_shown_with_their_sources(run_command: RunCommand) -> None:
    result = run_command("env", "check")
    assert (result.code, result.err) == (0, "")
    assert [line.split() for line in result.out.splitlines()] == [
        ["setting", "value", "source"],
        ["CACHE_TTL", "300", "default"],
        ["JWT_SECRET", "***", "environment"],
        ["ok"],
    ]
    assert orjson.loads(run_command("env", "check", "--json").out) == {
        "status": "ok",
        "settings": [
            {"name": "CACHE_TTL", "value": "300", "source": "default"},
            {"name": "JWT_SECRET", "value": "***", "source": "environment"},
        ],
        "warnings": [],
    }


def test_misspelt_setting_is_a_warning(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    runtime.typos = ["CACHE_TTI is not a setting: did you mean CACHE_TTL?"]
    result = run_command("env", "check")
    assert (result.code, result.err.splitlines()) == (0, runtime.typos)
    body = orjson.loads(run_command("env", "check", "--json").out)
    assert body["warnings"] == runtime.typos
    assert runtime.typos[0] in run_command("deploy", "--json").out


@pytest.mark.parametrize("words", [["env", "check"], ["products", "list"], ["seed"]])
def test_all_invalid_settings_are_listed(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str]
) -> None:
    runtime.settings_errors = SETTINGS_ERRORS
    result = run_command(*words)
    assert (result.code, result.out) == (2, "")
    assert result.err.splitlines() == [
        "Invalid settings:",
        "  POSTGRES_URL is required",
        "  CACHE_TTL must be a whole number",
        "`eggypro env example` explains every setting.",
    ]


def test_invalid_settings_are_problem_json_with_all_errors(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.settings_errors = SETTINGS_ERRORS
    result = run_command("env", "check", "--json")
    assert result.code == 2
    assert orjson.loads(result.err)["errors"] == [
        {"field": "POSTGRES_URL", "message": "POSTGRES_URL is required"},
        {"field": "CACHE_TTL", "message": "CACHE_TTL must be a whole number"},
    ]


def test_example_is_printed_unchanged(run_command: RunCommand) -> None:
    assert run_command("env", "example").out == "# POSTGRES_URL=\n"
    assert orjson.loads(run_command("env", "example", "--json").out) == {
        "example": "# POSTGRES_URL=\n"
    }
