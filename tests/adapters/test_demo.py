"""The demo catalogue: twelve products as a careful shop would enter them."""

import json
import re
from decimal import Decimal
from importlib.resources import files
from typing import Any

import nh3
import pytest

from eggypro_core.domain.product import REQUIRED_FIELDS
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.slug import slugify

LINES = files("eggypro_adapters").joinpath("demo.jsonl").read_text("utf-8").splitlines()
PRODUCTS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
each_product = pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product["slug"])


def test_there_are_twelve_products_one_a_line() -> None:
    assert len(PRODUCTS) == 12


def test_slugs_names_and_skus_are_nobody_else_s() -> None:
    for field in ("slug", "name", "sku", "seo_title", "seo_description"):
        assert len({product[field] for product in PRODUCTS}) == 12, field


@each_product
def test_a_slug_is_the_one_that_the_name_suggests(product: dict[str, Any]) -> None:
    assert product["slug"] == slugify(product["name"])


@each_product
def test_prices_are_exact_and_a_reduced_one_is_below_the_former(product: dict[str, Any]) -> None:
    prices = [product["price"], *filter(None, [product.get("compare_at_price")])]
    assert all(re.fullmatch(r"[0-9]+\.[0-9]{2}", price) for price in prices)
    assert sorted(set(map(Decimal, prices))) == list(map(Decimal, prices))


@each_product
def test_the_core_takes_it_as_it_stands(product: dict[str, Any]) -> None:
    draft = ProductChanges.parse(product, lambda html: html, required=REQUIRED_FIELDS).to_draft()
    assert draft.name == product["name"]
    assert draft.attributes == product["attributes"]


@each_product
def test_the_details_are_clean_html_with_paragraphs_and_lists(product: dict[str, Any]) -> None:
    allowed = {"p", "ul", "li", "h3"}
    assert nh3.clean(product["details"], tags=allowed) == product["details"]
    assert all(f"<{tag}>" in product["details"] for tag in allowed)


@each_product
def test_a_description_has_two_to_four_sentences(product: dict[str, Any]) -> None:
    assert 2 <= len(re.findall(r"[.!?](?: |$)", product["description"])) <= 4


@each_product
def test_a_search_engine_shows_its_texts_whole(product: dict[str, Any]) -> None:
    assert len(product["seo_title"]) <= 60
    assert len(product["seo_description"]) <= 160


def test_food_states_its_nutrition_and_the_energy_follows_from_it() -> None:
    food = [one["attributes"] for one in PRODUCTS if "Protein per 100" in str(one["attributes"])]
    assert len(food) == 10
    for attributes in food:
        grams = {
            name.split()[0]: float(text.split()[0])
            for name, text in attributes.items()
            if " per 100 " in name
        }
        kcal = 4 * grams["Protein"] + 4 * grams["Carbohydrate"] + 9 * grams["Fat"]
        [energy] = (text for name, text in attributes.items() if name.startswith("Energy"))
        assert float(energy.split()[-2]) == pytest.approx(kcal + 2 * grams.get("Fibre", 0), abs=1)
        assert {"Salt", "Energy"} < set(grams)


@each_product
def test_everything_names_its_allergens_and_origin(product: dict[str, Any]) -> None:
    assert {"Allergens", "Origin"} < set(product["attributes"])


def test_every_state_of_a_product_can_be_seen() -> None:
    tracked = [one["stock_quantity"] for one in PRODUCTS if one["track_stock"]]
    assert len(tracked) == 11
    assert sum(stock == 0 for stock in tracked) == 1
    assert sum(0 < stock < 10 for stock in tracked) == 1
    assert sum(not one["is_active"] for one in PRODUCTS) == 1
    assert sum("compare_at_price" in one for one in PRODUCTS) == 3
    assert any(not one["name"].isascii() for one in PRODUCTS)
