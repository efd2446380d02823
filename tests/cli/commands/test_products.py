"""`eggypro products list|search|show`."""

from typing import get_args

import orjson
import pytest

from eggypro_cli.options import SortWord, StatusWord
from eggypro_core import ProductQuery, Sort, Status
from eggypro_core.domain.image import no_image_url
from eggypro_core.search.results import ProductListing
from eggypro_core.serializers import ProductSerializer
from tests.support.builders import product_values
from tests.support.runtime import MemoryRuntime, RunCommand

LONG_SLUG = "egg-white-protein-with-madagascar-vanilla-in-a-bag-that-can-be-closed-again"


@pytest.fixture(autouse=True)
def _products(runtime: MemoryRuntime) -> None:
    for name, price, stock in (("Albumen", "9.50", 3), ("Bar Ø", "2.00", 0), ("Crêpes", "5", 1)):
        product = product_values(name=name, price=price, stock_quantity=stock, ingredients=["egg"])
        texts = {
            "description": "See [red]this[/red] :egg:",
            "details": "<p>Good &amp; <b>new</b></p>A",
        }
        runtime.shop.products.create(product | texts)


def test_list_shows_slug_name_price_stock_and_state(run_command: RunCommand) -> None:
    result = run_command("products", "list")
    assert [line.split() for line in result.out.splitlines()] == [
        ["slug", "name", "price", "EUR", "stock", "state"],
        ["albumen", "Albumen", "9.50", "3", "active"],
        ["bar-o", "Bar", "Ø", "2.00", "0", "sold", "out"],
        ["crepes", "Crêpes", "5.00", "1", "active"],
        ["3", "of", "3"],
    ]
    assert (result.code, result.err) == (0, "")


