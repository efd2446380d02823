"""`eggypro search zero-results`."""

import orjson
import pytest

from eggypro_core.domain.product_query import ProductQuery
from tests.support.runtime import MemoryRuntime, RunCommand


@pytest.fixture(autouse=True)
def _zero_result_searches(runtime: MemoryRuntime) -> None:
    for words in ("duck egg", "Quail", "[red]quail[/red]", "quail"):
        runtime.shop.products.list(ProductQuery(search=words))


def test_zero_result_searches_are_listed_most_frequent_first(run_command: RunCommand) -> None:
    result = run_command("search", "zero-results")
    assert (result.code, result.err) == (0, "")
    assert [line.split() for line in result.out.splitlines()] == [
        ["times", "words", "last", "time"],
        ["2", "quail", "2026-01-01", "12:00", "UTC"],
        ["1", "duck", "egg", "2026-01-01", "12:00", "UTC"],
        ["1", "red", "quail", "2026-01-01", "12:00", "UTC"],
    ]


def test_limit_applies_to_json(run_command: RunCommand) -> None:
    result = run_command("search", "zero-results", "--limit", "1", "--json")
    assert orjson.loads(result.out) == {
        "items": [{"words": "quail", "times": 2, "last_at": "2026-01-01T12:00:00.000000Z"}]
    }


def test_searches_of_the_command_line_are_counted(run_command: RunCommand) -> None:
    run_command("products", "search", "ostrich")
    run_command("products", "list", "--search", "ostrich", "--json")
    run_command("products", "search", "ostrich", "--explain")
    assert "2  ostrich" in run_command("search", "zero-results").out


def test_clear_shows_the_counts_and_resets_them_after_confirmation(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    assert run_command("search", "zero-results", "--clear").code == 1
    assert len(runtime.shop.zero_results.list(10)) == 3
    result = run_command("search", "zero-results", "--clear", "--yes", "--json")
    assert [search["times"] for search in orjson.loads(result.out)["items"]] == [2, 1, 1]
    assert runtime.shop.zero_results.list(10) == ()
    assert run_command("search", "zero-results", "--json").out == '{"items":[]}\n'
    assert run_command("search", "zero-results").out == "No zero-result searches.\n"


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x"])
def test_invalid_limit_is_a_usage_error(run_command: RunCommand, limit: str) -> None:
    result = run_command("search", "zero-results", "--limit", limit)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
