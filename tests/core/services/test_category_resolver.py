"""Categories in imports: what a line may say of them, what is made, and what is left alone."""

from collections.abc import Mapping
from typing import Any

import pytest

from eggypro_core.domain.category import MAX_DEPTH, CategoryQuery
from eggypro_core.domain.product_files import ImportEntry, ImportReport, Notice, OnConflict
from eggypro_core.services.importer import IMPORT_BATCH_SIZE
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from tests.support.builders import make_shop

FOOD = {"slug": "food", "name": "Food"}
BARS = {"slug": "bars", "name": "Bars", "parent": "food", "description": "Text"}


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def egg(**values: object) -> dict[str, object]:
    return {"slug": "egg", "name": "Egg", "price": "1"} | values


def load(shop: Shop, *values: Mapping[str, object], **options: Any) -> ImportReport:
    return shop.products.import_products(
        [ImportEntry(*each) for each in enumerate(values, 2)], **options
    )


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.created, report.changed, report.unchanged, len(report.refused)


def paths(shop: Shop) -> dict[str, str]:
    """The path of every category, by its slug, with what is above it by name."""
    items = shop.categories.list(CategoryQuery(status=Status.ALL, limit=1000)).items
    return {one.slug: "/".join(one.path) for one in items}


def inside(shop: Shop, slug: str = "egg") -> list[str]:
    return [one.slug for one in shop.products.get(slug).categories]


def test_a_product_is_put_into_the_categories_that_are_named(shop: Shop) -> None:
    shop.categories.create(FOOD)
    shop.categories.create(BARS)
    file = egg(categories=["food", "bars", "food"])
    assert counts(load(shop, file)) == (1, 0, 0, 0)
    assert inside(shop) == ["bars", "food"]
    assert counts(load(shop, file)) == (0, 0, 1, 0)
    assert counts(load(shop, egg(categories=["bars", "food"]))) == (0, 0, 1, 0)


def test_other_categories_are_a_change_that_leaves_the_version(shop: Shop) -> None:
    shop.categories.create(FOOD)
    load(shop, egg())
    assert counts(load(shop, egg(categories=["food"]), dry_run=True)) == (0, 1, 0, 0)
    assert inside(shop) == []
    assert counts(load(shop, egg(categories=["food"]))) == (0, 1, 0, 0)
    assert (inside(shop), shop.products.get("egg").version) == (["food"], 1)
    assert counts(load(shop, egg(categories=["food"], price="2"))) == (0, 1, 0, 0)
    assert shop.products.get("egg").version == 2


def test_what_says_nothing_of_categories_leaves_them_and_an_empty_list_empties(
    shop: Shop,
) -> None:
    shop.categories.create(FOOD)
    load(shop, egg(categories=["food"]))
    assert counts(load(shop, egg())) == (0, 0, 1, 0)
    assert inside(shop) == ["food"]
    assert counts(load(shop, egg(categories=[]))) == (0, 1, 0, 0)
    assert inside(shop) == []
    assert counts(load(shop, egg(categories=[]))) == (0, 0, 1, 0)


def test_links_to_archived_categories_stay_and_are_no_change(shop: Shop) -> None:
    shop.categories.create(FOOD)
    load(shop, egg(categories=["food"]))
    shop.categories.archive("food")
    assert counts(load(shop, egg(categories=["food"]))) == (0, 0, 1, 0)
    assert counts(load(shop, egg(categories=[]))) == (0, 1, 0, 0)


def test_a_category_that_there_is_not_is_refused_on_its_line(shop: Shop) -> None:
    shop.categories.create(FOOD)
    report = load(
        shop, egg(categories=["fodo"]), egg(slug="ham", categories=["food"]), keep_going=True
    )
    assert report.refused == (Notice(2, "categories", "There is no category 'fodo'"),)
    assert (report.created, inside(shop, "ham")) == (1, ["food"])
    report = load(shop, egg(slug="ham", price="2", categories=["x"]), keep_going=True)
    assert counts(report) == (0, 0, 0, 1)
    assert inside(shop, "ham") == ["food"]
    assert shop.products.get("ham").price == 1


