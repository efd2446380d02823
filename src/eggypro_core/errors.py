"""Errors of the library: a few flat classes that each edge maps once."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto

from attrs import frozen

_STORAGE_FULL_NUMBERS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@frozen
class FieldError:
    """A validation error of one field, with a message for the client."""

    field: str
    message: str


class EggyProError(Exception):
    """The base class of every error that this library raises deliberately.

    `code` names the cause for clients; some errors carry one that is more specific than that of
    their class. `is_reported` is set by the first OutageDetector that sees the error.
    """

    code = "internal-error"
    is_reported = False


class ValidationError(EggyProError):
    """The input is invalid. Carries all errors of its fields, not only the first."""

    code = "validation-failed"

    def __init__(self, errors: Sequence[FieldError], *, code: str = code) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = tuple(errors)
        self.code = code


class ParseError(EggyProError):
    """The input cannot be parsed: malformed JSON, a tampered cursor."""

    code = "malformed-request"


class TooLargeError(EggyProError):
    """The input exceeds a size limit."""

    code = "content-too-large"


class UnauthenticatedError(EggyProError):
    """The credential is missing, invalid or expired.

    `is_failure` marks one that cannot be verified: a client that sends many of them is guessing.
    """

    code = "unauthenticated"

    def __init__(
        self,
        message: str = "Missing authentication header",
        *,
        is_failure: bool = False,
    ) -> None:
        super().__init__(message)
        self.is_failure = is_failure


class RateLimitedError(EggyProError):
    """The client has exceeded a rate limit. It may retry after `retry_after` seconds."""

    code = "rate-limited"

    def __init__(self, retry_after: int, message: str = "", *, code: str = code) -> None:
        super().__init__(message or f"Too many requests. Try again in {retry_after} s.")
        self.retry_after = retry_after
        self.code = code


class ForbiddenError(EggyProError):
    """The credential is valid, but lacks the permission."""

    code = "forbidden"


class NotFoundError(EggyProError):
    """The product (or `kind`) does not exist, or the client may not see it."""

    code = "not-found"

    def __init__(self, message: str, *, kind: str = "product") -> None:
        super().__init__(message)
        self.kind = kind


class GoneError(EggyProError):
    """The requested data existed, and was deleted after its retention or replaced by a restore."""

    code = "gone"


class SlugMovedError(EggyProError):
    """The requested slug is a former one; the product's current slug is `slug`."""

    code = "slug-moved"

    def __init__(self, slug: str) -> None:
        super().__init__(f"The product is now at '{slug}'")
        self.slug = slug


class ConflictError(EggyProError):
    """The input is valid, but conflicts with stored data: a taken slug or SKU, too little stock."""

    code = "conflict"

    def __init__(self, message: str, *, field: str = "", code: str = code) -> None:
        super().__init__(message)
        self.field = field
        self.code = code


class VersionConflictError(EggyProError):
    """Another editorial write came between reading and writing. Nothing is stored."""

    code = "version-conflict"


class UnavailableKind(Enum):
    """Kinds of unavailability: only a dependency that is down may come back by itself.

    One that rejects the settings, or lacks a right of our user, is misconfigured. A database
    without the migrations of this version has an outdated schema.
    """

    DOWN = auto()
    MISCONFIGURED = auto()
    OUTDATED_SCHEMA = auto()


class UnavailableError(EggyProError):
    """A dependency (such as the database) is unavailable. A later retry may succeed.

    `retry_after` is the number of seconds to wait, if known: the dependency is then busy.
    """

    code = "service-unavailable"

    def __init__(
        self,
        message: str,
        *,
        retry_after: int | None = None,
        kind: UnavailableKind = UnavailableKind.DOWN,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.kind = kind
        if retry_after is not None:
            self.code = "busy"

    @property
    def is_busy(self) -> bool:
        """Return whether the dependency is only busy, so that the next request may succeed."""
        return self.retry_after is not None


class StorageFullError(UnavailableError):
    """A disk is full, over its quota or read-only. Nothing is stored, and reads still succeed."""

    code = "storage-full"


def database_unavailable_error(
    message: str = "The database is unavailable. Try again later.",
    *,
    kind: UnavailableKind = UnavailableKind.DOWN,
) -> UnavailableError:
    """Return the error for a database that cannot be used now."""
    error = UnavailableError(message, kind=kind)
    error.code = "database-unavailable"
    return error


@contextmanager
def translate_storage_errors() -> Iterator[None]:
    """Raise StorageFullError for system errors of a full or read-only disk."""
    try:
        yield
    except OSError as error:
        if is_storage_full(error):
            raise storage_full_error(error) from error
        raise


def storage_full_error(error: OSError) -> StorageFullError:
    """Return the error for a full or read-only disk; it names the file if it is known."""
    place = f" to {error.filename}" if error.filename else ""
    return StorageFullError(f"Writing{place} failed: {error.strerror}")


def is_storage_full(error: OSError) -> bool:
    """Return whether a system error means that a disk is full or read-only."""
    return error.errno in _STORAGE_FULL_NUMBERS


class NotConfiguredError(EggyProError):
    """The request needs a setting that this shop lacks. The message names the setting."""

    code = "not-configured"


class UpstreamError(EggyProError):
    """A dependency (such as the image store) returned an unexpected response."""

    code = "upstream-failed"


class ConfigurationError(EggyProError):
    """The settings are invalid. Names every invalid setting, never its value."""

    code = "invalid-settings"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("\n".join(error.message for error in errors))
        self.errors = tuple(errors)
