import contextlib
import gzip
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.files import read_products, unpacking
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import EggyProError, ParseError
from tests.support.workbooks import packed, workbook

CSV = b"name,price\nEgg,1\n"
EGG = [ImportEntry(2, {"name": "Egg", "price": "1"})]


def read(data: bytes) -> list[ImportEntry]:
    return list(read_products(io.BytesIO(data)).entries)


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(CSV),
        gzip.compress(CSV[:7]) + gzip.compress(CSV[7:]),
        packed({"shop.csv": CSV}),
        packed({"shop/shop.csv": CSV, "shop/": b"", "__MACOSX/._shop.csv": b"x", ".DS_Store": b""}),
    ],
    ids=["gz", "two members", "zip", "hidden files"],
)
def test_packed_table_is_read(data: bytes) -> None:
    assert read(data) == EGG


def test_packed_jsonl_is_read() -> None:
    assert read(gzip.compress(b'{"name": "Egg"}\n')) == [ImportEntry(1, {"name": "Egg"})]


def test_archive_of_several_files_is_refused_with_their_names() -> None:
    with pytest.raises(ParseError, match=r"an archive of 2 files \('a.csv', 'b.csv'\)"):
        read(packed({"a.csv": CSV, "b.csv": CSV}))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n", "PDF"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "picture"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "7z archive"),
    ],
)
def test_file_of_another_kind_is_refused(data: bytes, kind: str) -> None:
    with pytest.raises(ParseError, match=f"The file is a {kind}: save the table as CSV or .xlsx"):
        read(data)


def test_archive_without_files_is_refused() -> None:
    with pytest.raises(ParseError, match="an archive of 0 files"):
        read(packed({"folder/": b"", ".hidden": b""}))


def test_old_excel_file_is_refused_with_what_to_do() -> None:
    with pytest.raises(ParseError, match=r"save it as \.xlsx or CSV"):
        read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))


@pytest.mark.parametrize(
    "data", [gzip.compress(CSV * 9), packed({"a.csv": CSV * 9})], ids=["gz", "zip"]
)
def test_truncated_file_raises_parse_error(data: bytes) -> None:
    with pytest.raises(ParseError, match="The packed file is damaged"):
        read(data[:-9])


def test_archive_with_a_password_is_refused() -> None:
    data = bytearray(packed({"a.csv": CSV}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(ParseError, match="has a password"):
        read(bytes(data))


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: packed({"a.csv": data})])
def test_file_that_unpacks_to_too_many_bytes_is_refused(
    monkeypatch: pytest.MonkeyPatch, pack: object
) -> None:
    assert callable(pack)
    monkeypatch.setattr(unpacking, "MAX_UNPACKED_BYTES", 10_000)
    assert read(pack(CSV + b"\n" * 9_000)) == EGG
    with pytest.raises(ParseError, match="more than 1 GiB"):
        read(pack(CSV + b"\n" * 10_000))


def test_files_of_a_workbook_share_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = [["name", "price"], *[["Egg", "1"]] * 100]
    size = sum(file.file_size for file in zipfile.ZipFile(io.BytesIO(workbook(sheet))).filelist)
    monkeypatch.setattr(unpacking, "MAX_UNPACKED_BYTES", size)
    assert len(read(workbook(sheet))) == 100
    monkeypatch.setattr(unpacking, "MAX_UNPACKED_BYTES", size - 1)
    with pytest.raises(ParseError, match="more than 1 GiB"):
        read(workbook(sheet))


def test_limit_is_one_gibibyte() -> None:
    assert unpacking.MAX_UNPACKED_BYTES == 1_073_741_824


def test_gzip_is_read_while_it_is_unpacked() -> None:
    data = gzip.compress(b"name\n" + b"Egg\n" * 5_000_000, compresslevel=1)
    stream = io.BytesIO(data)
    next(read_products(stream).entries)
    assert stream.tell() < len(data)


@given(st.binary(max_size=200))
@pytest.mark.parametrize(
    "data",
    [gzip.compress(CSV), packed({"a.csv": CSV}), workbook([["name"]])],
    ids=["gz", "zip", "xlsx"],
)
def test_any_damage_is_an_error_of_ours(data: bytes, damage: bytes) -> None:
    for broken in (data[:20] + damage, data[: len(data) // 2] + damage, data[:-40] + damage):
        with contextlib.suppress(EggyProError):
            read(broken)
