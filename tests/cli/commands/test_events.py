"""`eggypro events` and `eggypro products history`."""

import orjson
import pytest

from eggypro_core.domain.event_query import EventQuery
from eggypro_core.domain.origin import Origin, Source, writing_as
from eggypro_core.serializers import event_page_body
from tests.support.builders import product_values
from tests.support.runtime import MemoryRuntime, RunCommand


def change_price(runtime: MemoryRuntime) -> None:
    """Create a product, and change its price as Ada."""
    runtime.shop.products.create(product_values(slug="bar", name="Bar"))
    with writing_as(Origin("cli:ada", Source.CLI, reason="sale")):
        runtime.shop.products.update("bar", {"price": "9.99", "description": "Long" * 200})


def test_history_of_a_product(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    change_price(runtime)
    result = run_command("products", "history", "bar")
    assert (result.code, result.err) == (0, "")
    newest, *_ = result.out.splitlines()[1:]
    assert "cli:ada" in newest
    assert "product.updated" in newest
    assert "24.99 -> 9.99" in result.out
    assert "(sale)" in result.out


def test_json_is_the_http_body(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    change_price(runtime)
    result = run_command("events", "list", "--order", "asc", "--product", "bar", "--json")
    page = runtime.shop.events.list(EventQuery(product="bar"))
    assert orjson.loads(result.out) == orjson.loads(orjson.dumps(event_page_body(page)))


@pytest.mark.parametrize(
    ("command", "last"),
    [
        (("events", "list", "--order", "asc"), "product.updated"),
        (("products", "history", "bar"), "product.created"),
    ],
    ids=str,
)
def test_a_full_page_names_the_next(
    run_command: RunCommand, runtime: MemoryRuntime, command: tuple[str, ...], last: str
) -> None:
    change_price(runtime)
    result = run_command(*command, "--limit", "1")
    assert last not in result.out
    cursor = result.out.rpartition("--after ")[2].strip()
    rest = run_command(*command, "--after", cursor)
    assert last in rest.out
    assert "--after" not in rest.out


def test_follow(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    change_price(runtime)
    result = run_command("events", "follow", "--after", "0", "--until-end", "--actor", "cli:ada")
    [line] = result.out.splitlines()
    assert "cli:ada  product.updated  bar  " in line
    cursor = result.err.rpartition("--after ")[2].strip()
    after = run_command("events", "follow", "--after", cursor, "--until-end", "--json")
    assert (after.code, after.out) == (0, "")
    runtime.shop.products.set_stock("bar", 3)
    again = run_command("events", "follow", "--after", cursor, "--until-end", "--json")
    assert orjson.loads(again.out)["changes"] == {"stock_quantity": [0, 3]}


def test_no_events(run_command: RunCommand) -> None:
    assert run_command("products", "history", "missing").out == "No events.\n"


def test_a_wrong_type_is_a_usage_error(run_command: RunCommand) -> None:
    result = run_command("events", "list", "--type", "product.baked")
    assert result.code == 2
    assert "product.updated" in result.err
