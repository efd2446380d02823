"""What every VariantStore must do, together with the ProductStore that stands beside it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve, frozen

from eggypro_adapters.contracts.product_store import NOON, make_draft, moved_to
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
        """Add a variant of a size to the egg white."""
        draft = VariantDraft(options={"Size": size}, price=Decimal(price))
        return self.variants.create(EGG, evolve(draft, **changes), LATER)

    def update_variant(self, variant: Variant, **changes: Any) -> Variant:
        return self.variants.update(EGG, variant.id, lambda one: evolve(one, **changes), LATER)

    def delete_variant(self, variant: Variant) -> None:
        self.variants.delete(EGG, variant.id, lambda _: None, LATER)

    def get_summary(self) -> tuple[str, str | None, int, bool, int]:
        """Return what the egg white shows by its variants, in a list as on its own."""
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
    """A subclass gives the fixture `stores`: the stores of an empty shop."""

    @pytest.fixture(autouse=True)
    def _egg(self, stores: VariantStores) -> None:
        stores.products.create(make_draft(stock_quantity=7), NOON)

    def test_what_was_added_is_found_whole(self, stores: VariantStores) -> None:
        draft = VariantDraft(
            options={"Size": "1 kg", "Flavour": "Crème \U0001f95a"},
            price=Decimal("19.90"),
            sku="EGG-1",
            compare_at_price=Decimal("25.00"),
            stock_quantity=5,
            track_stock=False,
            image="https://x.example/1.jpg",
            position=3,
            is_active=True,
        )
        added = stores.variants.create(EGG, draft, LATER)
        assert stores.variants.get(EGG, added.id, Status.ACTIVE) == added
        assert list(added.options.items()) == list(draft.options.items())
        for name in [definition.name for definition in VARIANT_FIELDS]:
            assert getattr(draft, name) is not None, f"this draft needs a {name}"
            assert getattr(added, name) == getattr(draft, name)
        assert stores.products.get(EGG).variants == (added,)
        assert stores.products.get(EGG).variants[0].version == added.version == 2

    def test_what_is_not_there_is_not_found(self, stores: VariantStores) -> None:
        other = stores.products.create(make_draft("Other"), NOON)
        variant = stores.create_variant("1")
        for slug, number in ((EGG, variant.id + 1), (other.slug, variant.id), ("none", variant.id)):
            with pytest.raises(NotFoundError):
                stores.variants.get(slug, number, Status.ALL)
            with pytest.raises(NotFoundError):
                stores.variants.update(slug, number, lambda one: one, LATER)
            with pytest.raises(NotFoundError):
                stores.variants.adjust_stock(slug, number, 1)
            with pytest.raises(NotFoundError):
                stores.variants.set_stock(slug, number, 1)
        for act in self._of_the_product_at("none", stores):
            with pytest.raises(NotFoundError):
                act()
        stores.variants.delete(EGG, variant.id + 1, lambda _: None, LATER)
        stores.variants.delete(other.slug, variant.id, lambda _: None, LATER)
        assert stores.products.get(other.slug).version == 1

    def test_a_former_slug_leads_on(self, stores: VariantStores) -> None:
        variant = stores.create_variant("1")
        stores.products.update(EGG, moved_to("whites"))
        acts: list[Callable[[], object]] = [
            *self._of_the_product_at(EGG, stores),
            lambda: stores.variants.get(EGG, variant.id, Status.ALL),
            lambda: stores.variants.update(EGG, variant.id, lambda one: one, LATER),
            lambda: stores.variants.adjust_stock(EGG, variant.id, 1),
            lambda: stores.variants.set_stock(EGG, variant.id, 1),
        ]
        for act in acts:
            with pytest.raises(SlugMovedError) as moved:
                act()
            assert moved.value.slug == "whites"
        assert stores.variants.get("whites", variant.id, Status.ACTIVE) == variant

    def _of_the_product_at(self, slug: str, stores: VariantStores) -> list[Callable[[], object]]:
        draft = VariantDraft(options={"Size": "9"}, price=Decimal(1))
        return [
            lambda: stores.variants.list(VariantQuery(product=slug)),
            lambda: stores.variants.create(slug, draft, LATER),
            lambda: stores.variants.delete(slug, 1, lambda _: None, LATER),
        ]

    def test_a_product_shows_the_lowest_price_and_all_the_stock(
        self, stores: VariantStores
    ) -> None:
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

    def test_of_one_price_the_first_in_order_counts(self, stores: VariantStores) -> None:
        last = stores.create_variant("1", compare_at_price=Decimal("11.00"), position=5)
        stores.create_variant("2", compare_at_price=Decimal("12.00"), position=4)
        assert stores.get_summary()[1] == "12.00"
        stores.update_variant(last, position=0)
        assert stores.get_summary()[1] == "11.00"

    def test_without_active_variants_the_last_prices_stay_and_no_stock(
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

    def test_stock_that_cannot_be_counted_together_is_shown_as_the_most(
        self, stores: VariantStores
    ) -> None:
        for size in "123":
            stores.create_variant(size, stock_quantity=MAX_STOCK)
        assert stores.get_summary()[2] == MAX_STOCK

    def test_the_stock_of_a_product_with_variants_is_not_its_own(
        self, stores: VariantStores
    ) -> None:
        variant = stores.create_variant("1", stock_quantity=4)
        changes: tuple[Callable[[], int], ...] = (
            lambda: stores.products.adjust_stock(EGG, 1),
            lambda: stores.products.adjust_stock(EGG, -5),
            lambda: stores.products.set_stock(EGG, 5),
        )
        for change in changes:
            with pytest.raises(ConflictError, match="is derived from the product's variants"):
                change()
        assert stores.products.set_stock(EGG, 4) == 4
        assert stores.products.adjust_stock(EGG, 0) == 4
        stores.update_variant(variant, is_active=False)
        with pytest.raises(ConflictError):
            stores.products.set_stock(EGG, 1)

    def test_editorial_writes_make_a_version_of_the_product_and_stock_does_not(
        self, stores: VariantStores
    ) -> None:
        variant = stores.create_variant("1")
        assert self._version(stores) == (2, LATER)
        assert stores.update_variant(variant, price=Decimal("11.00")).version == 3
        assert stores.update_variant(variant, price=Decimal("11.00")).version == 3
        assert self._version(stores) == (3, LATER)
        assert stores.variants.adjust_stock(EGG, variant.id, 5) == 5
        assert stores.variants.set_stock(EGG, variant.id, 6) == 6
        assert self._version(stores) == (3, LATER)
        stores.delete_variant(variant)
        stores.delete_variant(variant)
        assert self._version(stores) == (4, LATER)

    def _version(self, stores: VariantStores) -> tuple[int, object]:
        product = stores.products.get(EGG)
        return product.version, product.updated_at

    def test_a_combination_of_options_is_one_variant_s(self, stores: VariantStores) -> None:
        draft = VariantDraft(options={"Size": "1", "Flavour": "Egg"}, price=Decimal(1))
        stores.variants.create(EGG, draft, LATER)
        other = stores.create_variant("1")
        again = evolve(draft, options={"Flavour": "Egg", "Size": "1"})
        with pytest.raises(ConflictError) as refused:
            stores.variants.create(EGG, again, LATER)
        assert refused.value.field == "options"
        with pytest.raises(ConflictError):
            stores.update_variant(other, options=again.options)
        assert stores.update_variant(other, options={"Size": "2"}).options == {"Size": "2"}
        stores.products.create(make_draft("Other"), NOON)
        assert stores.variants.create("other", draft, LATER).options == draft.options

    def test_siblings_share_three_names_of_options(self, stores: VariantStores) -> None:
        three = VariantDraft(options={"a": "1", "b": "1", "c": "1"}, price=Decimal(1))
        only = stores.variants.create(EGG, three, LATER)
        for options in ({"d": "1"}, {"a": "2", "d": "1"}):
            with pytest.raises(ConflictError, match="d") as refused:
                stores.variants.create(EGG, evolve(three, options=options), LATER)
            assert refused.value.field == "options"
        assert stores.update_variant(only, options={"d": "1", "b": "2"}).options == {
            "d": "1",
            "b": "2",
        }
        stores.variants.create(EGG, evolve(three, options={"c": "9"}), LATER)
        with pytest.raises(ConflictError):
            stores.update_variant(only, options={"x": "1", "y": "1", "z": "1"})

    def test_a_sku_is_one_thing_s_in_the_whole_shop(self, stores: VariantStores) -> None:
        stores.products.create(make_draft("Other", sku="P"), NOON)
        first, second = stores.create_variant("1", sku="V"), stores.create_variant("2", sku="W")
        acts: tuple[Callable[[], object], ...] = (
            lambda: stores.create_variant("3", sku="P"),
            lambda: stores.create_variant("3", sku="V"),
            lambda: stores.update_variant(second, sku="V"),
            lambda: stores.update_variant(second, sku="P"),
            lambda: stores.products.create(make_draft("Third", sku="V"), NOON),
            lambda: stores.products.update("other", lambda product: evolve(product, sku="V")),
            lambda: stores.products.update(EGG, lambda product: evolve(product, sku="V")),
        )
        for act in acts:
            with pytest.raises(ConflictError) as refused:
                act()
            assert refused.value.field == "sku"
        stores.delete_variant(first)
        stores.update_variant(second, sku=None)
        assert stores.products.create(make_draft("Third", sku="V"), NOON).sku == "V"
        assert stores.create_variant("3", sku="W").sku == "W"

    def test_skus_go_with_the_product_that_had_them(self, stores: VariantStores) -> None:
        stores.create_variant("1", sku="V")
        stores.products.delete(EGG, lambda _: None)
        assert stores.products.create(make_draft("Third", sku="V"), NOON).sku == "V"

    def test_a_product_is_found_by_the_sku_of_its_variant(self, stores: VariantStores) -> None:
        stores.create_variant("1", sku="V-77 %")
        found = stores.products.list(ProductQuery(search="V-77 %")).items
        assert [product.slug for product in found] == [EGG]
        assert stores.products.list(ProductQuery(search="V-78 %")).total == 0

    def test_variants_stand_in_order_and_new_ones_last(self, stores: VariantStores) -> None:
        made = [stores.create_variant(size) for size in "abc"]
        assert [one.position for one in made] == [0, 1, 2]
        stores.create_variant("d", position=1)
        assert self._sizes(stores) == ["a", "b", "d", "c"]
        assert stores.create_variant("e", position=MAX_STOCK).position == MAX_STOCK
        assert stores.create_variant("f").position == MAX_STOCK
        assert self._sizes(stores) == ["a", "b", "d", "c", "e", "f"]

    def _sizes(
        self, stores: VariantStores, status: Status = Status.ACTIVE, limit: int = 2
    ) -> list[str]:
        """Return the sizes of all pages, and those that the product itself carries."""
        page = stores.variants.list(VariantQuery(product=EGG, status=status, limit=limit))
        found = [variant.options["Size"] for variant in page.items]
        while page.next_query is not None:
            page = stores.variants.list(page.next_query)
            found += [variant.options["Size"] for variant in page.items]
        assert page.total == len(found)
        carried = stores.products.get(EGG, status).variants
        if status is not Status.ARCHIVED:
            assert [variant.options["Size"] for variant in carried] == found[:100]
        return found

    def test_who_is_inactive_is_shown_to_who_asks(self, stores: VariantStores) -> None:
        stores.create_variant("a")
        hidden = stores.create_variant("b", is_active=False)
        assert self._sizes(stores) == ["a"]
        assert self._sizes(stores, Status.ALL) == ["a", "b"]
        assert self._sizes(stores, Status.ARCHIVED) == ["b"]
        with pytest.raises(NotFoundError):
            stores.variants.get(EGG, hidden.id, Status.ACTIVE)
        assert stores.variants.get(EGG, hidden.id, Status.ARCHIVED) == hidden

    def test_variants_of_an_archived_product_are_hidden_with_it(
        self, stores: VariantStores
    ) -> None:
        variant = stores.create_variant("a")
        stores.products.update(EGG, lambda product: evolve(product, is_active=False))
        with pytest.raises(NotFoundError):
            stores.variants.get(EGG, variant.id, Status.ACTIVE)
        with pytest.raises(NotFoundError):
            stores.variants.list(VariantQuery(product=EGG))
        assert self._sizes(stores, Status.ALL) == ["a"]
        assert stores.update_variant(variant, sku="x").sku == "x"

    def test_a_product_carries_its_first_hundred(self, stores: VariantStores) -> None:
        for number in range(103):
            stores.create_variant(str(number))
        product = stores.products.get(EGG)
        assert (len(product.variants), product.variant_count) == (100, 103)
        assert len(self._sizes(stores, limit=40)) == 103

    def test_what_a_change_raises_keeps_nothing(self, stores: VariantStores) -> None:
        variant = stores.create_variant("a")

        def refuse(_: Variant) -> Variant:
            raise VersionConflictError("not this one")

        def check(found: Variant) -> None:
            refuse(found)

        with pytest.raises(VersionConflictError):
            stores.variants.update(EGG, variant.id, refuse, LATER)
        with pytest.raises(VersionConflictError):
            stores.variants.delete(EGG, variant.id, check, LATER)
        assert stores.variants.get(EGG, variant.id, Status.ACTIVE) == variant
        assert self._version(stores) == (2, LATER)

    def test_variants_may_give_one_another_their_skus_in_a_load(
        self, stores: VariantStores
    ) -> None:
        one, two = stores.create_variant("1", sku="A"), stores.create_variant("2", sku="B")
        with stores.products.begin_import() as load:
            load.write_variants([], [(EGG, evolve(one, sku="B")), (EGG, evolve(two, sku="A"))])
            load.commit()
        assert [variant.sku for variant in stores.products.get(EGG).variants] == ["B", "A"]

    def test_an_export_has_all_variants_of_a_product(self, stores: VariantStores) -> None:
        many = [
            VariantDraft(
                options={"Size": str(n)}, price=Decimal(n + 1), position=n, is_active=n > 2
            )
            for n in range(250)
        ]
        with stores.products.begin_import() as load:
            load.write_variants([(EGG, draft) for draft in many], [])
            load.commit()
        for status in (Status.ALL, Status.ACTIVE):
            with stores.products.export_products(status) as every:
                [product] = every.products
            assert [variant.position for variant in product.variants] == list(range(250))
            assert sum(variant.is_active for variant in product.variants) == 247
            first = stores.products.get(EGG, Status.ALL).variants[0]
            assert product.variants[0] == first

    def test_an_edit_of_the_product_leaves_its_variants(self, stores: VariantStores) -> None:
        variant = stores.create_variant("a")

        def rename(product: Product) -> Product:
            assert product.variants == (variant,)
            return evolve(product, name="New", version=product.version + 1)

        assert stores.products.update(EGG, rename).variants == (variant,)
        assert stores.products.get(EGG).variants == (variant,)

    def test_an_import_may_have_variants_give_one_another_their_skus(
        self, stores: VariantStores
    ) -> None:
        first, second = stores.create_variant("1", sku="V"), stores.create_variant("2", sku="W")
        stores.products.update(EGG, lambda product: evolve(product, sku="P"))
        swapped = [evolve(first, sku="W"), evolve(second, sku=None, is_active=False)]
        new = [self._draft("3", "V"), self._draft("4", "P")]
        with stores.products.begin_import() as load:
            product = load.find_by_slugs([EGG])[EGG]
            assert product.variants == (first, second)
            load.write_products([], [evolve(product, sku=None)], LATER)
            load.write_variants([(EGG, one) for one in new], [(EGG, one) for one in swapped])
            load.commit()
        found = stores.variants.list(VariantQuery(product=EGG, status=Status.ALL)).items
        assert [one.sku for one in found] == ["W", None, "V", "P"]
        assert stores.products.get(EGG).variant_count == 3

    def test_an_import_cannot_give_one_sku_to_two(self, stores: VariantStores) -> None:
        stores.products.create(make_draft("Other", sku="P"), NOON)
        variant = stores.create_variant("1", sku="V")
        for sku in ("P", "V"):
            with pytest.raises(ConflictError):
                self._import(stores, self._draft("3", sku))
        assert stores.products.get(EGG).variants == (variant,)

    def _import(self, stores: VariantStores, draft: VariantDraft) -> None:
        with stores.products.begin_import() as load:
            load.write_variants([(EGG, draft)], [])
            load.commit()

    def _draft(self, size: str, sku: str) -> VariantDraft:
        return VariantDraft(options={"Size": size}, price=Decimal(5), sku=sku, position=9)

    def test_stock_of_a_variant_never_leaves_what_can_be_counted(
        self, stores: VariantStores
    ) -> None:
        variant = stores.create_variant("a", stock_quantity=2)
        assert stores.variants.adjust_stock(EGG, variant.id, -2) == 0
        for much in (-1, MAX_STOCK + 1, -MAX_STOCK):
            with pytest.raises(ConflictError) as refused:
                stores.variants.adjust_stock(EGG, variant.id, much)
            assert refused.value.field == "stock_quantity"
        assert stores.variants.set_stock(EGG, variant.id, MAX_STOCK) == MAX_STOCK
        assert stores.get_summary()[2] == MAX_STOCK

    def test_stock_is_sold_once_each_and_the_product_knows(self, stores: VariantStores) -> None:
        both = [stores.create_variant(size, stock_quantity=20) for size in "ab"]

        def sell(number: int) -> bool:
            try:
                stores.variants.adjust_stock(EGG, both[number % 2].id, -1)
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(sell, range(60))) == 40
        assert stores.get_summary()[2] == 0

    def test_writers_at_once_leave_what_follows_from_all_of_them(
        self, stores: VariantStores
    ) -> None:
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
        assert price == str(min(one.price for one in page.items))
        assert stock == sum(one.stock_quantity for one in page.items)
        assert count == page.total == len(page.items)

    def test_one_of_many_that_claim_a_sku_or_options_at_once_gets_it(
        self, stores: VariantStores
    ) -> None:
        def claim(number: int) -> bool:
            try:
                if number % 2:
                    stores.create_variant(f"{number}", sku="S")
                else:
                    stores.products.create(make_draft(f"P {number}", sku="S"), NOON)
            except ConflictError:
                return False
            return True

        def combine(_: int) -> bool:
            try:
                stores.create_variant("same")
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(claim, range(16))) == 1
            assert sum(threads.map(combine, range(8))) == 1
