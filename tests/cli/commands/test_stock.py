"""`eggypro stock set|adjust`."""

import orjson
import pytest

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
    assert (problem["status"], problem["title"]) == (409, "Conflict")


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