def test_what_a_file_tells_of_categories_makes_those_that_are_missing(shop: Shop) -> None:
    file = [
        egg(category_details=[FOOD, BARS], categories=["bars"]),
        egg(slug="ham", categories=["bars", "food"]),
        egg(slug="pie", category_details=[FOOD | {"name": "Other"}]),
    ]
    assert counts(load(shop, *file, dry_run=True)) == (3, 0, 0, 0)
    assert paths(shop) == {}
    assert counts(load(shop, *file)) == (3, 0, 0, 0)
    assert paths(shop) == {"food": "food", "bars": "food/bars"}
    assert (inside(shop), inside(shop, "ham")) == (["bars"], ["bars", "food"])
    assert shop.categories.get("bars").description == "Text"
    shop.categories.update("bars", {"name": "Riegel", "description": None})
    assert counts(load(shop, *file)) == (0, 0, 3, 0)
    assert (shop.categories.get("bars").name, inside(shop)) == ("Riegel", ["bars"])


def test_a_category_may_be_named_as_the_api_shows_it(shop: Shop) -> None:
    shop.categories.create(FOOD)
    shown = {"slug": "bars", "name": "Bars", "product_count": 3}
    load(shop, egg(categories=[FOOD | {"name": "x"}, shown]))
    assert inside(shop) == ["bars", "food"]
    assert shop.categories.get("food").name == "Food"


def test_categories_are_made_though_the_line_that_tells_of_them_is_refused(
    shop: Shop,
) -> None:
    load(shop, egg(slug="other", sku="S"))
    file = [
        egg(category_details=[FOOD], sku="S"),
        *(egg(slug=f"p{number}", categories=["food"]) for number in range(IMPORT_BATCH_SIZE)),
    ]
    assert counts(load(shop, *file, keep_going=True)) == (IMPORT_BATCH_SIZE, 0, 0, 1)
    assert inside(shop, "p999") == ["food"]


def test_a_path_of_names_is_found_or_made(shop: Shop) -> None:
    shop.categories.create(FOOD | {"slug": "f"})
    file = [
        egg(categories=[["food", "Bars"], ["Drinks"]]),
        egg(slug="ham", categories=[["Drinks", "Bars"], ["FOOD", "b\u00e0rs"]]),
    ]
    assert counts(load(shop, *file)) == (2, 0, 0, 0)
    assert paths(shop) == {
        "f": "f",
        "bars": "f/bars",
        "drinks": "drinks",
        "bars-2": "drinks/bars-2",
    }
    assert (inside(shop), inside(shop, "ham")) == (["bars", "drinks"], ["bars", "bars-2"])
    assert counts(load(shop, *file)) == (0, 0, 2, 0)


def test_a_product_that_is_skipped_stays_where_it_is(shop: Shop) -> None:
    load(shop, egg())
    report = load(shop, egg(categories=[["New"]]), on_conflict=OnConflict.SKIP)
    assert (counts(report), paths(shop), inside(shop)) == ((0, 0, 1, 0), {}, [])


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"categories": "food"}, "categories", "Categories must be a list"),
        ({"categories": None}, "categories", "Categories must be a list"),
        ({"categories": [1]}, "categories", "Names must be a list"),
        ({"categories": [[]]}, "categories", "A path of categories has no names"),
        ({"categories": [["a", ""]]}, "categories", "Name is required"),
        ({"categories": ["No Slug"]}, "categories", "Category must contain only lowercase"),
        ({"categories": ["a"] * 101}, "categories", "Too many categories"),
        ({"categories": [["a"] * (MAX_DEPTH + 1)]}, "categories", "Too many names"),
        ({"category_details": [1]}, "category_details", "The details of a category must be a map"),
        ({"category_details": [{"slug": "a"}]}, "category_details", "A category has wrong details"),
        (
            {"category_details": [BARS]},
            "category_details",
            "There is no category 'food' for 'bars'",
        ),
        ({"category_details": [FOOD | {"parent": "food"}]}, "category_details", "There is no"),
    ],
)
def test_what_is_wrong_with_categories_is_refused(
    shop: Shop, values: Mapping[str, object], field: str, message: str
) -> None:
    (refused,) = load(shop, egg(**values)).refused
    assert (refused.line, refused.field) == (2, field)
    assert refused.message.startswith(message)


def test_all_that_is_wrong_with_a_line_is_told_at_once(shop: Shop) -> None:
    report = load(shop, egg(categories="x", category_details=1, price="0"))
    fields = {refused.field for refused in report.refused}
    assert fields == {"categories", "category_details", "price"}


def test_a_tree_that_would_be_too_deep_is_refused(shop: Shop) -> None:
    details = [
        {"slug": f"c{n}", "name": "x", "parent": f"c{n - 1}" if n else None}
        for n in range(MAX_DEPTH + 1)
    ]
    (refused,) = load(shop, egg(category_details=details)).refused
    assert refused.message == f"A tree of categories has at most {MAX_DEPTH} levels"
