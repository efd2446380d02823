"""A shop's services behind proxies, and the faults that they can have."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from attrs import define
from psycopg import sql

from eggypro_adapters.contracts.waiting import wait_until
from tests.support.builders import ADMIN_KEY
from tests.support.cloudinary_server import (
    API_KEY,
    API_SECRET,
    CLOUD,
    CloudinaryServer,
    Reply,
    cloudinary_server,
    reply_with,
)
from tests.support.redis_server import RedisServer, run_redis
from tests.support.served_shop import worker_processes
from tests.support.shifted_clock import DAY_SECONDS, set_clock
from tests.support.small_disk import fill_disk, read_only
from tests.support.tcp_proxy import TcpProxy, run_proxy

WORKER = "Worker"
CLOCK = "Clock"
DISKS = {"Data folder": "data", "TMPDIR": "tmp"}
"""Disks of the server: their folders, by service."""
SLOW_REPLY_SECONDS = 0.02
_MORE_THAN_A_TEST_SENDS = 1000


@define
class Dependencies:
    """The services of a shop, each behind a proxy."""

    database: sa.URL
    """The shop's database, without the proxy, as a superuser."""
    role: str
    """The role that the shop connects as: it may use all tables, and owns none."""
    postgres_proxy: TcpProxy
    redis: RedisServer
    redis_proxy: TcpProxy
    images: CloudinaryServer
    images_proxy: TcpProxy
    process: int = 0
    """The process ID of the server."""
    folder: Path = Path()
    """The folder of the server's files."""
    has_small_disks: bool = False
    """Whether the subfolders are small disks."""

    def environment(self, folder: Path) -> dict[str, str]:
        """Return the environment of a server that uses these services, with files in `folder`."""
        address = f"127.0.0.1:{self.postgres_proxy.port}"
        return {
            "PATH": os.environ["PATH"],
            "POSTGRES_URL": f"postgresql://{self.role}@{address}/{self.database.database}",
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_proxy.port}",
            "CLOUDINARY_CLOUD_NAME": CLOUD,
            "CLOUDINARY_API_KEY": API_KEY,
            "CLOUDINARY_API_SECRET": API_SECRET,
            "CLOUDINARY_UPLOAD_PREFIX": f"http://127.0.0.1:{self.images_proxy.port}",
            "EGGYPRO_DATA_DIR": str(folder / "data"),
            "TMPDIR": str(folder / "tmp"),
            "ADMIN_SECRET_KEY": ADMIN_KEY,
            "RATE_LIMIT_MAX_REQUESTS": "1000000",  # counted in Redis
        }

    @contextmanager
    def superuser(self) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
        url = self.database.set(drivername="postgresql").render_as_string(hide_password=False)
        options = "-c default_transaction_read_only=off"  # despite one of the faults
        with psycopg.connect(url, autocommit=True, options=options) as connection:
            yield connection

    def alter(self, *statements: str) -> None:
        """Change the role or the database by statements of a superuser."""
        role, database = sql.Identifier(self.role), sql.Identifier(self.database.database or "")
        with self.superuser() as connection:
            for statement in statements:
                query = sql.SQL(statement).format(role=role, database=database)
                connection.execute(query)

    def end_connections(self) -> None:
        """End the shop's connections to Postgres at once, so that changes apply to them.

        If it waited for each before it ended the next, the shop could go on with the others.
        """
        with self.superuser() as connection:
            query = "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
            pids = [pid for pid, _ in connection.execute(query, [self.role])]
            remaining = "SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)"
            wait_until(lambda: connection.execute(remaining, [pids]).fetchone() is None)


Fault = Callable[[Dependencies], AbstractContextManager[None]]
"""Makes a service fail for the duration of the block."""


@contextmanager
def run_dependencies(database: sa.URL) -> Iterator[Dependencies]:
    """Run the services of a shop whose database has all tables."""
    folder, port = database.query["host"], database.query.get("port", "5432")
    with ExitStack() as stack:
        postgres_proxy = stack.enter_context(run_proxy(f"{folder}/.s.PGSQL.{port}"))
        redis = stack.enter_context(run_redis("redis"))
        redis_proxy = stack.enter_context(run_proxy(f"{redis.folder}/socket"))
        images = stack.enter_context(cloudinary_server())
        images_port = int(images.url.rpartition(":")[2])
        images_proxy = stack.enter_context(run_proxy(("127.0.0.1", images_port)))
        dependencies = Dependencies(
            database,
            f"shop_of_{database.database}",
            postgres_proxy,
            redis,
            redis_proxy,
            images,
            images_proxy,
        )
        dependencies.alter(
            "CREATE ROLE {role} LOGIN",
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}",
            "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}",
        )
        stack.callback(dependencies.alter, "DROP OWNED BY {role}", "DROP ROLE {role}")
        yield dependencies


def _connections_of(
    service: str, fault: Callable[[TcpProxy], None], undo: Callable[[TcpProxy], None]
) -> Fault:
    """Return a fault of all connections to a service."""

    @contextmanager
    def fail(dependencies: Dependencies) -> Iterator[None]:
        proxy: TcpProxy = getattr(dependencies, f"{service}_proxy")
        fault(proxy)
        try:
            yield
        finally:
            undo(proxy)

    return fail


def _altered(change: str, undo: str, *, at_login: bool = True) -> Fault:
    """Return a fault that a superuser of Postgres causes by a statement.

    `at_login` means that the statements apply to new connections only.
    """

    @contextmanager
    def fail(dependencies: Dependencies) -> Iterator[None]:
        def alter(statement: str) -> None:
            dependencies.alter(statement)
            if at_login:
                dependencies.end_connections()

        alter(change)
        try:
            yield
        finally:
            alter(undo)

    return fail


