"""`eggypro search`: what is searched for in vain."""

import orjson
import pytest

from eggypro_core.domain.product_query import ProductQuery
from tests.support.runtime import MemoryRuntime, RunCommand


@pytest.fixture(autouse=True)
def _searched(world: MemoryRuntime) -> None:
    for words in ("duck egg", "Quail", "[red]quail[/red]", "quail"):
        world.shop.products.list(ProductQuery(search=words))


def test_what_found_nothing_is_a_table_most_frequent_first(typed: RunCommand) -> None:
    answer = typed("search", "zero-results")
    assert (answer.code, answer.err) == (0, "")
    assert [line.split() for line in answer.out.splitlines()] == [
        ["times", "words", "last", "time"],
        ["2", "quail", "2026-01-01", "12:00", "UTC"],
        ["1", "duck", "egg", "2026-01-01", "12:00", "UTC"],
        ["1", "red", "quail", "2026-01-01", "12:00", "UTC"],
    ]


def test_machines_get_as_many_as_they_want(typed: RunCommand) -> None:
    answer = typed("search", "zero-results", "--limit", "1", "--json")
    assert orjson.loads(answer.out) == {
        "items": [{"words": "quail", "times": 2, "last_at": "2026-01-01T12:00:00.000000Z"}]
    }


def test_the_command_line_is_a_door_too(typed: RunCommand) -> None:
    typed("products", "search", "ostrich")
    typed("products", "list", "--search", "ostrich", "--json")
    typed("products", "search", "ostrich", "--explain")
    assert "2  ostrich" in typed("search", "zero-results").out


def test_what_is_cleared_is_shown_once_more_if_somebody_says_yes(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    assert typed("search", "zero-results", "--clear").code == 1
    assert len(world.shop.zero_results.list(10)) == 3
    answer = typed("search", "zero-results", "--clear", "--yes", "--json")
    assert [one["times"] for one in orjson.loads(answer.out)["items"]] == [2, 1, 1]
    assert world.shop.zero_results.list(10) == ()
    assert typed("search", "zero-results", "--json").out == '{"items":[]}\n'
    assert typed("search", "zero-results").out == "No zero-result searches.\n"


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x"])
def test_a_limit_that_makes_no_sense_is_wrong_usage(typed: RunCommand, limit: str) -> None:
    answer = typed("search", "zero-results", "--limit", limit)
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1
