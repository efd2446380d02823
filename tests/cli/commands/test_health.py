"""`eggypro health`."""

import orjson

from eggypro_core.errors import UnavailableError, UnavailableKind
from eggypro_core.operations.health import CACHE, DATABASE
from tests.support.builders import DATABASE_ONLY_CHECKS, make_shop
from tests.support.runtime import MemoryRuntime, RunCommand


def fail() -> None:
    raise UnavailableError("Connection refused")


def reject() -> None:
    raise UnavailableError("Wrong password", kind=UnavailableKind.MISCONFIGURED)


def test_healthy_shop(run_command: RunCommand) -> None:
    result = run_command("health")
    assert (result.code, result.err) == (0, "")
    assert [line.split() for line in result.out.splitlines()] == [
        ["service", "status", "ms"],
        ["database", "healthy", "0.0"],
        ["cloudinary", "disabled"],
        ["cache", "disabled"],
        [],
        ["The", "shop", "is", "healthy", "(test)"],
    ]


def test_output_includes_the_reason_of_a_failure(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop = make_shop(checks={**DATABASE_ONLY_CHECKS, CACHE: fail})
    result = run_command("health")
    assert result.code == 3
    assert result.out.splitlines()[-2:] == [
        "The shop is degraded (test)",
        "cache: Connection refused",
    ]


def test_rejected_settings_exit_with_2(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    runtime.shop = make_shop(checks={**DATABASE_ONLY_CHECKS, DATABASE: reject})
    result = run_command("health")
    assert result.code == 2
    assert result.out.endswith("database: Wrong password\n")


def test_reason_is_a_problem_on_stderr_beside_json(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop = make_shop(checks={**DATABASE_ONLY_CHECKS, DATABASE: reject})
    result = run_command("health", "--json")
    assert (result.code, orjson.loads(result.err)["detail"]) == (2, "Wrong password")
    assert "Wrong password" not in result.out


def test_json_is_the_http_body(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    runtime.shop = make_shop(checks={**DATABASE_ONLY_CHECKS, DATABASE: fail})
    result = run_command("health", "--json")
    assert result.code == 3
    body = orjson.loads(result.out)
    assert body["status"] == "unhealthy"
    assert body["services"]["database"]["connection"] == "inactive"
    assert "refused" not in result.out


def test_unavailable_shop_exits_with_3(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    runtime.unavailable_message = "The database is unavailable"
    assert run_command("health").code == 3
