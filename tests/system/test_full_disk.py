"""A server whose data folder and temporary folder are on a full disk: reads go on."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.contracts.sample_images import make_image
from eggypro_adapters.contracts.waiting import wait_until
from tests.support.builders import ADMIN_KEY, product_values
from tests.support.multipart import CONTENT_TYPE, encode_form, encode_part
from tests.support.small_disk import command_on_small_disk, fill_disk

FILE = b"slug,name,price\n" + b"".join(b"egg-%d,Egg,1.00\n" % number for number in range(2000))
UPLOAD = "/api/products/egg/images"


@frozen
class Server:
    """A running server, and its disk as seen by this process."""

    port: int
    disk: Path

    def send(
        self, method: str, path: str, body: bytes | None = None, media_type: str = ""
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": media_type}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
            is_json = "json" in response.headers["Content-Type"]
            return response.status, json.loads(content) if is_json else content

    def is_ready(self) -> bool:
        try:
            return self.send("GET", "/api/health/ready")[0] == 200
        except OSError:
            return False

    def upload(self) -> tuple[int, Any]:
        form = encode_form([encode_part(make_image(size=(900, 600)).read())])
        return self.send("POST", UPLOAD, form, CONTENT_TYPE)

    def import_file(self) -> tuple[int, Any]:
        return self.send("POST", "/api/imports?dry_run=true", FILE, "text/csv")


@pytest.fixture
def server(tmp_path: Path, database_url: sa.URL) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = [sys.executable, "-m", "eggypro_cli", "serve", "--port", str(port)]
    environment = {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        "POSTGRES_URL": database_url.render_as_string(hide_password=False),
        "ADMIN_SECRET_KEY": ADMIN_KEY,
        "EGGYPRO_DATA_DIR": str(tmp_path / "disk" / "data"),
        "TMPDIR": str(tmp_path / "disk"),
        "RATE_LIMIT_MAX_REQUESTS": "0",
    }
    disk = tmp_path / "disk"
    disk.mkdir()
    command = command_on_small_disk(disk, "8m", serve)
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        server = Server(port, Path(f"/proc/{process.pid}/root{disk}"))
        try:
            wait_until(server.is_ready)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def test_reads_go_on_while_the_disk_is_full_and_writes_work_again_afterwards(
    server: Server,
) -> None:
    assert server.send("POST", "/api/products", body(name="Egg"), "application/json")[0] == 201
    status, uploaded = server.upload()
    assert status == 201
    filler = fill_disk(server.disk)
    for response in (server.import_file(), server.upload()):
        assert (response[0], response[1]["type"]) == (507, "/problems/storage-full")
    for path in ("/api/products/egg", uploaded["items"][0]["thumbnail"], "/metrics"):
        assert server.send("GET", path)[0] == 200
    assert (
        server.send("PATCH", "/api/products/egg", b'{"price": "2.00"}', "application/json")[0]
        == 200
    ), "the database is on another disk"
    assert server.send("GET", "/api/products/egg")[1]["price"] == "2.00"
    filler.unlink()
    assert (server.import_file()[0], server.upload()[0]) == (200, 201)


def body(**changes: object) -> bytes:
    return json.dumps(product_values(**changes), default=str).encode()
