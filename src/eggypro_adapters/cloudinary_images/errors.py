"""Translate errors of the Cloudinary SDK and of the network to core errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException

from cloudinary import exceptions

from eggypro_core.errors import EggyProError, UnavailableError, UpstreamError
from eggypro_core.validation import fields

UNAVAILABLE_STATUSES = frozenset({408, 420, 423, 429, 502, 503, 504})
"""Statuses of a busy or rate-limiting service, or of a proxy that cannot reach it."""
_SDK_HANDLED_STATUSES = {200, *range(400, 500)}
_CREDENTIAL_ERRORS = (exceptions.AuthorizationRequired, exceptions.NotAllowed)
_HIDDEN = "***"
_LONG_WORD = re.compile(r"\S{24,}")  # may be a signature or an encoded credential
_is_seconds = re.compile("[0-9]{1,6}").fullmatch


@contextmanager
def translate_errors(*secrets: str, not_found: EggyProError | None = None) -> Iterator[None]:
    """Translate any error to UnavailableError or UpstreamError.

    Raises `not_found` if Cloudinary responds that the resource does not exist. Messages never
    contain the `secrets`, even if a response repeats them in an encoded form.
    """
    try:
        yield
    except EggyProError:
        raise
    except (OSError, HTTPException) as error:
        reason = _network_reason(error)
        raise UnavailableError(f"Cloudinary is unavailable ({reason}). Try again later.") from None
    except exceptions.NotFound:
        raise not_found or UpstreamError("Cloudinary responded: not found") from None
    except _CREDENTIAL_ERRORS as error:
        reason = _reason(error, secrets)
        raise UpstreamError(
            f"Cloudinary rejected the credentials: check the CLOUDINARY_* settings ({reason})"
        ) from None
    except exceptions.BadRequest as error:
        raise UpstreamError(f"Cloudinary rejected the request: {_reason(error, secrets)}") from None
    except Exception as error:  # noqa: BLE001  the SDK raises bare ones, and any for a bad response
        kind = type(error).__name__
        raise UpstreamError(f"Cloudinary sent an invalid response ({kind})") from None


def require_success(status: int, retry_after: str) -> None:
    """Raise UnavailableError or UpstreamError for statuses that the SDK does not handle.

    Unlike the SDK, this preserves `retry_after`, the header of the response.
    """
    if status in UNAVAILABLE_STATUSES:
        raise UnavailableError(
            f"Cloudinary is busy (status {status}). Try again later.",
            retry_after=int(retry_after) if _is_seconds(retry_after) else None,
        )
    if status not in _SDK_HANDLED_STATUSES:
        raise UpstreamError(f"Cloudinary failed (status {status})")


def _network_reason(error: OSError | HTTPException) -> str:
    if isinstance(error, TimeoutError):
        return "no response in time"
    strerror = error.strerror if isinstance(error, OSError) else None
    return strerror or type(error).__name__


def _reason(error: Exception, secrets: tuple[str, ...]) -> str:
    text = str(error)
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    return fields.escape_control(_LONG_WORD.sub(_HIDDEN, text), 200)
