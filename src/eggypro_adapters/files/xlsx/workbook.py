"""Find the table of a workbook: its first sheet with a known header."""

import posixpath
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import chain, islice
from xml.parsers import expat
from zipfile import BadZipFile

from attrs import define, field

from eggypro_adapters.files.csv_records import CsvRow
from eggypro_adapters.files.csv_table import MAX_LINES_BEFORE_HEADER, CsvTable, count_titles
from eggypro_adapters.files.unpacking import WORKBOOK, Archive
from eggypro_adapters.files.xlsx.number_formats import NumberFormats
from eggypro_adapters.files.xlsx.shared_strings import SharedStrings
from eggypro_adapters.files.xlsx.sheets import read_rows
from eggypro_adapters.files.xlsx.xml_parsing import parse_xml
from eggypro_core.domain.product_files import ImportMessage
from eggypro_core.errors import ParseError
from eggypro_core.validation.fields import escape_control

_DAMAGE = (
    ArithmeticError, BadZipFile, EOFError, LookupError, NotImplementedError, TypeError, ValueError,
    expat.ExpatError, zlib.error,
)  # fmt: skip


def read_workbook(archive: Archive, is_header: Callable[[Sequence[str]], bool]) -> CsvTable:
    """Return the table of the first sheet with a header, or else of the first sheet with rows.

    The header is one of its first MAX_LINES_BEFORE_HEADER rows. Raises ParseError for a damaged or
    empty file, also while its rows are read.
    """
    with _damage_as_parse_error():
        ignored: list[str] = []
        rows = _rows(archive, is_header, ignored)
        return CsvTable(rows, warnings=lambda: tuple(map(_ignored_sheet, ignored)))


def _ignored_sheet(name: str) -> ImportMessage:
    shown = escape_control(name)
    message = f"Sheet '{shown}' has products too: ignored. Import it as a separate file"
    return ImportMessage(1, "", message, value=shown)


def _rows(
    archive: Archive, is_header: Callable[[Sequence[str]], bool], ignored: list[str]
) -> Iterator[CsvRow]:
    """Yield the rows of the sheet from its header on; add the names of others with a header."""
    with _damage_as_parse_error(), closing(SharedStrings()) as strings:
        sheets = _Sheets()
        parse_xml(archive.open(WORKBOOK), sheets)
        if archive.has("xl/_rels/workbook.xml.rels"):
            parse_xml(archive.open("xl/_rels/workbook.xml.rels"), sheets)
        formats = NumberFormats(is_1904=sheets.is_1904)
        if archive.has("xl/styles.xml"):
            parse_xml(archive.open("xl/styles.xml"), formats)
        if archive.has("xl/sharedStrings.xml"):
            parse_xml(archive.open("xl/sharedStrings.xml"), strings)
        table = other_rows = None
        for name, path in sheets.paths():
            rows = read_rows(archive.open(path), strings, formats)
            head = list(islice(rows, MAX_LINES_BEFORE_HEADER))
            start = next((at for at, row in enumerate(head) if is_header(row.cells)), None)
            if start is None:
                titles = count_titles(row.cells for row in head)
                other_rows = other_rows or (chain(head[titles:], rows) if head else None)
            elif table is None:
                table = chain(head[start:], rows)
            else:
                ignored.append(name)
        yield from table or other_rows or ()


@define
class _Sheets:
    """The sheets of a workbook and the paths of their files: an XML handler."""

    is_1904: bool = False
    _names: dict[str, str] = field(factory=dict)
    """The names of the sheets by their ID."""
    _targets: dict[str, str] = field(factory=dict)

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "workbookPr":
            self.is_1904 = attributes.get("date1904") in {"1", "true"}
        elif name == "sheet":
            ids = (value for key, value in attributes.items() if key.rpartition(":")[2] == "id")
            self._names[next(ids, "")] = attributes.get("name", "")
        elif name == "Relationship" and attributes["Type"].endswith("/worksheet"):
            self._targets[attributes["Id"]] = attributes["Target"]

    def end(self, name: str, text: str) -> None:
        pass

    def paths(self) -> list[tuple[str, str]]:
        """Return the names of the sheets and the paths of their files, in order."""
        return [
            (name, posixpath.normpath(posixpath.join("/xl", self._targets[number])).lstrip("/"))
            for number, name in self._names.items()
            if number in self._targets
        ]


@contextmanager
def _damage_as_parse_error() -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise ParseError(
            "The .xlsx file is damaged: open it in a spreadsheet program and save it again"
        ) from error
