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
from eggypro_cli.commands.product_import import ConflictPolicy, ImportFormat
from eggypro_cli.main import main
from eggypro_core import ImportEntry, OnConflict, ProductQuery
from eggypro_core.serializers import import_report_body
from tests.support.builders import make_shop
from tests.support.runtime import MemoryRuntime, RunCommand

GOOD = "name,slug,price\nAlbumen,albumen,9.50\nBar,bar,2.00\n"
HALF_BAD = "name,slug,price\nAlbumen,albumen,9.50\nBar,bar,-2\nCrepes,no slug,1\n"


@pytest.fixture
def good(tmp_path: Path) -> str:
    return written(tmp_path / "good.csv", GOOD)


@pytest.fixture
def half_bad(tmp_path: Path) -> str:
    return written(tmp_path / "half_bad.csv", HALF_BAD)


def written(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)


def kept(world: MemoryRuntime) -> list[str]:
    return [product.slug for product in world.shop.products.list(ProductQuery()).items]


def test_an_import_keeps_the_products_and_counts_them(
    typed: RunCommand, world: MemoryRuntime, good: str
) -> None:
    answer = typed("products", "import", good)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "Created 2, changed 0; 0 unchanged.\n"
    assert kept(world) == ["albumen", "bar"]


def test_the_same_file_twice_changes_nothing_the_second_time(typed: RunCommand, good: str) -> None:
    typed("products", "import", good)
    assert typed("products", "import", good).out == "Created 0, changed 0; 2 unchanged.\n"


def test_the_json_of_an_import_is_the_body_of_its_report(typed: RunCommand, half_bad: str) -> None:
    with Path(half_bad).open("rb") as file:
        report = make_shop().products.import_products(read_products(file))
    answer = typed("products", "import", half_bad, "--json")
    assert (answer.code, answer.err) == (1, "")
    assert answer.out == orjson.dumps(import_report_body(report)).decode() + "\n"


def test_one_refused_line_keeps_everything_out_and_that_is_said(
    typed: RunCommand, world: MemoryRuntime, half_bad: str
) -> None:
    answer = typed("products", "import", half_bad)
    assert answer.code == 1
    assert answer.out == "Created 0, changed 0; 0 unchanged.\n"
    assert [line.split()[:2] for line in answer.err.splitlines()[2:4]] == [
        ["3", "price"],
        ["4", "slug"],
    ]
    assert "Nothing was imported, because some lines were refused" in answer.err
    assert kept(world) == []


def test_keeping_going_takes_what_is_good_and_still_exits_with_1(
    typed: RunCommand, world: MemoryRuntime, half_bad: str
) -> None:
    answer = typed("products", "import", half_bad, "--keep-going")
    assert answer.code == 1
    assert answer.out == "Created 1, changed 0; 0 unchanged.\n"
    assert "Nothing was imported" not in answer.err
    assert kept(world) == ["albumen"]


def test_a_dry_run_keeps_nothing_and_says_what_would_change(
    typed: RunCommand, world: MemoryRuntime, good: str
) -> None:
    answer = typed("products", "import", good, "--dry-run")
    assert answer.code == 0
    assert answer.out == "Would create 2, change 0; 0 unchanged.\n"
    assert answer.err == "Dry run: nothing was imported.\n"
    assert kept(world) == []


@pytest.mark.parametrize(
    ("way", "code", "price"), [("update", 0, "3.00"), ("skip", 0, "2.00"), ("fail", 1, "2.00")]
)
def test_known_products_are_updated_skipped_or_refused(
    typed: RunCommand, world: MemoryRuntime, good: str, *, way: str, code: int, price: str
) -> None:
    typed("products", "import", good)
    Path(good).write_text("slug,price\nbar,3.00\n")
    assert typed("products", "import", good, "--on-conflict", way).code == code
    assert str(world.shop.products.get("bar").price) == price


