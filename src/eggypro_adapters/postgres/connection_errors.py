"""Reasons why Postgres refuses a connection.

libpq passes the message of a failed connection on, but not its SQLSTATE. Known messages become a
sentence of ours; others, such as those of a server that speaks another language, are quoted.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from attrs import frozen

from eggypro_core.errors import UnavailableError, UnavailableKind, database_unavailable_error

BUSY_RETRY_AFTER_SECONDS = 5
"""Seconds to wait before a retry when the database is busy."""
MAX_QUOTED_LENGTH = 300
"""Maximum number of characters quoted from a message of the server."""
_LIBPQ_PREFIX = re.compile(
    r"connection (failed|is bad): |connection to server .*? failed: |FATAL: +|^error: ", re.DOTALL
)
_PLAIN_NAME = re.compile("[a-z_][a-z0-9_]*")


@frozen
class _Cause:
    """A cause of a failed connection: the pattern of its message, our sentence, and its error.

    The sentence may name the `setting` with the URL, the `address`, `user`, `role` and `database`
    of the connection (`role` and `catalog` as quoted in SQL) and the named groups of the pattern.
    """

    pattern: str
    sentence: str
    error: Callable[[str], UnavailableError] = database_unavailable_error


def misconfigured_error(message: str) -> UnavailableError:
    """Return the error of a database that rejects the settings or lacks a right of our role."""
    return database_unavailable_error(message, kind=UnavailableKind.MISCONFIGURED)


def busy_error(
    message: str = "All database connections are busy. Try again later.",
) -> UnavailableError:
    """Return the error of a database that has no free connection now."""
    return UnavailableError(message, retry_after=BUSY_RETRY_AFTER_SECONDS)


# The first match counts: what a server says before what the network says about another address.
_CAUSES = (
    _Cause(
        r"too many connections for (?P<kind>role|user|database) \"(?P<name>.*?)\"",
        "Postgres at {address} has reached the connection limit of {kind} '{name}': raise it, or"
        " run fewer processes",
        busy_error,
    ),
    _Cause(
        "too many clients|remaining connection slots|no more connections allowed",
        "Postgres at {address} has no free connections: raise max_connections, or run fewer"
        " processes",
        busy_error,
    ),
    _Cause(
        "starting up|shutting down|in recovery mode|not (yet )?accepting connections$"
        "|recovery state has not been yet reached",
        "Postgres at {address} is starting up or shutting down. Try again in a few seconds.",
    ),
    _Cause(
        r"password authentication failed|SASL authentication failed|Tenant or user not found",
        "Wrong password for user '{user}' at {address}, or no such user: check {setting}",
        misconfigured_error,
    ),
    _Cause(
        "no password supplied|empty password",
        "Postgres at {address} asks for the password of user '{user}': add it to {setting}",
        misconfigured_error,
    ),
    _Cause(
        r"role \"(?P<name>.*?)\" is not permitted to log in",
        "Role '{name}' may not log in at {address}: run `ALTER ROLE {role} LOGIN`, or name another"
        " user in {setting}",
        misconfigured_error,
    ),
    _Cause(
        r"(role|user) \"(?P<name>.*?)\" does not exist|no such user",
        "User '{user}' does not exist at {address}: create the role, or correct the user in"
        " {setting}",
        misconfigured_error,
    ),
    _Cause(
        "(Peer|Ident) authentication failed",
        "Postgres at {address} admits user '{user}' only to the operating system user of that"
        " name: use a host and a password in {setting}",
        misconfigured_error,
    ),
    _Cause(
        r"pg_hba\.conf(?!.*\[local\]).*no encryption",
        "pg_hba.conf of the server at {address} does not admit user '{user}' to database"
        " '{database}' without TLS: set sslmode=require in {setting}, or add an entry there",
        misconfigured_error,
    ),
    _Cause(
        r"pg_hba\.conf",
        "pg_hba.conf of the server at {address} does not admit user '{user}' to database"
        " '{database}' from this host: add an entry there, or correct {setting}",
        misconfigured_error,
    ),
    _Cause(
        r"database \"(?P<name>.*?)\" does not exist|no such database",
        "Database '{database}' does not exist at {address}: create it, or correct its name in"
        " {setting}",
        misconfigured_error,
    ),
    _Cause(
        "is not currently accepting connections",
        "Database '{database}' at {address} accepts no connections: run"
        " `ALTER DATABASE {catalog} ALLOW_CONNECTIONS true`",
    ),
    _Cause(
        "permission denied for database",
        "User '{user}' may not connect to database '{database}' at {address}: run"
        " `GRANT CONNECT ON DATABASE {catalog} TO {role}`",
        misconfigured_error,
    ),
    _Cause(
        "does not support SSL",
        "Postgres at {address} does not support TLS, which sslmode in {setting} requires:"
        " set sslmode=prefer, or enable TLS on the server",
        misconfigured_error,
    ),
    _Cause(
        "client certificate",
        "Postgres at {address} requires a client certificate from user '{user}': name it as sslcert"
        " and sslkey in {setting}",
        misconfigured_error,
    ),
    _Cause(
        "certificate|SSL error",
        "The certificate of Postgres at {address} is not accepted ({text}): check sslmode and"
        " sslrootcert in {setting}",
        misconfigured_error,
    ),
    _Cause(
        "invalid [a-z_]+ value|authentication method requirement|channel binding|session is |"
        "hot standby",
        "The options of {setting} do not suit Postgres at {address} ({text}): correct them",
        misconfigured_error,
    ),
    _Cause(
        r"failed to resolve host '(?P<name>.*?)': \[Errno -3\]",
        "Host '{name}' cannot be looked up at present (no name server responds). Try again later.",
    ),
    _Cause(
        r"failed to resolve host '(?P<name>.*?)'|could not translate host name \"(?P<other>.*?)\"",
        "Unknown host '{host}': correct the host in {setting}",
        misconfigured_error,
    ),
    _Cause(
        "Connection refused|No such file or directory",
        "Nothing listens at {address}: start Postgres there, or correct host and port in {setting}",
    ),
    _Cause(
        "timeout expired|timed out",
        "No response from {address} within {timeout} s: check host and port in {setting}, and"
        " the firewall",
    ),
    _Cause(
        "No route to host|Network is unreachable|Host is down",
        "Host '{host}' cannot be reached from here: check the network, and the host in {setting}",
    ),
    _Cause(
        "invalid response to SSL negotiation|expected authentication request",
        "The server at {address} is not Postgres: correct host and port in {setting}",
        misconfigured_error,
    ),
)


def connection_error(
    error: psycopg.Error, options: Mapping[str, Any], *, setting: str = "POSTGRES_URL"
) -> UnavailableError:
    """Return the reason of a failed connection with these libpq options, without the password.

    `setting` is the name of the setting with the URL. Misconfigured if a retry cannot help; with
    `retry_after` if a connection may soon be free.
    """
    message = _without_password(str(error), options.get("password"))
    values = _connection_values(options) | {"text": quote_message(message), "setting": setting}
    for cause in _CAUSES:
        if match := re.search(cause.pattern, message, re.IGNORECASE | re.MULTILINE):
            return cause.error(cause.sentence.format_map(values | match.groupdict()))
    return database_unavailable_error(
        "Postgres at {address} refuses connections: {text}".format_map(values)
    )


def quote_message(message: str) -> str:
    """Return the first line of a message of libpq without its prefixes."""
    first_line = _LIBPQ_PREFIX.sub("", message).strip().partition("\n")[0]
    return first_line.rstrip(".")[:MAX_QUOTED_LENGTH]


def quote_name(name: str) -> str:
    """Return a name as an SQL identifier."""
    if _PLAIN_NAME.fullmatch(name):
        return name
    return '"{}"'.format(name.replace('"', '""'))


def _connection_values(options: Mapping[str, Any]) -> dict[str, str]:
    host = str(options.get("host") or options.get("hostaddr") or "localhost")
    port = str(options.get("port") or 5432)
    user = str(options.get("user") or "")
    database = str(options.get("dbname") or user)
    return {
        "host": host,
        "address": f"{host}/.s.PGSQL.{port}" if host.startswith("/") else f"{host}:{port}",
        "user": user,
        "role": quote_name(user),
        "database": database,
        "catalog": quote_name(database),
        "timeout": str(options.get("connect_timeout", "")),
    }


def _without_password(message: str, password: object) -> str:
    return message.replace(str(password), "***") if password else message
