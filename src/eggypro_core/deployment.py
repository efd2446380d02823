"""Whether a version can be put to work: its services answer, and the database has its tables."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from eggypro_core.errors import UnavailableError
from eggypro_core.operations.health import ServiceStatus
from eggypro_core.operations.migrations import Migrations
from eggypro_core.shop import Shop

MIGRATIONS = "migrations"
MigrationsFactory: TypeAlias = Callable[[], AbstractContextManager[Migrations]]


class CheckStatus(StrEnum):
    """How a step went. What is pending is for `eggypro deploy` to do."""

    OK = "ok"
    DISABLED = "disabled"
    PENDING = "pending"
    FAILED = "failed"


@frozen
class DeploymentCheck:
    """Something that was looked at, and how it is."""

    name: str
    status: CheckStatus
    detail: str = ""


def check_deployment(
    open_shop: Callable[[], Shop], open_migrations: MigrationsFactory, *, upgrade: bool
) -> Iterator[DeploymentCheck]:
    """Look at each service and at the database's schema, which is brought up to date if wanted.

    Any number may do so at once. What is away makes a step that failed, and raises nothing.
    """
    try:
        yield from _check_services(open_shop)
    except UnavailableError as error:
        yield DeploymentCheck("services", CheckStatus.FAILED, str(error))
    try:
        with open_migrations() as migrations:
            yield _upgrade_schema(migrations) if upgrade else _check_schema(migrations)
    except UnavailableError as error:
        yield DeploymentCheck(MIGRATIONS, CheckStatus.FAILED, str(error))


_CHECK_STATUSES = {
    ServiceStatus.HEALTHY: CheckStatus.OK,
    ServiceStatus.DISABLED: CheckStatus.DISABLED,
    ServiceStatus.UNHEALTHY: CheckStatus.FAILED,
}


def _check_services(open_shop: Callable[[], Shop]) -> Iterator[DeploymentCheck]:
    with open_shop() as shop:
        findings = shop.health.report().services
    for name, finding in findings.items():
        took = f"{finding.duration_ms:.0f} ms" if finding.status is ServiceStatus.HEALTHY else ""
        yield DeploymentCheck(name, _CHECK_STATUSES[finding.status], finding.reason or took)


def _upgrade_schema(migrations: Migrations) -> DeploymentCheck:
    before = _check_schema(migrations)
    if before.status is not CheckStatus.PENDING:
        return before
    was = migrations.current() or "empty"
    migrations.upgrade()
    return DeploymentCheck(MIGRATIONS, CheckStatus.OK, f"{was} -> {migrations.current()}")


def _check_schema(migrations: Migrations) -> DeploymentCheck:
    now, known = migrations.current(), [name for name, _ in reversed(migrations.history())]
    if now is not None and now not in known:
        unknown = f"The database is at {now}, of another version of EggyPro: deploy that one"
        return DeploymentCheck(MIGRATIONS, CheckStatus.FAILED, unknown)
    if missing := known[known.index(now) + 1 :] if now else known:
        return DeploymentCheck(MIGRATIONS, CheckStatus.PENDING, ", ".join(missing))
    return DeploymentCheck(MIGRATIONS, CheckStatus.OK, f"at {now}")
