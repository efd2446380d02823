"""`eggypro products export`."""

import io
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO, get_args

import orjson
import pytest
from attrs import evolve

from eggypro_adapters.files.writing import WRITERS
from eggypro_cli.commands.product_export import ExportFormat, ExportStatus
from eggypro_cli.main import main
from eggypro_core import CatalogSnapshot, Status
from tests.support.builders import make_shop, product_values
from tests.support.runtime import MemoryRuntime, RunCommand


@pytest.fixture(autouse=True)
def _products(world: MemoryRuntime) -> None:
    world.shop.products.create(product_values())
    world.shop.products.create(product_values(name="Old", is_active=False))


def slugs(text: str | bytes) -> list[str]:
    return [orjson.loads(line)["slug"] for line in text.splitlines()]


def failing(error: OSError) -> MemoryRuntime:
    """A world whose export fails after a few bytes."""

    def writer(export: CatalogSnapshot, stream: BinaryIO, *, form: str) -> int:
        stream.write(f"{len(list(export.products))} {form}".encode())
        raise error

    shop = make_shop()
    return MemoryRuntime(shop=evolve(shop, products=evolve(shop.products, writer=writer)))


@pytest.mark.parametrize("words", [(), ("-",), ("-", "--json")])
def test_an_export_goes_to_stdout(typed: RunCommand, words: tuple[str, ...]) -> None:
    answer = typed("products", "export", *words)
    assert (answer.code, answer.err) == (0, "")
    assert slugs(answer.out) == ["egg-white-protein", "old"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("active", ["egg-white-protein"]),
        ("archived", ["old"]),
        ("all", ["egg-white-protein", "old"]),
    ],
)
def test_a_status_is_exported(typed: RunCommand, status: str, expected: list[str]) -> None:
    assert slugs(typed("products", "export", "--status", status).out) == expected


@pytest.mark.parametrize(
    ("name", "words", "beginning"),
    [
        ("a.csv", (), "name,slug,"),
        ("a.CSV", (), "name,slug,"),
        ("a.jsonl", (), '{"name"'),
        ("a", (), '{"name"'),
        ("a.csv", ("--format", "jsonl"), '{"name"'),
        ("a.csv", ("--format", "shopify"), "Title,URL handle,"),
        ("a.csv", ("--format", "woocommerce"), "ID,Type,"),
    ],
)
def test_the_form_follows_from_the_name_unless_it_is_given(
    typed: RunCommand, tmp_path: Path, name: str, words: tuple[str, ...], beginning: str
) -> None:
    file = tmp_path / name
    answer = typed("products", "export", str(file), *words)
    assert (answer.code, answer.out) == (0, f"Wrote 2 products to {file}.\n")
    assert file.read_text().startswith(beginning)
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_the_json_of_an_export_to_a_file_says_what_was_written(
    typed: RunCommand, tmp_path: Path
) -> None:
    file = str(tmp_path / "a.csv")
    answer = typed("products", "export", file, "--json")
    assert orjson.loads(answer.out) == {"exported": 2, "format": "eggypro-csv", "file": file}


def test_an_exported_file_is_imported_again_and_changes_nothing(
    typed: RunCommand, tmp_path: Path
) -> None:
    file = str(tmp_path / "a.csv")
    typed("products", "export", file)
    assert typed("products", "import", file).out == "Created 0, changed 0; 2 unchanged.\n"


def test_a_file_that_is_there_is_replaced_and_keeps_its_permissions(
    typed: RunCommand, tmp_path: Path
) -> None:
    file, link = tmp_path / "a.jsonl", tmp_path / "link.jsonl"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    assert typed("products", "export", str(link)).code == 0
    assert link.is_symlink()
    assert slugs(file.read_bytes()) == ["egg-white-protein", "old"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_any_new_file(typed: RunCommand, tmp_path: Path) -> None:
    file, other = tmp_path / "a.jsonl", tmp_path / "other"
    other.touch()
    typed("products", "export", str(file))
    assert file.stat().st_mode == other.stat().st_mode


def test_a_full_disk_leaves_what_was_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("old")
    world = failing(OSError(28, "No space left on device"))
    assert main(["products", "export", str(file)], world) == 3
    assert capsys.readouterr() == (
        "",
        "Writing the export failed: No space left on device.\n",
    )
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a.jsonl", "old")]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BrokenPipeError(32, "Broken pipe")])
def test_an_export_that_breaks_off_leaves_nothing(tmp_path: Path, error: OSError) -> None:
    assert main(["products", "export", str(tmp_path / "a.jsonl")], failing(error)) in {3, 130}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
def test_a_device_is_written_to_and_not_replaced(typed: RunCommand) -> None:
    answer = typed("products", "export", "/dev/full")
    assert (answer.code, len(answer.err.splitlines())) == (3, 1)
    assert typed("products", "export", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("name", [".", "none/such.csv"])
def test_a_file_that_cannot_be_made_is_a_matter_of_usage(
    typed: RunCommand, tmp_path: Path, name: str
) -> None:
    answer = typed("products", "export", str(tmp_path / name))
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert str(tmp_path) in answer.err


def test_a_reader_that_has_gone_is_said_in_one_sentence(
    world: MemoryRuntime, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with io.TextIOWrapper(os.fdopen(theirs, "wb")) as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        assert main(["products", "export"], world) == 3
    assert capsys.readouterr().err == "The reader closed the pipe before the export was complete.\n"


def test_the_words_of_options_are_those_of_writer_and_core() -> None:
    assert set(get_args(ExportFormat)) == set(WRITERS)
    assert get_args(ExportStatus) == tuple(Status)
