"""A server whose data folder and temporary folder are on a full disk: reads still succeed."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.contracts.sample_images import make_image
from tests.support.builders import ADMIN_KEY, product_values
from tests.support.multipart import CONTENT_TYPE, encode_form, encode_part
from tests.support.served_shop import served
from tests.support.shop_client import Client, Response
from tests.support.small_disk import command_on_small_disk, fill_disk

FILE = b"slug,name,price\n" + b"".join(b"egg-%d,Egg,1.00\n" % number for number in range(2000))
UPLOAD = "/api/products/egg/images"


@frozen
class Server:
    """A running server, and its disk as seen by this process."""

    client: Client
    disk: Path

    def upload(self) -> Response:
        form = encode_form([encode_part(make_image(size=(900, 600)).read())])
        return self.client.send("POST", UPLOAD, form, {"Content-Type": CONTENT_TYPE})

    def import_file(self) -> Response:
        path, headers = "/api/imports?dry_run=true", {"Content-Type": "text/csv"}
        return self.client.send("POST", path, FILE, headers)


@pytest.fixture
def server(tmp_path: Path, database_url: sa.URL) -> Iterator[Server]:
    disk = tmp_path / "disk"
    disk.mkdir()
    environment = {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        "POSTGRES_URL": database_url.render_as_string(hide_password=False),
        "ADMIN_SECRET_KEY": ADMIN_KEY,
        "EGGYPRO_DATA_DIR": str(disk / "data"),
        "TMPDIR": str(disk),
        "RATE_LIMIT_MAX_REQUESTS": "0",
    }
    with served(environment, prefix=command_on_small_disk(disk, "8m", [])) as (address, process):
        yield Server(Client(urlsplit(address).netloc), Path(f"/proc/{process.pid}/root{disk}"))
    assert process.returncode == 0


def test_reads_go_on_while_the_disk_is_full_and_writes_work_again_afterwards(
    server: Server,
) -> None:
    send = server.client.send
    assert send("POST", "/api/products", product_values(name="Egg")).status == 201
    uploaded = server.upload()
    assert uploaded.status == 201
    thumbnail = json.loads(uploaded.body)["items"][0]["thumbnail"]
    filler = fill_disk(server.disk)
    for response in (server.import_file(), server.upload()):
        assert response.status == 507
        assert json.loads(response.body)["type"] == "/problems/storage-full"
    for path in ("/api/products/egg", thumbnail, "/metrics"):
        assert send("GET", path).status == 200
    changed = send("PATCH", "/api/products/egg", {"price": "2.00"})
    assert changed.status == 200, "the database is on another disk"
    assert json.loads(send("GET", "/api/products/egg").body)["price"] == "2.00"
    filler.unlink()
    assert (server.import_file().status, server.upload().status) == (200, 201)
