"""Deployment checks: health of the services and state of the database schema."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from eggypro_core.errors import UnavailableError, UnavailableKind
from eggypro_core.operations.health import Check, ServiceStatus
from eggypro_core.operations.migrations import Migrations
from eggypro_core.shop import Shop

MIGRATIONS, REPLICA = "migrations", "replica"
MigrationsFactory: TypeAlias = Callable[[], AbstractContextManager[Migrations]]


class DeploymentCheckStatus(StrEnum):
    """The status of a check. `eggypro deploy` applies pending migrations."""

    OK = "ok"
    DISABLED = "disabled"
    PENDING = "pending"
    FAILED = "failed"


@frozen
class DeploymentCheck:
    """The result of one check.

    `is_misconfigured` marks a failure that the settings or the rights of a user cause.
    """

    name: str
    status: DeploymentCheckStatus
    detail: str = ""
    is_misconfigured: bool = False


def check_deployment(
    open_shop: Callable[[], Shop],
    open_migrations: MigrationsFactory,
    check_replica: Check | None = None,
    *,
    upgrade: bool,
) -> Iterator[DeploymentCheck]:
    """Yield a check per service and one of the database schema, upgraded first if `upgrade`.

    `check_replica` raises UnavailableError if the replica cannot be read; None without one. Safe
    under concurrency. An unavailable service gives a failed check; no error is raised.
    """
    migrations = _check_migrations(open_migrations, upgrade=True) if upgrade else None
    try:
        yield from _check_services(open_shop)
    except UnavailableError as error:
        yield _failed_check("services", error)
    if check_replica is not None:
        yield _run_replica_check(check_replica, upgrade=upgrade)
    yield migrations or _check_migrations(open_migrations, upgrade=False)


_CHECK_STATUSES = {
    ServiceStatus.HEALTHY: DeploymentCheckStatus.OK,
    ServiceStatus.DISABLED: DeploymentCheckStatus.DISABLED,
}


def _check_services(open_shop: Callable[[], Shop]) -> Iterator[DeploymentCheck]:
    with open_shop() as shop:
        results = shop.health.report().services
    for name, result in results.items():
        if result.error is not None:
            yield _failed_check(name, result.error)
        else:
            is_healthy = result.status is ServiceStatus.HEALTHY
            duration = f"{result.duration_ms:.0f} ms" if is_healthy else ""
            yield DeploymentCheck(name, _CHECK_STATUSES[result.status], duration)


def _run_replica_check(check: Check, *, upgrade: bool) -> DeploymentCheck:
    try:
        check()
    except UnavailableError as error:
        if upgrade and error.kind is UnavailableKind.OUTDATED_SCHEMA:
            detail = "it has not received the migrations yet"
            return DeploymentCheck(REPLICA, DeploymentCheckStatus.OK, detail)
        return _failed_check(REPLICA, error)
    return DeploymentCheck(REPLICA, DeploymentCheckStatus.OK)


def _failed_check(name: str, error: Exception) -> DeploymentCheck:
    """Return the check of a service that raised an error; an outdated schema is pending."""
    kind = error.kind if isinstance(error, UnavailableError) else UnavailableKind.DOWN
    is_outdated = kind is UnavailableKind.OUTDATED_SCHEMA
    return DeploymentCheck(
        name,
        DeploymentCheckStatus.PENDING if is_outdated else DeploymentCheckStatus.FAILED,
        str(error) or repr(error),
        is_misconfigured=kind is UnavailableKind.MISCONFIGURED,
    )


def _check_migrations(open_migrations: MigrationsFactory, *, upgrade: bool) -> DeploymentCheck:
    try:
        with open_migrations() as migrations:
            return _upgrade_schema(migrations) if upgrade else _check_schema(migrations)
    except UnavailableError as error:
        return _failed_check(MIGRATIONS, error)


def _upgrade_schema(migrations: Migrations) -> DeploymentCheck:
    check = _check_schema(migrations)
    if check.status is not DeploymentCheckStatus.PENDING:
        return check
    revision = migrations.current() or "empty"
    migrations.upgrade()
    check = _check_schema(migrations)
    if check.status is not DeploymentCheckStatus.OK:
        return check
    return DeploymentCheck(MIGRATIONS, check.status, f"{revision} -> {migrations.current()}")


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
    if missing := migrations.missing():
        more = f" (and {len(missing) - 1} more: see `eggypro db check`)" if len(missing) > 1 else ""
        return DeploymentCheck(MIGRATIONS, DeploymentCheckStatus.FAILED, f"{missing[0]}{more}")
    return DeploymentCheck(MIGRATIONS, DeploymentCheckStatus.OK, f"at {current}")
