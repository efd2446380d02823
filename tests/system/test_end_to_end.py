"""End-to-end tests: real commands, a real server and a real database."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import pytest
import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.contracts.sample_images import encode_image, make_noise, open_upright
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_core.domain.image import RENDITIONS
from tests.support.redis_server import run_redis
from tests.support.served_shop import EGGYPRO, served

DATA = Path(__file__).parents[2].parent / "shared" / "data"
NO_HEADERS: Mapping[str, str] = {}
PRODUCT_FIELDS = {"description": "", "details": "", "price": 1, "ingredients": ["egg"]}
SHOPIFY_CSV = """\
Handle,Title,Body (HTML),Vendor,Option1 Name,Option1 Value,Variant Inventory Tracker,\
Variant Inventory Qty,Variant Price,Image Src,Status
egg-shirt,Egg Shirt,<p>Soft <b>cotton</b></p>,Nest,Size,S,shopify,2,20.00,https://x.example/s.jpg,active
egg-shirt,,,,,M,shopify,3,18.50,,
yolk-cup,Yolk Cup,<p>A cup</p>,Nest,Title,Default Title,shopify,0,7.00,,active
"""


@pytest.fixture
def environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The environment of a shop with its own data folder.

    With `--pgbouncer` its database is the one behind the pooler.
    """
    folder = Path(tempfile.mkdtemp(prefix="egg-"))
    variables = {
        "PATH": os.environ["PATH"],
        "EGGYPRO_DATA_DIR": str(folder / "data"),
        "RATE_LIMIT_MAX_REQUESTS": "0",
    }
    if request.config.getoption("pgbouncer"):
        pooled: sa.URL = request.getfixturevalue("database_url")
        direct: sa.URL = request.getfixturevalue("postgres").set(database=pooled.database)
        for name, url in (("POSTGRES_URL", pooled), ("POSTGRES_URL_NON_POOLING", direct)):
            variables[name] = url.render_as_string(hide_password=False)
    yield variables
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.fsencode(folder) in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def eggypro(environment: dict[str, str], *words: str) -> Any:
    process = subprocess.run(
        [EGGYPRO, *words, "--json"], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(process.stdout)


@frozen
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


def make_sender(environment: dict[str, str]) -> Callable[..., Response]:
    """Return a function that sends requests with the admin key."""
    key = (Path(environment["EGGYPRO_DATA_DIR"]) / "admin.key").read_text().strip()
    common_headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def send(
        method: str, address: str, body: object = None, headers: Mapping[str, str] = NO_HEADERS
    ) -> Response:
        url = urlsplit(address)
        with closing(HTTPConnection(url.netloc, timeout=60)) as connection:
            data = None if body is None else json.dumps(body)
            connection.request(method, url.path, data, {**common_headers, **headers})
            response = connection.getresponse()
            return Response(response.status, dict(response.headers), response.read())

    return send


def get(address: str, **parameters: object) -> Any:
    return _page(f"{address}?{urlencode(parameters)}")


def slugs(page: Any) -> list[str]:
    return [item["slug"] for item in page["items"]]


def test_every_request_is_logged_until_shutdown(environment: dict[str, str]) -> None:
    """The last requests are answered after SIGTERM."""
    with served(environment, workers=2) as (address, process):
        base = address.removesuffix("/api/products")
        send = make_sender(environment)
        urls = {
            ("GET", "/api/categories/{slug}"): f"{base}/api/categories/nowhere",
            ("GET", "/api/products/{slug}"): f"{address}/egg",
            ("HEAD", "/api/products"): address,
        }

        def send_repeatedly(method: str, url: str) -> int:
            responses = 0
            with contextlib.suppress(OSError, HTTPException):
                while True:
                    send(method, url)
                    responses += 1
            return responses

        with ThreadPoolExecutor(3) as threads:
            counts = {
                (method, route): threads.submit(send_repeatedly, method, url)
                for (method, route), url in urls.items()
            }
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    logged = _logged_requests(environment)
    for route, count in counts.items():
        assert count.result() > 0
        assert logged[route] - count.result() in {0, 1}, "one response may have been lost"


def _logged_requests(environment: dict[str, str]) -> Counter[tuple[str, str]]:
    """Return the number of logged requests per route."""
    items = eggypro(environment, "metrics", "summary", "--days", "1")["items"]
    return Counter({(row["method"], row["endpoint"]): row["totalRequests"] for row in items})


def test_concurrent_requests_get_every_rendition(environment: dict[str, str]) -> None:
    folder = Path(environment["EGGYPRO_DATA_DIR"]) / "images"
    content = encode_image(make_noise((1300, 900))).getvalue()
    with served(environment, workers=2) as (address, _):
        store = LocalImageStore(folder, PillowImageCleaner(), "a key")
        image = store.upload(BytesIO(content), public_id="egg")
        base = f"{address.removesuffix('/api/products')}/images/{image.public_id}"

        def get_rendition(name: str) -> tuple[str, bytes, str]:
            with urlopen(f"{base}/{name}", timeout=60) as response:  # noqa: S310  (our own)
                return name, response.read(), response.headers["etag"]

        with ThreadPoolExecutor(16) as threads:
            responses = set(threads.map(get_rendition, ["original", *RENDITIONS] * 8))
    sizes = {name: open_upright(body).size for name, body, _ in responses}
    assert len(responses) == len(sizes) == 6
    assert sizes["original"] == (1300, 900)
    assert sizes["thumbnail"] == (400, 400)


def test_an_import_into_a_running_shop_survives_a_kill(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "export.csv"
    file.write_text(SHOPIFY_CSV)
    with served(environment) as (address, server):
        assert get(address)["total"] == 0
        report = eggypro(environment, "products", "import", str(file))
        assert (report["created"], report["refused"]) == (2, [])
        assert report["warnings"] == []
        assert slugs(get(address)) == ["egg-shirt", "yolk-cup"]
        assert slugs(get(address, in_stock="true")) == ["egg-shirt"]
        assert slugs(get(address, max_price="10")) == ["yolk-cup"]
        assert slugs(get(f"{address}/search", q="cotton shi")) == ["egg-shirt"]
        shirt = get(f"{address}/egg-shirt")
        assert (shirt["price"], shirt["stock_quantity"]) == ("18.50", 5)
        assert [variant["options"] for variant in shirt["variants"]] == [
            {"Size": "S"},
            {"Size": "M"},
        ]
        assert shirt["details"] == "<p>Soft <b>cotton</b></p>"
        assert shirt["image_sets"][0]["original"] == "https://x.example/s.jpg"
        assert eggypro(environment, "products", "show", "egg-shirt") == shirt
        repeated = eggypro(environment, "products", "import", str(file))
        assert (repeated["created"], repeated["changed"], repeated["unchanged"]) == (0, 0, 2)
        for name in ("catalogue.jsonl", "catalogue.csv"):
            exported = str(tmp_path / name)
            assert eggypro(environment, "products", "export", exported)["exported"] == 2
            report = eggypro(environment, "products", "import", exported)
            assert (report["created"], report["changed"], report["unchanged"]) == (0, 0, 2)

        send = make_sender(environment)
        created = send("POST", address, {"name": "New", **PRODUCT_FIELDS})
        assert (created.status, created.headers["location"]) == (201, "/api/products/new")
        server.kill()
    with served(environment) as (address, _):
        assert slugs(get(address)) == ["egg-shirt", "new", "yolk-cup"]


def test_concurrent_writes_through_several_workers(environment: dict[str, str]) -> None:
    with served(environment, workers=3) as (address, _), ThreadPoolExecutor(24) as clients:
        send = make_sender(environment)
        send("POST", address, {"name": "Egg", "stock_quantity": 50, **PRODUCT_FIELDS})
        egg = f"{address}/egg"

        sales = clients.map(lambda _: send("POST", f"{egg}/stock", {"delta": -1}), range(120))
        assert sorted(response.status for response in sales) == [200] * 50 + [409] * 70
        current = send("GET", egg)
        assert json.loads(current.body)["stock_quantity"] == 0

        precondition = {"If-Match": current.headers["etag"]}
        updates = clients.map(
            lambda name: send("PATCH", egg, {"name": f"Egg {name}"}, precondition), range(8)
        )
        assert sorted(response.status for response in updates) == [200] + [412] * 7
        winner = send("GET", egg)
        replaced = send("PUT", egg, json.loads(winner.body), {"If-Match": winner.headers["etag"]})
        assert (replaced.status, replaced.body) == (200, winner.body)
        assert replaced.headers["etag"] == winner.headers["etag"]


def test_all_workers_lock_out_guessing_clients_and_survive_a_redis_outage(
    environment: dict[str, str],
) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    with run_redis("valkey") as redis:
        shared = {**environment, "REDIS_URL": redis.url, "RATE_LIMIT_MAX_REQUESTS": "1000"}
        with served(shared, workers=3) as (address, _):
            send = make_sender(environment)
            guesses = [send("POST", address, {}, wrong).status for _ in range(8)]
            assert guesses == [401] * 5 + [429] * 3
            assert {send("POST", address, {}).status for _ in range(8)} == {429}
            assert {send("GET", address).status for _ in range(8)} == {200}, "as anonymous"
            limits = [_page_headers(address)["ratelimit"] for _ in range(3)]
            assert all(limit.startswith('"standard";r=9') for limit in limits)
            redis.kill()
            assert {len(_page_headers(address)) > 0 for _ in range(20)} == {True}


@pytest.mark.skipif(not DATA.exists(), reason="needs the real files beside the checkout")
def test_real_exports_of_other_shops_are_imported_and_served(
    environment: dict[str, str], tmp_path: Path
) -> None:
    total = 0
    for shop, number in (("shopify", 20), ("woocommerce", 16)):
        for file in sorted((DATA / shop).glob("*.csv")):
            report = eggypro(environment, "products", "import", str(file))
            assert (report["created"], report["refused"]) == (number, [])
            repeated = eggypro(environment, "products", "import", str(file))
            assert (repeated["created"], repeated["changed"], repeated["unchanged"]) == (
                0,
                0,
                number,
            )
            total += number
    exported = str(tmp_path / "all.csv")
    assert eggypro(environment, "products", "export", exported)["exported"] == total
    assert eggypro(environment, "products", "import", exported)["unchanged"] == total
    with served(environment) as (address, _):
        total -= 1  # one is hidden in its shop, so it is in no list
        assert get(address)["total"] == total
        assert "floor-lamp" in slugs(get(address, min_price="69.99", max_price="69.99"))
        assert slugs(get(f"{address}/search", q="wool jumper")) == ["yellow-wool-jumper"]
        top = get(f"{address}/classic-varsity-top")
        assert (top["price"], top["stock_quantity"], top["variant_count"]) == ("60.00", 3, 3)
        listed, url = [], f"{address}?limit=7&sort=price-desc"
        while url:
            page = _page(url)
            listed += slugs(page)
            url = page["next"] and address.removesuffix("/api/products") + page["next"]
        assert len(listed) == len(set(listed)) == total


def _page_headers(address: str) -> Mapping[str, str]:
    with urlopen(address, timeout=60) as response:  # noqa: S310  (our own server)
        return dict(response.headers)


def _page(address: str) -> Any:
    with urlopen(address, timeout=60) as response:  # noqa: S310  (our own server)
        return json.load(response)
