"""Port for dumps of a shop and their restoration."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import IO, BinaryIO, Protocol, TypeAlias

from attrs import frozen

Progress: TypeAlias = Callable[[str], None]
"""Called with each step, such as `Copying products`."""


@frozen
class BackupReport:
    """Contents of a dump that was written or restored.

    `created_at` is the time of its snapshot (RFC 3339), `images` the number of image files.
    """

    revision: str
    created_at: str
    products: int
    images: int
    warnings: tuple[str, ...] = ()


class Backups(Protocol):
    """Dump and restore all data of a shop. Any method may raise UnavailableError."""

    def dump(self, target: BinaryIO, progress: Progress) -> BackupReport:
        """Write a dump of one snapshot; `target` need not be seekable. Blocks no writer.

        Memory does not grow with the shop. Raises ConflictError if the database is empty or of an
        unknown revision.
        """
        ...

    def restore(
        self, source: BinaryIO, progress: Progress, *, replace: bool, with_access: bool = False
    ) -> BackupReport:
        """Replace all data with a dump, upgraded to the newest revision, and invalidate all caches.

        One transaction: nothing is changed after an error or a crash. Readers and writers continue
        on the old data until the end. API keys are restored revoked, unless `with_access`: some
        may have been revoked after the dump. Raises ParseError if the file is not a complete dump,
        and ConflictError if its revision is unknown, or the database has products without
        `replace`.
        """
        ...


class ImageFiles(Protocol):
    """Files of an image store in a folder, as far as dumps need them."""

    def open(self, public_id: str) -> tuple[str, BinaryIO] | None:
        """Return the name and contents of an original, None if there is no such file."""
        ...

    def receive(self) -> AbstractContextManager["ReceivedImages"]:
        """Receive images aside, until the end of the block. Removes what a crash has left."""
        ...


class ReceivedImages(Protocol):
    """Images that are stored aside."""

    def add(self, name: str, content: IO[bytes]) -> None:
        """Store an image aside, under a name that `ImageFiles.open` returned.

        Raises ParseError for any other name.
        """
        ...

    def flush(self) -> None:
        """Flush all images to disk."""
        ...

    def publish(self) -> None:
        """Move the images to their places. Those that exist already stay."""
        ...


def no_progress(_step: str) -> None:
    """Ignore the progress."""
