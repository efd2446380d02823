"""`eggypro products list`, `search` and `show`."""

from typing import get_args

import orjson
import pytest

from eggypro_cli.commands.products import SortWord
from eggypro_cli.options import StatusWord
from eggypro_core import ProductQuery, Sort, Status
from eggypro_core.domain.image import no_image_url
from eggypro_core.search.results import ProductListing
from eggypro_core.serializers import product_body, product_page_body
from tests.support.builders import product_values
from tests.support.runtime import MemoryRuntime, RunCommand

LONG = "egg-white-protein-with-madagascar-vanilla-in-a-bag-that-can-be-closed-again"


@pytest.fixture(autouse=True)
def _products(world: MemoryRuntime) -> None:
    for name, price, stock in (("Albumen", "9.50", 3), ("Bar Ø", "2.00", 0), ("Crêpes", "5", 1)):
        product = product_values(name=name, price=price, stock_quantity=stock, ingredients=["egg"])
        texts = {
            "description": "See [red]this[/red] :egg:",
            "details": "<p>Good &amp; <b>new</b></p>A",
        }
        world.shop.products.create(product | texts)


def test_a_list_shows_slug_name_price_stock_and_state(typed: RunCommand) -> None:
    answer = typed("products", "list")
    assert [line.split() for line in answer.out.splitlines()] == [
        ["slug", "name", "price", "EUR", "stock", "state"],
        ["albumen", "Albumen", "9.50", "3", "active"],
        ["bar-o", "Bar", "Ø", "2.00", "0", "sold", "out"],
        ["crepes", "Crêpes", "5.00", "1", "active"],
        ["3", "of", "3"],
    ]
    assert (answer.code, answer.err) == (0, "")


def test_the_json_of_a_list_is_the_body_of_http(typed: RunCommand, world: MemoryRuntime) -> None:
    query = ProductQuery(limit=2)
    page = world.shop.products.list(query)
    body = orjson.dumps(
        product_page_body(ProductListing(page), query, "EUR", no_image_url)
    ).decode()
    assert typed("products", "list", "--limit", "2", "--json").out == f"{body}\n"


@pytest.mark.parametrize(
    ("options", "slugs"),
    [
        (["--sort", "price-asc"], ["bar-o", "crepes", "albumen"]),
        (["--in-stock"], ["albumen", "crepes"]),
        (["--sold-out"], ["bar-o"]),
        (["--min-price", "2.01", "--max-price", "9.49"], ["crepes"]),
        (["--search", "CREPES"], ["crepes"]),
        (["--limit", "1", "--offset", "1"], ["bar-o"]),
        (["--category", "none-such"], []),
        (["--status", "archived"], []),
    ],
)
def test_every_option_of_a_list_counts(
    typed: RunCommand, options: list[str], slugs: list[str]
) -> None:
    body = orjson.loads(typed("products", "list", "--json", *options).out)
    assert [item["slug"] for item in body["items"]] == slugs


def test_a_page_tells_people_the_options_of_the_next(typed: RunCommand) -> None:
    assert typed("products", "list", "--limit", "2").out.endswith("Next page: add --offset 2\n")


def test_a_page_behind_a_cursor_tells_the_next_cursor(typed: RunCommand) -> None:
    first = orjson.loads(typed("products", "list", "--limit", "1", "--json").out)
    cursor = first["next"].partition("cursor=")[2]
    second = typed("products", "list", "--limit", "1", "--cursor", cursor).out
    third = typed("products", "list", "--limit", "1", "--cursor", second.split()[-1]).out
    assert "bar-o" in second
    assert "crepes" in third
    assert "Next page" not in third


def test_all_wrong_options_are_named_at_once_as_wrong_usage(typed: RunCommand) -> None:
    answer = typed("products", "list", "--limit", "500", "--min-price", "-1")
    assert answer.code == 2
    assert answer.out == ""
    assert "Limit too high (at most 100)" in answer.err
    assert "Min price cannot be negative" in answer.err
    assert answer.err.endswith("; see `eggypro products list --help`.\n")


