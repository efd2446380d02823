"""Write small Excel workbooks, including some that no spreadsheet program writes."""

import io
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def workbook(
    *sheets: Sequence[Sequence[str]],
    formats: Sequence[str] = (),
    strings: Sequence[str] = (),
    is_1904: bool = False,
    replace: Mapping[str, bytes] | None = None,
) -> bytes:
    """Return a workbook whose sheets have rows of cells.

    A cell is a text, or XML: `<c ...>`. `formats` are the format codes of the styles 1, 2, ...;
    `strings` the XML of the shared strings; `replace` has the content of other files.
    """
    numbers = range(1, len(sheets) + 1)
    names = "".join(
        f'<sheet name="Sheet{number}" sheetId="{number}" r:id="rId{number}"/>' for number in numbers
    )
    relations = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" '
        f'Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    )
    codes = "".join(
        f'<numFmt numFmtId="{200 + index}" formatCode="{escape(code, {chr(34): "&quot;"})}"/>'
        for index, code in enumerate(formats)
    )
    styles = "".join(f'<xf numFmtId="{200 + index}"/>' for index in range(len(formats)))
    files = {
        "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_OFFICE}">'
        f'<workbookPr date1904="{int(is_1904)}"/><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f"<Relationships>{relations}</Relationships>",
        "xl/styles.xml": f"<styleSheet {_MAIN}><numFmts>{codes}</numFmts>"
        f'<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
        f'<cellXfs><xf numFmtId="0"/>{styles}</cellXfs></styleSheet>',
        "xl/sharedStrings.xml": f"<sst {_MAIN}>"
        + "".join(f"<si>{string}</si>" for string in strings)
        + "</sst>",
    }
    for number, rows in zip(numbers, sheets, strict=True):
        files[f"xl/worksheets/sheet{number}.xml"] = _sheet(rows)
    contents = {name: text.encode() for name, text in files.items()} | dict(replace or {})
    return packed(contents)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of files."""
    target = io.BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def _sheet(rows: Sequence[Sequence[str]]) -> str:
    lines = "".join(
        f'<row r="{number}">{"".join(map(_cell, cells))}</row>'
        for number, cells in enumerate(rows, start=1)
    )
    return f"<worksheet {_MAIN}><sheetData>{lines}</sheetData></worksheet>"


def _cell(text: str) -> str:
    return text if text.startswith("<c") else f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>'
