"""`eggypro deploy` and `deploy check`: what is there, what is missing, and what to do."""

import orjson
import pytest

from eggypro_core.errors import FieldError, UnavailableError
from eggypro_core.operations.health import CACHE
from tests.support.builders import DATABASE_ONLY_CHECKS, make_shop
from tests.support.runtime import MemoryRuntime, RunCommand

WELL_LINES = [
    "environment  ok        the settings are valid",
    "database     ok        0 ms",
    "cloudinary   disabled",
    "cache        disabled",
]


def away() -> None:
    raise UnavailableError("Nobody answers there")


def test_what_is_missing_is_told_and_left_by_a_check(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    world.schema.at = "0001"
    told = typed("deploy", "check")
    assert told.code == 1
    assert told.out.splitlines() == [*WELL_LINES, "migrations   pending   0002"]
    assert told.err == "Run `eggypro deploy` to apply the migrations.\n"
    assert world.schema.at == "0001"


def test_it_is_brought_up_to_date_once(typed: RunCommand, world: MemoryRuntime) -> None:
    done = typed("deploy")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [*WELL_LINES, "migrations   ok        empty -> 0002"]
    assert typed("deploy").out.splitlines()[-1] == "migrations   ok        at 0002"
    assert typed("deploy", "check").code == 0
    assert world.schema.at == "0002"


@pytest.mark.parametrize("words", [["deploy"], ["deploy", "check"]])
def test_a_database_of_another_version_is_left_alone(
    typed: RunCommand, world: MemoryRuntime, words: list[str]
) -> None:
    world.schema.at = "0042"
    told = typed(*words, "--json")
    step = orjson.loads(told.out)["items"][-1]
    assert (told.code, step["name"], step["status"]) == (3, "migrations", "failed")
    assert "0042" in step["detail"]
    assert world.schema.at == "0042"


def test_a_service_that_is_away_is_a_line_and_the_others_are_looked_at(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    world.shop = make_shop(checks={**DATABASE_ONLY_CHECKS, CACHE: away})
    told = typed("deploy")
    assert told.code == 3
    assert "cache        failed    Nobody answers there" in told.out.splitlines()
    assert "migrations   ok        empty -> 0002" in told.out.splitlines()


def test_a_shop_that_cannot_be_opened_is_a_line(typed: RunCommand, world: MemoryRuntime) -> None:
    world.unavailable_message = "The database is away"
    told = typed("deploy", "check", "--json")
    assert told.code == 3
    assert {"name": "services", "status": "failed", "detail": "The database is away"} in (
        orjson.loads(told.out)["items"]
    )


@pytest.mark.parametrize("words", [["deploy"], ["deploy", "check"]])
def test_wrong_settings_are_all_named_and_nothing_is_done(
    typed: RunCommand, world: MemoryRuntime, words: list[str]
) -> None:
    world.settings_errors = [
        FieldError("POSTGRES_URL", "POSTGRES_URL is required"),
        FieldError("CURRENCY", "CURRENCY is no currency"),
    ]
    told = typed(*words)
    assert (told.code, told.out) == (2, "")
    assert "POSTGRES_URL is required" in told.err
    assert "CURRENCY is no currency" in told.err
    assert world.schema.at is None
