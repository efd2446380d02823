"""Options in the URLs of databases: those of libpq, and those that other libraries write there."""

from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote_plus

LIBPQ_OPTIONS = frozenset(
    """
    application_name channel_binding client_encoding connect_timeout dbname
    fallback_application_name gssdelegation gssencmode gsslib host hostaddr keepalives
    keepalives_count keepalives_idle keepalives_interval krbsrvname load_balance_hosts
    max_protocol_version min_protocol_version oauth_client_id oauth_client_secret oauth_issuer
    oauth_scope options passfile password port replication require_auth requirepeer
    scram_client_key scram_server_key service servicefile ssl_max_protocol_version
    ssl_min_protocol_version sslcert sslcertmode sslcompression sslcrl sslcrldir sslkey
    sslkeylogfile sslmode sslnegotiation sslpassword sslrootcert sslsni target_session_attrs
    tcp_user_timeout user
    """.split()
)
FOREIGN_OPTIONS = frozenset(
    """
    connection_limit max_connection_lifetime max_idle_connection_lifetime pgbouncer pool_timeout
    schema single_use_connections socket_timeout sslaccept sslidentity statement_cache_size
    supa workaround
    ssl uselibpqcompat
    command_timeout prepared_statement_cache_size
    currentschema preparethreshold reconnect sslfactory tcpkeepalive
    idle_timeout max max_lifetime max_overflow pool_size prepare prepared_statements
    pool pool_mode pool_max_conns sslcertbase64 statement_timeout
    """.split()
)
"""Options of Prisma, Supabase, node-postgres, asyncpg, JDBC and other libraries, in lower case."""
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_MAX_SHOWN_LENGTH = 40


class OptionError(ValueError):
    """An option that is refused. The message names it, and never shows a value."""


def libpq_query(query: str) -> str:
    """Return the options of a query string that libpq knows, without those of other libraries.

    `ssl=true` becomes `sslmode=require`, as in libpq. Raises OptionError for any other option.
    """
    parts = list(_known_parts(query))
    names = Counter(part.partition("=")[0] for part in parts)
    for name, count in names.items():
        if count > 1 and name != "host":
            raise OptionError(f"has the option '{name}' more than once")
    return "&".join(parts)


def _known_parts(query: str) -> Iterator[str]:
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        name = unquote_plus(name)
        if name == "ssl" and value == "true":
            yield "sslmode=require"
        elif name in LIBPQ_OPTIONS:
            _check_value(name, unquote_plus(value))
            yield f"{name}={value}"
        elif name.lower() not in FOREIGN_OPTIONS:
            shown = name if name.isprintable() and len(name) <= _MAX_SHOWN_LENGTH else "..."
            raise OptionError(
                f"has an unknown option '{shown}': remove it, or percent-encode special characters"
                " of the password"
            )


def _check_value(name: str, value: str) -> None:
    if name == "sslmode" and value not in _SSL_MODES:
        raise OptionError(f"has an unknown sslmode: it must be one of {', '.join(_SSL_MODES)}")
    if name == "connect_timeout" and not (value.isascii() and value.isdigit()):
        raise OptionError("has a connect_timeout that is no whole number of seconds")
