"""What the SDK and the network raise, in the words of the domain: the one translation of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException

from cloudinary import exceptions

from eggypro_core.errors import EggyProError, UnavailableError, UpstreamError
from eggypro_core.validation import fields

UNAVAILABLE_STATUSES = frozenset({408, 420, 423, 429, 502, 503, 504})
"""Statuses of a service that is busy, limits its callers, or stands behind a proxy that lost it."""
_READ_BY_THE_SDK = {200, *range(400, 500)}
_KEYS = (exceptions.AuthorizationRequired, exceptions.NotAllowed)
_HIDDEN = "***"
_LONG_WORD = re.compile(r"\S{24,}")  # a signature, say, or a credential in some encoding
_is_seconds = re.compile("[0-9]{1,6}").fullmatch


@contextmanager
def translated(*secrets: str, absent: EggyProError | None = None) -> Iterator[None]:
    """Raise UnavailableError or UpstreamError for anything but an answer.

    `absent` is raised where Cloudinary says that there is no such thing. What is told of the rest
    shows none of the secrets, in whatever form an answer may repeat them.
    """
    try:
        yield
    except EggyProError:
        raise
    except (OSError, HTTPException) as error:
        why = type(error).__name__
        raise UnavailableError(f"Cloudinary does not answer ({why}): try again later") from None
    except exceptions.NotFound:
        raise absent or UpstreamError("Cloudinary has nothing at this address") from None
    except _KEYS as error:
        told = f"Cloudinary refused: check the settings CLOUDINARY_... ({_told(error, secrets)})"
        raise UpstreamError(told) from None
    except exceptions.BadRequest as error:
        raise UpstreamError(f"Cloudinary refused: {_told(error, secrets)}") from None
    except Exception as error:  # noqa: BLE001  the SDK raises bare ones, and any for a broken answer
        why = type(error).__name__
        raise UpstreamError(f"Cloudinary answered what cannot be read ({why})") from None


def require_success(status: int, waiting: str) -> None:
    """Raise what a status says that the SDK takes for success, or forgets: how long to wait."""
    if status in UNAVAILABLE_STATUSES:
        raise UnavailableError(
            f"Cloudinary is busy ({status}): try again later",
            retry_after=int(waiting) if _is_seconds(waiting) else None,
        )
    if status not in _READ_BY_THE_SDK:
        raise UpstreamError(f"Cloudinary failed ({status})")


def _told(error: Exception, secrets: tuple[str, ...]) -> str:
    text = str(error)
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    return fields.escape_control(_LONG_WORD.sub(_HIDDEN, text), 200)
