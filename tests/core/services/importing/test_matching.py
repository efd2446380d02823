"""Tests of the matching of imported products, and of their slugs and SKUs."""

from typing import Any

import pytest

from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.errors import SlugMovedError
from eggypro_core.services.importing.importer import IMPORT_BATCH_SIZE
from eggypro_core.shop import Shop
from tests.support.builders import make_shop
from tests.support.imports import (
    GOOD,
    OTHER,
    counts,
    entries,
    good,
    run,
    run_entries,
    sized,
    stored_products,
    texts,
    variants_of,
)

GTIN = "4006381333931"


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def fields_of(shop: Shop, name: str) -> dict[str, Any]:
    """Return a field of all products by slug."""
    return {slug: getattr(item, name) for slug, item in stored_products(shop.products).items()}


# Repeated in the file


def test_identical_rows_are_imported_once(shop: Shop) -> None:
    rows: list[dict[str, object]] = [
        GOOD | {"sku": "S"},
        {"name": "Nameless", "price": "1"},
        {"name": "Egg", "price": "1", "sku": "E"},
    ]
    report = run(shop, *rows, *rows, *rows)
    assert counts(report) == (3, 0, 0)
    assert texts(report.warnings)[1:] == [
        (line, "", f"The same product as on line {2 + (line - 2) % 3}: ignored")
        for line in range(5, 11)
    ]


def test_an_identical_row_may_have_lost_its_sku(shop: Shop) -> None:
    second = OTHER | {"sku": "S"}
    report = run(shop, GOOD | {"sku": "S"}, second, second)
    assert (counts(report), report.refused) == ((2, 0, 0), ())
    assert texts(report.warnings)[1:] == [
        (3, "sku", "SKU 'S' is already used on line 2: left out"),
        (4, "", "The same product as on line 3: ignored"),
    ]


def test_a_handle_or_id_with_other_values_is_refused(shop: Shop) -> None:
    egg = {"name": "Egg", "price": "1"}
    report = run_entries(
        shop,
        *entries(GOOD, GOOD | {"price": "6"}),
        ImportEntry(4, egg, source_id="7"),
        ImportEntry(5, egg | {"price": "2"}, source_id="7"),
        keep_going=True,
    )
    assert report.refused == (
        ImportMessage(3, "slug", "Slug 'good' is also on line 2, with other values", "", "good"),
        ImportMessage(5, "id", "ID '7' is also on line 4, with other values", "", "7"),
    )
    assert fields_of(shop, "price") == {"good": 5, "egg": 1}


def test_a_repeated_sku_is_left_out_after_its_first_use(shop: Shop) -> None:
    report = run(shop, GOOD | {"sku": "S"}, OTHER | {"sku": "S"})
    assert counts(report) == (2, 0, 0)
    message = "SKU 'S' is already used on line 2: left out"
    assert report.warnings[1] == ImportMessage(3, "sku", message, "", "S")
    assert fields_of(shop, "sku") == {"good": "S", "other": None}


def test_repeated_keys_are_detected_across_batches(shop: Shop) -> None:
    many = [{"slug": f"p{n}", "name": "P", "price": 1} for n in range(IMPORT_BATCH_SIZE + 1)]
    first = GOOD | {"sku": "S"}
    report = run(
        shop, first, *many, first, GOOD | {"price": "6"}, OTHER | {"sku": "S"}, keep_going=True
    )
    line = IMPORT_BATCH_SIZE + 4
    assert [message.line for message in report.refused] == [line + 1]
    assert texts(report.warnings)[1:] == [
        (line, "", "The same product as on line 2: ignored"),
        (line + 2, "sku", "SKU 'S' is already used on line 2: left out"),
    ]


def test_an_invalid_row_does_not_occupy_its_keys(shop: Shop) -> None:
    row = GOOD | {"sku": "S"}
    report = run(shop, row | {"price": "x"}, row, keep_going=True)
    assert [message.line for message in report.refused] == [2]
    assert fields_of(shop, "sku") == {"good": "S"}


# Generated slugs


def test_slugs_of_equal_names_are_numbered_in_file_order(shop: Shop) -> None:
    names = ["Café", "Cafe 2", "CAFE!", "cafe", "卵", "鶏", "Search", "search"]
    file = [{"name": name, "price": 1} for name in names]
    assert counts(run(shop, *file)) == (8, 0, 0)
    slugs = ["cafe", "cafe-2", "cafe-3", "cafe-4", "product", "product-2", "search-2", "search-2-2"]
    assert fields_of(shop, "name") == dict(zip(slugs, names, strict=True))
    assert counts(run(shop, *file)) == (0, 0, 8)


