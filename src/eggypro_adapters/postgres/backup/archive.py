"""The archive of a dump: a ZIP file whose members have checksums.

`tables/NAME.copy` is a table in the text format of COPY, `images/NUMBER.tar` holds image files, and
`eggypro.json`, written last, is the manifest.
"""

import json
import shutil
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count, islice
from tempfile import TemporaryFile
from typing import IO, BinaryIO
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from attrs import asdict, frozen

from eggypro_core.errors import ParseError, UnavailableError

FORMAT = 1
"""Version of the archive format."""
MANIFEST = "eggypro.json"
IMAGES = "images/"
TAR_SIZE = 1000
"""Image files of a TAR member: tarfile and zipfile keep a record of each of their members."""
COMPRESSION_LEVEL = 1
"""Higher levels take several times as long, and save a tenth."""
CHUNK_BYTES = 1 << 16
NOT_A_DUMP = "The file is not a dump of EggyPro: `eggypro db dump FILE` writes one"
_ZIP_MAGIC = b"PK\x03\x04"


@frozen
class TableManifest:
    """Columns and number of rows of a table."""

    columns: list[str]
    rows: int


@frozen
class Manifest:
    """Contents of a dump. `images` is None if they are not in a folder, but at a service.

    `sequences` has the last ID that each `table.column` has given.
    """

    revision: str
    version: str
    created_at: str
    tables: Mapping[str, TableManifest]
    sequences: Mapping[str, int]
    images: int | None
    format: int = FORMAT


@frozen
class ArchiveWriter:
    """Write an archive to a stream that need not be seekable."""

    _zip: ZipFile

    @classmethod
    @contextmanager
    def open(cls, target: BinaryIO) -> Iterator["ArchiveWriter"]:
        """Yield the writer; complete the archive at the end, unless there is an error."""
        archive = ZipFile(target, "w", ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL)
        try:
            yield cls(archive)
            archive.close()
        finally:
            archive.fp = None  # or the destructor would complete the archive after an error

    @contextmanager
    def table(self, name: str) -> Iterator[IO[bytes]]:
        """Yield the stream of a table's rows."""
        with self._zip.open(f"tables/{name}.copy", "w", force_zip64=True) as stream:
            yield stream

    def add_images(self, images: Iterable[tuple[str, BinaryIO]]) -> int:
        """Write image files, close each, and return their number."""
        remaining, total = iter(images), 0
        for number in count():
            written = self._add_images(f"{IMAGES}{number}.tar", islice(remaining, TAR_SIZE))
            total += written
            if written < TAR_SIZE:
                break
        return total

    def _add_images(self, archive: str, images: Iterable[tuple[str, BinaryIO]]) -> int:
        info, written = ZipInfo(archive), 0
        with (
            self._zip.open(info, "w", force_zip64=True) as stream,
            tarfile.open(fileobj=stream, mode="w|") as tar,
        ):
            for name, content in images:
                with content:
                    member = tar.gettarinfo(arcname=name, fileobj=content)
                    member.uname = member.gname = ""
                    tar.addfile(member, content)
                written += 1
        return written

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest."""
        self._zip.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))


@frozen
class ArchiveReader:
    """Read an archive. Any method raises ParseError if the archive is damaged."""

    manifest: Manifest
    _zip: ZipFile

    @classmethod
    @contextmanager
    def open(cls, source: BinaryIO) -> Iterator["ArchiveReader"]:
        """Yield the reader. A pipe is copied to a temporary file first."""
        with _seekable(source) as file:
            file.seek(0)
            if file.read(len(_ZIP_MAGIC)) != _ZIP_MAGIC:
                raise ParseError(NOT_A_DUMP)
            with translate_damage():
                archive = ZipFile(file)
                manifest = _read_manifest(archive)
            with archive:
                yield cls(manifest, archive)

    @contextmanager
    def table(self, name: str) -> Iterator[Iterator[bytes]]:
        """Yield the rows of a table, in chunks."""
        with self._zip.open(f"tables/{name}.copy") as stream:
            yield iter(lambda: stream.read(CHUNK_BYTES), b"")

    def images(self) -> Iterator[tuple[str, IO[bytes]]]:
        """Yield the name and the contents of each image file."""
        for archive in self._zip.namelist():
            if archive.startswith(IMAGES):
                with (
                    self._zip.open(archive) as stream,
                    tarfile.open(fileobj=stream, mode="r|") as tar,
                ):
                    for member in tar:
                        if (content := tar.extractfile(member)) is not None:
                            yield member.name, content


@contextmanager
def translate_damage() -> Iterator[None]:
    """Raise ParseError for errors of reading a damaged archive."""
    try:
        yield
    except (BadZipFile, tarfile.TarError, zlib.error, EOFError, KeyError, NotImplementedError):
        raise ParseError(
            "The dump is damaged or incomplete: nothing was restored. Use another copy"
        ) from None


def _read_manifest(archive: ZipFile) -> Manifest:
    """Return the manifest. Raises ParseError for another file, or a newer format."""
    if MANIFEST not in archive.namelist():
        raise ParseError(NOT_A_DUMP)
    content = archive.read(MANIFEST)
    try:
        values = json.loads(content)
        if values["format"] != FORMAT:
            raise ParseError(
                f"The dump was written by EggyPro {values['version']}: restore it with that version"
            )
        tables = {name: TableManifest(**table) for name, table in values.pop("tables").items()}
        return Manifest(**values, tables={"products": tables.pop("products"), **tables})
    except (ValueError, TypeError, KeyError):
        raise ParseError(NOT_A_DUMP) from None


@contextmanager
def _seekable(source: BinaryIO) -> Iterator[BinaryIO]:
    if source.seekable():
        yield source
        return
    with TemporaryFile(prefix="eggypro-") as file:
        try:
            shutil.copyfileobj(source, file)
        except OSError as error:
            raise UnavailableError(
                f"The dump cannot be copied to the temporary folder: {error.strerror}"
            ) from error
        yield file
