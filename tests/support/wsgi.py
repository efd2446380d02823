"""What travels over the wire, as the tests of the API say it and look at it."""

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
}
"""What stands in the shop `full` for the names in a route's path."""


@frozen
class Reply:
    """What an application answered to a bare environ."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def send_request(app: WSGIApplication, path: str = EGG, **environ: Any) -> Reply:
    """Put a request to an application that Falcon's own client would not let through."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
        started.append((status, headers))

    request = {**create_environ(path), **environ}
    sent = app({name: one for name, one in request.items() if one is not None}, start)
    body = b"".join(sent)
    getattr(sent, "close", lambda: None)()
    [(status, headers)] = started
    return Reply(int(status[:3]), dict(headers), body)


def sample_path(path: str) -> str:
    """An address of a route, in the shop `full`."""
    return path.format(**PATH_VALUES)


def error_fields(result: Result) -> list[str]:
    """The fields that a refusal names."""
    assert result.status_code == 422, result.text
    return [error["field"] for error in result.json["errors"]]


def broken_app(_environ: Any, _start: Any) -> Iterable[bytes]:
    raise RuntimeError("inside of everything")


failing_app = GuardMiddleware(broken_app, ErrorReporter((LogErrorTracker(),), ClientResolver()))
