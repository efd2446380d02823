"""One story of products and their variants, played to two shops: both must make the same of it."""

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
from eggypro_core.domain.product_files import ImportEntry
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
    unique_by=lambda each: each[0],
)


@frozen
class VariantServices:
    """A catalogue and its variants."""

    products: ProductService
    variants: VariantService

    def nth_variant_id(self, slug: str, number: int) -> int:
        """The id of a product's variant, by its place among all of them."""
        page = self.variants.list(VariantQuery(product=slug, status=Status.ALL))
        if number < len(page.items):
            return page.items[number].id
        raise NotFoundError("no such variant")


class VariantStory(RuleBasedStateMachine):
    """Does the same to two shops, and compares what they say and hold after each step."""

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

    @initialize(there=st.lists(wholes, min_size=2, max_size=4))
    def begin(self, there: list[dict[str, object]]) -> None:
        for name in SLUGS:
            self.both(partial(_added, name=name))
        for values in there:
            self.add(SLUGS[0], values)

    @rule(slug=slugs, values=wholes)
    def add(self, slug: str, values: dict[str, object]) -> None:
        self.both(lambda shop: shop.variants.create(slug, values))

    @rule(slug=slugs, number=numbers, values=edits, version=versions)
    def change(
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
    def remove(self, slug: str, number: int, version: int | None) -> None:
        self.both(
            lambda shop: shop.variants.delete(
                slug, shop.nth_variant_id(slug, number), version=version
            )
        )

    @rule(slug=slugs, number=numbers, by=st.integers(-2, 3))
    def adjust_stock(self, slug: str, number: int, by: int) -> None:
        self.both(
            lambda shop: shop.variants.adjust_stock(slug, shop.nth_variant_id(slug, number), by)
        )

    @rule(slug=slugs, number=numbers, to=st.integers(0, 3))
    def set_stock(self, slug: str, number: int, to: int) -> None:
        self.both(lambda shop: shop.variants.set_stock(slug, shop.nth_variant_id(slug, number), to))

    @rule(slug=slugs, values=product_edits)
    def change_product(self, slug: str, values: dict[str, object]) -> None:
        self.both(lambda shop: shop.products.update(slug, values))

    @rule(slug=slugs, price=st.none() | prices)
    def replace_product(self, slug: str, price: str | None) -> None:
        values = product_values(price=price)
        if price is None:
            del values["price"]
        self.both(lambda shop: shop.products.replace(slug, values))

    @rule(slug=slugs, by=st.integers(-1, 1))
    def adjust_stock_of_product(self, slug: str, by: int) -> None:
        self.both(lambda shop: shop.products.adjust_stock(slug, by))

    @rule(file=files, keep_going=st.booleans())
    def load(self, file: list[tuple[str, list[dict[str, object]]]], *, keep_going: bool) -> None:
        entries = [
            ImportEntry(line, {"slug": slug, "name": slug, "price": "3", "variants": variants})
            for line, (slug, variants) in enumerate(file, 2)
        ]
        self.both(lambda shop: shop.products.import_products(entries, keep_going=keep_going))

    @rule()
    def wait(self) -> None:
        self.clock.advance()

    @invariant()
    def both_show_the_same(self) -> None:
        for slug in (*SLUGS, "new"):
            self.both(partial(_product, slug=slug))
            for status in Status:
                self.both(partial(_variants, query=VariantQuery(product=slug, status=status)))

    @invariant()
    def both_list_the_same(self) -> None:
        self.both(
            lambda shop: [
                evolve(product, id=0)
                for product in shop.products.list(ProductQuery(status=Status.ALL)).items
            ]
        )

    def both(self, call: Callable[[VariantServices], object]) -> None:
        first, second = (_outcome(partial(call, shop)) for shop in self.shops)
        assert first == second, f"{first}\n{second}"


def play_variant_stories(
    make_first: Callable[[], VariantStores], make_second: Callable[[], VariantStores]
) -> None:
    """Play stories to pairs of shops, each made empty. Fails where the two part ways."""

    class Story(VariantStory):
        def __init__(self) -> None:
            super().__init__(make_first(), make_second())

    run_state_machine_as_test(Story, settings=STORY)


def _added(shop: VariantServices, name: str) -> Product:
    return shop.products.create(product_values(name=name))


def _product(shop: VariantServices, slug: str) -> Product:
    return shop.products.get(slug, Status.ALL)


def _variants(shop: VariantServices, query: VariantQuery) -> tuple[Variant, ...]:
    return _without_ids(shop.variants.list(query).items)


def _outcome(call: Callable[[], object]) -> tuple[object, ...]:
    """Return what a call comes to, apart from ids and from which of two conflicts is named."""
    try:
        result = call()
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
    """Leave the ids out; of one position and made at once, either may be the first."""
    ordered = sorted(variants, key=lambda one: (one.position, sorted(one.options.items())))
    return tuple(evolve(one, id=0) for one in ordered)
