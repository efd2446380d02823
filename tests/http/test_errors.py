import errno
import logging

import falcon
import pytest
from falcon.testing import TestClient

from eggypro_adapters.memory import MemoryProductStore
from eggypro_core import errors
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import ListedProduct, Product
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.errors import EggyProError, FieldError, UnavailableError
from eggypro_core.validation.parameters import Status
from eggypro_http.app import create_app
from eggypro_http.problem_types import PROBLEM_TYPES
from tests.support.builders import make_shop
from tests.support.wsgi import EGG, PRODUCTS, failing_app, send_request

PRIVATE_TEXT = "host=db.internal password=hunter2"
FIELD_ERRORS = [
    FieldError("price", "Price must be positive"),
    FieldError("name", "Name is required"),
]
ERRORS = [
    errors.ValidationError(FIELD_ERRORS),
    errors.ParseError("That is no cursor"),
    errors.TooLargeError("Too much"),
    errors.UnauthenticatedError("Who are you?"),
    errors.ForbiddenError("Not for you"),
    errors.NotFoundError("No such thing"),
    errors.GoneError("Deleted after its retention"),
    errors.SlugMovedError("new-slug"),
    errors.ConflictError("Taken", field="slug"),
    errors.VersionConflictError("Changed meanwhile"),
    errors.UpstreamError(PRIVATE_TEXT),
    errors.RateLimitedError(7),
    errors.UnavailableError(PRIVATE_TEXT),
    errors.StorageFullError(PRIVATE_TEXT),
    errors.NotConfiguredError("Set JWT_SECRET"),
    errors.ValidationError(FIELD_ERRORS, code="idempotency-key-reused"),
    errors.RateLimitedError(7, code="locked-out"),
    errors.UnavailableError(PRIVATE_TEXT, retry_after=7),
    errors.database_unavailable_error(PRIVATE_TEXT),
    *(
        errors.ConflictError("Taken", code=code)
        for code in (
            "slug-taken",
            "sku-taken",
            "options-taken",
            "insufficient-stock",
            "limit-reached",
            "derived-field",
            "category-cycle",
            "not-undoable",
            "count-mismatch",
            "concurrent-write",
            "request-in-progress",
        )
    ),
]

FRAMEWORK_CODES = {
    400: "malformed-request",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    408: "request-timeout",
    411: "length-required",
    413: "content-too-large",
    415: "unsupported-media-type",
}


