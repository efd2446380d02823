"""How refusals become exit codes and sentences."""

import orjson
import pytest
from attrs import evolve

from eggypro_cli.errors import MESSAGES_BY_ERROR, _sentence, message_for, problem
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


def test_every_kind_of_error_has_an_answer() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    assert set(MESSAGES_BY_ERROR) == {kind for kind in kinds if EggyProError in kind.__mro__[1:]}


def test_an_adapter_s_own_kind_is_answered_as_its_parent() -> None:
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
    ],
)
def test_the_exit_code_tells_refused_configured_and_away(error: EggyProError, code: int) -> None:
    assert message_for(error).code == code


def test_a_problem_names_every_fault() -> None:
    faults = [FieldError("price", "Price too high"), FieldError("name", "Name is required")]
    assert problem(ValidationError(faults))["errors"] == [
        {"field": "price", "message": "Price too high"},
        {"field": "name", "message": "Name is required"},
    ]


def test_one_fault_is_one_sentence_that_points_to_the_help(typed: RunCommand) -> None:
    answer = typed("products", "update", "egg", "--price", "0")
    assert answer.code == 1
    assert answer.err == ("price: Price must be positive; see `eggypro products update --help`.\n")


def test_several_faults_are_a_line_each(typed: RunCommand) -> None:
    answer = typed("products", "update", "egg", "--price", "0", "--name", "[egg]")
    assert answer.err.splitlines() == [
        "2 validation errors:",
        "  name: Name contains invalid characters",
        "  price: Price must be positive",
        "Nothing was changed; see `eggypro products update --help`.",
    ]


def test_very_many_faults_are_cut_for_people_but_not_for_machines() -> None:
    error = ValidationError([FieldError(f"field{number}", "Unknown field") for number in range(30)])
    lines = _sentence(error, "eggypro").splitlines()
    assert len(lines) == 23
    assert lines[-2] == "  ... and 10 more"
    assert len(orjson.loads(orjson.dumps(problem(error)["errors"]))) == 30


@pytest.mark.parametrize(
    "words",
    [["products", "list"], ["products", "show", "egg"], ["seed"], ["stock", "set", "a", "1"]],
)
def test_a_service_that_is_away_exits_with_3(
    typed: RunCommand, world: MemoryRuntime, words: list[str]
) -> None:
    world.unavailable_message = "The database does not answer"
    answer = typed(*words)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err == "The database does not answer.\n"


@pytest.mark.parametrize(
    "words", [["frob"], ["products"], ["products", "show"], ["products", "list", "--nope"]]
)
def test_wrong_usage_exits_with_2_and_points_to_the_help(
    typed: RunCommand, words: list[str]
) -> None:
    answer = typed(*words)
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1
    assert "--help`." in answer.err


def test_wrong_usage_is_problem_json_too(typed: RunCommand) -> None:
    answer = typed("products", "list", "--nope", "--json")
    assert answer.code == 2
    assert orjson.loads(answer.err)["title"] == "Usage"


def test_wrong_usage_that_is_not_utf_8_is_json_all_the_same(typed: RunCommand) -> None:
    detail = orjson.loads(typed("\udcff", "--json").err)["detail"]
    assert detail == "No such command '\\udcff'."


def test_an_interrupt_exits_with_130_and_no_traceback(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    world.shop = evolve(make_shop(), close=interrupted)
    answer = typed("products", "list")
    assert (answer.code, answer.err) == (130, "")
