"""`eggypro env`: the settings, and how every command refuses wrong ones."""

import orjson
import pytest

from eggypro_core import FieldError
from tests.support.runtime import MemoryRuntime, RunCommand

FAULTS = (
    FieldError("POSTGRES_URL", "POSTGRES_URL is required"),
    FieldError("CACHE_TTL", "CACHE_TTL must be a whole number"),
)


def test_good_settings_are_ok(typed: RunCommand) -> None:
    answer = typed("env", "check")
    assert (answer.code, answer.out, answer.err) == (0, "ok\n", "")
    assert orjson.loads(typed("env", "check", "--json").out) == {"status": "ok"}


@pytest.mark.parametrize("words", [["env", "check"], ["products", "list"], ["seed"]])
def test_all_wrong_settings_are_listed_together(
    typed: RunCommand, world: MemoryRuntime, words: list[str]
) -> None:
    world.settings_errors = FAULTS
    answer = typed(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.splitlines() == [
        "Invalid settings:",
        "  POSTGRES_URL is required",
        "  CACHE_TTL must be a whole number",
        "`eggypro env example` explains every setting.",
    ]


def test_wrong_settings_are_problem_json_with_each_fault(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    world.settings_errors = FAULTS
    answer = typed("env", "check", "--json")
    assert answer.code == 2
    assert orjson.loads(answer.err)["errors"] == [
        {"field": "POSTGRES_URL", "message": "POSTGRES_URL is required"},
        {"field": "CACHE_TTL", "message": "CACHE_TTL must be a whole number"},
    ]


def test_the_example_is_printed_as_it_is(typed: RunCommand) -> None:
    assert typed("env", "example").out == "# POSTGRES_URL=\n"
    assert orjson.loads(typed("env", "example", "--json").out) == {"example": "# POSTGRES_URL=\n"}
