"""What a search must find, whatever keeps the shop: at once, and in its order."""
# ruff: noqa: RUF001  (letters of other scripts are among what is searched for)

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eggypro_adapters.contracts import strategies
from eggypro_adapters.contracts.product_store import (
    NOON,
    allow_delete,
    list_slugs,
    make_draft,
    set_name,
)
from eggypro_core.domain.category import Category, CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_query import MAX_RANKED_RESULTS, ProductQuery, Sort
from eggypro_core.domain.review import ReviewDraft
from eggypro_core.domain.variant import Variant, VariantDraft
from eggypro_core.errors import ConflictError
from eggypro_core.ports import CategoryStore, ProductStore, ReviewStore, VariantStore
from eggypro_core.search.query import MAX_PREFIX_EXPANSIONS
from eggypro_core.validation.parameters import Status

any_search = st.text(
    st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from("eg12 %_'\"\\&|!():*<->"),
    min_size=1,
    max_size=200,
)


@frozen
class SearchStores:
    """The stores of one shop, all empty."""

    products: ProductStore
    categories: CategoryStore
    variants: VariantStore
    reviews: ReviewStore

    def create_products(self, *names: str, **changes: object) -> None:
        """Add products of the same kind, the newest last."""
        for name in names:
            self.products.create(make_draft(name, **changes), NOON)

    def create_categories(self, *names: str, parent: str | None = None) -> None:
        """Add categories, whose slugs follow from their names."""
        for name in names:
            self.categories.create(CategoryDraft(name=name, parent=parent), NOON)

    def create_variants(self, slug: str, *sizes: str, **changes: object) -> list[Variant]:
        """Add variants of a product."""
        drafts = [VariantDraft(options={"Size": size}, price=Decimal(2)) for size in sizes]
        made = [evolve(draft, **changes) for draft in drafts]  # type: ignore[arg-type]  # the test's choice
        return [self.variants.create(slug, draft, NOON) for draft in made]

    def create_review(self, slug: str, rating: int) -> int:
        """Add a verified review, and return its id."""
        review = ReviewDraft(reviewer_name="Ada", rating=rating, comment=f"{rating}")
        return self.reviews.verify(self.reviews.create(slug, review, NOON).id, is_verified=True).id

    def search_slugs(self, search: str, **wishes: object) -> list[str]:
        """The slugs that a search shows, over pages of two, and as many as it says."""
        query = evolve(ProductQuery(search=search, limit=2), **wishes)  # type: ignore[arg-type]  # the test's choice
        found = list_slugs(self.products, query)
        assert self.products.list(query).total == len(found)
        return found

    def rename_product(self, slug: str, name: str) -> None:
        self.products.update(slug, set_name(name))


def set_active(*, is_active: bool) -> Callable[[Product], Product]:
    return lambda product: evolve(product, is_active=is_active, version=product.version + 1)


def set_fields(**changes: object) -> Callable[[Category], Category]:
    return lambda category: evolve(category, **changes)  # type: ignore[arg-type]  # the test's choice


ARCHIVE, RESTORE = set_active(is_active=False), set_active(is_active=True)