class BrokenStore(MemoryProductStore):
    """Product store whose reads raise `error`."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def get(self, slug: str, variant_status: Status = Status.ACTIVE) -> Product:  # noqa: ARG002  (the port has it)
        raise self.error

    def list(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:  # noqa: ARG002
        raise self.error


def client_raising(error: Exception) -> TestClient:
    return TestClient(create_app(make_shop(BrokenStore(error))))


def test_every_error_of_the_core_is_tested() -> None:
    tested = {type(error) for error in ERRORS}
    # Invalid settings are an internal error of a server.
    assert tested | {errors.ConfigurationError} == {
        *EggyProError.__subclasses__(),
        errors.StorageFullError,
    }


def test_no_error_but_a_full_disk_is_a_special_case_of_another() -> None:
    special = [case for kind in EggyProError.__subclasses__() for case in kind.__subclasses__()]
    assert special == [errors.StorageFullError]


def test_every_problem_type_of_http_is_tested() -> None:
    tested = {error.code for error in ERRORS} | {*FRAMEWORK_CODES.values()}
    http_codes = {code for code, kind in PROBLEM_TYPES.items() if kind.status is not None}
    # `import-refused` is a response rather than an error: tests of imports have it.
    assert tested | {"internal-error", "import-refused"} == http_codes


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_errors_are_problems_with_their_status(error: EggyProError) -> None:
    response = client_raising(error).simulate_get(EGG)
    assert response.status_code == PROBLEM_TYPES[error.code].status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    problem = response.json
    assert problem["type"] == f"/problems/{error.code}"
    assert problem["status"] == response.status_code
    assert problem["request_id"] == response.headers["x-request-id"]
    assert problem["title"] == PROBLEM_TYPES[error.code].title
    if response.status_code < 500:
        assert problem["detail"] == str(error)


def test_validation_problem_lists_every_error() -> None:
    assert client_raising(errors.ValidationError(FIELD_ERRORS)).simulate_get(EGG).json[
        "errors"
    ] == [
        {"field": "price", "message": "Price must be positive"},
        {"field": "name", "message": "Name is required"},
    ]


def test_503_has_retry_after(
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = client_raising(errors.UnavailableError(PRIVATE_TEXT)).simulate_get(EGG)
    assert int(response.headers["retry-after"]) > 0
    assert PRIVATE_TEXT not in response.text
    assert PRIVATE_TEXT in caplog.text


@pytest.mark.parametrize(("retry_after", "header"), [(120, "120"), (0, "5"), (None, "5")])
def test_unavailable_error_sets_retry_after(retry_after: int | None, header: str) -> None:
    response = client_raising(
        errors.UnavailableError("Busy", retry_after=retry_after)
    ).simulate_get(EGG)
    assert response.headers["retry-after"] == header


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_full_and_read_only_disks_are_insufficient_storage(
    number: int, caplog: pytest.LogCaptureFixture
) -> None:
    error = OSError(number, PRIVATE_TEXT, "/private/file")
    response = client_raising(error).simulate_get(EGG)
    assert (response.status_code, response.json["type"]) == (507, "/problems/storage-full")
    assert "private" not in response.text
    assert f"Writing to /private/file failed: {PRIVATE_TEXT}" in caplog.text


def test_service_messages_are_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    response = client_raising(errors.UpstreamError(PRIVATE_TEXT)).simulate_get(EGG)
    assert PRIVATE_TEXT not in response.text
    assert PRIVATE_TEXT in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(PRIVATE_TEXT),
        errors.ConfigurationError([FieldError("X", PRIVATE_TEXT)]),
        KeyError(),
        PermissionError(13, PRIVATE_TEXT),
    ],
)
def test_unexpected_errors_are_logged_but_not_disclosed(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    response = client_raising(error).simulate_get(EGG)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json["title"] == "Internal error"
    for secret in ("hunter2", "Traceback", type(error).__name__):
        assert secret not in response.text
    [record] = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert response.headers["x-request-id"] in record.getMessage()


@pytest.mark.parametrize(
    ("is_reported", "retry_after", "is_logged"),
    [(True, None, False), (True, 1, True), (False, None, True)],
)
def test_outage_that_a_detector_has_logged_is_not_logged_per_request(
    caplog: pytest.LogCaptureFixture,
    *,
    is_reported: bool,
    retry_after: int | None,
    is_logged: bool,
) -> None:
    error = UnavailableError("Wrong password for user 'ada'", retry_after=retry_after)
    error.is_reported = is_reported
    response = client_raising(error).simulate_get(EGG)
    assert "Wrong password" not in response.text
    assert ("Wrong password" in caplog.text) == is_logged


def test_falcon_errors_are_problems() -> None:
    error = falcon.HTTPNotAcceptable(title="<b>", description="Only JSON")
    response = client_raising(error).simulate_get(EGG)
    assert response.json.items() >= {"status": 406, "title": "Not acceptable"}.items()
    assert response.json["detail"] == "Only JSON"


@pytest.mark.parametrize(("status", "expected"), [(418, 400), (501, 500)])
def test_other_falcon_errors_are_of_the_client_or_of_the_server(status: int, expected: int) -> None:
    response = client_raising(falcon.HTTPError(status)).simulate_get(EGG)
    assert response.status_code == expected


@pytest.mark.parametrize(("status", "code"), FRAMEWORK_CODES.items())
def test_errors_of_the_framework_have_a_problem_type(status: int, code: str) -> None:
    response = client_raising(falcon.HTTPError(status)).simulate_get(EGG)
    assert (response.status_code, response.json["type"]) == (status, f"/problems/{code}")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_head_of_an_error_has_no_body(method: str) -> None:
    response = client_raising(RuntimeError("boom")).simulate_request(method, EGG)
    assert response.status_code == 500
    assert bool(response.content) == (method == "GET")


def test_requests_cannot_forge_log_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = create_app(make_shop(BrokenStore(RuntimeError())))
    send_request(app, PRODUCTS, REQUEST_METHOD="GET", HTTP_X_REQUEST_ID="a\r\nERROR forged")
    send_request(failing_app, PATH_INFO="/a\r\nERROR forged", REQUEST_METHOD="A\nB")
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert not any("\n" in message or "\r" in message for message in messages)
