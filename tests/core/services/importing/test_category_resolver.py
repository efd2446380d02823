"""Tests of categories in imports: references, created and unchanged categories."""

from collections.abc import Mapping
from typing import Any

import pytest

from eggypro_core.domain.category import MAX_DEPTH, CategoryQuery
from eggypro_core.domain.product_files import (
    ConflictPolicy,
    ImportEntry,
    ImportOptions,
    ImportReport,
)
from eggypro_core.services.importing.importer import IMPORT_BATCH_SIZE
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


def run_import(shop: Shop, *values: Mapping[str, object], **options: Any) -> ImportReport:
    return shop.products.import_products(
        [ImportEntry(line, item) for line, item in enumerate(values, 2)], ImportOptions(**options)
    )


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.created, report.changed, report.unchanged, len(report.refused)


def paths(shop: Shop) -> dict[str, str]:
    """Return the path of every category by slug."""
    items = shop.categories.list(CategoryQuery(status=Status.ALL, limit=1000)).items
    return {category.slug: "/".join(category.path) for category in items}


def categories_of(shop: Shop, slug: str = "egg") -> list[str]:
    return [category.slug for category in shop.products.get(slug).categories]


def test_a_product_is_added_to_its_categories(shop: Shop) -> None:
    shop.categories.create(FOOD)
    shop.categories.create(BARS)
    file = egg(categories=["food", "bars", "food"])
    assert counts(run_import(shop, file)) == (1, 0, 0, 0)
    assert categories_of(shop) == ["bars", "food"]
    assert counts(run_import(shop, file)) == (0, 0, 1, 0)
    assert counts(run_import(shop, egg(categories=["bars", "food"]))) == (0, 0, 1, 0)


def test_changed_categories_count_as_a_change_but_keep_the_version(shop: Shop) -> None:
    shop.categories.create(FOOD)
    run_import(shop, egg())
    assert counts(run_import(shop, egg(categories=["food"]), dry_run=True)) == (0, 1, 0, 0)
    assert categories_of(shop) == []
    assert counts(run_import(shop, egg(categories=["food"]))) == (0, 1, 0, 0)
    assert (categories_of(shop), shop.products.get("egg").version) == (["food"], 1)
    assert counts(run_import(shop, egg(categories=["food"], price="2"))) == (0, 1, 0, 0)
    assert shop.products.get("egg").version == 2


def test_omitted_categories_stay_and_an_empty_list_clears_them(shop: Shop) -> None:
    shop.categories.create(FOOD)
    run_import(shop, egg(categories=["food"]))
    assert counts(run_import(shop, egg())) == (0, 0, 1, 0)
    assert categories_of(shop) == ["food"]
    assert counts(run_import(shop, egg(categories=[]))) == (0, 1, 0, 0)
    assert categories_of(shop) == []
    assert counts(run_import(shop, egg(categories=[]))) == (0, 0, 1, 0)


def test_links_to_archived_categories_stay_unchanged(shop: Shop) -> None:
    shop.categories.create(FOOD)
    run_import(shop, egg(categories=["food"]))
    shop.categories.archive("food")
    assert counts(run_import(shop, egg(categories=["food"]))) == (0, 0, 1, 0)
    assert counts(run_import(shop, egg(categories=[]))) == (0, 1, 0, 0)


def test_an_unknown_category_is_ignored_with_a_warning(shop: Shop) -> None:
    shop.categories.create(FOOD)
    entries = egg(categories=["fodo"]), egg(slug="ham", name="Ham", categories=["food", "x"])
    report = run_import(shop, *entries)
    warnings = [warning for warning in report.warnings if warning.field == "categories"]
    assert [(warning.line, warning.value) for warning in warnings] == [(2, "fodo"), (3, "x")]
    assert warnings[0].message.startswith("There is no category 'fodo': ignored")
    assert (categories_of(shop), categories_of(shop, "ham")) == ([], ["food"])
    report = run_import(shop, egg(slug="ham", name="Ham", price="2", categories=["x"]))
    assert counts(report) == (0, 1, 0, 0)
    assert categories_of(shop, "ham") == ["food"]
    assert shop.products.get("ham").price == 2


def test_category_details_create_missing_categories(shop: Shop) -> None:
    file = [
        egg(category_details=[FOOD, BARS], categories=["bars"]),
        egg(slug="ham", categories=["bars", "food"]),
        egg(slug="pie", category_details=[FOOD | {"name": "Other"}]),
    ]
    assert counts(run_import(shop, *file, dry_run=True)) == (3, 0, 0, 0)
    assert paths(shop) == {}
    assert counts(run_import(shop, *file)) == (3, 0, 0, 0)
    assert paths(shop) == {"food": "food", "bars": "food/bars"}
    assert (categories_of(shop), categories_of(shop, "ham")) == (["bars"], ["bars", "food"])
    assert shop.categories.get("bars").description == "Text"
    shop.categories.update("bars", {"name": "Riegel", "description": None})
    assert counts(run_import(shop, *file)) == (0, 0, 3, 0)
    assert (shop.categories.get("bars").name, categories_of(shop)) == ("Riegel", ["bars"])