class ProductSearchContract:
    """A subclass gives the fixture `stores`: the stores of an empty shop."""

    def test_a_better_field_comes_first_whatever_else(self, stores: SearchStores) -> None:
        stores.create_categories("Salts")
        stores.create_products("Name Salt")
        stores.create_products("Category", categories=("salts",), stock_quantity=1)
        stores.create_products("Ingredient", ingredients=("pepper", "sea salt"), stock_quantity=1)
        stores.create_products("Described", description="With salt", stock_quantity=1)
        stores.create_products("Detailed", details="<p>No salt&nbsp;</p>", stock_quantity=1)
        stores.create_products("Attributed", attributes={"Taste": "salt"}, stock_quantity=1)
        stores.create_products("Varied")
        stores.create_variants("varied", "Salt", stock_quantity=1)
        stores.create_review("detailed", 5)
        stores.create_review("described", 1)
        assert stores.search_slugs("salt") == [
            "name-salt",
            "ingredient",
            "category",
            "described",
            "detailed",
            "varied",
            "attributed",
        ]

    def test_then_an_exact_word_comes_before_one_that_is_only_begun(
        self, stores: SearchStores
    ) -> None:
        stores.create_products("Barley", "Bars", stock_quantity=1)
        stores.create_products("Bar", "Described", description="barley bar")
        stores.create_review("barley", 5)
        assert stores.search_slugs("bar") == ["bars", "bar", "barley", "described"]

    def test_then_the_rating_decides_then_the_stock_then_the_newest(
        self, stores: SearchStores
    ) -> None:
        stores.create_products("Egg 1", "Egg 2", "Egg 3", "Egg 4")
        stores.create_products("Egg 5", "Egg 6", stock_quantity=1)
        stores.create_review("egg-1", 3)
        stores.create_review("egg-2", 5)
        stores.create_review("egg-2", 4)
        assert stores.search_slugs("egg") == ["egg-2", "egg-1", "egg-6", "egg-5", "egg-4", "egg-3"]

    def test_rating_and_stock_reorder_at_once(self, stores: SearchStores) -> None:
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
        stores.products.update("egg-1", lambda one: evolve(one, stock_quantity=0))
        stores.products.update("egg-2", lambda one: evolve(one, stock_quantity=0))
        stores.products.update("egg-1", lambda one: evolve(one, track_stock=False))
        assert stores.search_slugs("egg") == ["egg-1", "egg-2"]

    def test_the_stock_of_variants_counts(self, stores: SearchStores) -> None:
        stores.create_products("Egg 1", "Egg 2")
        [small, large] = stores.create_variants("egg-1", "S", "L")
        stores.variants.adjust_stock("egg-1", small.id, 1)
        assert stores.search_slugs("egg") == ["egg-1", "egg-2"]
        hidden = partial(evolve, is_active=False)
        stores.variants.update("egg-1", small.id, hidden, NOON)
        assert stores.search_slugs("egg") == ["egg-2", "egg-1"]
        stores.variants.set_stock("egg-1", large.id, 1)
        assert stores.search_slugs("egg") == ["egg-1", "egg-2"]
        stores.variants.delete("egg-1", large.id, lambda _: None, NOON)
        assert stores.search_slugs("egg", in_stock=False) == ["egg-2", "egg-1"]

    def test_all_words_are_needed_in_any_order_and_any_field(self, stores: SearchStores) -> None:
        stores.create_products("Egg White Protein", "Egg White")
        stores.create_products(
            "White", ingredients=("egg",), description="protein", details="<p>bar</p>"
        )
        assert stores.search_slugs("protein egg white") == ["egg-white-protein", "white"]
        assert stores.search_slugs("bar egg") == ["white"]
        assert stores.search_slugs("white egg") == ["egg-white", "egg-white-protein", "white"]

    def test_small_words_are_passed_over_but_at_the_end(self, stores: SearchStores) -> None:
        stores.create_products("Egg & Cress", "Ham and Eggs", "Toffee Eggs")
        assert stores.search_slugs("ham with the eggs") == ["ham-and-eggs"]
        assert stores.search_slugs("cress and eggs") == ["egg-and-cress"]
        assert stores.search_slugs("eggs to") == ["toffee-eggs"]
        assert stores.search_slugs("and") == ["ham-and-eggs"]

    def test_a_word_may_be_unfinished(self, stores: SearchStores) -> None:
        stores.create_products("Vanilla Egg", "Egg White", "Vermicelli")
        for end in range(2, len("vanilla") + 1):
            assert stores.search_slugs("vanilla"[:end]) == ["vanilla-egg"]
        assert stores.search_slugs("v") == ["vermicelli", "vanilla-egg"]
        assert stores.search_slugs("egg van") == stores.search_slugs("van egg") == ["vanilla-egg"]
        assert stores.search_slugs("egg v") == ["vanilla-egg"]

    def test_a_beginning_of_many_words_finds_all_of_them(self, stores: SearchStores) -> None:
        names = [
            f"Egg{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(MAX_PREFIX_EXPANSIONS + 6)
        ]
        stores.create_products("Egg", *names, "Other")
        stores.create_products("Late", description="eggs")
        found = stores.search_slugs("egg", limit=20)
        assert found == ["egg", *(name.lower() for name in reversed(names)), "late"]

    @pytest.mark.parametrize("typo", "vanila vanillla vanolla vanlila avnilla".split())
    def test_a_slip_is_corrected(self, stores: SearchStores, typo: str) -> None:
        stores.create_products("Vanilla Egg", "Salt Egg", "Vanilla", "Anvils")
        assert stores.search_slugs(typo) == ["vanilla", "vanilla-egg"]
        assert (
            stores.search_slugs(f"{typo} egg")
            == stores.search_slugs(f"egg {typo}")
            == ["vanilla-egg"]
        )

    def test_a_slip_is_corrected_in_the_other_number_too(self, stores: SearchStores) -> None:
        stores.create_products("Almonds", "Berry Egg")
        assert stores.search_slugs("almnod") == stores.search_slugs("amond") == ["almonds"]
        assert stores.search_slugs("bery") == stores.search_slugs("beries") == ["berry-egg"]

    def test_what_is_known_is_not_corrected(self, stores: SearchStores) -> None:
        stores.create_products("Salt", "Malt", "Salty Malt")
        assert stores.search_slugs("malt") == ["salty-malt", "malt"]
        assert stores.search_slugs("salt") == ["salt", "salty-malt"]

    def test_where_nothing_is_found_every_word_is_forgiven(self, stores: SearchStores) -> None:
        stores.create_products("Malt Vinegar", "Sea Salt")
        assert stores.search_slugs("salt vinegar") == ["malt-vinegar"]
        assert stores.search_slugs("sea malt") == ["sea-salt"]
        assert stores.search_slugs("salt vinegar", in_stock=True) == []
        stores.products.update("sea-salt", ARCHIVE)
        assert stores.search_slugs("salt") == ["malt-vinegar"]

    def test_an_unknown_word_finds_nothing_beside_a_known_one(self, stores: SearchStores) -> None:
        stores.create_products("Egg White")
        assert (
            stores.search_slugs("egg zebra")
            == stores.search_slugs("zebra")
            == stores.search_slugs("egg 12")
            == []
        )

    def test_plurals_find_what_is_one_and_the_other_way(self, stores: SearchStores) -> None:
        stores.create_products("Berry", "Berries", "Egg Boxes")
        assert (
            stores.search_slugs("berry") == stores.search_slugs("berries") == ["berries", "berry"]
        )
        assert stores.search_slugs("boxes eggs") == stores.search_slugs("box egg") == ["egg-boxes"]

    def test_a_sku_comes_first_whosever_it_is(self, stores: SearchStores) -> None:
        stores.create_products("Egg 500")
        stores.create_products("Plain", sku="EGG 500")
        stores.create_products("Varied")
        stores.create_variants("varied", "S", sku="V%_1")
        stores.create_review("egg-500", 5)
        assert stores.search_slugs("EGG 500") == ["plain", "egg-500"]
        assert stores.search_slugs("V%_1") == ["varied"]
        assert stores.search_slugs("EGG 500", sort=Sort.NAME) == ["egg-500", "plain"]
        assert stores.search_slugs("EGG 500", in_stock=True) == stores.search_slugs("V%%1") == []

    def test_a_hidden_variant_s_sku_is_found_and_a_former_one_is_not(
        self, stores: SearchStores
    ) -> None:
        stores.create_products("Plain", sku="A-1")
        [variant] = stores.create_variants("plain", "S", sku="A-2", is_active=False)
        assert stores.search_slugs("A-1") == stores.search_slugs("A-2") == ["plain"]
        stores.variants.delete("plain", variant.id, lambda _: None, NOON)
        stores.products.update("plain", lambda one: evolve(one, sku="A-3"))
        assert stores.search_slugs("A-1") == stores.search_slugs("A-2") == []
        assert stores.search_slugs("A-3") == ["plain"]

    def test_products_are_found_as_they_are_now(self, stores: SearchStores) -> None:
        stores.create_products("Egg", ingredients=("salt",))
        stores.rename_product("egg", "Omelette")
        assert stores.search_slugs("egg") == []
        assert stores.search_slugs("omelette") == ["egg"]
        stores.products.update("egg", lambda one: evolve(one, ingredients=("pepper",)))
        assert stores.search_slugs("salt") == []
        assert stores.search_slugs("pepper") == ["egg"]
        stores.products.update("egg", ARCHIVE)
        assert stores.search_slugs("omelette") == []
        assert stores.search_slugs("omelette", status=Status.ARCHIVED) == ["egg"]
        stores.products.update("egg", RESTORE)
        assert stores.search_slugs("omelette", status=Status.ALL) == ["egg"]
        assert stores.search_slugs("omelette") == ["egg"]
        stores.products.delete("egg", allow_delete)
        assert stores.search_slugs("omelette", status=Status.ALL) == []

    def test_categories_are_found_as_they_are_named_now(self, stores: SearchStores) -> None:
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

    def test_options_are_found_as_active_variants_have_them_now(self, stores: SearchStores) -> None:
        stores.create_products("Egg")
        [variant, _] = stores.create_variants("egg", "Cherry", "Plain")
        assert stores.search_slugs("cherries") == ["egg"]
        update = partial(stores.variants.update, "egg", variant.id, at=NOON)
        update(change=lambda one: evolve(one, options={"Size": "Mango"}))
        assert stores.search_slugs("cherries") == []
        assert stores.search_slugs("mangoes") == ["egg"]
        update(change=lambda one: evolve(one, is_active=False))
        assert stores.search_slugs("mango") == []
        update(change=lambda one: evolve(one, is_active=True))
        assert stores.search_slugs("mango plain") == ["egg"]
        stores.rename_product("egg", "Bacon")
        assert stores.search_slugs("bacon mango") == ["egg"]
        stores.variants.delete("egg", variant.id, lambda _: None, NOON)
        assert stores.search_slugs("mango") == []
        assert stores.search_slugs("size") == []

    def test_a_write_that_is_refused_leaves_nothing(self, stores: SearchStores) -> None:
        stores.create_products("Egg", "Bacon")
        stores.create_products("Ham", sku="A")

        def broken(product: Product) -> Product:
            raise ZeroDivisionError(product.name)

        with pytest.raises(ZeroDivisionError):
            stores.products.update("egg", broken)
        with pytest.raises(ConflictError):
            stores.products.update("egg", lambda one: evolve(one, name="Cheddar", sku="A"))
        with pytest.raises(ConflictError):
            stores.products.create(make_draft("Cheddar", sku="A"), NOON)
        with stores.products.begin_import() as load:
            load.write_products([make_draft("Cheddar", slug="cheddar")], [], NOON)
        assert stores.search_slugs("cheddar") == []
        assert stores.search_slugs("egg") == ["egg"]
        stores.create_products("Chedder")
        assert stores.search_slugs("cheddar") == ["chedder"]

    def test_what_a_load_brings_is_found(self, stores: SearchStores) -> None:
        stores.create_categories("Snacks")
        stores.create_products("Bacon", categories=("snacks",))
        bacon = stores.products.get("bacon")
        with stores.products.begin_import() as load:
            new = [
                make_draft("Vanilla Egg", slug="a"),
                make_draft("Salt Egg", slug="b", is_active=False),
            ]
            load.write_products(new, [evolve(bacon, name="Ham")], NOON)
            draft = VariantDraft(options={"Size": "Grande"}, price=Decimal(2), position=0)
            stocked = evolve(draft, stock_quantity=1)
            load.write_variants([("a", stocked), ("bacon", stocked)], [])
            load.commit()
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
    def test_words_are_folded_and_each_script_has_its_own(
        self, stores: SearchStores, name: str, searches: str
    ) -> None:
        stores.create_products(name)
        stores.create_products("Other")
        for search in searches.split("|"):
            found = stores.search_slugs(search)
            assert len(found) == 1, search
            assert found != ["other"], search

    @pytest.mark.parametrize(
        "search", ["%", "_", "'", "''", '"', "&", "|", "!", "\\", ":*", "<->", "()", "E%g", "e_g"]
    )
    def test_every_sign_is_plain(self, stores: SearchStores, search: str) -> None:
        stores.create_products("Egg", "Eggs & Bacon | 100 %", 'The "Egg"', "Egg_White's \\ :*")
        assert stores.search_slugs(search) == []

    def test_signs_among_words_change_nothing(self, stores: SearchStores) -> None:
        stores.create_products("Egg White", "White", "Egg")
        for sign in ("&", "|", " & !", "'", '" "', ":*", "<->", "%", "\\", "(", "*:"):
            assert stores.search_slugs(f"egg{sign}white") == ["egg-white"], sign

    def test_no_text_fails(self, stores: SearchStores) -> None:
        stores.create_products("Egg 1 %", "G2 e", "蛋白 Œuf")

        @settings(max_examples=150, suppress_health_check=list(HealthCheck))
        @given(any_search | strategies.names)
        def holds(search: str) -> None:
            assert len(stores.search_slugs(search)) <= 3
            stores.search_slugs(search, sort=Sort.NAME)

        holds()
        for search in ("a" * 200, "1" * 200, "ab " * 66, "蛋" * 200, "é" * 200, "a1" * 100):
            assert len(stores.search_slugs(search)) <= 1

    def test_long_texts_are_searched_whole(self, stores: SearchStores) -> None:
        letters = "abcdefghijklmnopqrst"
        many = [f"{a}{b}{c}{d}" for a in letters for b in letters for c in "abc" for d in "abcd"]
        stores.create_products("Egg", details=f"<p>{' '.join(many)}</p>", description="x" * 5000)
        for word in (*many[::500], many[-1], "x" * 40, "x" * 60):
            assert stores.search_slugs(word) == ["egg"]

    def test_what_cannot_be_a_word_for_itself_is_cut(self, stores: SearchStores) -> None:
        stores.create_products("A" * 255, "B" * 255)
        assert stores.search_slugs("a" * 200) == ["a" * 255]

    def test_filters_hold_for_searches(self, stores: SearchStores) -> None:
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
        stores.products.update("egg-1", lambda one: evolve(one, price=Decimal(3)))
        assert stores.search_slugs("egg", min_price=Decimal(2)) == ["egg-1", "egg-2"]

    def test_a_search_within_a_category_sees_those_below(self, stores: SearchStores) -> None:
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

    @pytest.mark.parametrize("below", [49, 50, 51, 80])
    def test_a_category_may_have_many_below_it(self, stores: SearchStores, below: int) -> None:
        drafts = [CategoryDraft(name=f"c{n}", slug=f"c{n}", parent="top") for n in range(below)]
        stores.create_categories("Top", "Apart")
        stores.categories.create_many(drafts, NOON)
        stores.create_products("Egg 1", "Ham", categories=("c0",))
        stores.create_products("Egg 2", categories=("top", f"c{below - 1}"))
        stores.create_products("Egg 3", categories=("apart",))
        assert stores.search_slugs("egg", category="top") == ["egg-2", "egg-1"]
        assert stores.search_slugs("egs", category="top", max_price=Decimal(1)) == []
        stores.categories.update("c0", set_fields(is_active=False))
        assert stores.search_slugs("egg", category="top") == ["egg-2"]

    @pytest.mark.parametrize("sort", Sort)
    def test_every_sort_orders_what_a_search_finds(self, stores: SearchStores, sort: Sort) -> None:
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

    def test_a_cursor_leads_through_ties(self, stores: SearchStores) -> None:
        names = [f"Egg {n}" for n in range(7)]
        stores.create_products(*names)
        stores.create_products("Ham", "Bacon", "Cress", description="egg")
        every = ["cress", "bacon", "ham"]
        every = [*(f"egg-{n}" for n in reversed(range(7))), *every]
        for limit in range(1, 11):
            assert stores.search_slugs("egg", limit=limit) == every
        assert (
            list_slugs(stores.products, ProductQuery(search="egg", limit=2, offset=6)) == every[6:]
        )

    def test_the_best_thousand_can_be_seen_and_all_are_counted(self, stores: SearchStores) -> None:
        drafts = [make_draft(f"Egg {n}", slug=f"egg-{n}") for n in range(MAX_RANKED_RESULTS + 3)]
        with stores.products.begin_import() as load:
            load.write_products(
                [*drafts, make_draft("Best", slug="best", description="egg")], [], NOON
            )
            load.commit()
        query = ProductQuery(search="egg", limit=100)
        assert stores.products.list(query).total == MAX_RANKED_RESULTS + 4
        best = [f"egg-{n}" for n in reversed(range(3, MAX_RANKED_RESULTS + 3))]
        assert list_slugs(stores.products, query) == best
        late = evolve(query, offset=MAX_RANKED_RESULTS - 1)
        assert list_slugs(stores.products, late) == best[-1:]
        beyond = stores.products.list(evolve(query, offset=MAX_RANKED_RESULTS))
        assert (beyond.items, beyond.total, beyond.next_query) == ((), MAX_RANKED_RESULTS + 4, None)
        by_name = ProductQuery(search="egg", limit=100, sort=Sort.NAME)
        assert len(list_slugs(stores.products, by_name)) == MAX_RANKED_RESULTS + 4

    def test_links_at_once_are_all_found(self, stores: SearchStores) -> None:
        names = [f"c{letter}" for letter in "abcdef"]
        stores.create_categories(*names)
        stores.create_products("Egg", *(f"Egg {n}" for n in range(9)))
        for slug in ("egg", *(f"egg-{n}" for n in range(9))):
            acts = [partial(stores.categories.link, slug, name) for name in names]
            run_concurrently([*acts, partial(stores.rename_product, slug, "Ham")])
            for name in ("ham", *names):
                assert slug in stores.search_slugs(name, limit=20), name
            undone = [partial(stores.categories.unlink, slug, name) for name in names]
            run_concurrently([*undone, partial(stores.rename_product, slug, "Bacon")])
            assert not any(slug in stores.search_slugs(name, limit=20) for name in ("ham", *names))
            assert slug in stores.search_slugs("bacon", limit=20)


def run_concurrently(acts: Sequence[Callable[[], None]]) -> None:
    """Do things, all of them begun at the same time."""
    ready = threading.Barrier(len(acts))

    def do(act: Callable[[], None]) -> None:
        ready.wait()
        act()

    with ThreadPoolExecutor(len(acts)) as threads:
        for _ in threads.map(do, acts):
            pass
