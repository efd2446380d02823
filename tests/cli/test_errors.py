"""Exit codes, messages and problem JSON of errors."""

import orjson
import pytest
from attrs import evolve

from eggypro_cli.errors import (
    MESSAGES_BY_ERROR,
    _sentence,
    message_for,
    print_error,
    problem,
)
from eggypro_core import (
    ConfigurationError,
    ConflictError,
    EggyProError,
    FieldError,
    ForbiddenError,
    NotFoundError,
    ParseError,
    SlugMovedError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
    UpstreamError,
    ValidationError,
    VersionConflictError,
    errors,
)
from tests.support.builders import make_shop
from tests.support.runtime import MemoryRuntime, RunCommand


def test_every_error_class_has_a_message() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    assert set(MESSAGES_BY_ERROR) == {kind for kind in kinds if EggyProError in kind.__mro__[1:]}


def test_unknown_subclass_uses_the_message_of_its_base_class() -> None:
    class CollisionError(ConflictError):
        pass

    assert message_for(CollisionError("Later")) == MESSAGES_BY_ERROR[ConflictError]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValidationError([FieldError("price", "Price too high")]), 1),
        (ParseError("What?"), 1),
        (UnauthenticatedError("Who?"), 1),
        (ForbiddenError("You?"), 1),
        (NotFoundError("Where?"), 1),
        (SlugMovedError("there"), 1),
        (ConflictError("Taken"), 1),
        (VersionConflictError("Too late"), 1),
        (ConfigurationError([FieldError("PORT", "is wrong")]), 2),
        (TooLargeError("Too much"), 1),
        (UpstreamError("Broken"), 3),
        (UnavailableError("Away"), 3),
        (errors.StorageFullError("Full"), 3),
    ],
)
def test_exit_code_depends_on_the_error_class(error: EggyProError, code: int) -> None:
    assert message_for(error).code == code


def test_problem_lists_every_field_error() -> None:
    field_errors = [FieldError("price", "Price too high"), FieldError("name", "Name is required")]
    assert problem(ValidationError(field_errors))["errors"] == [
        {"field": "price", "message": "Price too high"},
        {"field": "name", "message": "Name is required"},
    ]


def test_single_validation_error_is_one_sentence_with_a_hint_to_help(
    run_command: RunCommand,
) -> None:
    result = run_command("products", "update", "egg", "--price", "0")
    assert result.code == 1
    assert result.err == ("price: Price must be positive; see `eggypro products update --help`.\n")


def test_several_validation_errors_are_listed_one_per_line(run_command: RunCommand) -> None:
    result = run_command("products", "update", "egg", "--price", "0", "--name", "<egg>")
    assert result.err.splitlines() == [
        "2 validation errors:",
        "  name: Name contains invalid characters",
        "  price: Price must be positive",
        "Nothing was changed; see `eggypro products update --help`.",
    ]


def test_long_error_lists_are_truncated_except_in_json() -> None:
    error = ValidationError([FieldError(f"field{number}", "Unknown field") for number in range(30)])
    lines = _sentence(error, "eggypro").splitlines()
    assert len(lines) == 23
    assert lines[-2] == "  ... and 10 more"
    assert len(orjson.loads(orjson.dumps(problem(error)["errors"]))) == 30


@pytest.mark.parametrize(
    "words",
    [["products", "list"], ["products", "show", "egg"], ["seed"], ["stock", "set", "a", "1"]],
)
def test_unavailable_service_exits_with_3(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str]
) -> None:
    runtime.unavailable_message = "The database is unavailable"
    result = run_command(*words)
    assert (result.code, result.out) == (3, "")
    assert result.err == "The database is unavailable.\n"


def test_service_that_rejects_the_settings_exits_with_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = UnavailableError("Wrong password", kind=errors.UnavailableKind.MISCONFIGURED)
    assert print_error(error, json=False) == 2
    assert capsys.readouterr().err == "Wrong password.\n"


@pytest.mark.parametrize(
    "words", [["frob"], ["products"], ["products", "show"], ["products", "list", "--nope"]]
)
def test_usage_error_exits_with_2_and_a_hint_to_help(
    run_command: RunCommand, words: list[str]
) -> None:
    result = run_command(*words)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert "--help`." in result.err


def test_usage_error_is_problem_json(run_command: RunCommand) -> None:
    result = run_command("products", "list", "--nope", "--json")
    assert result.code == 2
    assert orjson.loads(result.err)["title"] == "Usage"


def test_usage_error_with_invalid_utf_8_is_problem_json(run_command: RunCommand) -> None:
    detail = orjson.loads(run_command("\udcff", "--json").err)["detail"]
    assert detail == "No such command '\\udcff'."


def test_interrupt_exits_with_130_without_traceback(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    runtime.shop = evolve(make_shop(), close=interrupted)
    result = run_command("products", "list")
    assert (result.code, result.err) == (130, "")
