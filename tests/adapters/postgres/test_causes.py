"""Every cause of an unavailable database is said in one sentence, without secrets."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import psycopg
import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_adapters.postgres.connection_errors import connection_error
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.errors import UnavailableError, UnavailableKind
from tests.support.postgres_roles import PASSWORD, connect_driver, create_login_roles, create_role
from tests.support.tcp_proxy import run_proxy

DOWN, MISCONFIGURED = UnavailableKind.DOWN, UnavailableKind.MISCONFIGURED
Connect = Callable[..., Database]


@pytest.fixture(scope="module")
def login(postgres: sa.URL) -> sa.URL:
    """The URL of a role that needs a password."""
    create_login_roles(postgres)
    return postgres.set(username="egg_password", password=PASSWORD)


def failure(url: sa.URL) -> UnavailableError:
    """Return the error of a read from a database that cannot be connected to."""
    database = Database.connect(url)
    try:
        with pytest.raises(UnavailableError) as raised:
            database.ping()
    finally:
        database.close()
    assert "\n" not in str(raised.value)
    return raised.value


def test_right_password_connects(login: sa.URL, connect_database: Connect) -> None:
    connect_database(login).ping()


@pytest.mark.parametrize(
    ("user", "password", "database", "sentence"),
    [
        ("egg_password", "hunter2", "eggypro", "Wrong password for user 'egg_password' at"),
        ("egg_password", "", "eggypro", "asks for the password of user 'egg_password'"),
        ("egg_rejected", PASSWORD, "eggypro", "does not admit user 'egg_rejected' to"),
        ("egg_nologin", PASSWORD, "eggypro", "run `ALTER ROLE egg_nologin LOGIN`"),
        ("Nobody", PASSWORD, "eggypro", "User 'Nobody' does not exist at"),
        ("egg_password", PASSWORD, "nowhere", "Database 'nowhere' does not exist at"),
    ],
)
def test_refused_login_names_its_cause(
    login: sa.URL, user: str, password: str, database: str, sentence: str
) -> None:
    error = failure(login.set(username=user, password=password, database=database))
    assert sentence in str(error)
    assert error.kind is MISCONFIGURED
    assert "hunter2" not in str(error)
    assert PASSWORD not in str(error)


def test_forbidden_database_names_the_grant(empty_database_url: sa.URL) -> None:
    name = empty_database_url.database
    url = create_role(empty_database_url, f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
    error = failure(url)
    assert f"`GRANT CONNECT ON DATABASE {name} TO {url.username}`" in str(error)
    assert error.kind is MISCONFIGURED


def test_server_without_tls_names_the_setting(login: sa.URL) -> None:
    with run_proxy(f"{login.query['host']}/.s.PGSQL.5432") as proxy:
        url = login.set(host="127.0.0.1", port=proxy.port, query={"sslmode": "require"})
        error = failure(url)
    assert "does not support TLS, which sslmode in POSTGRES_URL requires" in str(error)
    assert error.kind is MISCONFIGURED


@contextmanager
def run_responder(response: bytes) -> Iterator[int]:
    """Run a server that sends the same bytes to each connection; yield its port."""

    def respond() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.recv(1024)
                    connection.sendall(response)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=respond, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_certificate_that_cannot_be_checked_names_the_settings() -> None:
    with run_responder(b"S") as port:
        url = sa.make_url(f"postgresql+psycopg://egg@127.0.0.1:{port}/shop?sslmode=verify-full")
        error = failure(url.update_query_dict({"sslrootcert": "/no/such/file"}))
    assert "is not accepted" in str(error)
    assert "check sslmode and sslrootcert" in str(error)
    assert error.kind is MISCONFIGURED


def test_another_program_at_the_port_is_named() -> None:
    with run_responder(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        error = failure(sa.make_url(f"postgresql+psycopg://egg@127.0.0.1:{port}/shop"))
    assert str(error).startswith(f"The server at 127.0.0.1:{port} is not Postgres")


def test_refused_port_and_missing_socket_are_outages() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(sa.make_url(f"postgresql+psycopg://egg@127.0.0.1:{port}/shop"))
    assert str(error).startswith(f"Nothing listens at 127.0.0.1:{port}: start Postgres there")
    assert error.kind is DOWN
    error = failure(sa.make_url("postgresql+psycopg://egg@/shop?host=/no/such/folder"))
    assert "Nothing listens at /no/such/folder/.s.PGSQL.5432" in str(error)


def test_unknown_host_is_named() -> None:
    error = failure(sa.make_url("postgresql+psycopg://egg@no-such-host.invalid/shop"))
    assert "ost 'no-such-host.invalid'" in str(error)


@pytest.mark.parametrize(
    ("message", "sentence", "kind"),
    [
        ("timeout expired", "No response from db:5433 within 10 s", DOWN),
        ("FATAL:  the database system is starting up", "is starting up or shutting down", DOWN),
        ("FATAL:  the database system is shutting down", "is starting up or shutting", DOWN),
        ("FATAL:  no such user: egg", "User 'egg' does not exist at db:5433", MISCONFIGURED),
        (
            'server certificate for "a" does not match host name "db"',
            'is not accepted (server certificate for "a" does not match',
            MISCONFIGURED,
        ),
        (
            'no pg_hba.conf entry for host "::1", user "egg", database "shop", no encryption',
            "without TLS: set sslmode=require",
            MISCONFIGURED,
        ),
        ("FATAL:  Passwort »geheim« ist falsch", "refuses connections: Passwort »***«", DOWN),
    ],
)
def test_messages_of_other_servers(message: str, sentence: str, kind: UnavailableKind) -> None:
    options = {"host": "db", "port": 5433, "user": "egg", "password": "geheim", "dbname": "shop"}
    text = f'connection failed: connection to server at "10.0.0.1", port 5433 failed: {message}'
    error = connection_error(psycopg.OperationalError(text), {**options, "connect_timeout": 10})
    assert sentence in str(error)
    assert error.kind is kind
    assert "geheim" not in str(error)


def test_role_without_create_may_not_upgrade(
    empty_database_url: sa.URL, connect_database: Connect
) -> None:
    url = create_role(empty_database_url)
    migrations = PostgresMigrations(connect_database(url))
    with pytest.raises(UnavailableError) as raised:
        migrations.upgrade()
    assert f"run `GRANT USAGE, CREATE ON SCHEMA public TO {url.username}`" in str(raised.value)
    assert raised.value.kind is MISCONFIGURED
    with connect_driver(empty_database_url) as server:
        server.execute(f"GRANT CREATE ON SCHEMA public TO {url.username}".encode())
    with pytest.raises(UnavailableError, match="`CREATE EXTENSION unaccent`"):
        migrations.upgrade()


def test_role_without_rights_on_tables_is_told_the_grant(
    direct_database_url: sa.URL, connect_database: Connect
) -> None:
    url = create_role(direct_database_url)
    store = PostgresProductStore(connect_database(url))
    with pytest.raises(UnavailableError, match="on table products") as raised:
        store.list(ProductQuery())
    assert raised.value.kind is MISCONFIGURED
    grant = str(raised.value).split("`")[1]
    with connect_driver(direct_database_url) as server:
        server.execute(grant.encode())
    assert store.list(ProductQuery()).total == 0
    store.create(make_draft(), NOON)


def test_role_that_owns_no_table_may_not_change_it(
    direct_database_url: sa.URL, connect_database: Connect
) -> None:
    url = create_role(direct_database_url)
    database = connect_database(url)
    with (
        pytest.raises(UnavailableError, match="No permission to change products"),
        database.long_transaction() as connection,
    ):
        connection.execute(sa.text("ALTER TABLE products ADD COLUMN note text"))


def test_missing_function_of_ours_asks_for_the_upgrade(
    empty_database_url: sa.URL, connect_database: Connect
) -> None:
    database = connect_database(empty_database_url)
    with (
        pytest.raises(UnavailableError, match="run `eggypro db upgrade`") as raised,
        database.short_transaction() as connection,
    ):
        connection.execute(sa.text("SELECT eggypro_touch('*')"))
    assert raised.value.kind is UnavailableKind.OUTDATED_SCHEMA
