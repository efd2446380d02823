"""A PgBouncer before a server, which gives each transaction whatever connection is free."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from eggypro_adapters.contracts.waiting import wait_until
from tests.support.tcp_proxy import run_proxy

HOST = "127.0.0.1"
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
"""Round robin: a session that lost its connection seldom gets the same again by chance."""


@contextmanager
def run_pgbouncer(url: sa.URL, folder: Path) -> Iterator[sa.URL]:
    """Give the address of a server's databases behind a pooler, for as long as the block lasts."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    port = _free_port()
    with run_proxy(f"{url.query['host']}/.s.PGSQL.5432") as wire:
        text = _SETTINGS.format(HOST=HOST, server=wire.port, user=url.username, port=port)
        settings = folder / "pgbouncer.ini"
        settings.write_text(text)
        user = "nobody" if os.geteuid() == 0 else None  # it refuses root
        with settings.open() as opened, (folder / "pgbouncer.log").open("w") as log:
            running = subprocess.Popen(
                [program, "-q", f"/proc/self/fd/{opened.fileno()}"],
                pass_fds=[opened.fileno()],
                stderr=log,
                user=user,
            )
            try:
                _wait_for(port, running)
                yield sa.URL.create("postgresql+psycopg", url.username, host=HOST, port=port)
            finally:
                running.kill()
                running.wait()


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


def _wait_for(port: int, running: "subprocess.Popen[bytes]") -> None:
    def listens() -> bool:
        assert running.poll() is None, running.returncode
        with suppress(OSError), socket.create_connection((HOST, port)):
            return True
        return False

    wait_until(listens)
