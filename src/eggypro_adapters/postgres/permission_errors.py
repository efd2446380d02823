"""Reasons why Postgres denies an operation, with the statements that permit it."""

import re

import psycopg
from attrs import frozen

from eggypro_adapters.postgres.connection_errors import (
    misconfigured_error,
    quote_message,
    quote_name,
)
from eggypro_core.errors import UnavailableError


@frozen
class Permission:
    """A permission, the pattern of the message that denies it, and the statement that grants it.

    `{name}` is the object and `{role}` the role, both quoted in the statement.
    """

    pattern: str
    purpose: str
    grant: str

    def missing_error(self, name: str, role: str | None) -> UnavailableError:
        """Return the error of a role that lacks the permission on an object."""
        role_name = quote_name(role) if role else "ROLE"
        grant = self.grant.format(name=quote_name(name), role=role_name)
        return misconfigured_error(
            f"No permission {self.purpose.format(name=name)} for {_describe_role(role)}:"
            f" run `{grant}` as its owner or a superuser"
        )


TABLE_PERMISSION = Permission(
    'permission denied for (?:table|view|relation) "?(?P<name>[^"]*)',
    "on table {name}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
)
SCHEMA_PERMISSION = Permission(
    'permission denied for schema "?(?P<name>[^"]*)|no schema has been selected',
    "to use or create tables in schema {name}",
    "GRANT USAGE, CREATE ON SCHEMA {name} TO {role}",
)
_PERMISSIONS = (
    TABLE_PERMISSION,
    Permission(
        'permission denied for sequence "?(?P<name>[^"]*)',
        "on sequence {name}",
        "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {role}",
    ),
    Permission(
        'permission denied for function "?(?P<name>[^"]*)',
        "on function {name}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}",
    ),
    SCHEMA_PERMISSION,
    Permission(
        'permission denied to create temporary tables in database "(?P<name>[^"]*)',
        "to create temporary tables in database {name}",
        "GRANT TEMPORARY ON DATABASE {name} TO {role}",
    ),
    Permission(
        'permission denied for database "?(?P<name>[^"]*)',
        "to create schemas in database {name}",
        "GRANT CREATE ON DATABASE {name} TO {role}",
    ),
    Permission(
        'permission denied to create extension "(?P<name>[^"]*)',
        "to create extension {name}",
        "CREATE EXTENSION {name}",
    ),
    Permission(
        "must be owner of (?:table|view|sequence|function|relation|index) (?P<name>.*)",
        "to change {name}",
        "ALTER TABLE {name} OWNER TO {role}",
    ),
)
"""Patterns of permission errors, and the statements that grant the missing permission."""


def permission_error(error: psycopg.Error, role: str | None) -> UnavailableError:
    """Return the error for a missing permission, with the statement that grants it to `role`."""
    message = error.diag.message_primary or ""  # no other field has the object
    for permission in _PERMISSIONS:
        if match := re.search(permission.pattern, message):
            return permission.missing_error(match.groupdict().get("name") or "public", role)
    return misconfigured_error(
        f"No permission for {_describe_role(role)} ({quote_message(message)}):"
        " grant the missing permission"
    )


def _describe_role(role: str | None) -> str:
    return f"role '{role}'" if role else "the role that connects"
