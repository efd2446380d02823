"""`eggypro categories`."""

import orjson
import pytest

from eggypro_core.domain.category import CategoryQuery
from eggypro_core.serializers import category_body, category_page_body
from eggypro_core.validation.parameters import Status
from tests.support.builders import product_values
from tests.support.runtime import MemoryRuntime, RunCommand


@pytest.fixture(autouse=True)
def _tree(runtime: MemoryRuntime) -> None:
    """Create Food with the subcategory Bars, which has a product."""
    shop = runtime.shop
    shop.categories.create({"name": "Food"})
    shop.categories.create({"name": "Bars Ø", "slug": "bars", "parent": "food"})
    shop.products.create(product_values())
    shop.categories.link("egg-white-protein", "bars")


def test_list_shows_path_name_products_and_state(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop.categories.archive("bars")
    result = run_command("categories", "list", "--status", "all")
    assert [line.split() for line in result.out.splitlines()] == [
        ["path", "name", "products", "state"],
        ["food/bars", "Bars", "Ø", "1", "archived"],
        ["food", "Food", "0", "visible"],
        ["2", "of", "2"],
    ]
    assert (result.code, result.err) == (0, "")


def test_subcategories_of_an_archived_category_are_hidden(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop.categories.archive("food")
    assert run_command("categories", "list").out == "0 of 0\n"
    assert "hidden" in run_command("categories", "show", "bars", "--status", "all").out


def test_json_of_a_list_is_the_http_body(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    query = CategoryQuery(parent="none", limit=1)
    body = category_page_body(runtime.shop.categories.list(query), query)
    result = run_command("categories", "list", "--parent", "none", "--limit", "1", "--json")
    assert result.out == orjson.dumps(body).decode() + "\n"


def test_category_is_created_shown_and_moved(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    words = ["Shakes", "--slug", "drinks", "--parent", "food", "--description", "To drink"]
    created = run_command("categories", "create", *words, "--json")
    category = runtime.shop.categories.get("drinks")
    assert created.out == orjson.dumps(category_body(category)).decode() + "\n"
    assert (category.name, category.path, category.description) == (
        "Shakes",
        ("food", "drinks"),
        "To drink",
    )
    assert "food/drinks" in run_command("categories", "show", "drinks").out
    moved = run_command(
        "categories", "update", "drinks", "--root", "--name", "Drinks", "--slug", "wet"
    )
    assert moved.code == 0
    category = runtime.shop.categories.get("wet")
    assert (category.name, category.path, category.description) == ("Drinks", ("wet",), "To drink")
    assert run_command("categories", "update", "wet", "--parent", "bars").code == 0
    assert runtime.shop.categories.get("wet").path == ("food", "bars", "wet")


def test_category_is_archived_restored_and_deleted(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    assert run_command("categories", "archive", "food").code == 0
    assert not runtime.shop.categories.get("food", Status.ALL).is_active
    assert run_command("categories", "restore", "food").code == 0
    assert run_command("categories", "delete", "food").code == 1
    assert runtime.shop.categories.get("bars").parent == "food"
    assert run_command("categories", "delete", "food", "--yes").out == "Deleted category 'food'.\n"
    assert runtime.shop.categories.get("bars").parent is None
    assert run_command("categories", "delete", "food", "--yes").code == 1


def test_products_are_linked_and_unlinked(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    product = ["egg-white-protein", "bars"]
    assert (
        run_command("categories", "unlink", *product).out
        == "Removed 'egg-white-protein' from 'bars'.\n"
    )
    assert runtime.shop.products.get("egg-white-protein").categories == ()
    assert (
        run_command("categories", "link", *product).out == "Added 'egg-white-protein' to 'bars'.\n"
    )
    assert run_command("categories", "link", *product, "--json").out == ""
    [category] = runtime.shop.products.get("egg-white-protein").categories
    assert category.slug == "bars"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["show", "none-such"], 1, "`eggypro categories list --status all`"),
        (["create", "Food", "--slug", "food"], 1, "belongs to another category"),
        (["create", "<b>"], 1, "Name contains invalid characters"),
        (["create", "x", "--parent", "none-such"], 1, "There is no category 'none-such'"),
        (["update", "food", "--parent", "bars"], 1, "cannot be below itself"),
        (["update", "food"], 2, "Nothing to update"),
        (
            ["update", "food", "--root", "--parent", "bars"],
            2,
            "--root cannot be combined with --parent",
        ),
        (["link", "none-such", "bars"], 1, "`eggypro products list --status all`"),
        (["link", "egg-white-protein", "none-such"], 1, "There is no category"),
        (["list", "--limit", "1001"], 2, "Limit too high"),
        (["show", "\ud800"], 1, "There is no category"),
    ],
)
def test_errors_are_one_sentence(
    run_command: RunCommand, words: list[str], code: int, sentence: str
) -> None:
    result = run_command("categories", *words)
    assert (result.code, result.out) == (code, "")
    assert sentence in result.err
    assert len(result.err.splitlines()) == 1
