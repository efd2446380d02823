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
from eggypro_adapters.contracts.product_store import NOON, a_draft, anyway, renamed, slugs
from eggypro_core.domain.category import Category, CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_query import RANKED, ProductQuery, Sort
from eggypro_core.domain.review import ReviewDraft
from eggypro_core.domain.variant import Variant, VariantDraft
from eggypro_core.errors import ConflictError
from eggypro_core.ports import CategoryStore, ProductStore, ReviewStore, VariantStore
from eggypro_core.search.query import LISTED
from eggypro_core.validation.parameters import Status

any_search = st.text(
    st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from("eg12 %_'\"\\&|!():*<->"),
    min_size=1,
    max_size=200,
)


@frozen
class Stores:
    """The stores of one shop, all empty."""

    products: ProductStore
    categories: CategoryStore
    variants: VariantStore
    reviews: ReviewStore

    def sell(self, *names: str, **changes: object) -> None:
        """Add products of the same kind, the newest last."""
        for name in names:
            self.products.add(a_draft(name, **changes), NOON)

    def sort_into(self, *names: str, parent: str | None = None) -> None:
        """Add categories, whose slugs follow from their names."""
        for name in names:
            self.categories.add(CategoryDraft(name=name, parent=parent), NOON)

    def vary(self, slug: str, *sizes: str, **changes: object) -> list[Variant]:
        """Add variants of a product."""
        drafts = [VariantDraft(options={"Size": size}, price=Decimal(2)) for size in sizes]
        made = [evolve(draft, **changes) for draft in drafts]  # type: ignore[arg-type]  # the test's choice
        return [self.variants.add(slug, draft, NOON) for draft in made]

    def rate(self, slug: str, rating: int) -> int:
        """Add a verified review, and return its id."""
        review = ReviewDraft(reviewer_name="Ada", rating=rating, comment=f"{rating}")
        return self.reviews.verify(self.reviews.add(slug, review, NOON).id, is_verified=True).id

    def found(self, search: str, **wishes: object) -> list[str]:
        """The slugs that a search shows, over pages of two, and as many as it says."""
        query = evolve(ProductQuery(search=search, limit=2), **wishes)  # type: ignore[arg-type]  # the test's choice
        found = slugs(self.products, query)
        assert self.products.page(query).total == len(found)
        return found

    def rename(self, slug: str, name: str) -> None:
        self.products.change(slug, renamed(name))


def active(*, is_active: bool) -> Callable[[Product], Product]:
    return lambda product: evolve(product, is_active=is_active, version=product.version + 1)


def edited(**changes: object) -> Callable[[Category], Category]:
    return lambda category: evolve(category, **changes)  # type: ignore[arg-type]  # the test's choice


ARCHIVED, RESTORED = active(is_active=False), active(is_active=True)


