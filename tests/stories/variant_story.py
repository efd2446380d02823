"""Story of products and variants, played to two shops whose results must be equal."""

from collections.abc import Callable
from functools import partial

from attrs import evolve, frozen
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.contracts.variant_store import VariantStores
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import ImportEntry, ImportOptions
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.domain.variant import Variant, VariantQuery
from eggypro_core.errors import (
    ConflictError,
    EggyProError,
    NotFoundError,
    SlugMovedError,
    ValidationError,
)
from eggypro_core.services.products import ProductService
from eggypro_core.services.variants import VariantService
from eggypro_core.validation.parameters import Status
from tests.stories.product_story import STORY
from tests.support.builders import product_values

SLUGS = ("egg", "salt")
slugs = st.sampled_from([SLUGS[0], *SLUGS, "new"])
numbers = st.sampled_from([0, 0, 1, 2])
versions = st.none() | st.none() | st.integers(1, 4)
flavours = st.sampled_from(["Egg", "Salt"])
options = st.fixed_dictionaries(
    {"Size": st.sampled_from("123")}, optional={"Flavour": flavours, "A": flavours, "B": flavours}
) | st.just({"A": "Egg"})
merged = st.dictionaries(st.sampled_from(["Size", "A"]), st.sampled_from(["1", None]), max_size=2)
prices = st.sampled_from(["1.00", "2", "4.50"])
fields: dict[str, st.SearchStrategy[object]] = {
    "sku": st.sampled_from(["A", "B", None]),
    "compare_at_price": st.sampled_from(["4", "9", None]),
    "stock_quantity": st.integers(0, 2),
    "track_stock": st.booleans(),
    "image": st.sampled_from(["https://x.example/1.jpg", None]),
    "position": st.integers(0, 2),
    "is_active": st.booleans(),
}
wholes = st.fixed_dictionaries({"options": options, "price": prices}, optional=fields)
edits = st.fixed_dictionaries({}, optional={**fields, "options": merged, "price": prices})
product_edits = st.fixed_dictionaries(
    {},
    optional={
        "price": prices,
        "compare_at_price": st.sampled_from(["9", None]),
        "stock_quantity": st.integers(0, 3),
        "track_stock": st.booleans(),
        "is_active": st.booleans(),
        "slug": st.sampled_from([*SLUGS, "new"]),
        "sku": st.sampled_from(["A", None]),
    },
)
files = st.lists(
    st.tuples(st.sampled_from(SLUGS), st.lists(wholes, max_size=3)),
    max_size=2,
    unique_by=lambda pair: pair[0],
)


@frozen
class VariantServices:
    """The services under test."""

    products: ProductService
    variants: VariantService

    def nth_variant_id(self, slug: str, number: int) -> int:
        """Return the id of the product's variant at an index. Raises NotFoundError."""
        page = self.variants.list(VariantQuery(product=slug, status=Status.ALL))
        if number < len(page.items):
            return page.items[number].id
        raise NotFoundError("no such variant")


