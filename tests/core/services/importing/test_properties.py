"""Properties of imports: a second import changes nothing, a dry run reports the same."""

from collections.abc import Iterable
from random import Random
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from eggypro_core.domain.product_files import ImportEntry, ImportReport
from eggypro_core.shop import Shop
from tests.support.builders import make_shop
from tests.support.import_strategies import few, import_files, import_options
from tests.support.imports import (
    counts,
    lossy_values,
    run,
    run_entries,
    run_format,
    snapshot,
    stored_products,
    variants_of,
)


def _total(report: ImportReport) -> int:
    return sum(counts(report))


def _shop_with(file: Iterable[ImportEntry]) -> Shop:
    shop = make_shop()
    run_entries(shop, *file, keep_going=True)
    return shop


@given(import_files, import_files, import_options)
def test_an_import_is_what_its_dry_run_said_and_the_same_file_changes_nothing_more(
    existing: list[ImportEntry], file: list[ImportEntry], options: dict[str, Any]
) -> None:
    shop = _shop_with(existing)
    before = snapshot(shop)
    expected = run_entries(shop, *file, dry_run=True, **options)
    assert snapshot(shop) == before
    report = run_entries(shop, *file, **options)
    assert report == evolve(expected, dry_run=False, is_applied=report.is_applied)
    after = snapshot(shop)
    assert (after == before) == (report.created + report.changed + len(report.new_categories) == 0)
    again = run_entries(shop, *file, **options)
    assert again.refused == report.refused
    if report.is_applied:
        assert counts(again) == (0, 0, _total(report))
    assert snapshot(shop) == after


@given(import_files)
def test_an_export_in_a_lossy_format_says_nothing(existing: list[ImportEntry]) -> None:
    shop = _shop_with(existing)
    before = snapshot(shop)
    products = [
        evolve(product, variants=variants_of(shop, slug))
        for slug, product in stored_products(shop.products).items()
    ]
    file = [ImportEntry(line, lossy_values(product)) for line, product in enumerate(products, 2)]
    report = run_format(shop, lossy_values, *file)
    assert (counts(report), report.refused, report.warnings) == ((0, 0, len(products)), (), ())
    assert snapshot(shop) == before


_moving_variants: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"options": st.fixed_dictionaries({"Size": few}), "price": st.just("1")},
    optional={"sku": st.none() | st.sampled_from("EFGH")},
)
_moving_products: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"slug": st.sampled_from("abcd"), "name": few, "price": st.just("1")},
    optional={
        "sku": st.none() | st.sampled_from("ABCD"),
        "variants": st.lists(
            _moving_variants, max_size=2, unique_by=lambda variant: str(variant["options"])
        ),
    },
)
_movers = st.lists(_moving_products, max_size=4, unique_by=lambda product: str(product["slug"]))


def _repeats_no_sku(file: list[dict[str, Any]]) -> bool:
    offers = [offer for product in file for offer in (product, *product.get("variants", []))]
    skus = [offer["sku"] for offer in offers if offer.get("sku")]
    return len(skus) == len(set(skus))


@given(
    _movers,
    _movers.filter(_repeats_no_sku),
    st.randoms(use_true_random=False),
)
def test_the_order_of_products_makes_no_difference(
    existing: list[dict[str, Any]], file: list[dict[str, Any]], random: Random
) -> None:
    results = []
    for shuffled in (file, random.sample(file, len(file))):
        shop = make_shop()
        run(shop, *existing)
        report = run(shop, *shuffled)
        assert report.refused == ()
        products = stored_products(shop.products).values()
        results.append(
            (
                counts(report),
                {
                    product.slug: [
                        (product.name, product.sku, product.version),
                        *((v.options, v.sku, v.is_active) for v in variants_of(shop, product.slug)),
                    ]
                    for product in products
                },
            )
        )
        assert counts(run(shop, *shuffled)) == (0, 0, len(file))
    assert results[0] == results[1]