def test_slug_numbers_continue_across_batches(shop: Shop) -> None:
    eggs: list[dict[str, object]] = [{"name": "Egg", "price": price} for price in (1, 2, 3)]
    many: list[dict[str, object]] = [
        {"name": f"P{number}", "price": 1} for number in range(IMPORT_BATCH_SIZE)
    ]
    file = [eggs[0], *many, *eggs[1:]]
    assert counts(run(shop, *file)) == (IMPORT_BATCH_SIZE + 3, 0, 0)
    assert [str(shop.products.get(slug).price) for slug in ("egg", "egg-2", "egg-3")] == [
        *("1.00", "2.00", "3.00")
    ]
    assert counts(run(shop, *file)) == (0, 0, IMPORT_BATCH_SIZE + 3)


def test_slug_numbers_skip_slugs_of_the_file(shop: Shop) -> None:
    egg = {"name": "Egg", "price": 1}
    report = run(shop, egg | {"slug": "egg-2"}, egg, egg | {"price": 2}, egg | {"slug": "egg-3"})
    assert (report.created, report.refused) == (4, ())
    assert stored_products(shop.products).keys() == {"egg", "egg-2", "egg-3", "egg-4"}


@pytest.mark.parametrize("handle", ["my_mug", "Tasse ü", "卵", "mug.v2", "Mug™ 100%"])
def test_a_handle_in_other_letters_means_its_product_again(shop: Shop, handle: str) -> None:
    row = {"slug": handle, "name": "Mug", "price": "1"}
    assert counts(run(shop, row)) == (1, 0, 0)
    assert counts(run(shop, row)) == (0, 0, 1)
    assert counts(run(shop, row | {"name": "Cup", "price": "2"})) == (0, 1, 0)
    assert [product.name for product in stored_products(shop.products).values()] == ["Cup"]


def test_handles_that_make_the_same_slug_are_two_products(shop: Shop) -> None:
    file = [{"slug": handle, "name": handle, "price": "1"} for handle in ("a-b", "a_b", "a.b")]
    for expected in ((3, 0, 0), (0, 0, 3)):
        assert counts(run(shop, *file)) == expected
    assert counts(run(shop, *reversed(file))) == (0, 0, 3)


# Matching (the contract suite of the stores tests each rule by itself)


def test_rows_match_only_products_stored_before(shop: Shop) -> None:
    egg = {"name": "Egg", "sku": "E", "price": "1"}
    assert counts(run(shop, egg, {"name": "Egg", "price": "2"})) == (2, 0, 0)
    assert fields_of(shop, "price") == {"egg": 1, "egg-2": 2}


def test_two_of_one_name_never_change_places(shop: Shop) -> None:
    file = [{"name": "Egg", "price": price} for price in ("1", "2", "3")]
    assert counts(run(shop, *file)) == (3, 0, 0)
    before = stored_products(shop.products)
    assert counts(run(shop, *reversed(file))) == (0, 0, 3)
    assert counts(run(shop, file[1])) == (0, 0, 1)
    assert stored_products(shop.products) == before


def test_one_of_two_of_a_name_that_changes_is_a_new_product(shop: Shop) -> None:
    first, second = ({"name": "Egg", "price": price} for price in ("1", "2"))
    run(shop, first, second)
    assert counts(run(shop, first, second | {"price": "3"})) == (1, 0, 1)
    assert sorted(map(str, fields_of(shop, "price").values())) == ["1.00", "2.00", "3.00"]
    assert counts(run(shop, first, second | {"price": "3"})) == (0, 0, 2)


def test_a_row_with_only_a_unique_name_updates_its_product(shop: Shop) -> None:
    run(shop, {"name": "Egg", "price": "1"})
    assert counts(run(shop, {"name": "EGG", "price": "2"})) == (0, 1, 0)
    assert counts(run(shop, {"name": "Egg", "price": "3"})) == (0, 1, 0)
    assert fields_of(shop, "price") == {"egg": 3}


