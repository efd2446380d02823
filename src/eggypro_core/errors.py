"""Everything that the domain refuses with: a few flat kinds, each mapped once by every edge."""

from collections.abc import Sequence

from attrs import frozen


@frozen
class FieldError:
    """One thing wrong with one field, said so that its sender can mend it."""

    field: str
    message: str


class EggyProError(Exception):
    """The parent of every error that this library raises on purpose.

    It `is_reported` once somebody who watches a service has seen it.
    """

    is_reported = False


class ValidationError(EggyProError):
    """The input is wrong by itself. Carries every fault of it, not only the first."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in errors))
        self.errors = tuple(errors)


class ParseError(EggyProError):
    """What came cannot be read at all: broken JSON, a mended cursor."""


class TooLargeError(EggyProError):
    """What came is larger than is taken."""


class UnauthenticatedError(EggyProError):
    """No credential came, or none that can be used.

    It `is_failure` where one verifies to nothing: whoever sends many of those is guessing.
    """

    def __init__(
        self,
        message: str = "Missing authentication header",
        *,
        is_failure: bool = False,
    ) -> None:
        super().__init__(message)
        self.is_failure = is_failure


class RateLimitedError(EggyProError):
    """The client did this too often: it may again after some seconds."""

    def __init__(self, retry_after: int, message: str = "") -> None:
        super().__init__(message or f"Too many requests. Try again in {retry_after} s.")
        self.retry_after = retry_after


class ForbiddenError(EggyProError):
    """The credential is good, but not for this."""


class NotFoundError(EggyProError):
    """What was named does not exist, or is not for this caller to see: a product, or `kind`."""

    def __init__(self, message: str, *, kind: str = "product") -> None:
        super().__init__(message)
        self.kind = kind


class SlugMovedError(EggyProError):
    """The slug is a former one: the product now answers to `slug`."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"The product is now at '{slug}'")
        self.slug = slug


class ConflictError(EggyProError):
    """Right by itself, but contradicts what is stored: a taken slug, SKU or too little stock."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class VersionConflictError(EggyProError):
    """Another editorial write came between reading and writing. Nothing was changed."""


class UnavailableError(EggyProError):
    """Something that this needs (the database, say) is away. Trying again later may work.

    `retry_after` is in how many seconds, where that was said.
    """

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UpstreamError(EggyProError):
    """A service that this needs (the image store, say) answered, but not with what was asked."""


class ConfigurationError(EggyProError):
    """The settings cannot be used. Names every setting at fault, never its value."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("\n".join(fault.message for fault in errors))
        self.errors = tuple(errors)