def test_a_category_can_be_given_as_its_api_representation(shop: Shop) -> None:
    shop.categories.create(FOOD)
    body = {"slug": "bars", "name": "Bars", "product_count": 3}
    run_import(shop, egg(categories=[FOOD | {"name": "x"}, body]))
    assert categories_of(shop) == ["bars", "food"]
    assert shop.categories.get("food").name == "Food"


@pytest.mark.parametrize("invalid", [{"price": "x"}, {"ingredients": 1}, {"categories": [1]}])
def test_category_details_of_a_refused_row_create_categories(
    shop: Shop, invalid: dict[str, object]
) -> None:
    file = [
        egg(slug="first", category_details=[FOOD]),
        egg(category_details=[BARS], **invalid),
        *(egg(slug=f"p{number}", categories=["bars"]) for number in range(IMPORT_BATCH_SIZE)),
    ]
    assert counts(run_import(shop, *file, keep_going=True)) == (IMPORT_BATCH_SIZE + 1, 0, 0, 1)
    assert categories_of(shop, "p999") == ["bars"]


def test_invalid_category_details_of_a_refused_row_are_ignored(shop: Shop) -> None:
    report = run_import(shop, egg(category_details=[BARS], price="x"), keep_going=True)
    assert ([notice.field for notice in report.refused], paths(shop)) == (["price"], {})


def test_new_categories_are_reported_by_name(shop: Shop) -> None:
    file = [
        egg(categories=[["Food", "Bars"]]),
        egg(slug="ham", category_details=[FOOD | {"slug": "f"}]),
    ]
    dry = run_import(shop, *file, dry_run=True)
    assert dry.new_categories == ("Food", "Bars", "Food")
    assert run_import(shop, *file).new_categories == dry.new_categories
    assert run_import(shop, *file).new_categories == ()


def test_a_path_of_names_is_resolved_or_created(shop: Shop) -> None:
    shop.categories.create(FOOD | {"slug": "f"})
    file = [
        egg(categories=[["food", "Bars"], ["Drinks"]]),
        egg(slug="ham", categories=[["Drinks", "Bars"], ["FOOD", "b\u00e0rs"]]),
    ]
    assert counts(run_import(shop, *file)) == (2, 0, 0, 0)
    assert paths(shop) == {
        "f": "f",
        "bars": "f/bars",
        "drinks": "drinks",
        "bars-2": "drinks/bars-2",
    }
    assert (categories_of(shop), categories_of(shop, "ham")) == (
        ["bars", "drinks"],
        ["bars", "bars-2"],
    )
    assert counts(run_import(shop, *file)) == (0, 0, 2, 0)


def test_a_skipped_product_keeps_its_categories(shop: Shop) -> None:
    run_import(shop, egg())
    report = run_import(shop, egg(categories=[["New"]]), on_conflict=ConflictPolicy.SKIP)
    assert (counts(report), paths(shop), categories_of(shop)) == ((0, 0, 1, 0), {}, [])


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"categories": "food"}, "categories", "Categories must be a list"),
        ({"categories": [1]}, "categories", "Names must be a list"),
        ({"category_details": [1]}, "category_details", "Category details must be a map"),
        ({"category_details": [{"slug": "a"}]}, "category_details", "Invalid category details"),
        (
            {"category_details": [BARS]},
            "category_details",
            "Parent category 'food' of 'bars' does not exist",
        ),
        (
            {"category_details": [FOOD | {"parent": "food"}]},
            "category_details",
            "Parent category 'food' of",
        ),
    ],
)
def test_invalid_categories_are_errors(
    shop: Shop, values: Mapping[str, object], field: str, message: str
) -> None:
    (notice,) = run_import(shop, egg(**values)).refused
    assert (notice.line, notice.field) == (2, field)
    assert notice.message.startswith(message)


def test_all_errors_of_a_line_are_reported_together(shop: Shop) -> None:
    report = run_import(shop, egg(categories="x", category_details=1, ingredients=1))
    fields = {notice.field for notice in report.refused}
    assert fields == {"categories", "category_details", "ingredients"}


def test_a_tree_that_would_be_too_deep_is_an_error(shop: Shop) -> None:
    details = [
        {"slug": f"c{n}", "name": "x", "parent": f"c{n - 1}" if n else None}
        for n in range(MAX_DEPTH + 1)
    ]
    (notice,) = run_import(shop, egg(category_details=details)).refused
    assert notice.message == f"The category tree has at most {MAX_DEPTH} levels"
