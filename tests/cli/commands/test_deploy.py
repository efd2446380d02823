"""`eggypro deploy` and `eggypro deploy check`."""

import orjson
import pytest

from eggypro_core.errors import FieldError, UnavailableError, UnavailableKind
from eggypro_core.operations.health import CACHE, DATABASE
from tests.support.builders import DATABASE_ONLY_CHECKS, make_shop
from tests.support.runtime import MemoryRuntime, RunCommand

OK_LINES = [
    "environment  ok        the settings are valid",
    "database     ok        0 ms",
    "cloudinary   disabled",
    "cache        disabled",
]


def fail() -> None:
    raise UnavailableError("Connection refused")


def test_check_reports_pending_migrations_without_applying_them(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.schema.at = "0001"
    result = run_command("deploy", "check")
    assert result.code == 1
    assert result.out.splitlines() == [*OK_LINES, "migrations   pending   0002"]
    assert result.err == "Run `eggypro deploy` to apply the migrations.\n"
    assert runtime.schema.at == "0001"


def test_deploy_applies_migrations_once(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    result = run_command("deploy")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [*OK_LINES, "migrations   ok        empty -> 0002"]
    assert run_command("deploy").out.splitlines()[-1] == "migrations   ok        at 0002"
    assert run_command("deploy", "check").code == 0
    assert runtime.schema.at == "0002"


@pytest.mark.parametrize("words", [["deploy"], ["deploy", "check"]])
def test_database_of_an_unknown_revision_is_not_changed(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str]
) -> None:
    runtime.schema.at = "0042"
    result = run_command(*words, "--json")
    check = orjson.loads(result.out)["items"][-1]
    assert (result.code, check["name"], check["status"]) == (3, "migrations", "failed")
    assert "0042" in check["detail"]
    assert runtime.schema.at == "0042"


@pytest.mark.parametrize("words", [["deploy"], ["deploy", "check"]])
def test_missing_object_fails_the_check(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str]
) -> None:
    runtime.schema.at = "0002"
    runtime.schema.schema_differences = ("Missing in the database: a key. Run: ALTER", "more")
    result = run_command(*words, "--json")
    check = orjson.loads(result.out)["items"][-1]
    assert (result.code, check["name"], check["status"]) == (3, "migrations", "failed")
    assert check["detail"] == (
        "Missing in the database: a key. Run: ALTER (and 1 more: see `eggypro db check`)"
    )


def test_unavailable_service_is_reported_and_the_others_are_checked(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop = make_shop(checks={**DATABASE_ONLY_CHECKS, CACHE: fail})
    result = run_command("deploy")
    assert result.code == 3
    assert "cache        failed    Connection refused" in result.out.splitlines()
    assert "migrations   ok        empty -> 0002" in result.out.splitlines()


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (UnavailableKind.MISCONFIGURED, 2, "failed"),
        (UnavailableKind.OUTDATED_SCHEMA, 1, "pending"),
        (UnavailableKind.DOWN, 3, "failed"),
    ],
)
def test_exit_code_says_what_kind_of_failure_it_is(
    run_command: RunCommand,
    runtime: MemoryRuntime,
    kind: UnavailableKind,
    code: int,
    status: str,
) -> None:
    def check_database() -> None:
        raise UnavailableError("Out of order", kind=kind)

    runtime.shop = make_shop(checks={**DATABASE_ONLY_CHECKS, DATABASE: check_database})
    runtime.schema.at = "0002"
    result = run_command("deploy", "check", "--json")
    [database] = (row for row in orjson.loads(result.out)["items"] if row["name"] == DATABASE)
    assert (result.code, database["status"], database["detail"]) == (code, status, "Out of order")


@pytest.mark.parametrize(
    ("words", "kind", "code", "status"),
    [
        (["deploy"], UnavailableKind.DOWN, 3, "failed"),
        (["deploy", "check"], UnavailableKind.MISCONFIGURED, 2, "failed"),
        (["deploy", "check"], UnavailableKind.OUTDATED_SCHEMA, 1, "pending"),
        (["deploy"], UnavailableKind.OUTDATED_SCHEMA, 0, "ok"),  # it lags
    ],
)
def test_replica_is_checked(
    run_command: RunCommand,
    runtime: MemoryRuntime,
    words: list[str],
    kind: UnavailableKind,
    code: int,
    status: str,
) -> None:
    def check_replica() -> None:
        raise UnavailableError("Out of order", kind=kind)

    runtime.schema.at = "0002"
    runtime.check_replica = lambda: None
    assert "replica      ok" in run_command(*words).out.splitlines()
    runtime.check_replica = check_replica
    result = run_command(*words, "--json")
    [replica] = (row for row in orjson.loads(result.out)["items"] if row["name"] == "replica")
    assert (result.code, replica["status"]) == (code, status)


def test_services_are_checked_after_the_migration(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    def check_database() -> None:
        if runtime.schema.at is None:
            raise UnavailableError("Not migrated", kind=UnavailableKind.OUTDATED_SCHEMA)

    runtime.shop = make_shop(checks={**DATABASE_ONLY_CHECKS, DATABASE: check_database})
    assert run_command("deploy").code == 0


def test_unavailable_shop_is_reported_as_failed_check(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.unavailable_message = "The database is unavailable"
    result = run_command("deploy", "check", "--json")
    assert result.code == 3
    assert {"name": "services", "status": "failed", "detail": "The database is unavailable"} in (
        orjson.loads(result.out)["items"]
    )


@pytest.mark.parametrize("words", [["deploy"], ["deploy", "check"]])
def test_invalid_settings_are_listed_and_nothing_is_changed(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str]
) -> None:
    runtime.settings_errors = [
        FieldError("POSTGRES_URL", "POSTGRES_URL is required"),
        FieldError("CURRENCY", "CURRENCY must be a currency code"),
    ]
    result = run_command(*words)
    assert (result.code, result.out) == (2, "")
    assert "POSTGRES_URL is required" in result.err
    assert "CURRENCY must be a currency code" in result.err
    assert runtime.schema.at is None
