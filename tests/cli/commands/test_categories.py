"""`eggypro categories`: the tree of categories from the shell."""

import orjson
import pytest

from eggypro_core.domain.category import CategoryQuery
from eggypro_core.serializers import category_body, category_page_body
from eggypro_core.validation.parameters import Status
from tests.support.builders import product_values
from tests.support.runtime import MemoryRuntime, RunCommand


@pytest.fixture(autouse=True)
def _tree(world: MemoryRuntime) -> None:
    """Food, and Bars below it, in which there is a product."""
    shop = world.shop
    shop.categories.create({"name": "Food"})
    shop.categories.create({"name": "Bars Ø", "slug": "bars", "parent": "food"})
    shop.products.create(product_values())
    shop.categories.link("egg-white-protein", "bars")


def test_a_list_shows_path_name_products_and_state(typed: RunCommand, world: MemoryRuntime) -> None:
    world.shop.categories.archive("bars")
    answer = typed("categories", "list", "--status", "all")
    assert [line.split() for line in answer.out.splitlines()] == [
        ["path", "name", "products", "state"],
        ["food/bars", "Bars", "Ø", "1", "archived"],
        ["food", "Food", "0", "visible"],
        ["2", "of", "2"],
    ]
    assert (answer.code, answer.err) == (0, "")


def test_what_is_below_an_archived_one_is_hidden(typed: RunCommand, world: MemoryRuntime) -> None:
    world.shop.categories.archive("food")
    assert typed("categories", "list").out == "0 of 0\n"
    assert "hidden" in typed("categories", "show", "bars", "--status", "all").out


def test_the_json_of_a_list_is_the_body_of_http(typed: RunCommand, world: MemoryRuntime) -> None:
    query = CategoryQuery(parent="none", limit=1)
    body = category_page_body(world.shop.categories.list(query), query)
    answer = typed("categories", "list", "--parent", "none", "--limit", "1", "--json")
    assert answer.out == orjson.dumps(body).decode() + "\n"


def test_a_category_is_created_shown_and_moved(typed: RunCommand, world: MemoryRuntime) -> None:
    words = ["Shakes", "--slug", "drinks", "--parent", "food", "--description", "To drink"]
    created = typed("categories", "create", *words, "--json")
    found = world.shop.categories.get("drinks")
    assert created.out == orjson.dumps(category_body(found)).decode() + "\n"
    assert (found.name, found.path, found.description) == ("Shakes", ("food", "drinks"), "To drink")
    assert "food/drinks" in typed("categories", "show", "drinks").out
    moved = typed("categories", "update", "drinks", "--root", "--name", "Drinks", "--slug", "wet")
    assert moved.code == 0
    moved_to = world.shop.categories.get("wet")
    assert (moved_to.name, moved_to.path, moved_to.description) == ("Drinks", ("wet",), "To drink")
    assert typed("categories", "update", "wet", "--parent", "bars").code == 0
    assert world.shop.categories.get("wet").path == ("food", "bars", "wet")


def test_a_category_is_archived_restored_and_deleted(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    assert typed("categories", "archive", "food").code == 0
    assert not world.shop.categories.get("food", Status.ALL).is_active
    assert typed("categories", "restore", "food").code == 0
    assert typed("categories", "delete", "food").code == 1
    assert world.shop.categories.get("bars").parent == "food"
    assert typed("categories", "delete", "food", "--yes").out == "Deleted category 'food'.\n"
    assert world.shop.categories.get("bars").parent is None
    assert typed("categories", "delete", "food", "--yes").code == 1


def test_products_are_put_in_and_taken_out(typed: RunCommand, world: MemoryRuntime) -> None:
    product = ["egg-white-protein", "bars"]
    assert (
        typed("categories", "unlink", *product).out == "Removed 'egg-white-protein' from 'bars'.\n"
    )
    assert world.shop.products.get("egg-white-protein").categories == ()
    assert typed("categories", "link", *product).out == "Added 'egg-white-protein' to 'bars'.\n"
    assert typed("categories", "link", *product, "--json").out == ""
    [category] = world.shop.products.get("egg-white-protein").categories
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
def test_a_refusal_is_one_sentence(
    typed: RunCommand, words: list[str], code: int, sentence: str
) -> None:
    answer = typed("categories", *words)
    assert (answer.code, answer.out) == (code, "")
    assert sentence in answer.err
    assert len(answer.err.splitlines()) == 1