def test_rows_of_one_name_without_the_skus_of_others_are_the_same_again(shop: Shop) -> None:
    run(shop, GOOD | {"sku": "G"}, OTHER | {"sku": "O"})
    file = [{"name": "Egg", "price": "1", "sku": sku} for sku in ("G", "O")]
    report = run(shop, *file)
    assert (counts(report), report.refused) == ((2, 0, 0), ())
    assert texts(report.warnings)[1:] == [
        (2, "sku", "SKU 'G' belongs to the product 'good': left out"),
        (3, "sku", "SKU 'O' belongs to the product 'other': left out"),
    ]
    assert counts(run(shop, *file)) == (0, 0, 2)


def test_a_renamed_product_of_a_source_is_the_same_product(shop: Shop) -> None:
    run_entries(shop, ImportEntry(2, {"name": "Egg", "price": "1", "sku": "E"}, source_id="7"))
    renamed = {"name": "Ham", "price": "1", "sku": "E", "slug": "ham"}
    report = run_entries(shop, ImportEntry(2, renamed, source_id="7"))
    assert counts(report) == (0, 1, 0)
    assert fields_of(shop, "name") == {"ham": "Ham"}
    with pytest.raises(SlugMovedError) as moved:
        shop.products.get("egg")
    assert moved.value.slug == "ham"
    again = run_entries(shop, ImportEntry(2, renamed, source_id="7"))
    assert counts(again) == (0, 0, 1)


def test_a_product_matched_by_its_handle_keeps_its_slug(shop: Shop) -> None:
    run(shop, GOOD)
    shop.products.update("good", {"slug": "better"})
    assert counts(run(shop, GOOD)) == (0, 0, 1)
    assert counts(run(shop, GOOD | {"price": "6"})) == (0, 1, 0)
    assert fields_of(shop, "price") == {"better": 6}


def test_a_known_product_does_not_take_the_slug_of_another(shop: Shop) -> None:
    rows = [{"name": name, "sku": name, "price": "1"} for name in ("Egg", "Ham")]
    run(shop, *rows)
    file = [row | {"slug": slug} for row, slug in zip(rows, ("a_b", "a.b"), strict=True)]
    for expected in ((0, 1, 1), (0, 0, 2)):
        assert counts(run(shop, *file)) == expected
    assert fields_of(shop, "name") == {"a-b": "Egg", "ham": "Ham"}


def test_a_new_product_takes_a_former_slug_that_another_row_leaves(shop: Shop) -> None:
    run(shop, GOOD)
    shop.products.update("good", {"slug": "better"})
    file: list[dict[str, object]] = [{"slug": "better", "price": "6"}, OTHER | {"slug": "good"}]
    assert counts(run(shop, *file)) == (1, 1, 0)
    assert fields_of(shop, "name") == {"better": "Good", "good": "Other"}
    assert counts(run(shop, *file)) == (0, 0, 2)


@pytest.mark.parametrize("source", [None, "a", "b"])
def test_ids_are_remembered_for_their_source(shop: Shop, source: str | None) -> None:
    mugs = [
        ImportEntry(line, {"name": "Mug", "price": line}, source_id=str(line)) for line in (2, 3)
    ]
    assert counts(run_entries(shop, *mugs, source="a")) == (2, 0, 0)
    expected = (0, 0, 2) if source == "a" else (2, 0, 0)
    assert counts(run_entries(shop, *mugs, source=source)) == expected
    assert counts(run_entries(shop, *reversed(mugs), source=source)) == (0, 0, 2)


def test_an_id_that_the_source_gives_to_another_product_means_that_one(shop: Shop) -> None:
    def mug(name: str, price: str, source_id: str) -> ImportEntry:
        return ImportEntry(2, {"name": name, "price": price}, source_id=source_id)

    run_entries(shop, mug("Egg", "1", "7"))
    file = [mug("Mug", "2", "7"), mug("Mug", "3", "8")]
    assert counts(run_entries(shop, *file)) == (2, 0, 0)
    assert counts(run_entries(shop, *file)) == (0, 0, 2)
    assert counts(run_entries(shop, *file, mug("Egg", "1", "9"))) == (1, 0, 2)