def test_a_mended_cursor_is_wrong_usage(typed: RunCommand) -> None:
    answer = typed("products", "list", "--cursor", "mended")
    assert answer.code == 2
    assert "cursor does not belong to this list" in answer.err


def test_the_words_of_options_are_those_of_the_core() -> None:
    assert get_args(SortWord) == tuple(Sort)
    assert get_args(StatusWord) == tuple(Status)


def test_a_search_is_the_list_with_its_words(typed: RunCommand) -> None:
    searched = typed("products", "search", "crepes", "--json").out
    assert searched == typed("products", "list", "--search", "crepes", "--json").out
    assert orjson.loads(searched)["total"] == 1


def test_a_search_without_a_match_says_so_and_is_no_error(typed: RunCommand) -> None:
    answer = typed("products", "search", "chicken")
    assert (answer.code, answer.out) == (0, "0 of 0\n")


def test_a_product_is_shown_with_its_texts_as_they_are(typed: RunCommand) -> None:
    answer = typed("products", "show", "albumen")
    assert answer.code == 0
    assert "9.50 EUR" in answer.out
    assert "See [red]this[/red] :egg:" in answer.out
    assert "Good & new\n" in answer.out


def test_the_json_of_a_product_is_the_body_of_http(typed: RunCommand, world: MemoryRuntime) -> None:
    body = product_body(world.shop.products.get("crepes"), "EUR", no_image_url)
    answer = typed("products", "show", "crepes", "--json")
    assert answer.out == orjson.dumps(body).decode() + "\n"
    assert answer.err == ""


def test_an_archived_product_is_shown_only_when_asked_for(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    world.shop.products.archive("albumen")
    assert typed("products", "show", "albumen").code == 1
    answer = typed("products", "show", "albumen", "--status", "all")
    assert answer.code == 0
    assert "archived" in answer.out


def test_a_former_slug_says_where_the_product_is_and_shows_it(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    world.shop.products.update("albumen", {"slug": "egg-white"})
    answer = typed("products", "show", "albumen")
    assert answer.code == 0
    assert answer.err == "'albumen' is a former slug of 'egg-white', shown here.\n"
    assert "egg-white" in answer.out


def test_an_unknown_product_is_refused_in_one_sentence_on_stderr(typed: RunCommand) -> None:
    answer = typed("products", "show", "chicken")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "There is no product 'chicken'; `eggypro products list --status all` lists all products.\n"
    )


def test_an_unknown_product_is_problem_json_on_stderr(typed: RunCommand) -> None:
    answer = typed("products", "show", "chicken", "--json")
    assert (answer.code, answer.out) == (1, "")
    assert orjson.loads(answer.err) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no product 'chicken'",
    }


def test_an_argument_that_is_not_utf_8_is_refused_all_the_same(typed: RunCommand) -> None:
    answer = typed("products", "show", "\udcff", "--json")
    assert answer.code == 1
    assert orjson.loads(answer.err)["detail"] == "There is no product '?'"


@pytest.mark.parametrize(
    ("command", "left", "right"), [(["list"], 0, 26), (["show", LONG], 13, 80)]
)
def test_long_texts_stay_within_80_columns_and_are_not_cut(
    typed: RunCommand, world: MemoryRuntime, command: list[str], *, left: int, right: int
) -> None:
    texts = {"name": "Egg " * 60, "description": "word " * 100, "details": "x" * 200}
    world.shop.products.create(product_values(slug=LONG, price="999999.99", **texts))
    lines = typed("products", *command).out.splitlines()
    assert max(map(len, lines)) <= 80
    assert LONG in "".join(line[left:right].strip() for line in lines)


def test_a_table_in_a_pipe_has_no_escape_codes(typed: RunCommand) -> None:
    assert "\x1b" not in typed("products", "list").out


def test_a_line_for_a_pipe_is_as_long_as_it_is(
    typed: RunCommand, world: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = "an-egg-of-which-there-is-much-to-say-" * 3 + "indeed"
    world.shop.products.create(product_values(name="A long egg", slug=slug))
    assert slug not in typed("products", "list").out
    monkeypatch.delenv("COLUMNS")
    assert any(line.startswith(slug) for line in typed("products", "list").out.splitlines())
