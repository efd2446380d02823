"""The demo catalogue: twelve carefully written products."""

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


def test_catalogue_has_twelve_products() -> None:
    assert len(PRODUCTS) == 12


def test_slugs_names_skus_and_seo_texts_are_unique() -> None:
    for field in ("slug", "name", "sku", "seo_title", "seo_description"):
        assert len({product[field] for product in PRODUCTS}) == 12, field


@each_product
def test_slug_is_derived_from_the_name(product: dict[str, Any]) -> None:
    assert product["slug"] == slugify(product["name"])


@each_product
def test_price_has_two_decimals_and_is_below_the_compare_at_price(product: dict[str, Any]) -> None:
    prices = [product["price"], *filter(None, [product.get("compare_at_price")])]
    assert all(re.fullmatch(r"[0-9]+\.[0-9]{2}", price) for price in prices)
    assert sorted(set(map(Decimal, prices))) == list(map(Decimal, prices))


@each_product
def test_product_is_valid(product: dict[str, Any]) -> None:
    draft = ProductChanges.parse(product, lambda html: html, required=REQUIRED_FIELDS).to_draft()
    assert draft.name == product["name"]
    assert draft.attributes == product["attributes"]


@each_product
def test_details_are_clean_html_with_paragraphs_and_lists(product: dict[str, Any]) -> None:
    allowed = {"p", "ul", "li", "h3"}
    assert nh3.clean(product["details"], tags=allowed) == product["details"]
    assert all(f"<{tag}>" in product["details"] for tag in allowed)


@each_product
def test_description_has_two_to_four_sentences(product: dict[str, Any]) -> None:
    assert 2 <= len(re.findall(r"[.!?](?: |$)", product["description"])) <= 4


@each_product
def test_seo_texts_fit_a_search_result(product: dict[str, Any]) -> None:
    assert len(product["seo_title"]) <= 60
    assert len(product["seo_description"]) <= 160


def test_energy_of_food_matches_its_nutrition() -> None:
    food = [
        product["attributes"]
        for product in PRODUCTS
        if "Protein per 100" in str(product["attributes"])
    ]
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
def test_product_has_allergens_and_origin(product: dict[str, Any]) -> None:
    assert {"Allergens", "Origin"} < set(product["attributes"])


def test_catalogue_has_products_in_every_state() -> None:
    tracked = [product["stock_quantity"] for product in PRODUCTS if product["track_stock"]]
    assert len(tracked) == 11
    assert sum(stock == 0 for stock in tracked) == 1
    assert sum(0 < stock < 10 for stock in tracked) == 1
    assert sum(not product["is_active"] for product in PRODUCTS) == 1
    assert sum("compare_at_price" in product for product in PRODUCTS) == 3
    assert any(not product["name"].isascii() for product in PRODUCTS)
