"""Contract suite of product search: matches, ranking and immediate updates."""
# ruff: noqa: RUF001  (searches in other scripts)

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eggypro_adapters.contracts import strategies
from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import allow_delete, list_slugs, make_draft, set_name
from eggypro_core.domain.category import Category, CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_query import MAX_RANKED_RESULTS, ProductQuery, Sort
from eggypro_core.domain.review import ReviewDraft
from eggypro_core.domain.variant import Variant, VariantDraft
from eggypro_core.errors import ConflictError
from eggypro_core.ports import CategoryStore, ProductStore, ReviewStore, VariantStore
from eggypro_core.search.query import MAX_PREFIX_EXPANSIONS
from eggypro_core.validation.parameters import Status

GTIN = "4006381333931"
any_search = st.text(
    st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from("eg12 %_'\"\\&|!():*<->"),
    min_size=1,
    max_size=200,
)


@frozen
class SearchStores:
    """The empty stores of one shop."""

    products: ProductStore
    categories: CategoryStore
    variants: VariantStore
    reviews: ReviewStore

    def create_products(self, *names: str, **changes: object) -> None:
        """Create products that differ in name only, the newest last."""
        for name in names:
            self.products.create(make_draft(name, **changes), NOON)

    def create_categories(self, *names: str, parent: str | None = None) -> None:
        """Create categories with generated slugs."""
        for name in names:
            self.categories.create(CategoryDraft(name=name, parent=parent), NOON)

    def create_variants(self, slug: str, *sizes: str, **changes: Any) -> list[Variant]:
        """Create variants of a product, one for each size."""
        drafts = [VariantDraft(options={"Size": size}, price=Decimal(2)) for size in sizes]
        changed = [evolve(draft, **changes) for draft in drafts]
        return [self.variants.create(slug, draft, NOON) for draft in changed]

    def create_review(self, slug: str, rating: int) -> int:
        """Create a verified review and return its id."""
        review = ReviewDraft(reviewer_name="Ada", rating=rating, comment=f"{rating}")
        return self.reviews.verify(self.reviews.create(slug, review, NOON).id, is_verified=True).id

    def search_slugs(self, search: str, **filters: Any) -> list[str]:
        """Return the slugs of all pages of a search, two per page; the total must agree."""
        query = evolve(ProductQuery(search=search, limit=2), **filters)
        slugs = list_slugs(self.products, query)
        assert self.products.list(query).total == len(slugs)
        return slugs

    def rename_product(self, slug: str, name: str) -> None:
        self.products.update(slug, set_name(name))


def set_active(*, is_active: bool) -> Callable[[Product], Product]:
    return lambda product: evolve(product, is_active=is_active, version=product.version + 1)


def set_fields(**changes: Any) -> Callable[[Category], Category]:
    return lambda category: evolve(category, **changes)


ARCHIVE, RESTORE = set_active(is_active=False), set_active(is_active=True)


def _by_name(slug: str) -> str:
    return slug.replace("-", " ")


