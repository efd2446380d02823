"""Deployment checks: health of the services and state of the database schema."""

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


class DeploymentCheckStatus(StrEnum):
    """The status of a check. `eggypro deploy` applies pending migrations."""

    OK = "ok"
    DISABLED = "disabled"
    PENDING = "pending"
    FAILED = "failed"


@frozen
class DeploymentCheck:
    """The result of one check."""

    name: str
    status: DeploymentCheckStatus
    detail: str = ""


def check_deployment(
    open_shop: Callable[[], Shop], open_migrations: MigrationsFactory, *, upgrade: bool
) -> Iterator[DeploymentCheck]:
    """Yield a check per service and one of the database schema, upgraded first if `upgrade`.

    Safe under concurrency. An unavailable service gives a failed check; no error is raised.
    """
    try:
        yield from _check_services(open_shop)
    except UnavailableError as error:
        yield DeploymentCheck("services", DeploymentCheckStatus.FAILED, str(error))
    try:
        with open_migrations() as migrations:
            yield _upgrade_schema(migrations) if upgrade else _check_schema(migrations)
    except UnavailableError as error:
        yield DeploymentCheck(MIGRATIONS, DeploymentCheckStatus.FAILED, str(error))


_CHECK_STATUSES = {
    ServiceStatus.HEALTHY: DeploymentCheckStatus.OK,
    ServiceStatus.DISABLED: DeploymentCheckStatus.DISABLED,
    ServiceStatus.UNHEALTHY: DeploymentCheckStatus.FAILED,
}


def _check_services(open_shop: Callable[[], Shop]) -> Iterator[DeploymentCheck]:
    with open_shop() as shop:
        results = shop.health.report().services
    for name, result in results.items():
        duration = f"{result.duration_ms:.0f} ms" if result.status is ServiceStatus.HEALTHY else ""
        yield DeploymentCheck(name, _CHECK_STATUSES[result.status], result.reason or duration)


def _upgrade_schema(migrations: Migrations) -> DeploymentCheck:
    check = _check_schema(migrations)
    if check.status is not DeploymentCheckStatus.PENDING:
        return check
    revision = migrations.current() or "empty"
    migrations.upgrade()
    return DeploymentCheck(
        MIGRATIONS, DeploymentCheckStatus.OK, f"{revision} -> {migrations.current()}"
    )


def _check_schema(migrations: Migrations) -> DeploymentCheck:
    current = migrations.current()
    revisions = [name for name, _ in reversed(migrations.history())]
    if current is not None and current not in revisions:
        message = (
            f"The database is at revision {current} of another version of EggyPro:"
            " deploy that version"
        )
        return DeploymentCheck(MIGRATIONS, DeploymentCheckStatus.FAILED, message)
    if pending := revisions[revisions.index(current) + 1 :] if current else revisions:
        return DeploymentCheck(MIGRATIONS, DeploymentCheckStatus.PENDING, ", ".join(pending))
    return DeploymentCheck(MIGRATIONS, DeploymentCheckStatus.OK, f"at {current}")
