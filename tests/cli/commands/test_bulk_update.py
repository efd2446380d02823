"""`eggypro products bulk-update`."""

import orjson
import pytest

from tests.support.builders import product_values
from tests.support.runtime import MemoryRuntime, RunCommand

COMMAND = ("products", "bulk-update")


@pytest.fixture(autouse=True)
def _create_products(runtime: MemoryRuntime) -> None:
    for name, price in (("bar", "9.00"), ("shake", "20.00")):
        runtime.shop.products.create(product_values(slug=name, name=name.title(), price=price))


def test_a_sale(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    options = ("--min-price", "10", "--price-percent", "-20", "--keep-as-compare-at")
    dry_run = run_command(*COMMAND, *options, "--dry-run")
    assert (dry_run.code, dry_run.err) == (0, "")
    assert dry_run.out == (
        "Would change 1 of 1 products.\n"
        "  shake price: 20.00 -> 16.00\n"
        "  shake compare_at_price: - -> 20.00\n"
    )
    assert str(runtime.shop.products.get("shake").price) == "20.00"
    result = run_command(*COMMAND, *options, "--yes")
    batch = result.out.rpartition("eggypro undo ")[2].strip()
    assert str(runtime.shop.products.get("shake").price) == "16.00"
    assert run_command("undo", batch, "--yes").code == 0
    assert str(runtime.shop.products.get("shake").price) == "20.00"


def test_json_is_the_http_body(run_command: RunCommand) -> None:
    options = ("--product", "bar", "--set", "brand=Hen", "--set", "is_listed=false")
    result = run_command(*COMMAND, *options, "--add-tag", "new", "--dry-run", "--json")
    fields = {"brand": [None, "Hen"], "tags": [[], ["new"]], "is_listed": [True, False]}
    assert orjson.loads(result.out) == {
        "batch": None,
        "matched": 1,
        "changed": 1,
        "changes": [{"slug": "bar", "fields": fields}],
        "warnings": [],
        "dry_run": True,
    }


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--set", "brand=Hen"), 1, "Filter is empty"),
        (("--all", "--set", "brand"), 2, "must be FIELD=VALUE"),
        (("--all", "--keep-as-compare-at"), 1, "Percent is required"),
        (("--all", "--stock-delta", "-1", "--yes"), 1, "Would be -1"),
        (("--all", "--archive", "--expected", "3", "--yes"), 1, "not the expected 3"),
    ],
    ids=str,
)
def test_refused_updates(
    run_command: RunCommand, options: tuple[str, ...], code: int, message: str
) -> None:
    result = run_command(*COMMAND, *options)
    assert result.code == code
    assert message in result.err
