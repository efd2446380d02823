"""Unpack .gz and .zip files (.xlsx is one) up to a limit."""

import gzip
import shutil
import weakref
import zlib
from io import BufferedReader, RawIOBase
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, BinaryIO
from zipfile import BadZipFile, ZipFile

from attrs import define

from eggypro_adapters.files.text_lines import PrefixedStream, read_head
from eggypro_core.errors import ParseError, StorageFullError
from eggypro_core.validation.fields import escape_control

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_UNPACKED_BYTES = 1024**3
WORKBOOK = "xl/workbook.xml"
"""The file in an archive by which an Excel workbook is recognised."""
_MAGIC_BYTES = 8
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHER_FILES = {
    b"%PDF-": "a PDF",
    b"\xff\xd8\xff": "a picture",
    b"\x89PNG": "a picture",
    b"GIF87a": "a picture",
    b"GIF89a": "a picture",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a": "a RAR archive",
}
"""The kinds of other files, by their first bytes."""
_MAX_NAMED_FILES = 5
_IS_ENCRYPTED = 1
_DAMAGE = (BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError, ValueError)
_DAMAGED_MESSAGE = "The packed file is damaged, or packed with an unknown method"


@define
class Budget:
    """The number of bytes that a file may still unpack to."""

    remaining: int

    def take(self, size: int) -> None:
        """Count unpacked bytes. Raises ParseError if they are too many."""
        self.remaining -= size
        if self.remaining < 0:
            raise ParseError("The packed file holds more than 1 GiB: split it")


class Archive:
    """The files of a zip archive, in a temporary file that is deleted with the last of them.

    Raises ParseError if it is damaged.
    """

    def __init__(self, file: IO[bytes], budget: Budget) -> None:
        self._budget = budget
        weakref.finalize(self, file.close)
        try:
            self._zip = ZipFile(file)
        except _DAMAGE as error:
            raise ParseError(_DAMAGED_MESSAGE) from error

    def has(self, name: str) -> bool:
        """Return whether the archive has a file."""
        return name in self._zip.NameToInfo

    def open(self, name: str) -> BinaryIO:
        """Return a stream of a file's bytes. It raises ParseError for damage and too many bytes."""
        info = self._zip.getinfo(name)
        if info.flag_bits & _IS_ENCRYPTED:
            raise ParseError("The packed file has a password: save it without one")
        try:
            return BufferedReader(_UnpackedStream(self._zip.open(info), self._budget, self))
        except _DAMAGE as error:
            raise ParseError(_DAMAGED_MESSAGE) from error

    def open_single(self) -> BinaryIO:
        """Return the bytes of the only file. Raises ParseError if there are several."""
        names = [name for name in self._zip.namelist() if _is_visible(name)]
        if len(names) == 1:
            return self.open(names[0])
        listed = ", ".join(f"'{escape_control(name)}'" for name in names[:_MAX_NAMED_FILES])
        raise ParseError(
            f"The file is an archive of {len(names)} files ({listed}): import a single table, as "
            "CSV or .xlsx"
        )


def unpack(stream: BinaryIO) -> BinaryIO | Archive:
    """Return the bytes of a file, unpacked if it is a .gz file, or an archive (.zip, .xlsx).

    Raises ParseError for old Excel files, pictures and the like, and StorageFullError if the
    temporary folder has no room for an archive.
    """
    head = read_head(stream, _MAGIC_BYTES)
    whole = BufferedReader(PrefixedStream(head, stream))
    budget = Budget(MAX_UNPACKED_BYTES)
    if head.startswith(_GZIP):
        return BufferedReader(_UnpackedStream(gzip.GzipFile(fileobj=whole), budget))
    if head.startswith(_ZIP):
        return Archive(_spool(whole), budget)
    if head.startswith(_OLD_EXCEL):
        raise ParseError(
            "The file is an old or password-protected Excel file: save it as .xlsx or CSV, without "
            "a password"
        )
    for magic, kind in _OTHER_FILES.items():
        if head.startswith(magic):
            raise ParseError(f"The file is {kind}: save the table as CSV or .xlsx")
    return whole


class _UnpackedStream(RawIOBase):
    """The unpacked bytes of a stream; reading raises ParseError for damage and too many bytes."""

    def __init__(
        self, stream: IO[bytes] | gzip.GzipFile, budget: Budget, archive: Archive | None = None
    ) -> None:
        self._stream = stream
        self._budget = budget
        self._archive = archive  # keeps its temporary file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        try:
            data = self._stream.read(len(view))
        except _DAMAGE as error:
            raise ParseError(_DAMAGED_MESSAGE) from error
        self._budget.take(len(data))
        view[: len(data)] = data
        return len(data)


def _spool(stream: BinaryIO) -> IO[bytes]:
    """Return a temporary file with the bytes of a stream that is not seekable."""
    file = TemporaryFile()  # noqa: SIM115 - the archive closes it
    try:
        shutil.copyfileobj(_UnpackedStream(stream, Budget(MAX_UNPACKED_BYTES)), file)
    except OSError as error:
        file.close()
        raise StorageFullError("The temporary folder has no room to unpack the file") from error
    except ParseError:
        file.close()
        raise
    return file


def _is_visible(name: str) -> bool:
    """Return whether a file of an archive is neither a folder nor hidden."""
    is_hidden = name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")
    return not (is_hidden or name.endswith("/"))
