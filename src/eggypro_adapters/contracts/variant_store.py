"""Contract suite of `VariantStore` and the product store of the same shop."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve, frozen

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft, set_product_slug
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.domain.variant import VARIANT_FIELDS, Variant, VariantDraft, VariantQuery
from eggypro_core.errors import ConflictError, NotFoundError, SlugMovedError, VersionConflictError
from eggypro_core.ports import ProductStore, VariantStore
from eggypro_core.validation.parameters import Status

EGG = "egg-white"
LATER = NOON + timedelta(days=1)
MAX_STOCK = 2_147_483_647


@frozen
class VariantStores:
    """The two stores of one shop."""

    products: ProductStore
    variants: VariantStore

    def create_variant(self, size: str, price: str = "10.00", **changes: Any) -> Variant:
        """Create a variant of the egg white with a size."""
        draft = VariantDraft(options={"Size": size}, price=Decimal(price))
        return self.variants.create(EGG, evolve(draft, **changes), LATER)

    def update_variant(self, variant: Variant, **changes: Any) -> Variant:
        return self.variants.update(EGG, variant.id, lambda old: evolve(old, **changes), LATER)

    def delete_variant(self, variant: Variant) -> None:
        self.variants.delete(EGG, variant.id, lambda _: None, LATER)

    def get_summary(self) -> tuple[str, str | None, int, bool, int]:
        """Return the variant summary of the egg white; `get` and `list` must agree."""
        product = self.products.get(EGG)
        [listed] = self.products.list(ProductQuery()).items
        assert listed == product.to_listed()
        compare_at = product.compare_at_price
        return (
            str(product.price),
            None if compare_at is None else str(compare_at),
            product.stock_quantity,
            product.track_stock,
            product.variant_count,
        )


class VariantStoreContract:
    """Subclasses provide the fixture `stores`: the stores of an empty shop."""

    @pytest.fixture(autouse=True)
    def _create_egg_white(self, stores: VariantStores) -> None:
        stores.products.create(make_draft(stock_quantity=7), NOON)

    def test_get_returns_all_fields(self, stores: VariantStores) -> None:
        draft = VariantDraft(
            options={"Size": "1 kg", "Flavour": "Crème \U0001f95a"},
            price=Decimal("19.90"),
            sku="EGG-1",
            gtin="4006381333931",
            weight_grams=1000,
            compare_at_price=Decimal("25.00"),
            stock_quantity=5,
            track_stock=False,
            image="https://x.example/1.jpg",
            position=3,
            is_active=True,
        )
        variant = stores.variants.create(EGG, draft, LATER)
        assert stores.variants.get(EGG, variant.id, Status.ACTIVE) == variant
        assert list(variant.options.items()) == list(draft.options.items())
        for name in [definition.name for definition in VARIANT_FIELDS]:
            assert getattr(draft, name) is not None, f"the draft needs a {name}"
            assert getattr(variant, name) == getattr(draft, name)
        assert stores.products.get(EGG).variants == (variant,)
        assert stores.products.get(EGG).variants[0].version == variant.version == 2

    def test_unknown_ids_and_slugs_are_not_found(self, stores: VariantStores) -> None:
        other = stores.products.create(make_draft("Other"), NOON)
        variant = stores.create_variant("1")
        for slug, id_ in ((EGG, variant.id + 1), (other.slug, variant.id), ("none", variant.id)):
            with pytest.raises(NotFoundError):
                stores.variants.get(slug, id_, Status.ALL)
            with pytest.raises(NotFoundError):
                stores.variants.update(slug, id_, lambda old: old, LATER)
            with pytest.raises(NotFoundError):
                stores.variants.adjust_stock(slug, id_, 1)
            with pytest.raises(NotFoundError):
                stores.variants.set_stock(slug, id_, 1)
        for action in self._product_actions("none", stores):
            with pytest.raises(NotFoundError):
                action()
        stores.variants.delete(EGG, variant.id + 1, lambda _: None, LATER)
        stores.variants.delete(other.slug, variant.id, lambda _: None, LATER)
        assert stores.products.get(other.slug).version == 1

    def test_a_former_slug_redirects(self, stores: VariantStores) -> None:
        variant = stores.create_variant("1")
        stores.products.update(EGG, set_product_slug("whites"))
        actions: list[Callable[[], object]] = [
            *self._product_actions(EGG, stores),
            lambda: stores.variants.get(EGG, variant.id, Status.ALL),
            lambda: stores.variants.update(EGG, variant.id, lambda old: old, LATER),
            lambda: stores.variants.adjust_stock(EGG, variant.id, 1),
            lambda: stores.variants.set_stock(EGG, variant.id, 1),
        ]
        for action in actions:
            with pytest.raises(SlugMovedError) as exc_info:
                action()
            assert exc_info.value.slug == "whites"
        assert stores.variants.get("whites", variant.id, Status.ACTIVE) == variant

    def _product_actions(self, slug: str, stores: VariantStores) -> list[Callable[[], object]]:
        draft = VariantDraft(options={"Size": "9"}, price=Decimal(1))
        return [
            lambda: stores.variants.list(VariantQuery(product=slug)),
            lambda: stores.variants.create(slug, draft, LATER),
            lambda: stores.variants.delete(slug, 1, lambda _: None, LATER),
        ]

    def test_the_summary_has_the_lowest_price_and_summed_stock(self, stores: VariantStores) -> None:
        assert stores.get_summary() == ("24.99", None, 7, True, 0)
        small = stores.create_variant(
            "1", "30.00", stock_quantity=2, compare_at_price=Decimal("33.00")
        )
        assert stores.get_summary() == ("30.00", "33.00", 2, True, 1)
        stores.create_variant("2", "20.00", stock_quantity=3)
        assert stores.get_summary() == ("20.00", None, 5, True, 2)
        large = stores.create_variant(
            "3", "20.00", compare_at_price=Decimal("21.00"), track_stock=False
        )
        assert stores.get_summary() == ("20.00", None, 5, False, 3)
        stores.update_variant(large, price=Decimal("19.00"))
        assert stores.get_summary() == ("19.00", "21.00", 5, False, 3)
        stores.delete_variant(large)
        stores.update_variant(small, price=Decimal("1.00"), compare_at_price=None)
        assert stores.get_summary() == ("1.00", None, 5, True, 2)

    def test_equal_lowest_prices_use_the_first_position(self, stores: VariantStores) -> None:
        last = stores.create_variant("1", compare_at_price=Decimal("11.00"), position=5)
        stores.create_variant("2", compare_at_price=Decimal("12.00"), position=4)
        assert stores.get_summary()[1] == "12.00"
        stores.update_variant(last, position=0)
        assert stores.get_summary()[1] == "11.00"

    def test_without_active_variants_the_summary_keeps_its_prices_and_has_no_stock(
        self, stores: VariantStores
    ) -> None:
        only = stores.create_variant(
            "1", "5.00", stock_quantity=4, compare_at_price=Decimal("6.00")
        )
        stores.update_variant(only, is_active=False)
        assert stores.get_summary() == ("5.00", "6.00", 0, True, 0)
        assert stores.products.get(EGG).has_variants
        stores.update_variant(only, is_active=True)
        assert stores.get_summary() == ("5.00", "6.00", 4, True, 1)
        stores.delete_variant(only)
        assert stores.get_summary() == ("5.00", "6.00", 0, True, 0)
        assert not stores.products.get(EGG).has_variants
        assert stores.products.set_stock(EGG, 3) == 3

    def test_summed_stock_is_capped(self, stores: VariantStores) -> None:
        for size in "123":
            stores.create_variant(size, stock_quantity=MAX_STOCK)
        assert stores.get_summary()[2] == MAX_STOCK

    def test_the_stock_of_a_product_with_variants_is_read_only(self, stores: VariantStores) -> None:
        variant = stores.create_variant("1", stock_quantity=4)
        actions: tuple[Callable[[], int], ...] = (
            lambda: stores.products.adjust_stock(EGG, 1),
            lambda: stores.products.adjust_stock(EGG, -5),
            lambda: stores.products.set_stock(EGG, 5),
        )
        for action in actions:
            with pytest.raises(ConflictError, match="is derived from the product's variants"):
                action()
        assert stores.products.set_stock(EGG, 4) == 4
        assert stores.products.adjust_stock(EGG, 0) == 4
        stores.update_variant(variant, is_active=False)
        with pytest.raises(ConflictError):
            stores.products.set_stock(EGG, 1)

    def test_editorial_writes_increment_the_version_and_stock_does_not(
        self, stores: VariantStores
    ) -> None:
        variant = stores.create_variant("1")
        assert self._product_version(stores) == (2, LATER)
        assert stores.update_variant(variant, price=Decimal("11.00")).version == 3
        assert stores.update_variant(variant, price=Decimal("11.00")).version == 3
        assert self._product_version(stores) == (3, LATER)
        assert stores.variants.adjust_stock(EGG, variant.id, 5) == 5
        assert stores.variants.set_stock(EGG, variant.id, 6) == 6
        assert self._product_version(stores) == (3, LATER)
        stores.delete_variant(variant)
        stores.delete_variant(variant)
        assert self._product_version(stores) == (4, LATER)

    def _product_version(self, stores: VariantStores) -> tuple[int, object]:
        product = stores.products.get(EGG)
        return product.version, product.updated_at

    def test_options_are_unique_within_a_product(self, stores: VariantStores) -> None:
        draft = VariantDraft(options={"Size": "1", "Flavour": "Egg"}, price=Decimal(1))
        stores.variants.create(EGG, draft, LATER)
        other = stores.create_variant("1")
        reordered = evolve(draft, options={"Flavour": "Egg", "Size": "1"})
        with pytest.raises(ConflictError) as exc_info:
            stores.variants.create(EGG, reordered, LATER)
        assert (exc_info.value.field, exc_info.value.code) == ("options", "options-taken")
        with pytest.raises(ConflictError):
            stores.update_variant(other, options=reordered.options)
        assert stores.update_variant(other, options={"Size": "2"}).options == {"Size": "2"}
        stores.products.create(make_draft("Other"), NOON)
        assert stores.variants.create("other", draft, LATER).options == draft.options

    def test_a_product_has_at_most_ten_option_names(self, stores: VariantStores) -> None:
        draft = VariantDraft(options=dict.fromkeys("abcdefghij", "1"), price=Decimal(1))
        only = stores.variants.create(EGG, draft, LATER)
        for options in ({"k": "1"}, {"a": "2", "k": "1"}):
            with pytest.raises(ConflictError, match="k") as exc_info:
                stores.variants.create(EGG, evolve(draft, options=options), LATER)
            assert exc_info.value.field == "options"
        assert stores.update_variant(only, options={"k": "1", "b": "2"}).options == {
            "k": "1",
            "b": "2",
        }
        stores.variants.create(EGG, evolve(draft, options={"c": "9"}), LATER)
        with pytest.raises(ConflictError):
            stores.update_variant(only, options=dict.fromkeys("klmnopqrst", "1"))

    def test_skus_are_unique_over_products_and_variants(self, stores: VariantStores) -> None:
        stores.products.create(make_draft("Other", sku="P"), NOON)
        first, second = stores.create_variant("1", sku="V"), stores.create_variant("2", sku="W")
        actions: tuple[Callable[[], object], ...] = (
            lambda: stores.create_variant("3", sku="P"),
            lambda: stores.create_variant("3", sku="V"),
            lambda: stores.update_variant(second, sku="V"),
            lambda: stores.update_variant(second, sku="P"),
            lambda: stores.products.create(make_draft("Third", sku="V"), NOON),
            lambda: stores.products.update("other", lambda product: evolve(product, sku="V")),
            lambda: stores.products.update(EGG, lambda product: evolve(product, sku="V")),
        )
        for action in actions:
            with pytest.raises(ConflictError) as exc_info:
                action()
            assert (exc_info.value.field, exc_info.value.code) == ("sku", "sku-taken")
        stores.delete_variant(first)
        stores.update_variant(second, sku=None)
        assert stores.products.create(make_draft("Third", sku="V"), NOON).sku == "V"
        assert stores.create_variant("3", sku="W").sku == "W"

    def test_deleting_a_product_frees_its_skus(self, stores: VariantStores) -> None:
        stores.create_variant("1", sku="V")
        stores.products.delete(EGG, lambda _: None)
        assert stores.products.create(make_draft("Third", sku="V"), NOON).sku == "V"

    def test_a_product_is_found_by_the_sku_of_its_variant(self, stores: VariantStores) -> None:
        stores.create_variant("1", sku="V-77 %")
        items = stores.products.list(ProductQuery(search="V-77 %")).items
        assert [product.slug for product in items] == [EGG]
        assert stores.products.list(ProductQuery(search="V-78 %")).total == 0

    def test_variants_are_sorted_by_position_new_ones_last(self, stores: VariantStores) -> None:
        variants = [stores.create_variant(size) for size in "abc"]
        assert [variant.position for variant in variants] == [0, 1, 2]
        stores.create_variant("d", position=1)
        assert self._sizes(stores) == ["a", "b", "d", "c"]
        assert stores.create_variant("e", position=MAX_STOCK).position == MAX_STOCK
        assert stores.create_variant("f").position == MAX_STOCK
        assert self._sizes(stores) == ["a", "b", "d", "c", "e", "f"]

    def _sizes(
        self, stores: VariantStores, status: Status = Status.ACTIVE, limit: int = 2
    ) -> list[str]:
        """Return the sizes on all pages; those embedded in the product must agree."""
        page = stores.variants.list(VariantQuery(product=EGG, status=status, limit=limit))
        sizes = [variant.options["Size"] for variant in page.items]
        while page.next_query is not None:
            page = stores.variants.list(page.next_query)
            sizes += [variant.options["Size"] for variant in page.items]
        assert page.total == len(sizes)
        embedded = stores.products.get(EGG, status).variants
        if status is not Status.ARCHIVED:
            assert [variant.options["Size"] for variant in embedded] == sizes[:100]
        return sizes

    def test_inactive_variants_are_listed_by_status(self, stores: VariantStores) -> None:
        stores.create_variant("a")
        hidden = stores.create_variant("b", is_active=False)
        assert self._sizes(stores) == ["a"]
        assert self._sizes(stores, Status.ALL) == ["a", "b"]
        assert self._sizes(stores, Status.ARCHIVED) == ["b"]
        with pytest.raises(NotFoundError):
            stores.variants.get(EGG, hidden.id, Status.ACTIVE)
        assert stores.variants.get(EGG, hidden.id, Status.ARCHIVED) == hidden

    def test_variants_of_an_archived_product_are_hidden(self, stores: VariantStores) -> None:
        variant = stores.create_variant("a")
        stores.products.update(EGG, lambda product: evolve(product, is_active=False))
        with pytest.raises(NotFoundError):
            stores.variants.get(EGG, variant.id, Status.ACTIVE)
        with pytest.raises(NotFoundError):
            stores.variants.list(VariantQuery(product=EGG))
        assert self._sizes(stores, Status.ALL) == ["a"]
        assert stores.update_variant(variant, sku="x").sku == "x"

    def test_a_product_embeds_its_first_hundred_variants(self, stores: VariantStores) -> None:
        for number in range(103):
            stores.create_variant(str(number))
        product = stores.products.get(EGG)
        assert (len(product.variants), product.variant_count) == (100, 103)
        assert len(self._sizes(stores, limit=40)) == 103

    def test_a_failed_change_stores_nothing(self, stores: VariantStores) -> None:
        variant = stores.create_variant("a")

        def refuse(_: Variant) -> Variant:
            raise VersionConflictError("another version")

        def check(variant: Variant) -> None:
            refuse(variant)

        with pytest.raises(VersionConflictError):
            stores.variants.update(EGG, variant.id, refuse, LATER)
        with pytest.raises(VersionConflictError):
            stores.variants.delete(EGG, variant.id, check, LATER)
        assert stores.variants.get(EGG, variant.id, Status.ACTIVE) == variant
        assert self._product_version(stores) == (2, LATER)

    def test_an_import_can_swap_skus_of_variants(self, stores: VariantStores) -> None:
        first, second = stores.create_variant("1", sku="A"), stores.create_variant("2", sku="B")
        with stores.products.begin_import() as session:
            swapped = [
                (EGG, first, evolve(first, sku="B")),
                (EGG, second, evolve(second, sku="A")),
            ]
            session.write_variants([], swapped)
            session.commit()
        assert [variant.sku for variant in stores.products.get(EGG).variants] == ["B", "A"]

    def test_an_export_contains_all_variants(self, stores: VariantStores) -> None:
        drafts = [
            VariantDraft(
                options={"Size": str(n)}, price=Decimal(n + 1), position=n, is_active=n > 2
            )
            for n in range(250)
        ]
        with stores.products.begin_import() as session:
            session.write_variants([(EGG, draft) for draft in drafts], [])
            session.commit()
        for status in (Status.ALL, Status.ACTIVE):
            with stores.products.export_products(ProductQuery(status=status)) as export:
                [product] = export.products
            assert [variant.position for variant in product.variants] == list(range(250))
            assert sum(variant.is_active for variant in product.variants) == 247
            first = stores.products.get(EGG, Status.ALL).variants[0]
            assert product.variants[0] == first

    def test_a_product_update_keeps_its_variants(self, stores: VariantStores) -> None:
        variant = stores.create_variant("a")

        def rename(product: Product) -> Product:
            assert product.variants == (variant,)
            return evolve(product, name="New", version=product.version + 1)

        assert stores.products.update(EGG, rename).variants == (variant,)
        assert stores.products.get(EGG).variants == (variant,)

    def test_an_import_can_move_skus_between_products_and_variants(
        self, stores: VariantStores
    ) -> None:
        first, second = stores.create_variant("1", sku="V"), stores.create_variant("2", sku="W")
        stores.products.update(EGG, lambda product: evolve(product, sku="P"))
        changed = [
            (EGG, first, evolve(first, sku="W")),
            (EGG, second, evolve(second, sku=None, is_active=False)),
        ]
        drafts = [self._make_draft("3", "V"), self._make_draft("4", "P")]
        with stores.products.begin_import() as session:
            product_id = stores.products.get(EGG).id
            product = session.get_products([product_id])[product_id].product
            assert product.variants == (first, second)
            session.release_skus([product_id], [first.id, second.id])
            session.write_products([], [(product, evolve(product, sku=None))], LATER)
            session.write_variants([(EGG, draft) for draft in drafts], changed)
            session.commit()
        items = stores.variants.list(VariantQuery(product=EGG, status=Status.ALL)).items
        assert [variant.sku for variant in items] == ["W", None, "V", "P"]
        assert stores.products.get(EGG).variant_count == 3

    def test_an_import_cannot_repeat_a_sku(self, stores: VariantStores) -> None:
        stores.products.create(make_draft("Other", sku="P"), NOON)
        variant = stores.create_variant("1", sku="V")
        for sku in ("P", "V"):
            with pytest.raises(ConflictError):
                self._import_variant(stores, self._make_draft("3", sku))
        assert stores.products.get(EGG).variants == (variant,)

    def _import_variant(self, stores: VariantStores, draft: VariantDraft) -> None:
        with stores.products.begin_import() as session:
            session.write_variants([(EGG, draft)], [])
            session.commit()

    def _make_draft(self, size: str, sku: str) -> VariantDraft:
        return VariantDraft(options={"Size": size}, price=Decimal(5), sku=sku, position=9)

    def test_stock_of_a_variant_stays_within_its_range(self, stores: VariantStores) -> None:
        variant = stores.create_variant("a", stock_quantity=2)
        assert stores.variants.adjust_stock(EGG, variant.id, -2) == 0
        for delta in (-1, MAX_STOCK + 1, -MAX_STOCK):
            with pytest.raises(ConflictError) as exc_info:
                stores.variants.adjust_stock(EGG, variant.id, delta)
            assert exc_info.value.field == "stock_quantity"
            assert exc_info.value.code == ("insufficient-stock" if delta < 0 else "limit-reached")
        assert stores.variants.set_stock(EGG, variant.id, MAX_STOCK) == MAX_STOCK
        assert stores.get_summary()[2] == MAX_STOCK

    def test_concurrent_sales_of_variants_never_oversell(self, stores: VariantStores) -> None:
        variants = [stores.create_variant(size, stock_quantity=20) for size in "ab"]

        def sell(number: int) -> bool:
            try:
                stores.variants.adjust_stock(EGG, variants[number % 2].id, -1)
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(sell, range(60))) == 40
        assert stores.get_summary()[2] == 0

    def test_concurrent_writers_keep_the_summary_consistent(self, stores: VariantStores) -> None:
        variants = [stores.create_variant(size, "50.00", stock_quantity=5) for size in "abcd"]

        def write(number: int) -> None:
            variant = variants[number % 4]
            price = Decimal(f"{40 + number % 7}.00")
            stores.update_variant(variant, price=price, is_active=number % 3 > 0)
            stores.variants.adjust_stock(EGG, variant.id, 1)
            stores.create_variant(f"new {number}", f"{45 + number}.00", stock_quantity=1)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(write, range(24)))
        page = stores.variants.list(VariantQuery(product=EGG, limit=100))
        price, _, stock, _, count = stores.get_summary()
        assert price == str(min(variant.price for variant in page.items))
        assert stock == sum(variant.stock_quantity for variant in page.items)
        assert count == page.total == len(page.items)

    def test_one_of_concurrent_creates_gets_a_sku_or_options(self, stores: VariantStores) -> None:
        def claim_sku(number: int) -> bool:
            try:
                if number % 2:
                    stores.create_variant(f"{number}", sku="S")
                else:
                    stores.products.create(make_draft(f"P {number}", sku="S"), NOON)
            except ConflictError:
                return False
            return True

        def claim_options(_: int) -> bool:
            try:
                stores.create_variant("same")
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(claim_sku, range(16))) == 1
            assert sum(threads.map(claim_options, range(8))) == 1
