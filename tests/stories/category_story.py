"""Story of categories and their products, played to two shops."""

from collections.abc import Callable, Iterator
from functools import partial

from attrs import evolve, frozen
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from eggypro_adapters.contracts.category_store import CategoryStores
from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_core.domain.category import Category, CategoryQuery
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.errors import EggyProError, SlugMovedError, ValidationError
from eggypro_core.services.categories import CategoryService
from eggypro_core.services.products import ProductService
from eggypro_core.validation.parameters import Status
from tests.stories.product_story import STORY
from tests.support.builders import product_values

SLUGS = ("a", "b", "b-2", "c", "d")
PRODUCTS = ("egg", "bacon", "former")
QUERIES = (
    CategoryQuery(limit=2),
    CategoryQuery(status=Status.ARCHIVED, limit=1),
    CategoryQuery(status=Status.ALL),
    CategoryQuery(parent="none"),
    CategoryQuery(parent="a", limit=1),
    CategoryQuery(parent="b", status=Status.ALL),
)
slugs = st.sampled_from(SLUGS)
products = st.sampled_from(PRODUCTS)
wholes = st.fixed_dictionaries(
    {"name": st.sampled_from(["A", "á", "b", "C"])},
    optional={
        "slug": slugs,
        "parent": slugs | st.none(),
        "description": st.sampled_from(["", "Two\nlines"]),
        "is_active": st.booleans(),
    },
)


@frozen
class CategoryServices:
    """The services under test."""

    categories: CategoryService
    products: ProductService


class CategoryStory(RuleBasedStateMachine):
    """Runs the same operations on two shops and compares their results and contents."""

    def __init__(self, first: CategoryStores, second: CategoryStores) -> None:
        super().__init__()
        clock = FakeClock()
        self.shops = [
            CategoryServices(
                CategoryService(stores.categories, clock),
                ProductService(stores.products, NhHtmlCleaner(), clock),
            )
            for stores in (first, second)
        ]

    @initialize(initial=st.lists(wholes, max_size=4), linked=st.lists(slugs, max_size=2))
    def begin(self, initial: list[dict[str, object]], linked: list[str]) -> None:
        for values in initial:
            self.create(values)
        self.create_product("egg", [])
        self.create_product("bacon", linked)

    @rule(values=wholes)
    def create(self, values: dict[str, object]) -> None:
        self.both(lambda shop: shop.categories.create(values))

    @rule(values=st.lists(wholes, max_size=3))
    def create_many(self, values: list[dict[str, object]]) -> None:
        self.both(lambda shop: shop.categories.create_many(values))

    @rule(slug=slugs, values=wholes)
    def replace(self, slug: str, values: dict[str, object]) -> None:
        self.both(lambda shop: shop.categories.replace(slug, values))

    @rule(slug=slugs, parent=slugs | st.none())
    def move(self, slug: str, parent: str | None) -> None:
        self.both(lambda shop: shop.categories.update(slug, {"parent": parent}))

    @rule(slug=slugs)
    def archive(self, slug: str) -> None:
        self.both(lambda shop: shop.categories.archive(slug))

    @rule(slug=slugs)
    def restore(self, slug: str) -> None:
        self.both(lambda shop: shop.categories.restore(slug))

    @rule(slug=slugs)
    def delete(self, slug: str) -> None:
        self.both(lambda shop: shop.categories.delete(slug))

    @rule(product=products, category=slugs)
    def link(self, product: str, category: str) -> None:
        self.both(lambda shop: shop.categories.link(product, category))

    @rule(product=products, category=slugs)
    def unlink(self, product: str, category: str) -> None:
        self.both(lambda shop: shop.categories.unlink(product, category))

    @rule(product=products, linked=st.lists(slugs, max_size=3))
    def create_product(self, product: str, linked: list[str]) -> None:
        values = product_values(name=product, slug=product, categories=linked)
        self.both(lambda shop: shop.products.create(values))

    @rule(product=products, is_active=st.booleans())
    def update_product(self, product: str, *, is_active: bool) -> None:
        self.both(lambda shop: shop.products.update(product, {"is_active": is_active}))

    @rule(product=products, new_slug=products)
    def rename_product(self, product: str, new_slug: str) -> None:
        self.both(lambda shop: shop.products.update(product, {"slug": new_slug}))

    @rule(product=products)
    def delete_product(self, product: str) -> None:
        self.both(lambda shop: shop.products.delete(product))

    @invariant()
    def both_show_the_same(self) -> None:
        self.both(lambda shop: [list(_pages(shop.categories, query)) for query in QUERIES])
        self.both(lambda shop: [_products_in(shop.products, slug) for slug in (None, *SLUGS)])

    def both(self, action: Callable[[CategoryServices], object]) -> None:
        first, second = (_outcome(partial(action, shop)) for shop in self.shops)
        assert first == second, f"{first}\n{second}"


def play_category_stories(
    make_first: Callable[[], CategoryStores],
    make_second: Callable[[], CategoryStores],
    story: settings = STORY,
) -> None:
    """Play stories to pairs of empty shops. Fails where the two differ."""

    class Story(CategoryStory):
        def __init__(self) -> None:
            super().__init__(make_first(), make_second())

    run_state_machine_as_test(Story, settings=story)


def _outcome(action: Callable[[], object]) -> tuple[object, ...]:
    """Return the result or the error of an action, without generated ids."""
    try:
        result = action()
    except SlugMovedError as moved:
        return SlugMovedError, moved.slug
    except ValidationError as invalid:
        return ValidationError, invalid.errors
    except EggyProError as error:
        return (type(error),)  # of two simultaneous conflicts, a store may report either
    return "done", evolve(result, id=0) if isinstance(result, Product | Category) else result


def _pages(service: CategoryService, query: CategoryQuery) -> Iterator[tuple[object, ...]]:
    next_query: CategoryQuery | None = query
    while next_query is not None:
        page = service.list(next_query)
        yield page.total, [evolve(item, id=0) for item in page.items]
        next_query = page.next_query


def _products_in(service: ProductService, category: str | None) -> list[Product]:
    page = service.list(ProductQuery(category=category, status=Status.ALL))
    return [evolve(service.get(item.slug, Status.ALL), id=0) for item in page.items]
