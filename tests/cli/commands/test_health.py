"""`eggypro health`: whether all is there, from where the command runs."""

import orjson

from eggypro_core.errors import UnavailableError
from eggypro_core.operations.health import CACHE, DATABASE
from tests.support.builders import DATABASE_ONLY_CHECKS, make_shop
from tests.support.runtime import MemoryRuntime, RunCommand


def away() -> None:
    raise UnavailableError("Nobody answers there")


def test_all_is_well(typed: RunCommand) -> None:
    answer = typed("health")
    assert (answer.code, answer.err) == (0, "")
    assert [line.split() for line in answer.out.splitlines()] == [
        ["service", "status", "ms", "reason"],
        ["database", "healthy", "0.0"],
        ["cloudinary", "disabled"],
        ["cache", "disabled"],
        [],
        ["The", "shop", "is", "healthy", "(test)"],
    ]


def test_who_has_the_settings_is_told_why_a_service_is_not_well(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    world.shop = make_shop(checks={**DATABASE_ONLY_CHECKS, CACHE: away})
    answer = typed("health")
    assert answer.code == 3
    assert "Nobody answers there" in answer.out
    assert "The shop is degraded" in answer.out


def test_machines_get_what_the_api_answers(typed: RunCommand, world: MemoryRuntime) -> None:
    world.shop = make_shop(checks={**DATABASE_ONLY_CHECKS, DATABASE: away})
    answer = typed("health", "--json")
    assert answer.code == 3
    body = orjson.loads(answer.out)
    assert body["status"] == "unhealthy"
    assert body["services"]["database"]["connection"] == "inactive"
    assert "Nobody" not in answer.out


def test_a_world_that_cannot_be_opened_is_an_outage(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    world.unavailable_message = "The database is away"
    assert typed("health").code == 3
