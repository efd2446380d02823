"""`eggypro products import` and `eggypro seed`."""

import io
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, get_args

import orjson
import pytest
from attrs import evolve

from eggypro_adapters.files import FORMATS, read_products
from eggypro_cli.commands.product_import import ConflictChoice, ImportFormat, MissingStockChoice
from eggypro_cli.main import main
from eggypro_core import (
    ConflictPolicy,
    ImportEntry,
    ImportFile,
    MissingStock,
    ProductQuery,
    Status,
    VariantQuery,
)
from eggypro_core.serializers import import_report_body
from tests.support.builders import make_shop, product_values, variant_values
from tests.support.runtime import MemoryRuntime, RunCommand

GOOD = "name,slug,price,stock_quantity\nAlbumen,albumen,9.50,1\nBar,bar,2.00,2\n"
HALF_BAD = """name,slug,price,stock_quantity
Albumen,albumen,9.50,1
Bar,bar,2 or 3,1
Crepes,crepes,12 %,1
"""
NO_STOCK = "name,slug,price\nAlbumen,albumen,9.50\n"


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
        ["4", "price"],
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
    assert result.out.startswith("Would create 2, change 0; 0 unchanged.\nproduct ")
    assert result.err == "Dry run: nothing was imported.\n"
    assert stored_slugs(runtime) == []


def test_dry_run_shows_fields_before_and_after(run_command: RunCommand, good: str) -> None:
    run_command("products", "import", good)
    Path(good).write_text("slug,price,sku\nalbumen,9.50,\nbar,3,B-1\n")
    result = run_command("products", "import", good, "--dry-run")
    assert [line.split() for line in result.out.splitlines()] == [
        ["Would", "create", "0,", "change", "1;", "1", "unchanged."],
        ["product", "field", "before", "after"],
        ["bar", "sku", "-", "B-1"],
        ["price", "2.00", "3.00"],
    ]


def test_dry_run_shows_a_text_of_several_lines_in_one(run_command: RunCommand, good: str) -> None:
    run_command("products", "import", good)
    Path(good).write_text('slug,price,seo_title,description\nbar,2,,"One\n\nTwo"\n')
    result = run_command("products", "import", good, "--dry-run")
    assert "One Two" in result.out


def test_dry_run_shows_twenty_products(run_command: RunCommand, tmp_path: Path) -> None:
    rows = "".join(f"Egg {number},{number},1\n" for number in range(1, 26))
    file = write_file(tmp_path / "eggs.csv", f"name,price,stock_quantity\n{rows}")
    result = run_command("products", "import", file, "--dry-run")
    assert result.out.count("(new)") == 20
    assert result.out.splitlines()[-1] == ("... and 5 more: --report FILE writes all changes.")
    body = orjson.loads(run_command("products", "import", file, "--dry-run", "--json").out)
    assert (len(body["changes"]), body["changes_total"], body["dry_run"]) == (25, 25, True)


def test_dry_run_names_new_categories(run_command: RunCommand, tmp_path: Path) -> None:
    record = {"name": "Bar", "price": "2", "categories": [["Food", "Bars"]]}
    file = write_file(tmp_path / "bars.jsonl", orjson.dumps(record).decode() + "\n")
    result = run_command("products", "import", file, "--dry-run")
    assert "New categories: Food, Bars\n" in result.out


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


def test_report_file_has_a_json_line_for_each_message_and_change(
    run_command: RunCommand, tmp_path: Path
) -> None:
    rows = "".join(f"Egg,egg-{number},9 or 8\n" for number in range(50))
    file = write_file(tmp_path / "bad.csv", f"name,slug,price\n{rows}Bar,bar,0\nCrêpe,crepe,3\n")
    report = tmp_path / "messages.jsonl"
    options = ["--missing-stock", "sold-out", "--report", str(report)]
    result = run_command("products", "import", file, *options)
    records = list(map(orjson.loads, report.read_text("utf-8").splitlines()))
    assert Counter(record["type"] for record in records) == {
        "refused": 50,
        "warning": 2,
        "change": 1,
    }
    assert records[0] == {
        "type": "refused",
        "line": 2,
        "column": "price",
        "field": "price",
        "value": "9 or 8",
        "message": records[0]["message"],
    }
    change = next(record for record in records if record["type"] == "change")
    assert (change["slug"], change["action"]) == ("crepe", "created")
    assert change["fields"]["name"] == [None, "Crêpe"]
    assert result.err.count("  price   9 or 8") == 20
    assert "... and 30 more: --report FILE writes all of them." in result.err


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
    assert result.code == 3
    assert result.out == "Created 2, changed 0; 0 unchanged.\n"
    assert result.err.startswith("Reading or writing failed: No space left on device; free disk")


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
    assert result.err.startswith("Warnings\nline  column")
    lines = [line.split() for line in result.err.splitlines()]
    assert ["2", "colour", "red", "Column", "'colour'"] in [line[:5] for line in lines]