def test_the_report_file_has_every_refused_line(typed: RunCommand, tmp_path: Path) -> None:
    rows = "".join(f"Egg,egg-{number},0\n" for number in range(50))
    file = written(tmp_path / "bad.csv", f"name,slug,price\n{rows}")
    report = tmp_path / "refused.csv"
    answer = typed("products", "import", file, "--report", str(report))
    assert report.read_text().splitlines() == [
        "line,field,message",
        *(f"{line},price,Price must be positive" for line in range(2, 52)),
    ]
    assert answer.err.count("Price must be positive") == 20
    assert "... and 30 more." in answer.err


def test_a_report_file_that_cannot_be_written_stops_the_import_before_it_begins(
    typed: RunCommand, world: MemoryRuntime, good: str, tmp_path: Path
) -> None:
    answer = typed("products", "import", good, "--report", str(tmp_path / "none" / "such.csv"))
    assert answer.code == 2
    assert len(answer.err.splitlines()) == 1
    assert kept(world) == []


def test_a_report_that_does_not_fit_is_said_after_what_was_done(
    typed: RunCommand, good: str
) -> None:
    answer = typed("products", "import", good, "--report", "/dev/full")
    assert answer.code == 1
    assert answer.out == "Created 2, changed 0; 0 unchanged.\n"
    assert answer.err == "Reading or writing failed: No space left on device.\n"


def test_a_file_is_read_from_stdin(
    typed: RunCommand, world: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    assert typed("products", "import", "-").code == 0
    assert kept(world) == ["albumen", "bar"]


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_cannot_be_read_is_named_in_one_sentence(
    typed: RunCommand, tmp_path: Path, name: str
) -> None:
    answer = typed("products", "import", str(tmp_path / name))
    assert (answer.code, answer.out) == (2, "")
    assert str(tmp_path) in answer.err
    assert len(answer.err.splitlines()) == 1


def test_a_file_of_no_known_kind_is_refused_in_one_sentence(
    typed: RunCommand, tmp_path: Path
) -> None:
    answer = typed("products", "import", written(tmp_path / "empty.csv", ""))
    assert (answer.code, answer.out, answer.err) == (1, "", "The file is empty.\n")


def test_warnings_are_shown_and_are_no_error(typed: RunCommand, tmp_path: Path) -> None:
    file = written(tmp_path / "odd.csv", "name,slug,price,colour\nBar,bar,2.00,red\n")
    answer = typed("products", "import", file)
    assert answer.code == 0
    assert answer.err.startswith("Warnings\nline  field")
    assert "colour" in answer.err


@pytest.mark.parametrize("signalled", [KeyboardInterrupt(), SystemExit(130)])
def test_an_interrupted_import_keeps_nothing_says_so_and_exits_with_130(
    capsys: pytest.CaptureFixture[str], good: str, signalled: BaseException
) -> None:
    def interrupted(stream: BinaryIO, *, form: str = "auto") -> Iterator[ImportEntry]:
        yield next(read_products(stream, form=form))
        raise signalled

    shop = make_shop()
    world = MemoryRuntime(shop=evolve(shop, products=evolve(shop.products, reader=interrupted)))
    with pytest.raises(SystemExit, match="130"):
        sys.exit(main(["products", "import", good], world))
    assert capsys.readouterr() == ("", "Interrupted: nothing was imported.\n")
    assert kept(world) == []


def test_the_words_of_options_are_those_of_reader_and_core() -> None:
    assert get_args(ImportFormat) == FORMATS
    assert get_args(ConflictPolicy) == tuple(OnConflict)


def test_a_seed_loads_the_demo_catalogue_and_again_changes_nothing(
    typed: RunCommand, world: MemoryRuntime, tmp_path: Path
) -> None:
    world.demo_file = tmp_path / "demo.jsonl"
    world.demo_file.write_text('{"name": "Albumen", "slug": "albumen", "price": "9.50"}\n')
    assert typed("seed").out == "Created 1, changed 0; 0 unchanged.\n"
    assert orjson.loads(typed("seed", "--json").out)["unchanged"] == 1