def test_json_of_a_list_is_the_http_body(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    query = ProductQuery(limit=2, status=Status.ACTIVE)
    page = runtime.shop.products.list(query)
    body = orjson.dumps(
        ProductSerializer("EUR", no_image_url).page(ProductListing(page), query)
    ).decode()
    assert run_command("products", "list", "--limit", "2", "--json").out == f"{body}\n"


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
def test_every_list_option_filters_or_sorts(
    run_command: RunCommand, options: list[str], slugs: list[str]
) -> None:
    body = orjson.loads(run_command("products", "list", "--json", *options).out)
    assert [item["slug"] for item in body["items"]] == slugs


def test_lists_include_unlisted_products_and_can_be_filtered(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop.products.update("albumen", {"is_listed": False})
    for words in (["list"], ["search", "egg"]):
        for options, slugs in (
            ([], {"albumen", "bar-o", "crepes"}),
            (["--listed"], {"bar-o", "crepes"}),
            (["--unlisted"], {"albumen"}),
        ):
            result = run_command("products", *words, *options, "--json")
            assert ("unlisted" in run_command("products", *words, *options).out) == (
                "albumen" in slugs
            )
            found = {item["slug"] for item in orjson.loads(result.out)["items"]}
            assert found == slugs


def test_page_prints_the_option_for_the_next_page(run_command: RunCommand) -> None:
    assert run_command("products", "list", "--limit", "2").out.endswith(
        "Next page: add --offset 2\n"
    )


def test_page_after_a_cursor_prints_the_next_cursor(run_command: RunCommand) -> None:
    first = orjson.loads(run_command("products", "list", "--limit", "1", "--json").out)
    cursor = first["next"].partition("cursor=")[2]
    second = run_command("products", "list", "--limit", "1", "--cursor", cursor).out
    third = run_command("products", "list", "--limit", "1", "--cursor", second.split()[-1]).out
    assert "bar-o" in second
    assert "crepes" in third
    assert "Next page" not in third


def test_all_invalid_list_options_are_reported_as_usage_error(run_command: RunCommand) -> None:
    result = run_command("products", "list", "--limit", "500", "--min-price", "-1")
    assert result.code == 2
    assert result.out == ""
    assert "Limit too high (at most 100)" in result.err
    assert "Min price cannot be negative" in result.err
    assert result.err.endswith("; see `eggypro products list --help`.\n")


def test_forged_cursor_is_a_usage_error(run_command: RunCommand) -> None:
    result = run_command("products", "list", "--cursor", "mended")
    assert result.code == 2
    assert "cursor does not belong to this list" in result.err


def test_choices_match_the_enums_of_the_core() -> None:
    assert get_args(SortWord) == tuple(Sort)
    assert get_args(StatusWord) == tuple(Status)


def test_search_equals_list_with_search(run_command: RunCommand) -> None:
    searched = run_command("products", "search", "crepes", "--json").out
    assert searched == run_command("products", "list", "--search", "crepes", "--json").out
    assert orjson.loads(searched)["total"] == 1


def test_search_without_results_is_not_an_error(run_command: RunCommand) -> None:
    result = run_command("products", "search", "chicken")
    assert (result.code, result.out) == (0, "0 of 0\n")


def test_show_prints_texts_without_markup(run_command: RunCommand) -> None:
    result = run_command("products", "show", "albumen")
    assert result.code == 0
    assert "9.50 EUR" in result.out
    assert "See [red]this[/red] :egg:" in result.out
    assert "Good & new\n" in result.out


def test_json_of_a_product_is_the_http_body(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    body = ProductSerializer("EUR", no_image_url).product(runtime.shop.products.get("crepes"))
    result = run_command("products", "show", "crepes", "--json")
    assert result.out == orjson.dumps(body).decode() + "\n"
    assert result.err == ""


def test_archived_product_is_shown_by_status_only(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop.products.archive("albumen")
    assert run_command("products", "show", "albumen").code == 1
    result = run_command("products", "show", "albumen", "--status", "all")
    assert result.code == 0
    assert "archived" in result.out


def test_former_slug_shows_the_product_with_a_message(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop.products.update("albumen", {"slug": "egg-white"})
    result = run_command("products", "show", "albumen")
    assert result.code == 0
    assert result.err == "'albumen' is a former slug of 'egg-white', shown here.\n"
    assert "egg-white" in result.out


def test_unknown_product_is_one_sentence_on_stderr(run_command: RunCommand) -> None:
    result = run_command("products", "show", "chicken")
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "There is no product 'chicken'; `eggypro products list --status all` lists all products.\n"
    )


def test_unknown_product_is_problem_json_on_stderr(run_command: RunCommand) -> None:
    result = run_command("products", "show", "chicken", "--json")
    assert (result.code, result.out) == (1, "")
    assert orjson.loads(result.err) == {
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is no product 'chicken'",
    }


def test_argument_with_invalid_utf_8_is_rejected(run_command: RunCommand) -> None:
    result = run_command("products", "show", "\udcff", "--json")
    assert result.code == 1
    assert orjson.loads(result.err)["detail"] == "There is no product '?'"


@pytest.mark.parametrize(
    ("command", "left", "right"), [(["list"], 0, 26), (["show", LONG_SLUG], 13, 80)]
)
def test_long_texts_wrap_within_80_columns(
    run_command: RunCommand, runtime: MemoryRuntime, command: list[str], *, left: int, right: int
) -> None:
    texts = {"name": "Egg " * 60, "description": "word " * 100, "details": "x" * 200}
    runtime.shop.products.create(product_values(slug=LONG_SLUG, price="999999.99", **texts))
    lines = run_command("products", *command).out.splitlines()
    assert max(map(len, lines)) <= 80
    assert LONG_SLUG in "".join(line[left:right].strip() for line in lines)


def test_table_in_a_pipe_has_no_escape_codes(run_command: RunCommand) -> None:
    assert "\x1b" not in run_command("products", "list").out


def test_lines_in_a_pipe_are_not_wrapped(
    run_command: RunCommand, runtime: MemoryRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = "an-egg-of-which-there-is-much-to-say-" * 3 + "indeed"
    runtime.shop.products.create(product_values(name="A long egg", slug=slug))
    assert slug not in run_command("products", "list").out
    monkeypatch.delenv("COLUMNS")
    assert any(line.startswith(slug) for line in run_command("products", "list").out.splitlines())
