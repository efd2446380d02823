"""`eggypro stock set|adjust|import`."""

import io
import sys
from pathlib import Path

import orjson
import pytest
from attrs import evolve

from eggypro_core.serializers import import_report_body
from tests.support.builders import product_values
from tests.support.runtime import CommandResult, MemoryRuntime, RunCommand


@pytest.fixture(autouse=True)
def _albumen(runtime: MemoryRuntime) -> None:
    runtime.shop.products.create(product_values(name="Albumen", stock_quantity=3))


def stored_stock(runtime: MemoryRuntime) -> int:
    return runtime.shop.products.get("albumen").stock_quantity


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["set", "albumen", "40"], 40),
        (["set", "albumen", "0"], 0),
        (["adjust", "albumen", "--by", "2"], 5),
        (["adjust", "albumen", "--by", "+2"], 5),
        (["adjust", "albumen", "--by", "-3"], 0),
        (["adjust", "--by=-2", "albumen"], 1),
    ],
)
def test_stock_change_prints_the_new_quantity(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str], left: int
) -> None:
    assert run_command("stock", *words) == CommandResult(0, f"albumen: {left} in stock\n", "")
    assert stored_stock(runtime) == left


@pytest.mark.parametrize("words", [["set", "albumen", "7"], ["adjust", "albumen", "--by", "4"]])
def test_json_of_a_stock_change_is_the_http_body(run_command: RunCommand, words: list[str]) -> None:
    assert run_command("stock", *words, "--json") == CommandResult(0, '{"stock_quantity":7}\n', "")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["set", "albumen", "-5"], "Stock quantity cannot be negative"),
        (["set", "albumen", "-55"], "Stock quantity cannot be negative"),
        (["set", "albumen", "2147483648"], "Stock quantity too high (at most 2147483647)"),
        (["adjust", "albumen", "--by", "-4"], "Insufficient stock: 3 available, 4 requested."),
        (["adjust", "albumen", "--by", "2147483647"], "Stock too high: 3 plus 2147483647"),
        (["adjust", "albumen", "--by", "9" * 100], "plus 9999"),
        (["adjust", "chicken", "--by", "1"], "There is no product 'chicken'"),
        (["set", "\udcff", "1"], "There is no product '?'"),
    ],
)
def test_invalid_stock_change_is_rejected_in_one_sentence(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str], sentence: str
) -> None:
    result = run_command("stock", *words)
    assert (result.code, result.out) == (1, "")
    assert len(result.err.splitlines()) == 1
    assert sentence in result.err
    assert stored_stock(runtime) == 3


def test_insufficient_stock_is_a_conflict_in_json(run_command: RunCommand) -> None:
    problem = orjson.loads(run_command("stock", "adjust", "albumen", "--by", "-4", "--json").err)
    assert (problem["status"], problem["title"]) == (409, "Insufficient stock")


@pytest.mark.parametrize(
    "words",
    [
        ["set", "albumen"],
        ["set", "albumen", "many"],
        ["set", "albumen", "1.5"],
        ["set", "albumen", "٣"],
        ["set", "albumen", "9" * 5000],
        ["set", "albumen", "1", "--jsn"],
        ["adjust", "albumen"],
        ["adjust", "albumen", "--by", ""],
    ],
)
def test_non_integer_quantity_is_a_usage_error(
    run_command: RunCommand, runtime: MemoryRuntime, words: list[str]
) -> None:
    result = run_command("stock", *words)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert result.err.endswith(f"see `eggypro stock {words[0]} --help`.\n")
    assert len(result.err) < 200
    assert stored_stock(runtime) == 3


@pytest.fixture
def stock_file(runtime: MemoryRuntime, tmp_path: Path) -> Path:
    """A table with the stock of a known SKU (3 so far), an unknown one and a blank quantity."""
    runtime.shop.products.update("albumen", {"sku": "A-1"})
    file = tmp_path / "stock.csv"
    file.write_bytes("SKU;Größe;Menge\nA-1;S;12\nX-9;M;4\nA-2;L;\n".encode("cp1252"))
    return file


def import_stock(run_command: RunCommand, file: Path, *options: str) -> CommandResult:
    return run_command("stock", "import", str(file), *options)