def test_a_known_product_remembers_a_new_id(shop: Shop) -> None:
    row = GOOD | {"sku": "G"}
    run(shop, row)
    assert counts(run_entries(shop, ImportEntry(2, row, source_id="7"))) == (0, 0, 1)
    renamed = ImportEntry(2, {"name": "Better", "sku": "G", "price": "5"}, source_id="7")
    assert counts(run_entries(shop, renamed)) == (0, 1, 0)
    assert fields_of(shop, "name") == {"good": "Better"}


# SKUs that move


def test_products_can_swap_skus_and_release_them_to_new_ones(shop: Shop) -> None:
    run(shop, GOOD | {"sku": "A"}, OTHER | {"sku": "B"})
    third: dict[str, object] = {"slug": "third", "name": "Third", "price": "1", "sku": "B"}
    assert counts(run(shop, GOOD | {"sku": "B"}, OTHER | {"sku": "A"})) == (0, 2, 0)
    assert fields_of(shop, "sku") == {"good": "B", "other": "A"}
    file = [third, GOOD | {"sku": "C"}, OTHER | {"sku": "A"}]
    assert counts(run(shop, *file)) == (1, 1, 1)
    assert fields_of(shop, "sku") == {"good": "C", "other": "A", "third": "B"}
    assert counts(run(shop, *file)) == (0, 0, 3)


def test_skus_move_between_the_variants_of_products(shop: Shop) -> None:
    run(shop, good(sized("1", sku="A"), sized("2", sku="B")), OTHER | {"sku": "C"})
    file = [good(sized("1", sku="C"), sized("2", sku="A")), OTHER | {"sku": "B"}]
    assert counts(run(shop, *file)) == (0, 2, 0)
    assert [variant.sku for variant in variants_of(shop)] == ["C", "A"]
    assert fields_of(shop, "sku")["other"] == "B"
    assert counts(run(shop, *file)) == (0, 0, 2)


@pytest.mark.parametrize("has_third", [False, True])
def test_a_sku_that_cannot_move_stays_with_its_product_along_the_whole_chain(
    shop: Shop, *, has_third: bool
) -> None:
    third: dict[str, object] = {"slug": "third", "name": "Third", "price": "1"}
    run(shop, GOOD | {"sku": "A"}, OTHER | {"sku": "B"}, third | {"sku": "C"})
    file = [GOOD | {"sku": "B"}, OTHER | {"sku": "C"}, *([third] if has_third else [])]
    report = run(shop, *file)
    assert (counts(report), report.refused) == ((0, 0, len(file)), ())
    assert texts(report.warnings) == [
        (2, "sku", "SKU 'B' belongs to the product 'other': left out"),
        (3, "sku", "SKU 'C' belongs to the product 'third': left out"),
    ]
    assert fields_of(shop, "sku") == {"good": "A", "other": "B", "third": "C"}


def test_a_refused_row_keeps_its_sku(shop: Shop) -> None:
    run(shop, GOOD | {"sku": "A"}, OTHER)
    refused = {"slug": "good", "sku": "C", "price": "cheap"}
    report = run(shop, refused, OTHER | {"sku": "A"}, keep_going=True)
    assert [message.line for message in report.refused] == [2]
    assert texts(report.warnings) == [(3, "sku", "SKU 'A' belongs to the product 'good': left out")]
    assert fields_of(shop, "sku") == {"good": "A", "other": None}


def test_a_cleared_sku_is_a_change_and_is_free(shop: Shop) -> None:
    run(shop, GOOD | {"sku": "A"})
    before = shop.products.get("good")
    assert counts(run(shop, GOOD | {"sku": None})) == (0, 1, 0)
    after = shop.products.get("good")
    assert (after.sku, after.version) == (None, before.version + 1)
    assert counts(run(shop, GOOD | {"sku": "B"}, OTHER | {"sku": "A"})) == (1, 1, 0)


def test_a_cleared_sku_of_a_variant_is_a_change(shop: Shop) -> None:
    run(shop, good(sized("1", sku="A")))
    assert counts(run(shop, good(sized("1", sku="")))) == (0, 1, 0)
    assert (variants_of(shop)[0].sku, shop.products.get("good").version) == (None, 2)


@pytest.mark.parametrize("sku", ["None", "UNSET"])
def test_a_missing_sku_matches_no_product(shop: Shop, sku: str) -> None:
    run(shop, GOOD | {"sku": sku})
    report = run(shop, GOOD | {"sku": sku}, OTHER, OTHER | {"slug": "o", "sku": None})
    assert counts(report) == (2, 0, 1)
