"""Requests and replies of API tests below the Falcon test client, and sample paths."""

from collections.abc import Iterable, Mapping
from typing import Any
from wsgiref.types import WSGIApplication

from attrs import frozen
from falcon.testing import Result, create_environ

from eggypro_adapters.monitoring.error_log import LogErrorTracker
from eggypro_http.error_reporting import ErrorReporter
from eggypro_http.middleware.guard import GuardMiddleware
from eggypro_http.requests.client_address import ClientResolver
from tests.support.builders import ADMIN_KEY

ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}
PRODUCTS = "/api/products"
EGG = f"{PRODUCTS}/egg-white-protein"
CATEGORIES = "/api/categories"
IMAGE = "eggypro-products/egg"
PATH_VALUES = {
    "slug": "egg-white-protein",
    "variant": 2,
    "review": 3,
    "category": "food",
    "image": f"{IMAGE}/thumbnail",
    "public_id": IMAGE,
    "upload": "egg",
    "job": "metrics",
    "batch": 1,
    "key": 1,
    "code": "slug-taken",
}
"""Path parameters that exist in the shop of the fixture `full`."""


@frozen
class Reply:
    """The reply of a WSGI application."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def send_request(app: WSGIApplication, path: str = EGG, **environ: Any) -> Reply:
    """Send a request that Falcon's test client would refuse to build."""
    start_calls: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
        start_calls.append((status, headers))

    request = {**create_environ(path), **environ}
    chunks = app({name: value for name, value in request.items() if value is not None}, start)
    body = b"".join(chunks)
    getattr(chunks, "close", lambda: None)()
    [(status, headers)] = start_calls
    return Reply(int(status[:3]), dict(headers), body)


def sample_path(path: str) -> str:
    """Return an existing path of a route in the shop of the fixture `full`."""
    return path.format(**PATH_VALUES)


def error_fields(result: Result) -> list[str]:
    """Return the fields of a validation error."""
    assert result.status_code == 422, result.text
    return [error["field"] for error in result.json["errors"]]


def broken_app(_environ: Any, _start: Any) -> Iterable[bytes]:
    raise RuntimeError("inside of everything")


failing_app = GuardMiddleware(broken_app, ErrorReporter((LogErrorTracker(),), ClientResolver()))
