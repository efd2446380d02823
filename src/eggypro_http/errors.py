"""Translation of errors to HTTP: status codes and problem JSON (RFC 9457)."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import falcon
import orjson

from eggypro_core.errors import (
    ConfigurationError,
    EggyProError,
    FieldError,
    RateLimitedError,
    SlugMovedError,
    UnavailableError,
    UpstreamError,
    ValidationError,
    is_storage_full,
    storage_full_error,
)
from eggypro_http.problem_types import (
    BAD_REQUEST,
    INTERNAL_ERROR,
    NOT_FOUND,
    PROBLEM_TYPES,
)
from eggypro_http.urls import redirect_url

PROBLEM_MEDIA_TYPE = "application/problem+json"
NO_STORE = "no-store"
MAX_ERRORS = 100
"""The most validation errors listed in one response."""
REQUEST_ID_KEY = "eggypro.request_id"
"""The environ key of the request id."""

_CODE_BY_STATUS: Mapping[int, str] = {
    400: BAD_REQUEST,
    404: NOT_FOUND,
    405: "method-not-allowed",
    406: "not-acceptable",
    408: "request-timeout",
    411: "length-required",
    413: "content-too-large",
    415: "unsupported-media-type",
}
"""The problem types of Falcon's errors, by status."""
_MIN_SERVER_ERROR = 500
_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    503: {"Retry-After": "5"},
}
_DEFAULT_DETAILS: Mapping[int, str] = {
    404: "Nothing exists at this URL",
    405: "Method not allowed: see the Allow header",
    500: "Internal error. It has been logged and is not caused by the request.",
    502: "A required service failed. Try again later.",
    503: "A required service is unavailable. Try again in a few seconds.",
    507: "A disk of the server is full or read-only. Nothing was stored, and reads still succeed."
    " Try again later.",
}
"""Details for errors that have no message, or none that is meant for clients."""

ReportError: TypeAlias = Callable[[Mapping[str, Any], Exception], None]
"""Reports an unexpected error, given the environ of the request that raised it."""
_log = logging.getLogger(__name__)


def install_error_handlers(app: "falcon.App[Any, Any]", report: ReportError) -> None:
    """Make `app` respond to every error with problem JSON; unexpected ones go to `report`."""

    def unexpected(
        request: falcon.Request, response: falcon.Response, error: Exception, _params: object
    ) -> None:
        report(request.env, error)
        _respond(request, response, INTERNAL_ERROR)

    def system_error(
        request: falcon.Request, response: falcon.Response, error: OSError, params: object
    ) -> None:
        if is_storage_full(error):
            _on_unavailable(request, response, storage_full_error(error), params)
        else:
            unexpected(request, response, error, params)

    app.add_error_handler(Exception, unexpected)
    app.add_error_handler(falcon.HTTPError, _on_falcon_error)
    app.add_error_handler(EggyProError, _on_error)
    app.add_error_handler(ValidationError, _on_validation_error)
    app.add_error_handler(SlugMovedError, _on_slug_moved)
    app.add_error_handler(UpstreamError, _on_unavailable)
    app.add_error_handler(RateLimitedError, _on_rate_limited)
    app.add_error_handler(UnavailableError, _on_unavailable)
    app.add_error_handler(OSError, system_error)
    app.add_error_handler(ConfigurationError, unexpected)


def problem(
    code: str,
    request_id: str,
    detail: str | None = None,
    field_errors: Sequence[FieldError] = (),
    *,
    members: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the problem JSON of the type `code`, with further `members`."""
    kind = PROBLEM_TYPES[code]
    body: dict[str, Any] = {
        "type": kind.path,
        "title": kind.title,
        "status": kind.http_status,
        "detail": detail or _DEFAULT_DETAILS.get(kind.http_status, kind.meaning),
        "request_id": request_id,
    }
    if field_errors:
        body["errors"] = [
            {"field": error.field, "message": error.message} for error in field_errors
        ]
    return orjson.dumps(body | dict(members or {}))


def _on_error(
    request: falcon.Request, response: falcon.Response, error: EggyProError, _params: object
) -> None:
    _respond(request, response, error.code, str(error))


def _on_validation_error(
    request: falcon.Request, response: falcon.Response, error: ValidationError, _params: object
) -> None:
    # A body of a megabyte can contain a very large number of errors.
    reported = ValidationError(error.errors[:MAX_ERRORS])
    _respond(request, response, error.code, str(reported), reported.errors)


def _on_slug_moved(
    request: falcon.Request,
    response: falcon.Response,
    error: SlugMovedError,
    params: Mapping[str, str],
) -> None:
    response.set_header("Location", redirect_url(request, params, error.slug))
    _respond(request, response, error.code, str(error))


def _on_rate_limited(
    request: falcon.Request, response: falcon.Response, error: RateLimitedError, _params: object
) -> None:
    response.set_header("Retry-After", str(error.retry_after))
    _respond(request, response, error.code, str(error))


def _on_unavailable(
    request: falcon.Request, response: falcon.Response, error: EggyProError, _params: object
) -> None:
    if not _is_logged_outage(error):
        _log.warning("%s, request %s", error, request.env[REQUEST_ID_KEY])
    _respond(request, response, error.code)
    if isinstance(error, UnavailableError) and error.retry_after:
        response.set_header("Retry-After", str(error.retry_after))


def _is_logged_outage(error: EggyProError) -> bool:
    """Return whether an outage detector has logged the reason, once for all requests."""
    return isinstance(error, UnavailableError) and error.is_reported and not error.is_busy


def _on_falcon_error(
    request: falcon.Request, response: falcon.Response, error: falcon.HTTPError, _params: object
) -> None:
    response.set_headers(error.headers or {})
    is_client_error = error.status_code < _MIN_SERVER_ERROR
    fallback = BAD_REQUEST if is_client_error else INTERNAL_ERROR
    code = _CODE_BY_STATUS.get(error.status_code, fallback)
    _respond(request, response, code, error.description)


def _respond(
    request: falcon.Request,
    response: falcon.Response,
    code: str,
    detail: str | None = None,
    field_errors: Sequence[FieldError] = (),
) -> None:
    status = response.status = PROBLEM_TYPES[code].http_status
    response.content_type = PROBLEM_MEDIA_TYPE
    response.set_header("Cache-Control", NO_STORE)
    response.set_headers(_HEADERS.get(status, {}))
    response.data = problem(code, request.env[REQUEST_ID_KEY], detail, field_errors)
