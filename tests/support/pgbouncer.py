"""PgBouncer in transaction mode in front of a Postgres server."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from eggypro_adapters.contracts.waiting import wait_until
from tests.support.ports import HOST, free_port
from tests.support.tcp_proxy import run_proxy

_SETTINGS = """
[databases]
* = host={HOST} port={server} user={user}
[pgbouncer]
listen_addr = {HOST}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
server_round_robin = 1
max_client_conn = 500
"""
"""Round robin, so that consecutive transactions rarely share a server connection."""


@contextmanager
def run_pgbouncer(url: sa.URL, folder: Path) -> Iterator[sa.URL]:
    """Run a pooler and yield the URL of the server's databases behind it."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    port = free_port()
    with run_proxy(f"{url.query['host']}/.s.PGSQL.5432") as proxy:
        text = _SETTINGS.format(HOST=HOST, server=proxy.port, user=url.username, port=port)
        settings = folder / "pgbouncer.ini"
        settings.write_text(text)
        user = "nobody" if os.geteuid() == 0 else None  # it refuses root
        with settings.open() as file, (folder / "pgbouncer.log").open("w") as log:
            process = subprocess.Popen(
                [program, "-q", f"/proc/self/fd/{file.fileno()}"],
                pass_fds=[file.fileno()],
                stderr=log,
                user=user,
            )
            try:
                _wait_for(port, process)
                yield sa.URL.create("postgresql+psycopg", url.username, host=HOST, port=port)
            finally:
                process.kill()
                process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    def is_listening() -> bool:
        assert process.poll() is None, process.returncode
        with suppress(OSError), socket.create_connection((HOST, port)):
            return True
        return False

    wait_until(is_listening)