def _redis_setting(name: str, value: str, normal: str) -> Fault:
    """Return a fault that a setting of Redis causes for new connections."""

    @contextmanager
    def fail(dependencies: Dependencies) -> Iterator[None]:
        with dependencies.redis.client as pool, pool.client() as connection:
            connection.config_set(name, value)
            connection.client_kill_filter(skipme=True)
            try:
                yield
            finally:
                connection.config_set(name, normal)

    return fail


@contextmanager
def _redis_is_a_replica(dependencies: Dependencies) -> Iterator[None]:
    """Make Redis refuse writes."""
    with dependencies.redis.client as client:
        client.replicaof("127.0.0.1", "1")
        try:
            yield
        finally:
            client.replicaof("NO", "ONE")


@contextmanager
def _redis_is_killed(dependencies: Dependencies) -> Iterator[None]:
    dependencies.redis.kill()
    try:
        yield
    finally:
        dependencies.redis.start()


def _image_replies(reply: Reply) -> Fault:
    """Return a fault of the image store: the same response to every request."""

    @contextmanager
    def fail(dependencies: Dependencies) -> Iterator[None]:
        faults = dependencies.images.faults
        faults.extend([reply_with(reply)] * _MORE_THAN_A_TEST_SENDS)
        try:
            yield
        finally:
            faults.clear()

    return fail


def _disk_faults(name: str) -> dict[str, Fault]:
    @contextmanager
    def fill(dependencies: Dependencies) -> Iterator[None]:
        folder = _small_disk(dependencies, name)
        filler = fill_disk(Path(f"/proc/{dependencies.process}/root{folder}"))
        try:
            yield
        finally:
            filler.unlink()

    @contextmanager
    def make_read_only(dependencies: Dependencies) -> Iterator[None]:
        with read_only(_small_disk(dependencies, name), dependencies.process):
            yield

    return {"is full": fill, "is read-only": make_read_only}


def _small_disk(dependencies: Dependencies, name: str) -> Path:
    if not dependencies.has_small_disks:
        pytest.skip("mounting a disk is forbidden here")
    return dependencies.folder / name


def _clock_shift(seconds: int) -> Fault:
    @contextmanager
    def shift(dependencies: Dependencies) -> Iterator[None]:
        set_clock(dependencies.folder, seconds)
        try:
            yield
        finally:
            set_clock(dependencies.folder, 0)

    return shift


def _worker_signal(fault: int, undo: int | None = None) -> Fault:
    """Return a fault of a worker of the server: a signal, and one at the end."""

    @contextmanager
    def fail(dependencies: Dependencies) -> Iterator[None]:
        worker = wait_until(lambda: worker_processes(dependencies.process))[0]  # the oldest
        os.kill(worker, fault)
        try:
            yield
        finally:
            if undo is not None:
                os.kill(worker, undo)

    return fail


def _connection_faults(service: str) -> dict[str, Fault]:
    return {
        "refuses connections": _connections_of(service, TcpProxy.disconnect, TcpProxy.reconnect),
        "closes connections": _connections_of(
            service,
            lambda proxy: proxy.truncate_replies(0),
            lambda proxy: proxy.truncate_replies(None),
        ),
        "is slow": _connections_of(
            service,
            lambda proxy: proxy.delay_replies(SLOW_REPLY_SECONDS),
            lambda proxy: proxy.delay_replies(0),
        ),
        "does not respond": _connections_of(service, TcpProxy.freeze, TcpProxy.unfreeze),
    }


FAULTS: dict[str, dict[str, Fault]] = {
    "Postgres": {
        **_connection_faults("postgres"),
        "refuses the role": _altered("ALTER ROLE {role} NOLOGIN", "ALTER ROLE {role} LOGIN"),
        "has no connection left": _altered(
            "ALTER ROLE {role} CONNECTION LIMIT 0", "ALTER ROLE {role} CONNECTION LIMIT -1"
        ),
        "is read-only": _altered(
            "ALTER DATABASE {database} SET default_transaction_read_only = on",
            "ALTER DATABASE {database} RESET default_transaction_read_only",
        ),
        "lacks rights for the role": _altered(
            "REVOKE SELECT ON products FROM {role}",
            "GRANT SELECT ON products TO {role}",
            at_login=False,
        ),
    },
    "Redis": {
        **_connection_faults("redis"),
        "is killed": _redis_is_killed,
        "is full": _redis_setting("maxmemory", "1", "0"),
        "is read-only": _redis_is_a_replica,
        "has another password": _redis_setting("requirepass", "other", ""),
    },
    "Image store": {
        **_connection_faults("images"),
        "refuses the credentials": _image_replies(
            Reply.of({"error": {"message": "Invalid Signature"}}, 401)
        ),
        "fails": _image_replies(Reply.html(502)),
    },
    WORKER: {"is killed": _worker_signal(signal.SIGKILL)},
    CLOCK: {
        "jumps a day forward": _clock_shift(DAY_SECONDS),
        "jumps a day backward": _clock_shift(-DAY_SECONDS),
    },
    **{service: _disk_faults(name) for service, name in DISKS.items()},
}
"""Faults by service and description."""

pause_worker = _worker_signal(signal.SIGSTOP, signal.SIGCONT)
"""A fault during which one worker responds to nothing."""