def test_stock_import_sets_known_skus_and_warns_of_others(
    run_command: RunCommand, runtime: MemoryRuntime, stock_file: Path
) -> None:
    result = import_stock(run_command, stock_file)
    assert (result.code, result.out) == (0, "Changed the stock of 1 product; 0 unchanged.\n")
    assert "There is no product or variant with the SKU" in result.err
    assert stored_stock(runtime) == 12
    again = import_stock(run_command, stock_file)
    assert again.out == "Changed the stock of 0 products; 1 unchanged.\n"


def test_dry_run_of_a_stock_import_shows_what_would_change(
    run_command: RunCommand, runtime: MemoryRuntime, stock_file: Path
) -> None:
    result = import_stock(run_command, stock_file, "--dry-run")
    assert [line.split() for line in result.out.splitlines()] == [
        "Would change the stock of 1 product; 0 unchanged.".split(),
        ["product", "field", "before", "after"],
        ["albumen", "stock_quantity", "3", "12"],
    ]
    assert result.err.endswith("Dry run: nothing was imported.\n")
    assert stored_stock(runtime) == 3


def test_refused_line_rolls_back_a_stock_import_unless_it_keeps_going(
    run_command: RunCommand, runtime: MemoryRuntime, stock_file: Path
) -> None:
    stock_file.write_text("SKU,Quantity\nA-1,12\nB-1,many\n")
    result = import_stock(run_command, stock_file)
    assert result.code == 1
    assert "Nothing was imported, because some lines were refused" in result.err
    assert stored_stock(runtime) == 3
    assert import_stock(run_command, stock_file, "--keep-going").code == 1
    assert stored_stock(runtime) == 12


def test_json_of_a_stock_import_is_its_report(
    run_command: RunCommand, runtime: MemoryRuntime, stock_file: Path
) -> None:
    result = import_stock(run_command, stock_file, "--json")
    with stock_file.open("rb") as file:
        runtime.shop.products.set_stock("albumen", 3)
        report = runtime.shop.products.import_stock_file(file)
    assert (result.code, result.err) == (0, "")
    body = orjson.loads(result.out)
    expected = import_report_body(evolve(report, batch=body["batch"]))
    assert body == orjson.loads(orjson.dumps(expected))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("Item code,Qty\nA-1,-2\nX,1\n", ["Qty", "Item code"]),
        (
            """Handle,Option1 Name,Option1 Value,SKU,Location,Available
albumen,Title,Default Title,A-1,Berlin,-2
tea,Title,Default Title,X,Berlin,1
""",
            ["Available", "SKU"],
        ),
    ],
)
def test_warnings_of_a_stock_import_name_the_columns_of_the_file(
    run_command: RunCommand, stock_file: Path, text: str, columns: list[str]
) -> None:
    stock_file.write_text(text)
    body = orjson.loads(import_stock(run_command, stock_file, "--json").out)
    assert [warning["column"] for warning in body["warnings"]] == columns


def test_report_file_of_a_stock_import(
    run_command: RunCommand, stock_file: Path, tmp_path: Path
) -> None:
    report = tmp_path / "messages.jsonl"
    import_stock(run_command, stock_file, "--report", str(report))
    records = list(map(orjson.loads, report.read_text().splitlines()))
    assert [record["type"] for record in records].count("change") == 1
    assert records[-1] == {
        "type": "change",
        "slug": "albumen",
        "action": "updated",
        "fields": {"stock_quantity": ["3", "12"]},
    }


def test_stock_import_reads_from_stdin(
    run_command: RunCommand,
    runtime: MemoryRuntime,
    stock_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stock_file.read_bytes())))
    assert run_command("stock", "import", "-").code == 0
    assert stored_stock(runtime) == 12


def test_file_without_quantities_is_refused_in_one_sentence(
    run_command: RunCommand, stock_file: Path
) -> None:
    stock_file.write_text("Name,Price\nAlbumen,3\n")
    result = import_stock(run_command, stock_file)
    assert (result.code, result.out, len(result.err.splitlines())) == (1, "", 1)
    assert "found 'Name', 'Price'" in result.err
