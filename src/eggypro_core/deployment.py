"""Whether a version can be put to work: its services answer, and the database has its tables."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from eggypro_core.errors import UnavailableError
from eggypro_core.operations.health import State
from eggypro_core.operations.migrations import Migrations
from eggypro_core.shop import Shop

MIGRATIONS = "migrations"
OpenMigrations: TypeAlias = Callable[[], AbstractContextManager[Migrations]]


class Outcome(StrEnum):
    """How a step went. What is pending is for `eggypro deploy` to do."""

    OK = "ok"
    DISABLED = "disabled"
    PENDING = "pending"
    FAILED = "failed"


@frozen
class Step:
    """Something that was looked at, and how it is."""

    name: str
    outcome: Outcome
    detail: str = ""


def steps(
    open_shop: Callable[[], Shop], open_migrations: OpenMigrations, *, upgrade: bool
) -> Iterator[Step]:
    """Look at each service and at the database's schema, which is brought up to date if wanted.

    Any number may do so at once. What is away makes a step that failed, and raises nothing.
    """
    try:
        yield from _services(open_shop)
    except UnavailableError as error:
        yield Step("services", Outcome.FAILED, str(error))
    try:
        with open_migrations() as migrations:
            yield _upgraded(migrations) if upgrade else _schema(migrations)
    except UnavailableError as error:
        yield Step(MIGRATIONS, Outcome.FAILED, str(error))


_OUTCOMES = {
    State.HEALTHY: Outcome.OK,
    State.DISABLED: Outcome.DISABLED,
    State.UNHEALTHY: Outcome.FAILED,
}


def _services(open_shop: Callable[[], Shop]) -> Iterator[Step]:
    with open_shop() as shop:
        findings = shop.health.report().services
    for name, finding in findings.items():
        took = f"{finding.milliseconds:.0f} ms" if finding.state is State.HEALTHY else ""
        yield Step(name, _OUTCOMES[finding.state], finding.reason or took)


def _upgraded(migrations: Migrations) -> Step:
    before = _schema(migrations)
    if before.outcome is not Outcome.PENDING:
        return before
    was = migrations.current() or "empty"
    migrations.upgrade()
    return Step(MIGRATIONS, Outcome.OK, f"{was} -> {migrations.current()}")


def _schema(migrations: Migrations) -> Step:
    now, known = migrations.current(), [name for name, _ in reversed(migrations.history())]
    if now is not None and now not in known:
        unknown = f"The database is at {now}, of another version of EggyPro: deploy that one"
        return Step(MIGRATIONS, Outcome.FAILED, unknown)
    if missing := known[known.index(now) + 1 :] if now else known:
        return Step(MIGRATIONS, Outcome.PENDING, ", ".join(missing))
    return Step(MIGRATIONS, Outcome.OK, f"at {now}")