class ProductSearchContract:
    """Subclasses provide the fixture `stores`: the stores of an empty shop."""

    def test_matches_rank_by_field_first(self, stores: SearchStores) -> None:
        stores.create_categories("Salts")
        stores.create_products("Name Salt")
        stores.create_products("Category", categories=("salts",), stock_quantity=1)
        stores.create_products("Ingredient", ingredients=("pepper", "sea salt"), stock_quantity=1)
        stores.create_products("Described", description="With salt", stock_quantity=1)
        stores.create_products("Detailed", details="<p>No salt&nbsp;</p>", stock_quantity=1)
        stores.create_products("Attributed", attributes={"Taste": "salt"}, stock_quantity=1)
        stores.create_products("Branded", brand="Salt & Co", stock_quantity=1)
        stores.create_products("Tagged", tags=("pepper", "salt"), stock_quantity=1)
        stores.create_products("Varied")
        stores.create_variants("varied", "Salt", stock_quantity=1)
        stores.create_review("detailed", 5)
        stores.create_review("described", 1)
        assert stores.search_slugs("salt") == [
            "name-salt",
            "branded",
            "ingredient",
            "category",
            "described",
            "detailed",
            "varied",
            "tagged",
            "attributed",
        ]

    def test_within_a_field_exact_words_rank_above_prefixes(self, stores: SearchStores) -> None:
        stores.create_products("Barley", "Bars", stock_quantity=1)
        stores.create_products("Bar", "Described", description="barley bar")
        stores.create_review("barley", 5)
        assert stores.search_slugs("bar") == ["bars", "bar", "barley", "described"]

    def test_within_a_rank_tier_rating_stock_and_age_decide(self, stores: SearchStores) -> None:
        stores.create_products("Egg 1", "Egg 2", "Egg 3", "Egg 4")
        stores.create_products("Egg 5", "Egg 6", stock_quantity=1)
        stores.create_review("egg-1", 3)
        stores.create_review("egg-2", 5)
        stores.create_review("egg-2", 4)
        assert stores.search_slugs("egg") == ["egg-2", "egg-1", "egg-6", "egg-5", "egg-4", "egg-3"]

    def test_rating_and_stock_reorder_results_immediately(self, stores: SearchStores) -> None:
        stores.create_products("Egg 1", "Egg 2", stock_quantity=1)
        assert stores.search_slugs("egg") == ["egg-2", "egg-1"]
        stores.products.adjust_stock("egg-2", -1)
        assert stores.search_slugs("egg") == ["egg-1", "egg-2"]
        assert stores.search_slugs("egg", in_stock=True) == ["egg-1"]
        stores.products.set_stock("egg-2", 3)
        assert stores.search_slugs("egg") == ["egg-2", "egg-1"]
        review = stores.create_review("egg-1", 2)
        assert stores.search_slugs("egg") == ["egg-1", "egg-2"]
        stores.reviews.verify(review, is_verified=False)
        assert stores.search_slugs("egg") == ["egg-2", "egg-1"]
        stores.reviews.verify(review, is_verified=True)
        stores.reviews.delete(review)
        assert stores.search_slugs("egg") == ["egg-2", "egg-1"]
        stores.products.update("egg-1", partial(evolve, stock_quantity=0))
        stores.products.update("egg-2", partial(evolve, stock_quantity=0))
        stores.products.update("egg-1", partial(evolve, track_stock=False))
        assert stores.search_slugs("egg") == ["egg-1", "egg-2"]

    def test_stock_of_variants_affects_ranking(self, stores: SearchStores) -> None:
        stores.create_products("Egg 1", "Egg 2")
        [small, large] = stores.create_variants("egg-1", "S", "L")
        stores.variants.adjust_stock("egg-1", small.id, 1)
        assert stores.search_slugs("egg") == ["egg-1", "egg-2"]
        stores.variants.update("egg-1", small.id, partial(evolve, is_active=False), NOON)
        assert stores.search_slugs("egg") == ["egg-2", "egg-1"]
        stores.variants.set_stock("egg-1", large.id, 1)
        assert stores.search_slugs("egg") == ["egg-1", "egg-2"]
        stores.variants.delete("egg-1", large.id, lambda _: None, NOON)
        assert stores.search_slugs("egg", in_stock=False) == ["egg-2", "egg-1"]

    def test_all_words_must_match_in_any_order_and_field(self, stores: SearchStores) -> None:
        stores.create_products("Egg White Protein", "Egg White")
        stores.create_products(
            "White", ingredients=("egg",), description="protein", details="<p>bar</p>"
        )
        assert stores.search_slugs("protein egg white") == ["egg-white-protein", "white"]
        assert stores.search_slugs("bar egg") == ["white"]
        assert stores.search_slugs("white egg") == ["egg-white", "egg-white-protein", "white"]

    def test_stop_words_are_ignored_except_as_the_last_word(self, stores: SearchStores) -> None:
        stores.create_products("Egg & Cress", "Ham and Eggs", "Toffee Eggs")
        assert stores.search_slugs("ham with the eggs") == ["ham-and-eggs"]
        assert stores.search_slugs("cress and eggs") == ["egg-and-cress"]
        assert stores.search_slugs("eggs to") == ["toffee-eggs"]
        assert stores.search_slugs("and") == ["ham-and-eggs"]

    def test_the_last_word_matches_as_a_prefix(self, stores: SearchStores) -> None:
        stores.create_products("Vanilla Egg", "Egg White", "Vermicelli")
        for end in range(2, len("vanilla") + 1):
            assert stores.search_slugs("vanilla"[:end]) == ["vanilla-egg"]
        assert stores.search_slugs("v") == ["vermicelli", "vanilla-egg"]
        assert stores.search_slugs("egg van") == stores.search_slugs("van egg") == ["vanilla-egg"]
        assert stores.search_slugs("egg v") == ["vanilla-egg"]

    def test_a_prefix_of_many_words_matches_all_of_them(self, stores: SearchStores) -> None:
        names = [
            f"Egg{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(MAX_PREFIX_EXPANSIONS + 6)
        ]
        stores.create_products("Egg", *names, "Other")
        stores.create_products("Late", description="eggs")
        slugs = stores.search_slugs("egg", limit=20)
        assert slugs == ["egg", *(name.lower() for name in reversed(names)), "late"]

    @pytest.mark.parametrize("typo", "vanila vanillla vanolla vanlila avnilla".split())
    def test_a_typo_is_corrected(self, stores: SearchStores, typo: str) -> None:
        stores.create_products("Vanilla Egg", "Salt Egg", "Vanilla", "Anvils")
        assert stores.search_slugs(typo) == ["vanilla", "vanilla-egg"]
        assert (
            stores.search_slugs(f"{typo} egg")
            == stores.search_slugs(f"egg {typo}")
            == ["vanilla-egg"]
        )

    def test_a_typo_is_corrected_in_singular_and_plural(self, stores: SearchStores) -> None:
        stores.create_products("Almonds", "Berry Egg")
        assert stores.search_slugs("almnod") == stores.search_slugs("amond") == ["almonds"]
        assert stores.search_slugs("bery") == stores.search_slugs("beries") == ["berry-egg"]

    def test_a_known_word_is_not_corrected(self, stores: SearchStores) -> None:
        stores.create_products("Salt", "Malt", "Salty Malt")
        assert stores.search_slugs("malt") == ["salty-malt", "malt"]
        assert stores.search_slugs("salt") == ["salt", "salty-malt"]

    def test_a_search_without_results_corrects_known_words(self, stores: SearchStores) -> None:
        stores.create_products("Malt Vinegar", "Sea Salt")
        assert stores.search_slugs("salt vinegar") == ["malt-vinegar"]
        assert stores.search_slugs("sea malt") == ["sea-salt"]
        assert stores.search_slugs("salt vinegar", in_stock=True) == []
        stores.products.update("sea-salt", ARCHIVE)
        assert stores.search_slugs("salt") == ["malt-vinegar"]

    def test_an_unknown_word_has_no_results(self, stores: SearchStores) -> None:
        stores.create_products("Egg White")
        assert (
            stores.search_slugs("egg zebra")
            == stores.search_slugs("zebra")
            == stores.search_slugs("egg 12")
            == []
        )

    def test_singular_and_plural_match_each_other(self, stores: SearchStores) -> None:
        stores.create_products("Berry", "Berries", "Egg Boxes")
        assert (
            stores.search_slugs("berry") == stores.search_slugs("berries") == ["berries", "berry"]
        )
        assert stores.search_slugs("boxes eggs") == stores.search_slugs("box egg") == ["egg-boxes"]

    def test_a_sku_match_ranks_first(self, stores: SearchStores) -> None:
        stores.create_products("Egg 500")
        stores.create_products("Plain", sku="EGG 500")
        stores.create_products("Varied")
        stores.create_variants("varied", "S", sku="V%_1")
        stores.create_review("egg-500", 5)
        assert stores.search_slugs("EGG 500") == ["plain", "egg-500"]
        assert stores.search_slugs("V%_1") == ["varied"]
        assert stores.search_slugs("EGG 500", sort=Sort.NAME) == ["egg-500", "plain"]
        assert stores.search_slugs("EGG 500", in_stock=True) == stores.search_slugs("V%%1") == []

    def test_skus_of_inactive_variants_match_and_former_skus_do_not(
        self, stores: SearchStores
    ) -> None:
        stores.create_products("Plain", sku="A-1")
        [variant] = stores.create_variants("plain", "S", sku="A-2", is_active=False)
        assert stores.search_slugs("A-1") == stores.search_slugs("A-2") == ["plain"]
        stores.variants.delete("plain", variant.id, lambda _: None, NOON)
        stores.products.update("plain", partial(evolve, sku="A-3"))
        assert stores.search_slugs("A-1") == stores.search_slugs("A-2") == []
        assert stores.search_slugs("A-3") == ["plain"]

    def test_a_gtin_finds_all_products_that_have_it_first(self, stores: SearchStores) -> None:
        stores.create_products(f"Egg {GTIN}", "Old", "Plain")
        stores.create_products("First", "Second", "Third", gtin=GTIN)
        stores.create_products("Archived", gtin=GTIN, is_active=False)
        stores.create_products("Sold as SKU", sku=GTIN)
        stores.create_variants("plain", "S", "M", gtin=GTIN, stock_quantity=1)
        stores.create_variants("plain", "L", gtin=GTIN, is_active=False)
        stores.create_review("second", 5)
        slugs = ["second", "plain", "sold-as-sku", "third", "first", f"egg-{GTIN}"]
        assert stores.search_slugs(GTIN) == slugs
        assert stores.search_slugs(GTIN, sort=Sort.NAME) == sorted(slugs, key=_by_name)
        assert stores.search_slugs(GTIN, in_stock=True) == ["plain"]
        assert stores.search_slugs(GTIN, status=Status.ARCHIVED) == ["archived"]
        reasons = stores.products.explain(ProductQuery(search=GTIN)).reasons
        assert [reason.tier is None for reason in reasons] == [True] * 5 + [False]
        stores.products.update("first", partial(evolve, gtin=None))
        assert "first" not in stores.search_slugs(GTIN)

    def test_unlisted_products_are_found_only_with_a_status(self, stores: SearchStores) -> None:
        stores.create_products("Egg", "Egg Bar", stock_quantity=1)
        stores.create_products("Egg Secret", is_listed=False, sku="S-1", gtin=GTIN)
        for search in ("egg", "secret", "S-1", GTIN, "sceret"):
            assert "egg-secret" not in stores.search_slugs(search)
            assert "egg-secret" not in stores.search_slugs(search, sort=Sort.NAME)
            for status in (Status.ACTIVE, Status.ALL):
                assert "egg-secret" in stores.search_slugs(search, status=status)
                assert "egg-secret" in stores.search_slugs(search, status=status, sort=Sort.NAME)
        filters = {"status": Status.ACTIVE, "in_stock": False}
        assert stores.search_slugs("egg", listed=False, **filters) == ["egg-secret"]
        assert stores.search_slugs("egg", listed=True, **filters) == []
        suggestions = stores.products.suggest("eg")
        assert [suggestion.slug for suggestion in suggestions] == ["egg-bar", "egg"]
        for allow_sample in (False, True):
            facets = stores.products.get_facets(
                ProductQuery(search="egg"), allow_sample=allow_sample
            )
            assert facets.in_stock_count == 2
        stores.products.update("egg-secret", partial(evolve, is_listed=True))
        assert stores.search_slugs("secret") == stores.search_slugs("S-1") == ["egg-secret"]
        stores.products.update("egg-secret", partial(evolve, is_listed=False))
        assert stores.search_slugs("secret") == []

    def test_search_follows_product_updates(self, stores: SearchStores) -> None:
        stores.create_products("Egg", ingredients=("salt",))
        stores.rename_product("egg", "Omelette")
        assert stores.search_slugs("egg") == []
        assert stores.search_slugs("omelette") == ["egg"]
        stores.products.update("egg", partial(evolve, ingredients=("pepper",)))
        assert stores.search_slugs("salt") == []
        assert stores.search_slugs("pepper") == ["egg"]
        stores.products.update("egg", partial(evolve, brand="Sulå", tags=("breakfast",)))
        assert stores.search_slugs("sula") == stores.search_slugs("breakf") == ["egg"]
        stores.products.update("egg", partial(evolve, brand=None, tags=()))
        assert stores.search_slugs("sula") == stores.search_slugs("breakfast") == []
        stores.products.update("egg", ARCHIVE)
        assert stores.search_slugs("omelette") == []
        assert stores.search_slugs("omelette", status=Status.ARCHIVED) == ["egg"]
        stores.products.update("egg", RESTORE)
        assert stores.search_slugs("omelette", status=Status.ALL) == ["egg"]
        assert stores.search_slugs("omelette") == ["egg"]
        stores.products.delete("egg", allow_delete)
        assert stores.search_slugs("omelette", status=Status.ALL) == []

    def test_search_follows_category_updates(self, stores: SearchStores) -> None:
        stores.create_categories("Snacks", "Food")
        stores.create_products("Egg", categories=("snacks",))
        assert (
            stores.search_slugs("snack")
            == stores.search_slugs("sna")
            == stores.search_slugs("snakc")
            == ["egg"]
        )
        stores.categories.update("snacks", set_fields(name="Nibbles"))
        assert stores.search_slugs("snack") == []
        assert stores.search_slugs("nibble egg") == ["egg"]
        stores.categories.update("snacks", set_fields(is_active=False))
        assert stores.search_slugs("nibble") == []
        stores.categories.update("snacks", set_fields(is_active=True, parent="food"))
        assert stores.search_slugs("nibble") == ["egg"]
        stores.categories.update("food", set_fields(is_active=False))
        assert stores.search_slugs("nibble") == []
        stores.categories.update("food", set_fields(is_active=True))
        stores.categories.unlink("egg", "snacks")
        assert stores.search_slugs("nibble") == []
        stores.categories.link("egg", "snacks")
        assert stores.search_slugs("nibble") == ["egg"]
        stores.categories.delete("snacks")
        assert stores.search_slugs("nibble") == []

    def test_search_follows_variant_updates(self, stores: SearchStores) -> None:
        stores.create_products("Egg")
        [variant, _] = stores.create_variants("egg", "Cherry", "Plain")
        assert stores.search_slugs("cherries") == ["egg"]
        update = partial(stores.variants.update, "egg", variant.id, at=NOON)
        update(change=partial(evolve, options={"Size": "Mango"}))
        assert stores.search_slugs("cherries") == []
        assert stores.search_slugs("mangoes") == ["egg"]
        update(change=partial(evolve, is_active=False))
        assert stores.search_slugs("mango") == []
        update(change=partial(evolve, is_active=True))
        assert stores.search_slugs("mango plain") == ["egg"]
        stores.rename_product("egg", "Bacon")
        assert stores.search_slugs("bacon mango") == ["egg"]
        stores.variants.delete("egg", variant.id, lambda _: None, NOON)
        assert stores.search_slugs("mango") == []
        assert stores.search_slugs("size") == []

    def test_a_refused_write_does_not_change_the_index(self, stores: SearchStores) -> None:
        stores.create_products("Egg", "Bacon")
        stores.create_products("Ham", sku="A")

        def fail(product: Product) -> Product:
            raise ZeroDivisionError(product.name)

        with pytest.raises(ZeroDivisionError):
            stores.products.update("egg", fail)
        with pytest.raises(ConflictError):
            stores.products.update("egg", partial(evolve, name="Cheddar", sku="A"))
        with pytest.raises(ConflictError):
            stores.products.create(make_draft("Cheddar", sku="A"), NOON)
        with stores.products.begin_import() as session:
            session.write_products([make_draft("Cheddar", slug="cheddar")], [], NOON)
        assert stores.search_slugs("cheddar") == []
        assert stores.search_slugs("egg") == ["egg"]
        stores.create_products("Chedder")
        assert stores.search_slugs("cheddar") == ["chedder"]

    def test_imported_products_are_searchable(self, stores: SearchStores) -> None:
        stores.create_categories("Snacks")
        stores.create_products("Bacon", categories=("snacks",))
        bacon = stores.products.get("bacon")
        with stores.products.begin_import() as session:
            drafts = [
                make_draft("Vanilla Egg", slug="a"),
                make_draft("Salt Egg", slug="b", is_active=False),
            ]
            session.write_products(drafts, [(bacon, evolve(bacon, name="Ham"))], NOON)
            draft = VariantDraft(options={"Size": "Grande"}, price=Decimal(2), position=0)
            in_stock = evolve(draft, stock_quantity=1)
            session.write_variants([("a", in_stock), ("bacon", in_stock)], [])
            session.commit()
        assert stores.search_slugs("egg", status=Status.ALL) == ["a", "b"]
        assert stores.search_slugs("vanlila grande") == ["a"]
        assert stores.search_slugs("grande", in_stock=True) == ["a", "bacon"]
        assert stores.search_slugs("ham snacks grande") == ["bacon"]
        assert stores.search_slugs("bacon") == []

    @pytest.mark.parametrize(
        ("name", "searches"),
        [
            ("Crème Brûlée", "creme brulee|CRÈME|crème brûl|cremé|bruele"),
            ("Weiße Straußeneier", "weisse|weiße|STRAUSSENEIER|strau"),
            ("Łosoś źdźbło", "losos|ŁOSOŚ|zdzblo|źdź"),
            ("Œuf d'Été", "oeuf|œuf|été|ete d"),
            ("Farmer's Best", "farmers|farmer|FARMER’S|farmer's best"),
            ("Яичный Белок", "яичный|БЕЛОК|бело|блеок|яичныи"),
            ("Ελληνικά Αβγά", "ελληνικα|ΑΒΓΆ|αβγ|ελλινικα"),
            ("蛋白粉", "蛋白粉|蛋白|白|粉蛋"),
            ("プロテイン バー", "プロテイン|バー|テイン"),
            ("계란 흰자", "계란|흰자|계"),
            ("ไข่ขาว", "ไข่ขาว|ไข่|ขาว"),
            ("अंडे का सफेद", "अंडे|सफेद|सफे"),
            ("بياض البيض", "بياض|البيض|بيا"),
            ("أحمد", "أحمد|احمد|احم"),
            ("Protein 500g", "500g|500 g|500 G|protein 500|g 500"),
            ("Bar 12 × 55 g", "12 x 55|12×55g|55 g"),
            ("Omega3", "omega 3|omega3|omega-3|OMEGA3"),
            ("100 % Egg_White", "100%|egg_white|egg white|100 %"),
        ],
    )
    def test_words_of_every_script_are_folded(
        self, stores: SearchStores, name: str, searches: str
    ) -> None:
        stores.create_products(name)
        stores.create_products("Other")
        for search in searches.split("|"):
            slugs = stores.search_slugs(search)
            assert len(slugs) == 1, search
            assert slugs != ["other"], search

    @pytest.mark.parametrize(
        "search", ["%", "_", "'", "''", '"', "&", "|", "!", "\\", ":*", "<->", "()", "E%g", "e_g"]
    )
    def test_symbols_have_no_special_meaning(self, stores: SearchStores, search: str) -> None:
        stores.create_products("Egg", "Eggs & Bacon | 100 %", 'The "Egg"', "Egg_White's \\ :*")
        assert stores.search_slugs(search) == []

    def test_symbols_between_words_are_ignored(self, stores: SearchStores) -> None:
        stores.create_products("Egg White", "White", "Egg")
        for symbols in ("&", "|", " & !", "'", '" "', ":*", "<->", "%", "\\", "(", "*:"):
            assert stores.search_slugs(f"egg{symbols}white") == ["egg-white"], symbols

    def test_any_text_can_be_searched(self, stores: SearchStores) -> None:
        stores.create_products("Egg 1 %", "G2 e", "蛋白 Œuf")

        @settings(max_examples=150, suppress_health_check=list(HealthCheck))
        @given(any_search | strategies.names)
        def check(search: str) -> None:
            assert len(stores.search_slugs(search)) <= 3
            stores.search_slugs(search, sort=Sort.NAME)

        check()
        for search in ("a" * 200, "1" * 200, "ab " * 66, "蛋" * 200, "é" * 200, "a1" * 100):
            assert len(stores.search_slugs(search)) <= 1

    def test_long_texts_are_indexed_completely(self, stores: SearchStores) -> None:
        letters = "abcdefghijklmnopqrst"
        words = [f"{a}{b}{c}{d}" for a in letters for b in letters for c in "abc" for d in "abcd"]
        stores.create_products("Egg", details=f"<p>{' '.join(words)}</p>", description="x" * 5000)
        for word in (*words[::500], words[-1], "x" * 40, "x" * 60):
            assert stores.search_slugs(word) == ["egg"]

    def test_overlong_words_are_truncated(self, stores: SearchStores) -> None:
        stores.create_products("A" * 255, "B" * 255)
        assert stores.search_slugs("a" * 200) == ["a" * 255]

    def test_filters_apply_to_searches(self, stores: SearchStores) -> None:
        stores.create_products("Egg 1", price=Decimal(1), stock_quantity=1)
        stores.create_products("Egg 2", price=Decimal(2))
        stores.create_products("Egg 3", price=Decimal("2.01"), is_active=False)
        stores.create_products("Ham", price=Decimal(2))
        assert stores.search_slugs("egg", in_stock=True) == ["egg-1"]
        assert stores.search_slugs("egg", in_stock=False, status=Status.ALL) == ["egg-3", "egg-2"]
        assert stores.search_slugs("egg", min_price=Decimal(2)) == ["egg-2"]
        assert stores.search_slugs("egg", max_price=Decimal("1.99")) == ["egg-1"]
        assert stores.search_slugs("egg", min_price=Decimal(1), max_price=Decimal(2)) == [
            "egg-1",
            "egg-2",
        ]
        assert stores.search_slugs("egg", status=Status.ARCHIVED) == ["egg-3"]
        assert stores.search_slugs("eg", min_price=Decimal(2), status=Status.ALL) == [
            "egg-3",
            "egg-2",
        ]
        stores.products.update("egg-1", partial(evolve, price=Decimal(3)))
        assert stores.search_slugs("egg", min_price=Decimal(2)) == ["egg-1", "egg-2"]

    def test_a_search_within_a_category_includes_its_descendants(
        self, stores: SearchStores
    ) -> None:
        stores.create_categories("Food")
        stores.create_categories("Fresh", parent="food")
        stores.create_products("Egg 1", categories=("fresh",))
        stores.create_products("Egg 2", categories=("food", "fresh"))
        stores.create_products("Egg 3")
        assert stores.search_slugs("egg", category="food") == ["egg-2", "egg-1"]
        assert stores.search_slugs("fresh", category="food") == ["egg-2", "egg-1"]
        assert stores.search_slugs("egg", category="none") == []
        assert stores.search_slugs("egg", category="food", sort=Sort.NAME) == ["egg-1", "egg-2"]
        stores.categories.update("fresh", set_fields(is_active=False))
        assert stores.search_slugs("egg", category="food") == ["egg-2"]
        assert stores.search_slugs("egg", category="fresh") == []

    @pytest.mark.parametrize("descendants", [49, 50, 51, 80])
    def test_a_search_within_a_category_allows_many_descendants(
        self, stores: SearchStores, descendants: int
    ) -> None:
        drafts = [
            CategoryDraft(name=f"c{n}", slug=f"c{n}", parent="top") for n in range(descendants)
        ]
        stores.create_categories("Top", "Apart")
        stores.categories.create_many(drafts, NOON)
        stores.create_products("Egg 1", "Ham", categories=("c0",))
        stores.create_products("Egg 2", categories=("top", f"c{descendants - 1}"))
        stores.create_products("Egg 3", categories=("apart",))
        assert stores.search_slugs("egg", category="top") == ["egg-2", "egg-1"]
        assert stores.search_slugs("egs", category="top", max_price=Decimal(1)) == []
        stores.categories.update("c0", set_fields(is_active=False))
        assert stores.search_slugs("egg", category="top") == ["egg-2"]

    @pytest.mark.parametrize("sort", Sort)
    def test_every_sort_applies_to_searches(self, stores: SearchStores, sort: Sort) -> None:
        stores.create_products("Egg B", price=Decimal(3))
        stores.create_products("Egg A", price=Decimal(1))
        stores.create_products("Ham", description="egg", price=Decimal(2))
        stores.create_products("Bacon", price=Decimal(2))
        stores.create_review("ham", 4)
        assert (
            stores.search_slugs("eggs", sort=sort)
            == {
                Sort.NAME: ["egg-a", "egg-b", "ham"],
                Sort.NAME_DESC: ["ham", "egg-b", "egg-a"],
                Sort.PRICE_ASC: ["egg-a", "ham", "egg-b"],
                Sort.PRICE_DESC: ["egg-b", "ham", "egg-a"],
                Sort.NEWEST: ["ham", "egg-a", "egg-b"],
                Sort.RATING: ["ham", "egg-a", "egg-b"],
                Sort.RELEVANCE: ["egg-a", "egg-b", "ham"],
            }[sort]
        )

    def test_a_cursor_continues_within_ties(self, stores: SearchStores) -> None:
        names = [f"Egg {n}" for n in range(7)]
        stores.create_products(*names)
        stores.create_products("Ham", "Bacon", "Cress", description="egg")
        slugs = [*(f"egg-{n}" for n in reversed(range(7))), "cress", "bacon", "ham"]
        for limit in range(1, 11):
            assert stores.search_slugs("egg", limit=limit) == slugs
        assert (
            list_slugs(stores.products, ProductQuery(search="egg", limit=2, offset=6)) == slugs[6:]
        )

    def test_the_best_thousand_results_are_listed_and_counted(self, stores: SearchStores) -> None:
        drafts = [make_draft(f"Egg {n}", slug=f"egg-{n}") for n in range(MAX_RANKED_RESULTS + 3)]
        with stores.products.begin_import() as session:
            session.write_products(
                [*drafts, make_draft("Best", slug="best", description="egg")], [], NOON
            )
            session.commit()
        query = ProductQuery(search="egg", limit=100)
        page = stores.products.list(query)
        assert (page.total, page.total_capped) == (MAX_RANKED_RESULTS, True)
        best = [f"egg-{n}" for n in reversed(range(3, MAX_RANKED_RESULTS + 3))]
        assert list_slugs(stores.products, query) == best
        last = evolve(query, offset=MAX_RANKED_RESULTS - 1)
        assert list_slugs(stores.products, last) == best[-1:]
        beyond = stores.products.list(evolve(query, offset=MAX_RANKED_RESULTS))
        assert (beyond.items, beyond.total, beyond.next_query) == ((), MAX_RANKED_RESULTS, None)
        by_name = ProductQuery(search="egg", limit=100, sort=Sort.NAME)
        assert len(list_slugs(stores.products, by_name)) == MAX_RANKED_RESULTS + 4

    def test_concurrent_links_are_all_searchable(self, stores: SearchStores) -> None:
        names = [f"c{letter}" for letter in "abcdef"]
        stores.create_categories(*names)
        stores.create_products("Egg", *(f"Egg {n}" for n in range(9)))
        for slug in ("egg", *(f"egg-{n}" for n in range(9))):
            actions = [partial(stores.categories.link, slug, name) for name in names]
            run_concurrently([*actions, partial(stores.rename_product, slug, "Ham")])
            for name in ("ham", *names):
                assert slug in stores.search_slugs(name, limit=20), name
            actions = [partial(stores.categories.unlink, slug, name) for name in names]
            run_concurrently([*actions, partial(stores.rename_product, slug, "Bacon")])
            assert not any(slug in stores.search_slugs(name, limit=20) for name in ("ham", *names))
            assert slug in stores.search_slugs("bacon", limit=20)


def run_concurrently(actions: Sequence[Callable[[], None]]) -> None:
    """Run actions in threads that start at the same time."""
    barrier = threading.Barrier(len(actions))

    def run(action: Callable[[], None]) -> None:
        barrier.wait()
        action()

    with ThreadPoolExecutor(len(actions)) as threads:
        for _ in threads.map(run, actions):
            pass
