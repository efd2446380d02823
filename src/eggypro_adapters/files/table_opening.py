"""Open a file that holds a table: text or a workbook, packed or not."""

from collections.abc import Callable, Sequence
from typing import BinaryIO

from eggypro_adapters.files.csv_table import CsvTable, read_csv
from eggypro_adapters.files.text_lines import TextLines
from eggypro_adapters.files.unpacking import WORKBOOK, Archive, unpack
from eggypro_core.errors import ParseError

HeaderTest = Callable[[Sequence[str]], bool]


def open_table(stream: BinaryIO, is_header: HeaderTest) -> CsvTable:
    """Return the table of a file; its header is the first row that `is_header` accepts.

    Raises ParseError if there is no table, and StorageFullError if the temporary folder has no room
    for a packed file.
    """
    content = unpack(stream)
    if isinstance(content, Archive):
        return open_archive(content, is_header)
    return read_csv(open_lines(content), is_header)


def open_archive(archive: Archive, is_header: HeaderTest) -> CsvTable:
    """Return the table of a workbook, or of the only file of an archive."""
    if not archive.has(WORKBOOK):
        return read_csv(open_lines(archive.open_single()), is_header)
    from eggypro_adapters.files.xlsx.workbook import read_workbook

    return read_workbook(archive, is_header)


def open_lines(stream: BinaryIO) -> TextLines:
    """Return the lines of a text. Raises ParseError if it is blank."""
    lines = TextLines(stream)
    if not lines.peek():
        raise ParseError("The file is empty")
    return lines