def test_missing_stock_is_untracked_with_a_warning_or_sold_out(
    run_command: RunCommand, runtime: MemoryRuntime, tmp_path: Path
) -> None:
    file = write_file(tmp_path / "egg.csv", NO_STOCK)
    assert "eggypro stock import" in " ".join(run_command("products", "import", file).err.split())
    assert not runtime.shop.products.get("albumen").track_stock
    write_file(tmp_path / "egg.csv", "name,slug,price\nBar,bar,2\n")
    run_command("products", "import", file, "--missing-stock", "sold-out")
    bar = runtime.shop.products.get("bar")
    assert (bar.track_stock, bar.stock_quantity) == (True, 0)


def test_no_stock_leaves_the_stock_of_known_products(
    run_command: RunCommand, runtime: MemoryRuntime, good: str
) -> None:
    run_command("products", "import", good)
    Path(good).write_text(GOOD.replace(",1\n", ",40\n") + "Crepes,crepes,3,7\n")
    assert run_command("products", "import", good, "--no-stock").code == 0
    assert runtime.shop.products.get("albumen").stock_quantity == 1
    assert runtime.shop.products.get("crepes").stock_quantity == 7


@pytest.mark.parametrize(("options", "is_active"), [([], False), (["--keep-variants"], True)])
def test_variants_that_the_file_lacks_go_off_sale_or_stay(
    run_command: RunCommand,
    runtime: MemoryRuntime,
    tmp_path: Path,
    *,
    options: list[str],
    is_active: bool,
) -> None:
    runtime.shop.products.create(product_values(name="Shirt"))
    for size in ("S", "L"):
        runtime.shop.variants.create("shirt", variant_values(options={"Size": size}))
    record = {"slug": "shirt", "variants": [{"options": {"Size": "S"}, "price": "24.99"}]}
    file = write_file(tmp_path / "shirt.jsonl", orjson.dumps(record).decode())
    result = run_command("products", "import", file, *options)
    assert ("--keep-variants" in result.err) is not is_active
    variants = runtime.shop.variants.list(VariantQuery(product="shirt", status=Status.ALL)).items
    assert {each.options["Size"]: each.is_active for each in variants} == {
        "S": True,
        "L": is_active,
    }


def test_columns_of_any_table_are_mapped(
    run_command: RunCommand, runtime: MemoryRuntime, tmp_path: Path
) -> None:
    file = write_file(tmp_path / "prices.csv", "Was;Net price;Rest\nAlbumen;9,50;4\n")
    options = ["name=Was", "price=Net price", "stock_quantity=Rest"]
    words = [word for option in options for word in ("--map", option)]
    result = run_command("products", "import", file, *words)
    assert (result.code, result.err) == (0, "")
    product = runtime.shop.products.get("albumen")
    assert (str(product.price), product.stock_quantity) == ("9.50", 4)


@pytest.mark.parametrize("mapping", ["name", "=Title", "name=", ""])
def test_incomplete_mapping_is_a_usage_error(
    run_command: RunCommand, good: str, mapping: str
) -> None:
    result = run_command("products", "import", good, "--map", mapping)
    assert (result.code, result.out) == (2, "")
    assert "--map must be FIELD=COLUMN, such as name=Title" in result.err


def test_unknown_field_of_a_mapping_is_refused(run_command: RunCommand, good: str) -> None:
    result = run_command("products", "import", good, "--map", "colour=name")
    assert (result.code, result.out) == (1, "")
    assert "colour" in result.err


@pytest.mark.parametrize("form", ["auto", "shopify"])
def test_unknown_table_is_refused_with_its_columns_and_a_mapping(
    run_command: RunCommand, tmp_path: Path, form: str
) -> None:
    file = write_file(tmp_path / "prices.csv", "Article;Net price\nAlbumen;9,50\n")
    result = run_command("products", "import", file, "--format", form)
    assert (result.code, result.out) == (1, "")
    assert "found 'Article', 'Net price'" in result.err
    assert '--map price="Net price"' in result.err


