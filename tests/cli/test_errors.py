"""How refusals become exit codes and sentences."""

import orjson
import pytest
from attrs import evolve

from eggypro_cli.errors import ANSWERS, _sentence, answer_to, problem
from eggypro_core import (
    ConfigurationError,
    ConflictError,
    EggyProError,
    Fault,
    ForbiddenError,
    InvalidError,
    MalformedError,
    MovedError,
    NotFoundError,
    ServiceFailedError,
    StaleError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
    errors,
)
from tests.support.builders import a_shop
from tests.support.runtime import Typed, World


def test_every_kind_of_error_has_an_answer() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    assert set(ANSWERS) == {kind for kind in kinds if EggyProError in kind.__mro__[1:]}


def test_an_adapter_s_own_kind_is_answered_as_its_parent() -> None:
    class CollisionError(ConflictError):
        pass

    assert answer_to(CollisionError("Later")) == ANSWERS[ConflictError]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidError([Fault("price", "Price too high")]), 1),
        (MalformedError("What?"), 1),
        (UnauthenticatedError("Who?"), 1),
        (ForbiddenError("You?"), 1),
        (NotFoundError("Where?"), 1),
        (MovedError("there"), 1),
        (ConflictError("Taken"), 1),
        (StaleError("Too late"), 1),
        (ConfigurationError([Fault("PORT", "is wrong")]), 2),
        (TooLargeError("Too much"), 1),
        (ServiceFailedError("Broken"), 3),
        (UnavailableError("Away"), 3),
    ],
)
def test_the_exit_code_tells_refused_configured_and_away(error: EggyProError, code: int) -> None:
    assert answer_to(error).code == code


def test_a_problem_names_every_fault() -> None:
    faults = [Fault("price", "Price too high"), Fault("name", "Name is required")]
    assert problem(InvalidError(faults))["errors"] == [
        {"field": "price", "message": "Price too high"},
        {"field": "name", "message": "Name is required"},
    ]


def test_one_fault_is_one_sentence_that_points_to_the_help(typed: Typed) -> None:
    answer = typed("products", "update", "egg", "--price", "0")
    assert answer.code == 1
    assert answer.err == ("price: Price must be positive; see `eggypro products update --help`.\n")


def test_several_faults_are_a_line_each(typed: Typed) -> None:
    answer = typed("products", "update", "egg", "--price", "0", "--name", "[egg]")
    assert answer.err.splitlines() == [
        "2 things are wrong:",
        "  name: Name contains invalid characters",
        "  price: Price must be positive",
        "Nothing was changed; see `eggypro products update --help`.",
    ]


def test_very_many_faults_are_cut_for_people_but_not_for_machines() -> None:
    error = InvalidError([Fault(f"field{number}", "Unknown field") for number in range(30)])
    lines = _sentence(error, "eggypro").splitlines()
    assert len(lines) == 23
    assert lines[-2] == "  ... and 10 more"
    assert len(orjson.loads(orjson.dumps(problem(error)["errors"]))) == 30


@pytest.mark.parametrize(
    "words",
    [["products", "list"], ["products", "show", "egg"], ["seed"], ["stock", "set", "a", "1"]],
)
def test_a_service_that_is_away_exits_with_3(typed: Typed, world: World, words: list[str]) -> None:
    world.away = "The database does not answer"
    answer = typed(*words)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err == "The database does not answer.\n"


@pytest.mark.parametrize(
    "words", [["frob"], ["products"], ["products", "show"], ["products", "list", "--nope"]]
)
def test_wrong_usage_exits_with_2_and_points_to_the_help(typed: Typed, words: list[str]) -> None:
    answer = typed(*words)
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1
    assert "--help`." in answer.err


def test_wrong_usage_is_problem_json_too(typed: Typed) -> None:
    answer = typed("products", "list", "--nope", "--json")
    assert answer.code == 2
    assert orjson.loads(answer.err)["title"] == "Usage"


def test_wrong_usage_that_is_not_utf_8_is_json_all_the_same(typed: Typed) -> None:
    detail = orjson.loads(typed("\udcff", "--json").err)["detail"]
    assert detail == "No such command '\\udcff'."


def test_an_interrupt_exits_with_130_and_no_traceback(typed: Typed, world: World) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    world.shop = evolve(a_shop(), close=interrupted)
    answer = typed("products", "list")
    assert (answer.code, answer.err) == (130, "")
