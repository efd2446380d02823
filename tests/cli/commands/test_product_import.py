"""`eggypro products import` and `eggypro seed`."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, get_args

import orjson
import pytest
from attrs import evolve

from eggypro_adapters.files import FORMATS, read_products
from eggypro_cli.commands.product_import import ConflictChoice, ImportFormat
from eggypro_cli.main import main
from eggypro_core import ConflictPolicy, ImportEntry, ProductQuery
from eggypro_core.serializers import import_report_body
from tests.support.builders import make_shop
from tests.support.runtime import MemoryRuntime, RunCommand

GOOD = "name,slug,price\nAlbumen,albumen,9.50\nBar,bar,2.00\n"
HALF_BAD = "name,slug,price\nAlbumen,albumen,9.50\nBar,bar,-2\nCrepes,no slug,1\n"


@pytest.fixture
def good(tmp_path: Path) -> str:
    return write_file(tmp_path / "good.csv", GOOD)


@pytest.fixture
def half_bad(tmp_path: Path) -> str:
    return write_file(tmp_path / "half_bad.csv", HALF_BAD)


def write_file(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)


def stored_slugs(runtime: MemoryRuntime) -> list[str]:
    return [product.slug for product in runtime.shop.products.list(ProductQuery()).items]


def test_import_stores_products_and_prints_counts(
    run_command: RunCommand, runtime: MemoryRuntime, good: str
) -> None:
    result = run_command("products", "import", good)
    assert (result.code, result.err) == (0, "")
    assert result.out == "Created 2, changed 0; 0 unchanged.\n"
    assert stored_slugs(runtime) == ["albumen", "bar"]


def test_importing_the_same_file_again_changes_nothing(run_command: RunCommand, good: str) -> None:
    run_command("products", "import", good)
    assert run_command("products", "import", good).out == "Created 0, changed 0; 2 unchanged.\n"


def test_json_of_an_import_is_its_report(run_command: RunCommand, half_bad: str) -> None:
    with Path(half_bad).open("rb") as file:
        report = make_shop().products.import_products(read_products(file))
    result = run_command("products", "import", half_bad, "--json")
    assert (result.code, result.err) == (1, "")
    assert result.out == orjson.dumps(import_report_body(report)).decode() + "\n"


def test_one_refused_line_rolls_back_the_import_with_a_message(
    run_command: RunCommand, runtime: MemoryRuntime, half_bad: str
) -> None:
    result = run_command("products", "import", half_bad)
    assert result.code == 1
    assert result.out == "Created 0, changed 0; 0 unchanged.\n"
    assert [line.split()[:2] for line in result.err.splitlines()[2:4]] == [
        ["3", "price"],
        ["4", "slug"],
    ]
    assert "Nothing was imported, because some lines were refused" in result.err
    assert stored_slugs(runtime) == []


def test_keep_going_imports_valid_products_and_exits_with_1(
    run_command: RunCommand, runtime: MemoryRuntime, half_bad: str
) -> None:
    result = run_command("products", "import", half_bad, "--keep-going")
    assert result.code == 1
    assert result.out == "Created 1, changed 0; 0 unchanged.\n"
    assert "Nothing was imported" not in result.err
    assert stored_slugs(runtime) == ["albumen"]


def test_dry_run_prints_changes_and_stores_nothing(
    run_command: RunCommand, runtime: MemoryRuntime, good: str
) -> None:
    result = run_command("products", "import", good, "--dry-run")
    assert result.code == 0
    assert result.out == "Would create 2, change 0; 0 unchanged.\n"
    assert result.err == "Dry run: nothing was imported.\n"
    assert stored_slugs(runtime) == []


@pytest.mark.parametrize(
    ("policy", "code", "price"), [("update", 0, "3.00"), ("skip", 0, "2.00"), ("fail", 1, "2.00")]
)
def test_existing_products_are_updated_skipped_or_refused(
    run_command: RunCommand,
    runtime: MemoryRuntime,
    good: str,
    *,
    policy: str,
    code: int,
    price: str,
) -> None:
    run_command("products", "import", good)
    Path(good).write_text("slug,price\nbar,3.00\n")
    assert run_command("products", "import", good, "--on-conflict", policy).code == code
    assert str(runtime.shop.products.get("bar").price) == price


def test_report_file_contains_every_refused_line(run_command: RunCommand, tmp_path: Path) -> None:
    rows = "".join(f"Egg,egg-{number},0\n" for number in range(50))
    file = write_file(tmp_path / "bad.csv", f"name,slug,price\n{rows}")
    report = tmp_path / "refused.csv"
    result = run_command("products", "import", file, "--report", str(report))
    assert report.read_text().splitlines() == [
        "line,field,message",
        *(f"{line},price,Price must be positive" for line in range(2, 52)),
    ]
    assert result.err.count("Price must be positive") == 20
    assert "... and 30 more." in result.err


def test_unwritable_report_file_prevents_the_import(
    run_command: RunCommand, runtime: MemoryRuntime, good: str, tmp_path: Path
) -> None:
    result = run_command(
        "products", "import", good, "--report", str(tmp_path / "none" / "such.csv")
    )
    assert result.code == 2
    assert len(result.err.splitlines()) == 1
    assert stored_slugs(runtime) == []


def test_full_disk_for_the_report_is_reported_after_the_result(
    run_command: RunCommand, good: str
) -> None:
    result = run_command("products", "import", good, "--report", "/dev/full")
    assert result.code == 1
    assert result.out == "Created 2, changed 0; 0 unchanged.\n"
    assert result.err == "Reading or writing failed: No space left on device.\n"


def test_import_reads_from_stdin(
    run_command: RunCommand, runtime: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    assert run_command("products", "import", "-").code == 0
    assert stored_slugs(runtime) == ["albumen", "bar"]


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_unreadable_file_is_named_in_one_sentence(
    run_command: RunCommand, tmp_path: Path, name: str
) -> None:
    result = run_command("products", "import", str(tmp_path / name))
    assert (result.code, result.out) == (2, "")
    assert str(tmp_path) in result.err
    assert len(result.err.splitlines()) == 1


def test_unknown_format_is_rejected_in_one_sentence(
    run_command: RunCommand, tmp_path: Path
) -> None:
    result = run_command("products", "import", write_file(tmp_path / "empty.csv", ""))
    assert (result.code, result.out, result.err) == (1, "", "The file is empty.\n")


def test_warnings_are_not_errors(run_command: RunCommand, tmp_path: Path) -> None:
    file = write_file(tmp_path / "odd.csv", "name,slug,price,colour\nBar,bar,2.00,red\n")
    result = run_command("products", "import", file)
    assert result.code == 0
    assert result.err.startswith("Warnings\nline  field")
    assert "colour" in result.err


@pytest.mark.parametrize("signalled", [KeyboardInterrupt(), SystemExit(130)])
def test_interrupted_import_is_rolled_back_and_exits_with_130(
    capsys: pytest.CaptureFixture[str], good: str, signalled: BaseException
) -> None:
    def interrupted(stream: BinaryIO, *, file_format: str = "auto") -> Iterator[ImportEntry]:
        yield next(read_products(stream, file_format=file_format))
        raise signalled

    shop = make_shop()
    runtime = MemoryRuntime(shop=evolve(shop, products=evolve(shop.products, reader=interrupted)))
    with pytest.raises(SystemExit, match="130"):
        sys.exit(main(["products", "import", good], runtime))
    assert capsys.readouterr() == ("", "Interrupted: nothing was imported.\n")
    assert stored_slugs(runtime) == []


def test_choices_match_reader_formats_and_conflict_policies() -> None:
    assert get_args(ImportFormat) == FORMATS
    assert get_args(ConflictChoice) == tuple(ConflictPolicy)


def test_seed_loads_the_demo_catalogue_once(
    run_command: RunCommand, runtime: MemoryRuntime, tmp_path: Path
) -> None:
    runtime.demo_file = tmp_path / "demo.jsonl"
    runtime.demo_file.write_text('{"name": "Albumen", "slug": "albumen", "price": "9.50"}\n')
    assert run_command("seed").out == "Created 1, changed 0; 0 unchanged.\n"
    assert orjson.loads(run_command("seed", "--json").out)["unchanged"] == 1