@pytest.mark.parametrize("form", ["woocommerce", "google"])
def test_named_format_that_takes_nothing_is_refused_with_columns_and_a_mapping(
    run_command: RunCommand, good: str, form: str
) -> None:
    result = run_command("products", "import", good, "--format", form)
    assert (result.code, result.out) == (1, "Created 0, changed 0; 0 unchanged.\n")
    message = " ".join(result.err.split())
    assert f"Nothing in the file can be imported as {form}: found 'name', 'slug'" in message
    assert "--map name=name" in message


def test_source_tells_the_ids_of_shops_apart(run_command: RunCommand, tmp_path: Path) -> None:
    header = "ID,Type,SKU,Name,Regular price,Stock\n"
    first = write_file(tmp_path / "first.csv", f"{header}7,simple,A-1,Albumen,9,1\n")
    run_command("products", "import", first, "--source", "berlin")
    renamed = write_file(tmp_path / "renamed.csv", f"{header}7,simple,A-1,Egg white,9,1\n")
    for source, out in (("paris", "Created 1"), ("berlin", "Created 0, changed 1")):
        options = ["--source", source, "--dry-run", "--json"]
        body = orjson.loads(run_command("products", "import", renamed, *options).out)
        assert f"Created {body['created']}, changed {body['changed']}".startswith(out)


def test_chunked_import_commits_what_came_before_an_interruption(
    capsys: pytest.CaptureFixture[str], good: str
) -> None:
    def interrupted(stream: BinaryIO, **options: Any) -> ImportFile:  # noqa: ARG001  (a reader)
        raise KeyboardInterrupt

    shop = make_shop()
    runtime = MemoryRuntime(shop=evolve(shop, products=evolve(shop.products, reader=interrupted)))
    with pytest.raises(SystemExit, match="130"):
        sys.exit(main(["products", "import", good, "--chunked"], runtime))
    message = "Interrupted: some products may be imported. Run the import again.\n"
    assert capsys.readouterr() == ("", message)
    runtime = MemoryRuntime()
    assert main(["products", "import", good, "--chunked"], runtime) == 0
    assert stored_slugs(runtime) == ["albumen", "bar"]


def test_database_that_is_away_exits_with_3(
    run_command: RunCommand, runtime: MemoryRuntime, good: str
) -> None:
    runtime.unavailable_message = "Nothing listens at db:5432"
    result = run_command("products", "import", good)
    assert (result.code, result.out) == (3, "")
    assert "Nothing listens at db:5432" in result.err


@pytest.mark.parametrize("signalled", [KeyboardInterrupt(), SystemExit(130)])
def test_interrupted_import_is_rolled_back_and_exits_with_130(
    capsys: pytest.CaptureFixture[str], good: str, signalled: BaseException
) -> None:
    def entries(stream: BinaryIO) -> Iterator[ImportEntry]:
        yield next(read_products(stream).entries)
        raise signalled

    def interrupted(stream: BinaryIO, **options: Any) -> ImportFile:  # noqa: ARG001  (a reader)
        return ImportFile("eggypro-csv", entries(stream))

    shop = make_shop()
    runtime = MemoryRuntime(shop=evolve(shop, products=evolve(shop.products, reader=interrupted)))
    with pytest.raises(SystemExit, match="130"):
        sys.exit(main(["products", "import", good], runtime))
    assert capsys.readouterr() == ("", "Interrupted: nothing was imported.\n")
    assert stored_slugs(runtime) == []


def test_choices_match_reader_formats_and_conflict_policies() -> None:
    assert get_args(ImportFormat) == FORMATS
    assert get_args(ConflictChoice) == tuple(ConflictPolicy)
    assert get_args(MissingStockChoice) == tuple(MissingStock)


def test_seed_loads_the_demo_catalogue_once(
    run_command: RunCommand, runtime: MemoryRuntime, tmp_path: Path
) -> None:
    runtime.demo_file = tmp_path / "demo.jsonl"
    runtime.demo_file.write_text('{"name": "Albumen", "slug": "albumen", "price": "9.50"}\n')
    assert run_command("seed").out == "Created 1, changed 0; 0 unchanged.\n"
    assert orjson.loads(run_command("seed", "--json").out)["unchanged"] == 1
