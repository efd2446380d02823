"""`eggypro undo`."""

import orjson
import pytest

from eggypro_core.domain.product_files import ImportEntry
from tests.support.builders import product_values
from tests.support.runtime import MemoryRuntime, RunCommand


@pytest.fixture
def batch(runtime: MemoryRuntime) -> str:
    """The id of an import that renamed a bar and changed its price."""
    products = runtime.shop.products
    products.create(product_values(slug="bar", name="Bar"))
    row = {"slug": "bar", "name": "New", "price": "9.00"}
    return str(products.import_products([ImportEntry(2, row)]).batch)


def test_undo(run_command: RunCommand, runtime: MemoryRuntime, batch: str) -> None:
    dry_run = run_command("undo", batch, "--dry-run")
    assert (dry_run.code, dry_run.out) == (0, "Would change back: 1. Kept: 0.\n")
    assert runtime.shop.products.get("bar").name == "New"
    result = run_command("undo", batch, "--yes")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Changed back: 1. Kept: 0.\nTo take this back: eggypro undo ")
    assert runtime.shop.products.get("bar").name == "Bar"


def test_what_is_kept_is_listed(
    run_command: RunCommand, runtime: MemoryRuntime, batch: str
) -> None:
    runtime.shop.products.update("bar", {"price": "8.00"})
    dry_run = run_command("undo", batch, "--dry-run", "--json")
    assert dry_run.code == 1
    kept = {"slug": "bar", "field": "price", "message": "Changed since"}
    body = {"batch": None, "reverted": 1, "kept": [kept], "dry_run": True}
    assert orjson.loads(dry_run.out) == body
    result = run_command("undo", batch, "--yes")
    assert result.code == 1
    assert "  bar price: Changed since\n" in result.out


def test_a_missing_batch(run_command: RunCommand) -> None:
    result = run_command("undo", "999", "--yes")
    assert (result.code, result.out) == (1, "")
    assert "There is no batch 999" in result.err