class SearchContract:
    """A subclass gives the fixture `stores`: the stores of an empty shop."""

    def test_a_better_field_comes_first_whatever_else(self, stores: Stores) -> None:
        stores.sort_into("Salts")
        stores.sell("Name Salt")
        stores.sell("Category", categories=("salts",), stock_quantity=1)
        stores.sell("Ingredient", ingredients=("pepper", "sea salt"), stock_quantity=1)
        stores.sell("Described", description="With salt", stock_quantity=1)
        stores.sell("Detailed", details="<p>No salt&nbsp;</p>", stock_quantity=1)
        stores.sell("Attributed", attributes={"Taste": "salt"}, stock_quantity=1)
        stores.sell("Varied")
        stores.vary("varied", "Salt", stock_quantity=1)
        stores.rate("detailed", 5)
        stores.rate("described", 1)
        assert stores.found("salt") == [
            "name-salt",
            "ingredient",
            "category",
            "described",
            "detailed",
            "varied",
            "attributed",
        ]

    def test_then_an_exact_word_comes_before_one_that_is_only_begun(self, stores: Stores) -> None:
        stores.sell("Barley", "Bars", stock_quantity=1)
        stores.sell("Bar", "Described", description="barley bar")
        stores.rate("barley", 5)
        assert stores.found("bar") == ["bars", "bar", "barley", "described"]

    def test_then_the_rating_decides_then_the_stock_then_the_newest(self, stores: Stores) -> None:
        stores.sell("Egg 1", "Egg 2", "Egg 3", "Egg 4")
        stores.sell("Egg 5", "Egg 6", stock_quantity=1)
        stores.rate("egg-1", 3)
        stores.rate("egg-2", 5)
        stores.rate("egg-2", 4)
        assert stores.found("egg") == ["egg-2", "egg-1", "egg-6", "egg-5", "egg-4", "egg-3"]

    def test_rating_and_stock_reorder_at_once(self, stores: Stores) -> None:
        stores.sell("Egg 1", "Egg 2", stock_quantity=1)
        assert stores.found("egg") == ["egg-2", "egg-1"]
        stores.products.adjust_stock("egg-2", -1)
        assert stores.found("egg") == ["egg-1", "egg-2"]
        assert stores.found("egg", in_stock=True) == ["egg-1"]
        stores.products.set_stock("egg-2", 3)
        assert stores.found("egg") == ["egg-2", "egg-1"]
        review = stores.rate("egg-1", 2)
        assert stores.found("egg") == ["egg-1", "egg-2"]
        stores.reviews.verify(review, is_verified=False)
        assert stores.found("egg") == ["egg-2", "egg-1"]
        stores.reviews.verify(review, is_verified=True)
        stores.reviews.remove(review)
        assert stores.found("egg") == ["egg-2", "egg-1"]
        stores.products.change("egg-1", lambda one: evolve(one, stock_quantity=0))
        stores.products.change("egg-2", lambda one: evolve(one, stock_quantity=0))
        stores.products.change("egg-1", lambda one: evolve(one, track_stock=False))
        assert stores.found("egg") == ["egg-1", "egg-2"]

    def test_the_stock_of_variants_counts(self, stores: Stores) -> None:
        stores.sell("Egg 1", "Egg 2")
        [small, large] = stores.vary("egg-1", "S", "L")
        stores.variants.adjust_stock("egg-1", small.id, 1)
        assert stores.found("egg") == ["egg-1", "egg-2"]
        hidden = partial(evolve, is_active=False)
        stores.variants.change("egg-1", small.id, hidden, NOON)
        assert stores.found("egg") == ["egg-2", "egg-1"]
        stores.variants.set_stock("egg-1", large.id, 1)
        assert stores.found("egg") == ["egg-1", "egg-2"]
        stores.variants.remove("egg-1", large.id, lambda _: None, NOON)
        assert stores.found("egg", in_stock=False) == ["egg-2", "egg-1"]

    def test_all_words_are_needed_in_any_order_and_any_field(self, stores: Stores) -> None:
        stores.sell("Egg White Protein", "Egg White")
        stores.sell("White", ingredients=("egg",), description="protein", details="<p>bar</p>")
        assert stores.found("protein egg white") == ["egg-white-protein", "white"]
        assert stores.found("bar egg") == ["white"]
        assert stores.found("white egg") == ["egg-white", "egg-white-protein", "white"]

    def test_small_words_are_passed_over_but_at_the_end(self, stores: Stores) -> None:
        stores.sell("Egg & Cress", "Ham and Eggs", "Toffee Eggs")
        assert stores.found("ham with the eggs") == ["ham-and-eggs"]
        assert stores.found("cress and eggs") == ["egg-and-cress"]
        assert stores.found("eggs to") == ["toffee-eggs"]
        assert stores.found("and") == ["ham-and-eggs"]

    def test_a_word_may_be_unfinished(self, stores: Stores) -> None:
        stores.sell("Vanilla Egg", "Egg White", "Vermicelli")
        for end in range(2, len("vanilla") + 1):
            assert stores.found("vanilla"[:end]) == ["vanilla-egg"]
        assert stores.found("v") == ["vermicelli", "vanilla-egg"]
        assert stores.found("egg van") == stores.found("van egg") == ["vanilla-egg"]
        assert stores.found("egg v") == ["vanilla-egg"]

    def test_a_beginning_of_many_words_finds_all_of_them(self, stores: Stores) -> None:
        names = [f"Egg{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(LISTED + 6)]
        stores.sell("Egg", *names, "Other")
        stores.sell("Late", description="eggs")
        found = stores.found("egg", limit=20)
        assert found == ["egg", *(name.lower() for name in reversed(names)), "late"]

    @pytest.mark.parametrize("typo", "vanila vanillla vanolla vanlila avnilla".split())
    def test_a_slip_is_corrected(self, stores: Stores, typo: str) -> None:
        stores.sell("Vanilla Egg", "Salt Egg", "Vanilla", "Anvils")
        assert stores.found(typo) == ["vanilla", "vanilla-egg"]
        assert stores.found(f"{typo} egg") == stores.found(f"egg {typo}") == ["vanilla-egg"]

    def test_a_slip_is_corrected_in_the_other_number_too(self, stores: Stores) -> None:
        stores.sell("Almonds", "Berry Egg")
        assert stores.found("almnod") == stores.found("amond") == ["almonds"]
        assert stores.found("bery") == stores.found("beries") == ["berry-egg"]

    def test_what_is_known_is_not_corrected(self, stores: Stores) -> None:
        stores.sell("Salt", "Malt", "Salty Malt")
        assert stores.found("malt") == ["salty-malt", "malt"]
        assert stores.found("salt") == ["salt", "salty-malt"]

    def test_where_nothing_is_found_every_word_is_forgiven(self, stores: Stores) -> None:
        stores.sell("Malt Vinegar", "Sea Salt")
        assert stores.found("salt vinegar") == ["malt-vinegar"]
        assert stores.found("sea malt") == ["sea-salt"]
        assert stores.found("salt vinegar", in_stock=True) == []
        stores.products.change("sea-salt", ARCHIVED)
        assert stores.found("salt") == ["malt-vinegar"]

    def test_an_unknown_word_finds_nothing_beside_a_known_one(self, stores: Stores) -> None:
        stores.sell("Egg White")
        assert stores.found("egg zebra") == stores.found("zebra") == stores.found("egg 12") == []

    def test_plurals_find_what_is_one_and_the_other_way(self, stores: Stores) -> None:
        stores.sell("Berry", "Berries", "Egg Boxes")
        assert stores.found("berry") == stores.found("berries") == ["berries", "berry"]
        assert stores.found("boxes eggs") == stores.found("box egg") == ["egg-boxes"]

    def test_a_sku_comes_first_whosever_it_is(self, stores: Stores) -> None:
        stores.sell("Egg 500")
        stores.sell("Plain", sku="EGG 500")
        stores.sell("Varied")
        stores.vary("varied", "S", sku="V%_1")
        stores.rate("egg-500", 5)
        assert stores.found("EGG 500") == ["plain", "egg-500"]
        assert stores.found("V%_1") == ["varied"]
        assert stores.found("EGG 500", sort=Sort.NAME) == ["egg-500", "plain"]
        assert stores.found("EGG 500", in_stock=True) == stores.found("V%%1") == []

    def test_a_hidden_variant_s_sku_is_found_and_a_former_one_is_not(self, stores: Stores) -> None:
        stores.sell("Plain", sku="A-1")
        [variant] = stores.vary("plain", "S", sku="A-2", is_active=False)
        assert stores.found("A-1") == stores.found("A-2") == ["plain"]
        stores.variants.remove("plain", variant.id, lambda _: None, NOON)
        stores.products.change("plain", lambda one: evolve(one, sku="A-3"))
        assert stores.found("A-1") == stores.found("A-2") == []
        assert stores.found("A-3") == ["plain"]

    def test_products_are_found_as_they_are_now(self, stores: Stores) -> None:
        stores.sell("Egg", ingredients=("salt",))
        stores.rename("egg", "Omelette")
        assert stores.found("egg") == []
        assert stores.found("omelette") == ["egg"]
        stores.products.change("egg", lambda one: evolve(one, ingredients=("pepper",)))
        assert stores.found("salt") == []
        assert stores.found("pepper") == ["egg"]
        stores.products.change("egg", ARCHIVED)
        assert stores.found("omelette") == []
        assert stores.found("omelette", status=Status.ARCHIVED) == ["egg"]
        stores.products.change("egg", RESTORED)
        assert stores.found("omelette", status=Status.ALL) == ["egg"]
        assert stores.found("omelette") == ["egg"]
        stores.products.remove("egg", anyway)
        assert stores.found("omelette", status=Status.ALL) == []

    def test_categories_are_found_as_they_are_named_now(self, stores: Stores) -> None:
        stores.sort_into("Snacks", "Food")
        stores.sell("Egg", categories=("snacks",))
        assert stores.found("snack") == stores.found("sna") == stores.found("snakc") == ["egg"]
        stores.categories.change("snacks", edited(name="Nibbles"))
        assert stores.found("snack") == []
        assert stores.found("nibble egg") == ["egg"]
        stores.categories.change("snacks", edited(is_active=False))
        assert stores.found("nibble") == []
        stores.categories.change("snacks", edited(is_active=True, parent="food"))
        assert stores.found("nibble") == ["egg"]
        stores.categories.change("food", edited(is_active=False))
        assert stores.found("nibble") == []
        stores.categories.change("food", edited(is_active=True))
        stores.categories.unlink("egg", "snacks")
        assert stores.found("nibble") == []
        stores.categories.link("egg", "snacks")
        assert stores.found("nibble") == ["egg"]
        stores.categories.remove("snacks")
        assert stores.found("nibble") == []

    def test_options_are_found_as_active_variants_have_them_now(self, stores: Stores) -> None:
        stores.sell("Egg")
        [variant, _] = stores.vary("egg", "Cherry", "Plain")
        assert stores.found("cherries") == ["egg"]
        change = partial(stores.variants.change, "egg", variant.id, at=NOON)
        change(to=lambda one: evolve(one, options={"Size": "Mango"}))
        assert stores.found("cherries") == []
        assert stores.found("mangoes") == ["egg"]
        change(to=lambda one: evolve(one, is_active=False))
        assert stores.found("mango") == []
        change(to=lambda one: evolve(one, is_active=True))
        assert stores.found("mango plain") == ["egg"]
        stores.rename("egg", "Bacon")
        assert stores.found("bacon mango") == ["egg"]
        stores.variants.remove("egg", variant.id, lambda _: None, NOON)
        assert stores.found("mango") == []
        assert stores.found("size") == []

    def test_a_write_that_is_refused_leaves_nothing(self, stores: Stores) -> None:
        stores.sell("Egg", "Bacon")
        stores.sell("Ham", sku="A")

        def broken(product: Product) -> Product:
            raise ZeroDivisionError(product.name)

        with pytest.raises(ZeroDivisionError):
            stores.products.change("egg", broken)
        with pytest.raises(ConflictError):
            stores.products.change("egg", lambda one: evolve(one, name="Cheddar", sku="A"))
        with pytest.raises(ConflictError):
            stores.products.add(a_draft("Cheddar", sku="A"), NOON)
        with stores.products.load() as load:
            load.put([a_draft("Cheddar", slug="cheddar")], [], NOON)
        assert stores.found("cheddar") == []
        assert stores.found("egg") == ["egg"]
        stores.sell("Chedder")
        assert stores.found("cheddar") == ["chedder"]

    def test_what_a_load_brings_is_found(self, stores: Stores) -> None:
        stores.sort_into("Snacks")
        stores.sell("Bacon", categories=("snacks",))
        bacon = stores.products.find("bacon")
        with stores.products.load() as load:
            new = [a_draft("Vanilla Egg", slug="a"), a_draft("Salt Egg", slug="b", is_active=False)]
            load.put(new, [evolve(bacon, name="Ham")], NOON)
            draft = VariantDraft(options={"Size": "Grande"}, price=Decimal(2), position=0)
            stocked = evolve(draft, stock_quantity=1)
            load.put_variants([("a", stocked), ("bacon", stocked)], [])
            load.commit()
        assert stores.found("egg", status=Status.ALL) == ["a", "b"]
        assert stores.found("vanlila grande") == ["a"]
        assert stores.found("grande", in_stock=True) == ["a", "bacon"]
        assert stores.found("ham snacks grande") == ["bacon"]
        assert stores.found("bacon") == []

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
        self, stores: Stores, name: str, searches: str
    ) -> None:
        stores.sell(name)
        stores.sell("Other")
        for search in searches.split("|"):
            found = stores.found(search)
            assert len(found) == 1, search
            assert found != ["other"], search

    @pytest.mark.parametrize(
        "search", ["%", "_", "'", "''", '"', "&", "|", "!", "\\", ":*", "<->", "()", "E%g", "e_g"]
    )
    def test_every_sign_is_plain(self, stores: Stores, search: str) -> None:
        stores.sell("Egg", "Eggs & Bacon | 100 %", 'The "Egg"', "Egg_White's \\ :*")
        assert stores.found(search) == []

    def test_signs_among_words_change_nothing(self, stores: Stores) -> None:
        stores.sell("Egg White", "White", "Egg")
        for sign in ("&", "|", " & !", "'", '" "', ":*", "<->", "%", "\\", "(", "*:"):
            assert stores.found(f"egg{sign}white") == ["egg-white"], sign

    def test_no_text_fails(self, stores: Stores) -> None:
        stores.sell("Egg 1 %", "G2 e", "蛋白 Œuf")

        @settings(max_examples=150, suppress_health_check=list(HealthCheck))
        @given(any_search | strategies.names)
        def holds(search: str) -> None:
            assert len(stores.found(search)) <= 3
            stores.found(search, sort=Sort.NAME)

        holds()
        for search in ("a" * 200, "1" * 200, "ab " * 66, "蛋" * 200, "é" * 200, "a1" * 100):
            assert len(stores.found(search)) <= 1

    def test_long_texts_are_searched_whole(self, stores: Stores) -> None:
        letters = "abcdefghijklmnopqrst"
        many = [f"{a}{b}{c}{d}" for a in letters for b in letters for c in "abc" for d in "abcd"]
        stores.sell("Egg", details=f"<p>{' '.join(many)}</p>", description="x" * 5000)
        for word in (*many[::500], many[-1], "x" * 40, "x" * 60):
            assert stores.found(word) == ["egg"]

    def test_what_cannot_be_a_word_for_itself_is_cut(self, stores: Stores) -> None:
        stores.sell("A" * 255, "B" * 255)
        assert stores.found("a" * 200) == ["a" * 255]

    def test_filters_hold_for_searches(self, stores: Stores) -> None:
        stores.sell("Egg 1", price=Decimal(1), stock_quantity=1)
        stores.sell("Egg 2", price=Decimal(2))
        stores.sell("Egg 3", price=Decimal("2.01"), is_active=False)
        stores.sell("Ham", price=Decimal(2))
        assert stores.found("egg", in_stock=True) == ["egg-1"]
        assert stores.found("egg", in_stock=False, status=Status.ALL) == ["egg-3", "egg-2"]
        assert stores.found("egg", min_price=Decimal(2)) == ["egg-2"]
        assert stores.found("egg", max_price=Decimal("1.99")) == ["egg-1"]
        assert stores.found("egg", min_price=Decimal(1), max_price=Decimal(2)) == ["egg-1", "egg-2"]
        assert stores.found("egg", status=Status.ARCHIVED) == ["egg-3"]
        assert stores.found("eg", min_price=Decimal(2), status=Status.ALL) == ["egg-3", "egg-2"]
        stores.products.change("egg-1", lambda one: evolve(one, price=Decimal(3)))
        assert stores.found("egg", min_price=Decimal(2)) == ["egg-1", "egg-2"]

    def test_a_search_within_a_category_sees_those_below(self, stores: Stores) -> None:
        stores.sort_into("Food")
        stores.sort_into("Fresh", parent="food")
        stores.sell("Egg 1", categories=("fresh",))
        stores.sell("Egg 2", categories=("food", "fresh"))
        stores.sell("Egg 3")
        assert stores.found("egg", category="food") == ["egg-2", "egg-1"]
        assert stores.found("fresh", category="food") == ["egg-2", "egg-1"]
        assert stores.found("egg", category="none") == []
        assert stores.found("egg", category="food", sort=Sort.NAME) == ["egg-1", "egg-2"]
        stores.categories.change("fresh", edited(is_active=False))
        assert stores.found("egg", category="food") == ["egg-2"]
        assert stores.found("egg", category="fresh") == []

    @pytest.mark.parametrize("below", [49, 50, 51, 80])
    def test_a_category_may_have_many_below_it(self, stores: Stores, below: int) -> None:
        drafts = [CategoryDraft(name=f"c{n}", slug=f"c{n}", parent="top") for n in range(below)]
        stores.sort_into("Top", "Apart")
        stores.categories.add_all(drafts, NOON)
        stores.sell("Egg 1", "Ham", categories=("c0",))
        stores.sell("Egg 2", categories=("top", f"c{below - 1}"))
        stores.sell("Egg 3", categories=("apart",))
        assert stores.found("egg", category="top") == ["egg-2", "egg-1"]
        assert stores.found("egs", category="top", max_price=Decimal(1)) == []
        stores.categories.change("c0", edited(is_active=False))
        assert stores.found("egg", category="top") == ["egg-2"]

    @pytest.mark.parametrize("sort", Sort)
    def test_every_sort_orders_what_a_search_finds(self, stores: Stores, sort: Sort) -> None:
        stores.sell("Egg B", price=Decimal(3))
        stores.sell("Egg A", price=Decimal(1))
        stores.sell("Ham", description="egg", price=Decimal(2))
        stores.sell("Bacon", price=Decimal(2))
        stores.rate("ham", 4)
        assert (
            stores.found("eggs", sort=sort)
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

    def test_a_cursor_leads_through_ties(self, stores: Stores) -> None:
        names = [f"Egg {n}" for n in range(7)]
        stores.sell(*names)
        stores.sell("Ham", "Bacon", "Cress", description="egg")
        every = ["cress", "bacon", "ham"]
        every = [*(f"egg-{n}" for n in reversed(range(7))), *every]
        for limit in range(1, 11):
            assert stores.found("egg", limit=limit) == every
        assert slugs(stores.products, ProductQuery(search="egg", limit=2, offset=6)) == every[6:]

    def test_the_best_thousand_can_be_seen_and_all_are_counted(self, stores: Stores) -> None:
        drafts = [a_draft(f"Egg {n}", slug=f"egg-{n}") for n in range(RANKED + 3)]
        with stores.products.load() as load:
            load.put([*drafts, a_draft("Best", slug="best", description="egg")], [], NOON)
            load.commit()
        query = ProductQuery(search="egg", limit=100)
        assert stores.products.page(query).total == RANKED + 4
        best = [f"egg-{n}" for n in reversed(range(3, RANKED + 3))]
        assert slugs(stores.products, query) == best
        late = evolve(query, offset=RANKED - 1)
        assert slugs(stores.products, late) == best[-1:]
        beyond = stores.products.page(evolve(query, offset=RANKED))
        assert (beyond.items, beyond.total, beyond.next_query) == ((), RANKED + 4, None)
        by_name = ProductQuery(search="egg", limit=100, sort=Sort.NAME)
        assert len(slugs(stores.products, by_name)) == RANKED + 4

    def test_links_at_once_are_all_found(self, stores: Stores) -> None:
        names = [f"c{letter}" for letter in "abcdef"]
        stores.sort_into(*names)
        stores.sell("Egg", *(f"Egg {n}" for n in range(9)))
        for slug in ("egg", *(f"egg-{n}" for n in range(9))):
            acts = [partial(stores.categories.link, slug, name) for name in names]
            at_once([*acts, partial(stores.rename, slug, "Ham")])
            for name in ("ham", *names):
                assert slug in stores.found(name, limit=20), name
            undone = [partial(stores.categories.unlink, slug, name) for name in names]
            at_once([*undone, partial(stores.rename, slug, "Bacon")])
            assert not any(slug in stores.found(name, limit=20) for name in ("ham", *names))
            assert slug in stores.found("bacon", limit=20)


def at_once(acts: Sequence[Callable[[], None]]) -> None:
    """Do things, all of them begun at the same time."""
    ready = threading.Barrier(len(acts))

    def do(act: Callable[[], None]) -> None:
        ready.wait()
        act()

    with ThreadPoolExecutor(len(acts)) as threads:
        for _ in threads.map(do, acts):
            pass
