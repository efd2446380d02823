"""Translation of errors to HTTP: status codes and problem JSON (RFC 9457)."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import falcon
import orjson

from eggypro_core import errors
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
from eggypro_http.urls import redirect_url

BAD_REQUEST, NOT_FOUND, INTERNAL_ERROR = 400, 404, 500
PROBLEM_MEDIA_TYPE = "application/problem+json"
NO_STORE = "no-store"
MAX_ERRORS = 100
"""The most validation errors listed in one response."""
REQUEST_ID_KEY = "eggypro.request_id"
"""The environ key of the request id."""

STATUS_BY_ERROR: Mapping[type[EggyProError], int] = {
    errors.ValidationError: 422,
    errors.ParseError: 400,
    errors.UnauthenticatedError: 401,
    errors.ForbiddenError: 403,
    errors.NotFoundError: 404,
    errors.GoneError: 410,
    errors.SlugMovedError: 308,
    errors.ConflictError: 409,
    errors.VersionConflictError: 412,
    errors.TooLargeError: 413,
    errors.UpstreamError: 502,
    errors.RateLimitedError: 429,
    errors.UnavailableError: 503,
    errors.StorageFullError: 507,
    errors.NotConfiguredError: 503,
    errors.ConfigurationError: 500,
}
"""The HTTP status of each error of the core."""

_TITLES: Mapping[int, str] = {422: "Unprocessable Content"}  # Falcon still uses the former name
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
_KINDS: Mapping[int, str] = {507: "/problems/storage-full"}
"""The problem types of statuses with only one cause."""

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
    status: int,
    request_id: str,
    detail: str | None = None,
    field_errors: Sequence[FieldError] = (),
    *,
    kind: str | None = None,
    members: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the problem JSON of a status, with further `members`."""
    body: dict[str, Any] = {
        "type": kind or _KINDS.get(status, "about:blank"),
        "title": _TITLES.get(status) or falcon.code_to_http_status(status)[4:],
        "status": status,
        "detail": detail or _DEFAULT_DETAILS.get(status, ""),
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
    _respond(request, response, STATUS_BY_ERROR[type(error)], str(error))


def _on_validation_error(
    request: falcon.Request, response: falcon.Response, error: ValidationError, _params: object
) -> None:
    # A body of a megabyte can contain a very large number of errors.
    reported = ValidationError(error.errors[:MAX_ERRORS])
    _respond(request, response, STATUS_BY_ERROR[ValidationError], str(reported), reported.errors)


def _on_slug_moved(
    request: falcon.Request,
    response: falcon.Response,
    error: SlugMovedError,
    params: Mapping[str, str],
) -> None:
    response.set_header("Location", redirect_url(request, params, error.slug))
    _respond(request, response, STATUS_BY_ERROR[SlugMovedError], str(error))


def _on_rate_limited(
    request: falcon.Request, response: falcon.Response, error: RateLimitedError, _params: object
) -> None:
    response.set_header("Retry-After", str(error.retry_after))
    _respond(request, response, STATUS_BY_ERROR[RateLimitedError], str(error))


def _on_unavailable(
    request: falcon.Request, response: falcon.Response, error: EggyProError, _params: object
) -> None:
    if not _is_logged_outage(error):
        _log.warning("%s, request %s", error, request.env[REQUEST_ID_KEY])
    _respond(request, response, STATUS_BY_ERROR[type(error)])
    if isinstance(error, UnavailableError) and error.retry_after:
        response.set_header("Retry-After", str(error.retry_after))


def _is_logged_outage(error: EggyProError) -> bool:
    """Return whether an outage detector has logged the reason, once for all requests."""
    return isinstance(error, UnavailableError) and error.is_reported and not error.is_busy


def _on_falcon_error(
    request: falcon.Request, response: falcon.Response, error: falcon.HTTPError, _params: object
) -> None:
    response.set_headers(error.headers or {})
    _respond(request, response, error.status_code, error.description)


def _respond(
    request: falcon.Request,
    response: falcon.Response,
    status: int,
    detail: str | None = None,
    field_errors: Sequence[FieldError] = (),
) -> None:
    response.status = status
    response.content_type = PROBLEM_MEDIA_TYPE
    response.set_header("Cache-Control", NO_STORE)
    response.set_headers(_HEADERS.get(status, {}))
    response.data = problem(status, request.env[REQUEST_ID_KEY], detail, field_errors)
