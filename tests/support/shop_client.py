"""A client that sends each kind of request to a shop, and counts acknowledged writes."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection
from itertools import count
from threading import Lock
from typing import Any
from uuid import uuid4

from attrs import define, field, frozen

from eggypro_adapters.contracts.waiting import wait_until
from tests.support.builders import ADMIN_KEY, product_values
from tests.support.multipart import CONTENT_TYPE, JPG, encode_form, encode_part

CACHED, SOLD, PICTURED, IMPORTED = "cached", "sold", "pictured", "imported"
"""Slugs: of a cached response, of the product of stock changes, of images and of imports."""
STOCK = 1_000_000


@frozen
class Response:
    status: int
    cache: str | None
    body: bytes

    @property
    def is_stale(self) -> bool:
        return self.cache == "stale"

    def __str__(self) -> str:
        return f"{self.status} stale" if self.is_stale else str(self.status)


@define
class Client:
    """Sends each kind of request, from any thread, and counts the acknowledged writes."""

    address: str
    sold: int = 0
    uploaded: int = 0
    _numbers: Iterator[int] = field(factory=count)
    _lock: Lock = field(factory=Lock)

    def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        data = body if isinstance(body, bytes | None) else json.dumps(body)
        common = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
        with closing(HTTPConnection(self.address, timeout=60)) as connection:
            connection.request(method, path, data, {**common, **(headers or {})})
            response = connection.getresponse()
            return Response(response.status, response.getheader("X-Cache"), response.read())

    def cached_read(self) -> Response:
        return self.send("GET", f"/api/products/{CACHED}")

    def read(self) -> Response:
        return self.send("GET", f"/api/products?offset={next(self._numbers)}")

    def search(self) -> Response:
        return self.send("GET", f"/api/products/search?q=egg{next(self._numbers)}")

    def write(self) -> Response:
        return self.sell(SOLD, {})

    def keyed_write(self) -> Response:
        return self.sell(SOLD, {"Idempotency-Key": str(uuid4())})

    def upload(self) -> Response:
        form = encode_form([encode_part(JPG)])
        path, headers = f"/api/products/{PICTURED}/images", {"Content-Type": CONTENT_TYPE}
        response = self.send("POST", path, form, headers)
        with self._lock:
            self.uploaded += response.status == 201
        return response

    def import_file(self) -> Response:
        line = json.dumps(product_values(name=IMPORTED)).encode()
        return self.send("POST", "/api/imports?format=jsonl", line)

    def health(self) -> Response:
        return self.send("GET", "/api/health")

    def ready(self) -> Response:
        return self.send("GET", "/api/health/ready")

    def metrics(self) -> Response:
        return self.send("GET", "/metrics")

    def sell(self, slug: str, headers: Mapping[str, str]) -> Response:
        response = self.send("POST", f"/api/products/{slug}/stock", {"delta": -1}, headers)
        with self._lock:
            self.sold += response.status == 200
        return response

    def stock(self, slug: str = SOLD) -> int:
        return int(self._product(slug)["stock_quantity"])

    def image_count(self) -> int:
        return len(self._product(PICTURED)["images"])

    def _product(self, slug: str) -> Any:
        """Return a product as it is now, as soon as it can be read."""

        def read() -> Response | None:
            response = self.send("GET", f"/api/products/{slug}")
            return response if str(response) == "200" else None

        return json.loads(wait_until(read).body)

    def restore(self) -> None:
        """Restore the products, as soon as that is possible."""
        stock, images = f"/api/products/{SOLD}/stock", f"/api/products/{PICTURED}/images"
        wait_until(lambda: self.send("POST", stock, {"set": STOCK}).status == 200)
        wait_until(lambda: self.send("PUT", images, {"images": []}).status == 200)
        self.sold = self.uploaded = 0