class VariantStory(RuleBasedStateMachine):
    """Runs the same operations on two shops and compares their results and contents."""

    def __init__(self, first: VariantStores, second: VariantStores) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.shops = [
            VariantServices(
                ProductService(stores.products, NhHtmlCleaner(), self.clock),
                VariantService(stores.variants, self.clock),
            )
            for stores in (first, second)
        ]

    @initialize(initial=st.lists(wholes, min_size=2, max_size=4))
    def begin(self, initial: list[dict[str, object]]) -> None:
        for name in SLUGS:
            self.both(partial(_create_product, name=name))
        for values in initial:
            self.create(SLUGS[0], values)

    @rule(slug=slugs, values=wholes)
    def create(self, slug: str, values: dict[str, object]) -> None:
        self.both(lambda shop: shop.variants.create(slug, values))

    @rule(slug=slugs, number=numbers, values=edits, version=versions)
    def update(
        self, slug: str, number: int, values: dict[str, object], version: int | None
    ) -> None:
        self.both(
            lambda shop: shop.variants.update(
                slug, shop.nth_variant_id(slug, number), values, version=version
            )
        )

    @rule(slug=slugs, number=numbers, values=wholes)
    def replace(self, slug: str, number: int, values: dict[str, object]) -> None:
        self.both(
            lambda shop: shop.variants.replace(slug, shop.nth_variant_id(slug, number), values)
        )

    @rule(slug=slugs, number=numbers, version=versions)
    def delete(self, slug: str, number: int, version: int | None) -> None:
        self.both(
            lambda shop: shop.variants.delete(
                slug, shop.nth_variant_id(slug, number), version=version
            )
        )

    @rule(slug=slugs, number=numbers, delta=st.integers(-2, 3))
    def adjust_stock(self, slug: str, number: int, delta: int) -> None:
        self.both(
            lambda shop: shop.variants.adjust_stock(slug, shop.nth_variant_id(slug, number), delta)
        )

    @rule(slug=slugs, number=numbers, quantity=st.integers(0, 3))
    def set_stock(self, slug: str, number: int, quantity: int) -> None:
        self.both(
            lambda shop: shop.variants.set_stock(slug, shop.nth_variant_id(slug, number), quantity)
        )

    @rule(slug=slugs, values=product_edits)
    def update_product(self, slug: str, values: dict[str, object]) -> None:
        self.both(lambda shop: shop.products.update(slug, values))

    @rule(slug=slugs, price=st.none() | prices)
    def replace_product(self, slug: str, price: str | None) -> None:
        values = product_values(price=price)
        if price is None:
            del values["price"]
        self.both(lambda shop: shop.products.replace(slug, values))

    @rule(slug=slugs, delta=st.integers(-1, 1))
    def adjust_stock_of_product(self, slug: str, delta: int) -> None:
        self.both(lambda shop: shop.products.adjust_stock(slug, delta))

    @rule(
        file=files,
        options=st.builds(ImportOptions, keep_going=st.booleans(), keep_variants=st.booleans()),
    )
    def import_products(
        self, file: list[tuple[str, list[dict[str, object]]]], options: ImportOptions
    ) -> None:
        entries = [
            ImportEntry(line, {"slug": slug, "name": slug, "price": "3", "variants": variants})
            for line, (slug, variants) in enumerate(file, 2)
        ]
        self.both(lambda shop: shop.products.import_products(entries, options))

    @rule()
    def wait(self) -> None:
        self.clock.advance()

    @invariant()
    def both_return_the_same(self) -> None:
        for slug in (*SLUGS, "new"):
            self.both(partial(_get_product, slug=slug))
            for status in Status:
                self.both(partial(_list_variants, query=VariantQuery(product=slug, status=status)))

    @invariant()
    def both_list_the_same(self) -> None:
        self.both(
            lambda shop: [
                evolve(product, id=0)
                for product in shop.products.list(ProductQuery(status=Status.ALL)).items
            ]
        )

    def both(self, action: Callable[[VariantServices], object]) -> None:
        first, second = (_outcome(partial(action, shop)) for shop in self.shops)
        assert first == second, f"{first}\n{second}"


def play_variant_stories(
    make_first: Callable[[], VariantStores], make_second: Callable[[], VariantStores]
) -> None:
    """Play stories to pairs of empty shops. Fails where the two differ."""

    class Story(VariantStory):
        def __init__(self) -> None:
            super().__init__(make_first(), make_second())

    run_state_machine_as_test(Story, settings=STORY)


def _create_product(shop: VariantServices, name: str) -> Product:
    return shop.products.create(product_values(name=name))


def _get_product(shop: VariantServices, slug: str) -> Product:
    return shop.products.get(slug, Status.ALL)


def _list_variants(shop: VariantServices, query: VariantQuery) -> tuple[Variant, ...]:
    return _without_ids(shop.variants.list(query).items)


def _outcome(action: Callable[[], object]) -> tuple[object, ...]:
    """Return the result or the error of an action, without generated ids and error messages."""
    try:
        result = action()
    except SlugMovedError as moved:
        return SlugMovedError, moved.slug
    except ValidationError as invalid:
        return ValidationError, invalid.errors
    except ConflictError:
        return (ConflictError,)
    except EggyProError as error:
        return (type(error),)
    if isinstance(result, Product):
        return "done", evolve(result, id=0, variants=_without_ids(result.variants))
    return "done", evolve(result, id=0) if isinstance(result, Variant) else result


def _without_ids(variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """Return variants without ids, in an order that does not depend on ids."""
    ordered = sorted(
        variants, key=lambda variant: (variant.position, sorted(variant.options.items()))
    )
    return tuple(evolve(variant, id=0) for variant in ordered)
