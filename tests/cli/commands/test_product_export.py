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
from eggypro_cli.commands.product_export import ExportFormat
from eggypro_cli.main import main
from eggypro_core import CatalogSnapshot, ExportReport
from tests.support.builders import make_shop, product_values
from tests.support.runtime import MemoryRuntime, RunCommand


@pytest.fixture(autouse=True)
def _products(runtime: MemoryRuntime) -> None:
    runtime.shop.products.create(product_values())
    runtime.shop.products.create(product_values(name="Old", is_active=False))


def slugs(text: str | bytes) -> list[str]:
    return [orjson.loads(line)["slug"] for line in text.splitlines()]


def failing_runtime(error: OSError) -> MemoryRuntime:
    """Return a runtime whose export fails after a few bytes."""

    def writer(export: CatalogSnapshot, stream: BinaryIO, *, file_format: str) -> ExportReport:
        stream.write(f"{len(list(export.products))} {file_format}".encode())
        raise error

    shop = make_shop()
    return MemoryRuntime(shop=evolve(shop, products=evolve(shop.products, writer=writer)))


@pytest.mark.parametrize("words", [(), ("-",), ("-", "--json")])
def test_export_writes_to_stdout_by_default(
    run_command: RunCommand, words: tuple[str, ...]
) -> None:
    result = run_command("products", "export", *words)
    assert (result.code, result.err) == (0, "")
    assert slugs(result.out) == ["egg-white-protein", "old"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--status", "active"], ["egg-white-protein"]),
        (["--status", "archived"], ["old"]),
        (["--status", "all"], ["egg-white-protein", "old"]),
        (["--listed"], ["egg-white-protein"]),
        (["--unlisted"], ["old"]),
    ],
)
def test_export_filters_by_status_and_listing(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str], expected: list[str]
) -> None:
    runtime.shop.products.update("old", {"is_listed": False})
    assert slugs(run_command("products", "export", *words).out) == expected


@pytest.mark.parametrize(
    ("name", "words", "prefix"),
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
def test_format_defaults_to_the_file_suffix(
    run_command: RunCommand, tmp_path: Path, name: str, words: tuple[str, ...], prefix: str
) -> None:
    file = tmp_path / name
    result = run_command("products", "export", str(file), *words)
    assert (result.code, result.out) == (0, f"Wrote 2 products to {file}.\n")
    assert file.read_text().startswith(prefix)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_json_of_an_export_contains_count_format_and_file(
    run_command: RunCommand, tmp_path: Path
) -> None:
    file = str(tmp_path / "a.csv")
    result = run_command("products", "export", file, "--json")
    assert orjson.loads(result.out) == {
        "exported": 2,
        "format": "eggypro-csv",
        "file": file,
        "warnings": [],
    }


LOSS = "ingredients (2 products)"


def test_losses_are_named_on_stderr(run_command: RunCommand, tmp_path: Path) -> None:
    for file, words in ((str(tmp_path / "a.csv"), ()), ("-", ()), ("-", ("--json",))):
        result = run_command("products", "export", file, "--format", "shopify", *words)
        assert (result.code, len(result.err.splitlines())) == (0, 1)
        assert result.err.startswith("Not exported: ")
        assert LOSS in result.err


def test_losses_are_part_of_the_json(run_command: RunCommand, tmp_path: Path) -> None:
    file = str(tmp_path / "a.csv")
    result = run_command("products", "export", file, "--format", "shopify", "--json")
    [warning] = orjson.loads(result.out)["warnings"]
    assert LOSS in warning
    assert result.err == ""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--search", "old"), ["old"]),
        (("--category", "none"), []),
        (("--min-price", "25", "--status", "all"), ["bar"]),
        (("--max-price", "25", "--status", "active"), ["egg-white-protein"]),
        (("--in-stock",), ["bar"]),
        (("--sold-out", "--status", "archived"), ["old"]),
    ],
)
def test_export_takes_the_filters_of_a_list(
    run_command: RunCommand, runtime: MemoryRuntime, options: tuple[str, ...], expected: list[str]
) -> None:
    runtime.shop.products.create(product_values(name="Bar", price="30", stock_quantity=3))
    assert slugs(run_command("products", "export", *options).out) == expected


def test_invalid_filter_is_a_usage_error(run_command: RunCommand) -> None:
    result = run_command("products", "export", "--min-price", "cheap")
    assert (result.code, result.out) == (2, "")
    assert "Min price" in result.err


def test_importing_an_export_changes_nothing(run_command: RunCommand, tmp_path: Path) -> None:
    file = str(tmp_path / "a.csv")
    run_command("products", "export", file)
    assert run_command("products", "import", file).out == "Created 0, changed 0; 2 unchanged.\n"


def test_existing_file_is_replaced_with_its_permissions(
    run_command: RunCommand, tmp_path: Path
) -> None:
    file, link = tmp_path / "a.jsonl", tmp_path / "link.jsonl"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    assert run_command("products", "export", str(link)).code == 0
    assert link.is_symlink()
    assert slugs(file.read_bytes()) == ["egg-white-protein", "old"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_new_file_has_default_permissions(run_command: RunCommand, tmp_path: Path) -> None:
    file, other = tmp_path / "a.jsonl", tmp_path / "other"
    other.touch()
    run_command("products", "export", str(file))
    assert file.stat().st_mode == other.stat().st_mode


def test_full_disk_leaves_the_existing_file_unchanged(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("old")
    runtime = failing_runtime(OSError(28, "No space left on device"))
    assert main(["products", "export", str(file)], runtime) == 3
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == (
        "Writing the export failed: No space left on device;"
        " free disk space, or make the disk writable, and try again.\n"
    )
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.jsonl", "old")]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BrokenPipeError(32, "Broken pipe")])
def test_interrupted_export_leaves_no_file(tmp_path: Path, error: OSError) -> None:
    assert main(["products", "export", str(tmp_path / "a.jsonl")], failing_runtime(error)) in {
        3,
        130,
    }
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
def test_device_is_not_replaced_by_a_file(run_command: RunCommand) -> None:
    result = run_command("products", "export", "/dev/full")
    assert (result.code, len(result.err.splitlines())) == (3, 1)
    assert run_command("products", "export", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("name", [".", "none/such.csv"])
def test_unwritable_path_is_a_usage_error(
    run_command: RunCommand, tmp_path: Path, name: str
) -> None:
    result = run_command("products", "export", str(tmp_path / name))
    assert (result.code, result.out, len(result.err.splitlines())) == (2, "", 1)
    assert str(tmp_path) in result.err


def test_closed_pipe_is_reported_in_one_sentence(
    runtime: MemoryRuntime, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with io.TextIOWrapper(os.fdopen(write_end, "wb")) as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        assert main(["products", "export"], runtime) == 3
    assert capsys.readouterr().err == "The reader closed the pipe before the export was complete.\n"


def test_choices_match_writers() -> None:
    assert set(get_args(ExportFormat)) == set(WRITERS)
