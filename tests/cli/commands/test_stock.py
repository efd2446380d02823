"""`eggypro stock set` and `adjust`."""

import orjson
import pytest

from tests.support.builders import product_values
from tests.support.runtime import CommandResult, MemoryRuntime, RunCommand


@pytest.fixture(autouse=True)
def _albumen(world: MemoryRuntime) -> None:
    world.shop.products.create(product_values(name="Albumen", stock_quantity=3))


def stock(world: MemoryRuntime) -> int:
    return world.shop.products.get("albumen").stock_quantity


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
def test_a_change_of_stock_says_what_is_there_then(
    typed: RunCommand, world: MemoryRuntime, words: list[str], left: int
) -> None:
    assert typed("stock", *words) == CommandResult(0, f"albumen: {left} in stock\n", "")
    assert stock(world) == left


@pytest.mark.parametrize("words", [["set", "albumen", "7"], ["adjust", "albumen", "--by", "4"]])
def test_the_json_of_a_change_is_the_body_of_http(typed: RunCommand, words: list[str]) -> None:
    assert typed("stock", *words, "--json") == CommandResult(0, '{"stock_quantity":7}\n', "")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["set", "albumen", "-5"], "Stock quantity cannot be negative"),
        (["set", "albumen", "-55"], "Stock quantity cannot be negative"),
        (["set", "albumen", "2147483648"], "Stock quantity too high (at most 2147483647)"),
        (["adjust", "albumen", "--by", "-4"], "The stock is 3: it cannot change by -4."),
        (["adjust", "albumen", "--by", "2147483647"], "cannot change by 2147483647"),
        (["adjust", "albumen", "--by", "9" * 100], "cannot change by 9999"),
        (["adjust", "chicken", "--by", "1"], "There is no product 'chicken'"),
        (["set", "\udcff", "1"], "There is no product '?'"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_one_sentence(
    typed: RunCommand, world: MemoryRuntime, words: list[str], sentence: str
) -> None:
    answer = typed("stock", *words)
    assert (answer.code, answer.out) == (1, "")
    assert len(answer.err.splitlines()) == 1
    assert sentence in answer.err
    assert stock(world) == 3


def test_too_little_stock_is_a_conflict_in_json(typed: RunCommand) -> None:
    problem = orjson.loads(typed("stock", "adjust", "albumen", "--by", "-4", "--json").err)
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
def test_what_is_no_number_is_wrong_usage(
    typed: RunCommand, world: MemoryRuntime, words: list[str]
) -> None:
    answer = typed("stock", *words)
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1
    assert answer.err.endswith(f"see `eggypro stock {words[0]} --help`.\n")
    assert len(answer.err) < 200
    assert stock(world) == 3
