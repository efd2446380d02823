"""Contract suite of `ProductStore`."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from eggypro_adapters.contracts.clock import NOON
from eggypro_core.domain.pagination import MAX_EXACT_TOTAL
from eggypro_core.domain.product import Image, ListedProduct, Product, ProductDraft
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.domain.product_files import SkuHolder, StoredProduct
from eggypro_core.domain.product_query import (
    ALL_PRODUCTS,
    MAX_SUGGESTIONS,
    ProductQuery,
    Sort,
    Suggestion,
)
from eggypro_core.errors import ConflictError, NotFoundError, SlugMovedError, VersionConflictError
from eggypro_core.ports import ProductStore
from eggypro_core.search.query import MatchKind, RankTier, relevance_of
from eggypro_core.search.text import SearchField
from eggypro_core.validation.parameters import Status


def make_draft(name: str = "Egg White", /, **changes: Any) -> ProductDraft:
    """Return a valid draft of a product."""
    return evolve(ProductDraft(name=name, price=Decimal("24.99")), **changes)


def set_field(name: str, value: Any) -> Callable[[Product], Product]:
    """Return the change that sets one field of a product."""
    return lambda product: evolve(product, **{name: value}, version=product.version + 1)


def set_name(name: str) -> Callable[[Product], Product]:
    """Return the change that renames a product."""
    return lambda product: evolve(product, name=name, version=product.version + 1)


def set_product_slug(slug: str) -> Callable[[Product], Product]:
    """Return the change that sets the slug of a product."""
    return lambda product: evolve(product, slug=slug, version=product.version + 1)


def import_slug(store: ProductStore, product: Product, slug: str) -> None:
    """Rename a product by an import."""
    with store.begin_import() as session:
        session.write_products([], [(product, set_product_slug(slug)(product))], NOON)
        session.commit()


def allow_delete(_: Product) -> None:
    """Accept the deletion of a product."""


def list_slugs(store: ProductStore, query: ProductQuery) -> list[str]:
    """Return the slugs of all pages, following `next_query`."""
    slugs: list[str] = []
    next_query: ProductQuery | None = query
    while next_query is not None:
        page = store.list(next_query)
        slugs += [product.slug for product in page.items]
        next_query = page.next_query
    return slugs


SHOWN = ["cheap", "sold-out", "untracked"]


class ProductStoreContract:
    """Subclasses provide the fixture `store`: an empty store."""

    def test_get_returns_all_fields(self, store: ProductStore) -> None:
        draft = make_draft(
            "Crème Brûlée",
            sku="EGG-1",
            gtin="4006381333931",
            brand="Eggy & Söhne",
            tags=("vegan", "Été"),
            weight_grams=1000,
            is_listed=False,
            description="Two\nlines",
            details="<p>Good</p>",
            compare_at_price=Decimal("30.00"),
            images=(Image("https://x.example/1.jpg"), Image("https://x.example/2.jpg", "A tin")),
            ingredients=("egg white", "vanilla"),
            attributes={"protein": "80 g", "fat": "1 g"},
            seo_title="Title",
            seo_description="Words",
            stock_quantity=7,
            track_stock=False,
        )
        product = store.create(draft, NOON)
        assert store.get("creme-brulee") == product
        assert (product.version, product.created_at, product.updated_at) == (1, NOON, NOON)
        for name in [definition.name for definition in PRODUCT_FIELDS if definition.name != "slug"]:
            assert getattr(draft, name) not in (None, (), {}), f"the draft needs a {name}"
            assert getattr(product, name) == getattr(draft, name)
        assert list(product.attributes) == ["protein", "fat"]

    def test_unknown_slugs_are_not_found(self, store: ProductStore) -> None:
        with pytest.raises(NotFoundError):
            store.get("no-such")
        with pytest.raises(NotFoundError):
            store.update("no-such", set_name("x"))
        with pytest.raises(NotFoundError):
            store.adjust_stock("no-such", 1)
        with pytest.raises(NotFoundError):
            store.set_stock("no-such", 1)
        with pytest.raises(NotFoundError):
            store.delete("no-such", allow_delete)

    def test_generated_slugs_are_numbered_and_taken_slugs_are_refused(
        self, store: ProductStore
    ) -> None:
        slugs = [store.create(make_draft(), NOON).slug for _ in range(3)]
        assert slugs == ["egg-white", "egg-white-2", "egg-white-3"]
        with pytest.raises(ConflictError) as exc_info:
            store.create(make_draft(slug="egg-white-2"), NOON)
        assert (exc_info.value.field, exc_info.value.code) == ("slug", "slug-taken")
        assert store.create(make_draft("Search"), NOON).slug == "search-2"

    def test_generated_slugs_stay_within_the_limit(self, store: ProductStore) -> None:
        for name in ("x" * 255, "word " * 51):
            slugs = [store.create(make_draft(name), NOON).slug for _ in range(12)]
            assert len(set(slugs)) == 12
            assert max(map(len, slugs)) <= 255

    def test_a_slug_of_an_archived_product_is_reported_as_archived(
        self, store: ProductStore
    ) -> None:
        store.create(make_draft(is_active=False), NOON)
        with pytest.raises(ConflictError, match="archived"):
            store.create(make_draft(slug="egg-white"), NOON)

    def test_a_sku_belongs_to_one_product(self, store: ProductStore) -> None:
        store.create(make_draft(sku="A"), NOON)
        other = store.create(make_draft(sku="B"), NOON)
        with pytest.raises(ConflictError, match="egg-white") as exc_info:
            store.create(make_draft(sku="A"), NOON)
        assert (exc_info.value.field, exc_info.value.code) == ("sku", "sku-taken")
        with pytest.raises(ConflictError):
            store.update(other.slug, lambda product: evolve(product, sku="A"))
        assert store.get(other.slug).sku == "B"
        assert store.list(ProductQuery()).total == 2

    def test_an_update_stores_all_fields(self, store: ProductStore) -> None:
        store.create(make_draft(), NOON)
        later = NOON + timedelta(days=1)
        changed = store.update(
            "egg-white",
            lambda product: evolve(
                product,
                name="Neu",
                price=Decimal("1.00"),
                ingredients=("salt",),
                attributes={"a": "b"},
                images=(Image("https://x.example/1.jpg", "alt"),),
                version=2,
                updated_at=later,
            ),
        )
        assert store.get("egg-white") == changed
        assert (changed.version, changed.updated_at, changed.created_at) == (2, later, NOON)

    def test_an_update_of_a_single_field_is_stored(self, store: ProductStore) -> None:
        product = store.create(
            make_draft(
                images=(Image("https://x.example/1.jpg"), Image("https://x.example/2.jpg")),
                attributes={"fat": "1 g", "salt": "2 g"},
            ),
            NOON,
        )
        single_changes: list[tuple[str, object]] = [
            ("name", "Egg Yolk"),
            ("name", "egg yolk"),
            ("slug", "yolk"),
            ("sku", "EGG-1"),
            ("sku", None),
            ("gtin", "96385074"),
            ("gtin", None),
            ("brand", "Eggy"),
            ("brand", None),
            ("tags", ("vegan", "new")),
            ("tags", ("new", "vegan")),
            ("tags", ()),
            ("weight_grams", 0),
            ("weight_grams", None),
            ("is_listed", False),
            ("description", "Words"),
            ("details", "<p>Words</p>"),
            ("price", Decimal("1.50")),
            ("compare_at_price", Decimal("2.00")),
            ("compare_at_price", None),
            ("images", product.images[::-1]),
            ("images", (Image("https://x.example/1.jpg", "A tin"), product.images[1])),
            ("images", ()),
            ("ingredients", ("egg yolk",)),
            ("attributes", {"salt": "2 g", "fat": "1 g"}),
            ("attributes", {"salt": "3 g", "fat": "1 g"}),
            ("attributes", {}),
            ("seo_title", "Title"),
            ("seo_description", "Words"),
            ("stock_quantity", 3),
            ("track_stock", False),
            ("is_active", False),
        ]
        for name, value in single_changes:
            change = set_field(name, value)
            expected = change(product)
            assert store.update(product.slug, change) == expected, name
            product = store.get(expected.slug)
            assert product == expected, name

    def test_a_failed_update_stores_nothing(self, store: ProductStore) -> None:
        before = store.create(make_draft(), NOON)

        def fail(product: Product) -> Product:
            raise ZeroDivisionError(product.name)

        with pytest.raises(ZeroDivisionError):
            store.update("egg-white", fail)
        assert store.get("egg-white") == before

    def test_former_slugs_redirect_to_the_current_one(self, store: ProductStore) -> None:
        store.create(make_draft(), NOON)
        store.update("egg-white", set_product_slug("second"))
        store.update("second", set_product_slug("third"))
        for former in ("egg-white", "second"):
            with pytest.raises(SlugMovedError) as exc_info:
                store.get(former)
            assert exc_info.value.slug == "third"
        with pytest.raises(SlugMovedError):
            store.update("second", set_name("x"))
        with pytest.raises(SlugMovedError):
            store.adjust_stock("second", 1)
        with pytest.raises(SlugMovedError):
            store.set_stock("second", 1)
        with pytest.raises(SlugMovedError):
            store.delete("second", allow_delete)

    def test_a_former_slug_is_not_generated_but_can_be_claimed(self, store: ProductStore) -> None:
        store.create(make_draft(), NOON)
        store.update("egg-white", set_product_slug("second"))
        assert store.create(make_draft(), NOON).slug == "egg-white-2"
        claimed = store.create(make_draft("Other", slug="egg-white"), NOON)
        assert store.get("egg-white") == claimed
        assert store.update("second", set_product_slug("third")).slug == "third"

    def test_a_product_can_return_to_its_former_slug(self, store: ProductStore) -> None:
        store.create(make_draft(), NOON)
        store.update("egg-white", set_product_slug("second"))
        store.update("second", set_product_slug("egg-white"))
        assert store.get("egg-white").slug == "egg-white"
        with pytest.raises(SlugMovedError):
            store.get("second")
        store.update("egg-white", set_product_slug("third"))
        store.create(make_draft("Other", slug="egg-white"), NOON)
        store.update("third", set_product_slug("fourth"))
        store.delete("egg-white", allow_delete)
        with pytest.raises(NotFoundError):
            store.get("egg-white")

    def test_an_update_cannot_take_the_slug_of_another_product(self, store: ProductStore) -> None:
        store.create(make_draft("One"), NOON)
        store.create(make_draft("Two"), NOON)
        with pytest.raises(ConflictError):
            store.update("two", set_product_slug("one"))
        assert store.get("two").version == 1

    def test_stock_adjustments_never_go_below_zero(self, store: ProductStore) -> None:
        store.create(make_draft(stock_quantity=5), NOON)
        assert store.adjust_stock("egg-white", -5) == 0
        with pytest.raises(ConflictError) as exc_info:
            store.adjust_stock("egg-white", -1)
        assert exc_info.value.field == "stock_quantity"
        assert exc_info.value.code == "insufficient-stock"
        assert store.adjust_stock("egg-white", 2_147_483_647) == 2_147_483_647
        for delta in (1, 2**40, -(2**40)):
            with pytest.raises(ConflictError):
                store.adjust_stock("egg-white", delta)
        product = store.get("egg-white")
        assert (product.stock_quantity, product.version) == (2_147_483_647, 1)

    def test_set_stock_ignores_the_former_quantity(self, store: ProductStore) -> None:
        store.create(make_draft(stock_quantity=5), NOON)
        for quantity in (0, 2_147_483_647, 7):
            assert store.set_stock("egg-white", quantity) == quantity
            product = store.get("egg-white")
            assert (product.stock_quantity, product.version) == (quantity, 1)

    def test_delete_keeps_a_product_that_its_check_refuses(self, store: ProductStore) -> None:
        product = store.create(make_draft(), NOON)
        checked = []

        def refuse(product: Product) -> None:
            checked.append(product)
            raise VersionConflictError("another version")

        with pytest.raises(VersionConflictError):
            store.delete("egg-white", refuse)
        assert checked == [product]
        assert store.get("egg-white") == product

    def test_delete_frees_all_slugs_of_a_product(self, store: ProductStore) -> None:
        store.create(make_draft(), NOON)
        store.update("egg-white", set_product_slug("second"))
        store.delete("second", allow_delete)
        for slug in ("egg-white", "second"):
            with pytest.raises(NotFoundError):
                store.get(slug)
        assert store.create(make_draft(), NOON).slug == "egg-white"

    def test_concurrent_sales_never_oversell(self, store: ProductStore) -> None:
        store.create(make_draft(stock_quantity=50), NOON)

        def sell(_: int) -> bool:
            try:
                store.adjust_stock("egg-white", -1)
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            sold = sum(threads.map(sell, range(80)))
        assert sold == 50
        assert store.get("egg-white").stock_quantity == 0

    def test_concurrent_updates_of_one_product_are_serialised(self, store: ProductStore) -> None:
        store.create(make_draft("0", slug="counter"), NOON)

        def increment(_: int) -> None:
            store.update("counter", lambda product: set_name(str(int(product.name) + 1))(product))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(increment, range(40)))
        product = store.get("counter")
        assert (product.name, product.version) == ("40", 41)

    def test_concurrent_creates_with_one_name_get_distinct_slugs(self, store: ProductStore) -> None:
        with ThreadPoolExecutor(8) as threads:
            products = list(threads.map(lambda _: store.create(make_draft(), NOON), range(24)))
        assert len({product.slug for product in products}) == 24
        assert store.list(ProductQuery()).total == 24

    def test_one_of_concurrent_creates_gets_a_slug(self, store: ProductStore) -> None:
        barrier = threading.Barrier(6)

        def claim(_: int) -> bool:
            barrier.wait()
            try:
                store.create(make_draft(slug="claimed", sku="C"), NOON)
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(6) as threads:
            assert sum(threads.map(claim, range(6))) == 1

    @pytest.mark.parametrize("field", ["slug", "sku"])
    def test_one_of_concurrent_updates_gets_a_slug_or_sku(
        self, store: ProductStore, field: str
    ) -> None:
        claimants = [store.create(make_draft(), NOON).slug for _ in range(6)]
        barrier = threading.Barrier(len(claimants))

        def claim(slug: str) -> str | None:
            barrier.wait()
            try:
                store.update(slug, set_field(field, "claimed"))
            except ConflictError as error:
                return error.field
            return None

        with ThreadPoolExecutor(len(claimants)) as threads:
            conflicts = list(threads.map(claim, claimants))
        assert conflicts.count(None) == 1
        assert conflicts.count(field) == len(claimants) - 1

    @pytest.mark.parametrize("sort", [sort for sort in Sort if sort is not Sort.RELEVANCE])
    def test_pages_of_every_sort_are_complete_and_in_order(
        self, store: ProductStore, sort: Sort
    ) -> None:
        names = ["b", "a", "C", "Ä", "a", "é", "B", "z", "Ωmega", "a"]
        for number, name in enumerate(names):
            price = Decimal(100 + number % 3) / 10
            store.create(
                make_draft(name, slug=f"s{number}", price=price), NOON + timedelta(hours=number % 4)
            )
        whole_list = store.list(ProductQuery(sort=sort, limit=100))
        assert list_slugs(store, ProductQuery(sort=sort, limit=3)) == [
            product.slug for product in whole_list.items
        ]
        assert len({product.id for product in whole_list.items}) == len(names)
        keys = [_sort_position(product, sort) for product in whole_list.items]
        assert keys == sorted(keys, reverse=sort.is_descending)

    def test_names_sort_naturally(self, store: ProductStore) -> None:
        for name in ("banana", "Éclair", "Zebra", "apple", "eclair", "Ähre"):
            store.create(make_draft(name), NOON)
        names = [product.name for product in store.list(ProductQuery()).items]
        assert names == ["Ähre", "apple", "banana", "Éclair", "eclair", "Zebra"]

    def test_an_offset_skips_rows_and_next_continues_after_it(self, store: ProductStore) -> None:
        for number in range(9):
            store.create(make_draft(f"p{number}"), NOON)
        page = store.list(ProductQuery(limit=2, offset=3))
        assert [product.slug for product in page.items] == ["p3", "p4"]
        assert page.next_query is not None
        assert list_slugs(store, page.next_query) == ["p5", "p6", "p7", "p8"]
        beyond = store.list(ProductQuery(offset=100))
        assert (beyond.items, beyond.total, beyond.next_query) == ((), 9, None)

    def test_filters_select_matching_products(self, store: ProductStore) -> None:
        store.create(make_draft("cheap", price=Decimal(1), stock_quantity=1), NOON)
        store.create(make_draft("sold out", price=Decimal(5)), NOON)
        store.create(make_draft("untracked", price=Decimal(9), track_stock=False), NOON)
        store.create(make_draft("old", is_active=False), NOON)
        store.create(make_draft("secret", price=Decimal(7), is_listed=False), NOON)
        store.create(make_draft("old secret", is_active=False, is_listed=False), NOON)
        assert store.get("secret").is_listed is False
        for query, expected in (
            (ProductQuery(), SHOWN),
            (ProductQuery(in_stock=True), ["cheap", "untracked"]),
            (ProductQuery(in_stock=False), ["sold-out"]),
            (ProductQuery(min_price=Decimal(5)), ["sold-out", "untracked"]),
            (ProductQuery(max_price=Decimal("4.99")), ["cheap"]),
            (ProductQuery(min_price=Decimal(2), max_price=Decimal(8)), ["sold-out"]),
            (ProductQuery(category="none"), []),
            (ProductQuery(status=Status.ARCHIVED), ["old", "old-secret"]),
            (ProductQuery(status=Status.ALL), [*SHOWN, "old", "old-secret", "secret"]),
            (ProductQuery(status=Status.ACTIVE), [*SHOWN, "secret"]),
            (ProductQuery(status=Status.ACTIVE, listed=True), SHOWN),
            (ProductQuery(status=Status.ALL, listed=False), ["old-secret", "secret"]),
        ):
            assert list_slugs(store, query) == sorted(expected), query
            assert store.list(query).total == len(expected)
        for allow_sample in (False, True):
            facets = store.get_facets(ProductQuery(), allow_sample=allow_sample)
            assert (facets.max_price, facets.in_stock_count) == (Decimal(9), 2)

    def test_a_search_matches_all_words_in_any_field(self, store: ProductStore) -> None:
        store.create(make_draft("Egg White Powder", sku="EW-100%"), NOON)
        store.create(make_draft("Bar", ingredients=("egg white", "cocoa")), NOON)
        store.create(make_draft("Drink", description="With the white of an egg"), NOON)
        store.create(make_draft("Crêpe Mix", details="<p>flour</p>"), NOON)
        for text, expected in (
            ("egg white", {"egg-white-powder", "bar", "drink"}),
            ("WHITE EGG", {"egg-white-powder", "bar", "drink"}),
            ("powd", {"egg-white-powder"}),
            ("crepe", {"crepe-mix"}),
            ("crêpe flo", {"crepe-mix"}),
            ("egg flour", set()),
            ("EW-100%", {"egg-white-powder"}),
            ("nothing", set()),
        ):
            assert set(list_slugs(store, ProductQuery(search=text))) == expected, text

    def test_no_character_of_a_search_has_a_special_meaning(self, store: ProductStore) -> None:
        store.create(make_draft(), NOON)
        for text in (
            "%",
            "_",
            "'",
            '"',
            "\\",
            "a & | ! b",
            "egg:*",
            "(",
            "<->",
            "🥚",
            "!egg",
            "''",
        ):
            items = store.list(ProductQuery(search=text)).items
            assert {product.slug for product in items} <= {"egg-white"}, text
        assert not store.list(ProductQuery(search="%")).items

    def test_a_search_ranks_names_first_and_pages(self, store: ProductStore) -> None:
        store.create(make_draft("Other", description="vanilla"), NOON)
        store.create(make_draft("Vanilla Bar"), NOON)
        store.create(make_draft("More", ingredients=("vanilla",)), NOON)
        query = ProductQuery(search="vanilla", limit=1)
        assert list_slugs(store, query) == ["vanilla-bar", "more", "other"]
        by_name = ProductQuery(search="vanilla", sort=Sort.NAME_DESC, limit=2)
        assert list_slugs(store, by_name) == ["vanilla-bar", "other", "more"]

    def test_explain_returns_the_ranking_of_a_search(self, store: ProductStore) -> None:
        store.create(make_draft("Whey Bar", description="crisp"), NOON)
        store.create(make_draft("Crisp Shake", ingredients=("whey",), stock_quantity=1), NOON)
        store.create(make_draft("Crisps of Whey", sku="crisp whey"), NOON)
        for text in ("crisp whey", "wehy", "cri", "crisp whye"):
            query = ProductQuery(search=text, limit=2)
            explained = store.explain(query)
            assert explained.page == store.list(query)
            relevance = [relevance_of(reason.tier, reason.score) for reason in explained.reasons]
            assert relevance == sorted(relevance, reverse=True)
            next_query = explained.page.next_query
            assert next_query is None or next_query.start_key()[0] == relevance[-1]
        first, second = store.explain(ProductQuery(search="crisp wehy")).reasons[:2]
        assert [first.tier, second.tier] == [
            RankTier(SearchField.NAME, MatchKind.CORRECTED),
            RankTier(SearchField.INGREDIENTS, MatchKind.CORRECTED),
        ]
        assert [(match.word, match.stem) for match in first.matches] == [
            ("crisp", "crisp"),
            ("wehy", "whey"),
        ]
        sku_match = store.explain(ProductQuery(search="crisp whey")).reasons[0]
        assert (sku_match.tier, sku_match.matches) == (None, ())

    def test_a_suggestion_has_name_slug_and_first_image(self, store: ProductStore) -> None:
        images = (Image("https://x.example/1.jpg", "A tin"), Image("https://x.example/2.jpg"))
        store.create(make_draft("Egg White", images=images), NOON)
        store.create(make_draft("Yolk"), NOON)
        assert store.suggest("egg w") == (
            Suggestion("Egg White", "egg-white", "https://x.example/1.jpg"),
        )
        assert store.suggest("yol") == (Suggestion("Yolk", "yolk", None),)

    def test_suggestions_are_the_best_results_of_the_typed_text(self, store: ProductStore) -> None:
        for number in range(MAX_SUGGESTIONS + 2):
            store.create(make_draft(f"Omelette {number}", description="of eggs"), NOON)
        store.create(make_draft("Egg White", sku="o m", stock_quantity=1), NOON)
        store.create(make_draft("Egg Bar", ingredients=("white chocolate",)), NOON)
        store.create(make_draft("Old Egg", is_active=False), NOON)
        for text in ("e", "eg", "egg", "egg ", "egg w", "o", "o m", "ome", "omelett 1", "of e"):
            page = store.list(ProductQuery(search=text, limit=MAX_SUGGESTIONS))
            assert store.suggest(text) == tuple(map(Suggestion.from_product, page.items)), text
        assert [suggestion.slug for suggestion in store.suggest("eg")[:2]] == [
            "egg-white",
            "egg-bar",
        ]
        assert len(store.suggest("e")) == MAX_SUGGESTIONS

    def test_suggestions_tolerate_typos_and_symbols(self, store: ProductStore) -> None:
        store.create(make_draft(), NOON)
        store.create(make_draft("Whine"), NOON)
        for text, expected in (
            ("whtie", ["egg-white"]),
            ("egg whine", ["egg-white"]),
            ("none", []),
            ("%", []),
            ("'", []),
        ):
            slugs = [suggestion.slug for suggestion in store.suggest(text)]
            assert slugs == expected, text

    def test_search_reflects_updates_immediately(self, store: ProductStore) -> None:
        store.create(make_draft(), NOON)
        store.update("egg-white", set_name("Yolk"))
        assert list_slugs(store, ProductQuery(search="yolk")) == ["egg-white"]
        assert list_slugs(store, ProductQuery(search="white")) == []
        store.update("egg-white", lambda product: evolve(product, is_active=False))
        assert list_slugs(store, ProductQuery(search="yolk")) == []

    def test_totals_are_exact_up_to_the_cap(self, store: ProductStore) -> None:
        drafts = [make_draft("x", slug=f"x{number}") for number in range(MAX_EXACT_TOTAL + 1)]
        with store.begin_import() as session:
            session.write_products(drafts[:-1], [], NOON)
            session.commit()
        page = store.list(ProductQuery(limit=1))
        assert (page.total, page.total_capped) == (MAX_EXACT_TOTAL, False)
        store.create(drafts[-1], NOON)
        page = store.list(ProductQuery(limit=1))
        assert (page.total, page.total_capped) == (MAX_EXACT_TOTAL, True)

    def test_an_export_yields_every_product_once_by_id(self, store: ProductStore) -> None:
        drafts = [make_draft("x", slug=f"x{n:04}", is_active=n % 3 > 0) for n in range(1200)]
        with store.begin_import() as session:
            session.write_products(drafts[::-1], [], NOON)
            session.commit()
        with store.export_products(ALL_PRODUCTS) as export:
            products = list(export.products)
        assert [product.slug for product in products] == [draft.slug for draft in drafts[::-1]]
        assert [product.id for product in products] == sorted(product.id for product in products)
        assert products[7] == store.get(products[7].slug)
        for status, count in ((Status.ACTIVE, 800), (Status.ARCHIVED, 400)):
            with store.export_products(ProductQuery(status=status)) as export:
                products = list(export.products)
            assert len(products) == count
            assert all(status.includes(is_active=product.is_active) for product in products)

    def test_an_export_contains_the_products_of_a_list(self, store: ProductStore) -> None:
        store.create(make_draft("Egg", price=Decimal("2.00"), stock_quantity=1), NOON)
        store.create(make_draft("Egg bar", sku="BAR-1", price=Decimal("5.00")), NOON)
        store.create(make_draft("Ham", price=Decimal("5.00"), is_active=False), NOON)
        store.create(make_draft("Oats bar", price=Decimal("9.00"), track_stock=False), NOON)
        for query in (
            ProductQuery(),
            ProductQuery(status=Status.ALL, min_price=Decimal("4.00"), max_price=Decimal("6.00")),
            ProductQuery(in_stock=True),
            ProductQuery(in_stock=False, status=Status.ARCHIVED),
            ProductQuery(category="none"),
            ProductQuery(search="egg"),
            ProductQuery(search="egg", in_stock=False, min_price=Decimal(3), sort=Sort.NEWEST),
            ProductQuery(search="BAR-1"),
            ProductQuery(search="oasts"),
            ProductQuery(search="ham", status=Status.ALL),
            ProductQuery(search="nothing"),
        ):
            with store.export_products(query) as export:
                slugs = [product.slug for product in export.products]
            assert sorted(slugs) == sorted(list_slugs(store, query)), query

    def test_an_export_can_be_filtered_by_status_and_listing(self, store: ProductStore) -> None:
        for slug in ("shown", "secret", "archived", "archived-secret"):
            is_active, is_listed = "archived" not in slug, "secret" not in slug
            store.create(make_draft(slug=slug, is_active=is_active, is_listed=is_listed), NOON)
        for status, listed, slugs in (
            (Status.ALL, None, ["shown", "secret", "archived", "archived-secret"]),
            (Status.ALL, False, ["secret", "archived-secret"]),
            (Status.ACTIVE, None, ["shown", "secret"]),
            (Status.ACTIVE, True, ["shown"]),
            (Status.ARCHIVED, False, ["archived-secret"]),
        ):
            with store.export_products(ProductQuery(status=status, listed=listed)) as export:
                assert [product.slug for product in export.products] == slugs

    def test_an_export_of_an_empty_store_is_empty(self, store: ProductStore) -> None:
        with store.export_products(ALL_PRODUCTS) as export:
            assert (list(export.products), list(export.categories)) == ([], [])

    def test_an_export_is_a_consistent_snapshot(self, store: ProductStore) -> None:
        drafts = [make_draft("x", slug=f"x{number}", stock_quantity=1) for number in range(2000)]
        with store.begin_import() as session:
            session.write_products(drafts, [], NOON)
            session.commit()
        with store.export_products(ALL_PRODUCTS) as export:
            first = next(export.products)
            store.set_stock("x1999", 5)
            store.delete("x1998", allow_delete)
            store.update("x1997", set_name("New"))
            store.create(make_draft("Late"), NOON)
            rest = list(export.products)
        assert [product.slug for product in (first, *rest)] == [draft.slug for draft in drafts]
        assert {(product.stock_quantity, product.name) for product in rest} == {(1, "x")}

    def test_an_aborted_export_leaks_nothing(self, store: ProductStore) -> None:
        store.create(make_draft(), NOON)
        for _ in range(30):
            with suppress(ZeroDivisionError), store.export_products(ALL_PRODUCTS) as export:
                next(export.products)
                raise ZeroDivisionError
        assert store.set_stock("egg-white", 3) == 3

    def test_an_import_is_stored_only_on_commit(self, store: ProductStore) -> None:
        with store.begin_import() as session:
            session.write_products([make_draft(slug="discarded")], [], NOON)
        with suppress(ZeroDivisionError), store.begin_import() as session:
            session.write_products([make_draft(slug="discarded")], [], NOON)
            session.commit()
            raise ZeroDivisionError
        assert list_slugs(store, ProductQuery()) == []
        with store.begin_import() as session:
            session.write_products(
                [make_draft(slug="stored", sku="S", attributes={"b": 'q"\\', "a": "\t"})], [], NOON
            )
            session.commit()
        product = store.get("stored")
        assert (product.version, product.created_at) == (1, NOON)
        assert list(product.attributes.items()) == [("b", 'q"\\'), ("a", "\t")]

    def test_an_import_reads_and_replaces_products(self, store: ProductStore) -> None:
        product = store.create(make_draft(sku="A"), NOON)
        with store.begin_import() as session:
            session.lock_products([product.id])
            assert session.get_products([product.id, -1]) == {product.id: StoredProduct(product)}
            assert session.find_sku_holders(["A", "B"]) == {"A": SkuHolder(product.id, "egg-white")}
            assert session.find_taken_slugs(["egg-white", "other"]) == {"egg-white"}
            session.write_products([], [(product, set_name("New")(product))], NOON)
            session.commit()
        changed = store.get("egg-white")
        assert (changed.name, changed.version, changed.id) == ("New", 2, product.id)
        assert list_slugs(store, ProductQuery(search="new")) == ["egg-white"]

    def test_an_import_can_claim_a_former_slug(self, store: ProductStore) -> None:
        store.create(make_draft(), NOON)
        store.update("egg-white", set_product_slug("second"))
        with store.begin_import() as session:
            session.write_products([make_draft("Fresh", slug="egg-white")], [], NOON)
            session.commit()
        assert store.get("egg-white").name == "Fresh"
        store.update("egg-white", set_product_slug("third"))
        with pytest.raises(SlugMovedError) as exc_info:
            store.get("egg-white")
        assert exc_info.value.slug == "third"
        store.delete("third", allow_delete)
        with pytest.raises(NotFoundError):
            store.get("egg-white")
        assert store.get("second").name == "Egg White"

    def test_an_import_that_renames_a_product_redirects_its_former_slug(
        self, store: ProductStore
    ) -> None:
        product = store.create(make_draft(), NOON)
        import_slug(store, product, "second")
        with pytest.raises(SlugMovedError) as exc_info:
            store.get("egg-white")
        assert exc_info.value.slug == "second"
        assert store.get("second").id == product.id

    def test_an_import_can_rename_a_product_to_the_former_slug_of_another(
        self, store: ProductStore
    ) -> None:
        store.create(make_draft(), NOON)
        store.update("egg-white", set_product_slug("second"))
        import_slug(store, store.create(make_draft("Other"), NOON), "egg-white")
        assert store.get("egg-white").name == "Other"
        store.delete("egg-white", allow_delete)
        with pytest.raises(NotFoundError):
            store.get("egg-white")


def _sort_position(product: ListedProduct, sort: Sort) -> tuple[object, int]:
    keys: dict[Sort, object] = {
        Sort.PRICE_ASC: product.price,
        Sort.PRICE_DESC: product.price,
        Sort.NEWEST: product.created_at,
        Sort.RATING: 0,
    }
    folded = product.name.lower().replace("ä", "a").replace("é", "e")
    return keys.get(sort, folded), product.id
