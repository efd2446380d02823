"""Story of products, played to two stores whose results must be equal."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import TypeVar

from attrs import evolve
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_core.domain.product import ListedProduct, Product
from eggypro_core.domain.product_files import ConflictPolicy, ImportEntry, ImportOptions
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.errors import EggyProError, SlugMovedError, ValidationError
from eggypro_core.ports import ProductStore
from eggypro_core.services.products import ProductService
from eggypro_core.validation.parameters import Status

STORY = settings(
    max_examples=8,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
P = TypeVar("P", bound=ListedProduct)
ALL = Status.ALL
NAMES = ("Egg", "egg!", "Éclair")
SLUGS = ("egg", "egg-2", "eclair", "eclair-2", "new")
QUERIES = (
    *(ProductQuery(sort=sort, limit=2) for sort in Sort if sort is not Sort.RELEVANCE),
    ProductQuery(status=ALL, limit=3),
    ProductQuery(status=Status.ARCHIVED, sort=Sort.NEWEST, limit=1),
    ProductQuery(status=ALL, listed=False),
    ProductQuery(status=Status.ACTIVE, listed=True, limit=1),
    ProductQuery(in_stock=True, limit=1),
    ProductQuery(in_stock=False, status=ALL),
    ProductQuery(min_price=Decimal(2), sort=Sort.PRICE_DESC, limit=1),
    ProductQuery(max_price=Decimal("1.99"), sort=Sort.PRICE_ASC),
    ProductQuery(search="egg", sort=Sort.NAME, status=ALL),
    ProductQuery(search="eggs", limit=2),
    ProductQuery(search="e", status=ALL, limit=1),
    ProductQuery(search="slat", in_stock=True),
    ProductQuery(search="ecliar", status=ALL),
    ProductQuery(search="quoted egg", min_price=Decimal(2)),
    ProductQuery(search="96385074", status=ALL),
    ProductQuery(search="A", status=Status.ARCHIVED),
    ProductQuery(category="none"),
    ProductQuery(offset=2, limit=2, status=ALL),
)

slugs = st.sampled_from(SLUGS)
versions = st.none() | st.integers(1, 3)
fields: dict[str, st.SearchStrategy[object]] = {
    "name": st.sampled_from(NAMES),
    "price": st.sampled_from(["1.00", "1.99", "2", "4.50"]),
    "description": st.sampled_from(["", "Two\nlines", "\u2028 'quoted' \\ %"]),
    "details": st.sampled_from(["<p>é</p>", "<p>e&#x301;</p>"]),
    "ingredients": st.sampled_from([["egg"], ["salt", "egg"]]),
}
optional_fields: dict[str, st.SearchStrategy[object]] = {
    "sku": st.sampled_from(["A", "B", None]),
    "compare_at_price": st.sampled_from(["4", "9", None]),
    "attributes": st.dictionaries(st.sampled_from("ab"), st.just("x"), max_size=2),
    "seo_title": st.sampled_from(["Title", None]),
    "stock_quantity": st.integers(0, 2),
    "track_stock": st.booleans(),
    "is_active": st.booleans(),
    "is_listed": st.booleans(),
    "gtin": st.sampled_from(["96385074", None]),
    "brand": st.sampled_from(["Egg", None]),
    "tags": st.sampled_from([["egg", "A"], [], None]),
    "weight_grams": st.sampled_from([0, 500, None]),
}
with_slug = optional_fields | {"slug": slugs}
wholes = st.fixed_dictionaries(fields, optional=with_slug)
merged = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["y", None]), max_size=2)
edits = st.fixed_dictionaries(
    {},
    optional=fields
    | optional_fields
    | {"attributes": merged | st.none() | optional_fields["attributes"]},
)
files = st.lists(wholes, max_size=4) | st.lists(
    wholes | st.fixed_dictionaries({}, optional=fields | with_slug), max_size=4
)


class ProductStory(RuleBasedStateMachine):
    """Runs the same operations on two services and compares their results and contents."""

    def __init__(self, first: ProductStore, second: ProductStore) -> None:
        super().__init__()
        self.steps = 0
        self.clock = FakeClock()
        self.services = [
            ProductService(store, NhHtmlCleaner(), self.clock) for store in (first, second)
        ]

    @initialize(initial=st.lists(wholes, max_size=4))
    def begin(self, initial: list[dict[str, object]]) -> None:
        for values in initial:
            self.create(values)

    @rule(values=wholes)
    def create(self, values: dict[str, object]) -> None:
        self.both(lambda service: service.create(values))

    @rule(slug=slugs, values=edits, version=versions)
    def update(self, slug: str, values: dict[str, object], version: int | None) -> None:
        self.both(lambda service: service.update(slug, values, version=version))

    @rule(slug=slugs, values=wholes, version=versions)
    def replace(self, slug: str, values: dict[str, object], version: int | None) -> None:
        self.both(lambda service: service.replace(slug, values, version=version))

    @rule(slug=slugs, new_slug=slugs)
    def rename(self, slug: str, new_slug: str) -> None:
        self.both(lambda service: service.update(slug, {"slug": new_slug}))

    @rule(slug=slugs, version=versions)
    def archive(self, slug: str, version: int | None) -> None:
        self.both(lambda service: service.archive(slug, version=version))

    @rule(slug=slugs)
    def restore(self, slug: str) -> None:
        self.both(lambda service: service.restore(slug))

    @rule(slug=slugs, version=versions)
    def delete(self, slug: str, version: int | None) -> None:
        self.both(lambda service: service.delete(slug, version=version))

    @rule(slug=slugs, quantity=st.integers(-1, 3))
    def set_stock(self, slug: str, quantity: int) -> None:
        self.both(lambda service: service.set_stock(slug, quantity))

    @rule(
        slug=slugs,
        delta=st.integers(-3, 3) | st.sampled_from([2**31 - 1, 2**31, -(2**31), 2**40, -(2**70)]),
    )
    def adjust_stock(self, slug: str, delta: int) -> None:
        self.both(lambda service: service.adjust_stock(slug, delta))

    @rule(
        file=files,
        options=st.builds(
            ImportOptions,
            on_conflict=st.sampled_from(ConflictPolicy),
            keep_going=st.booleans(),
            dry_run=st.booleans(),
            is_chunked=st.booleans(),
            ignore_stock=st.booleans(),
        ),
    )
    def import_products(self, file: list[dict[str, object]], options: ImportOptions) -> None:
        entries = [ImportEntry(line, values) for line, values in enumerate(file, 2)]
        self.both(lambda service: service.import_products(entries, options))

    @rule()
    def wait(self) -> None:
        self.clock.advance()

    @invariant()
    def both_return_the_same_products(self) -> None:
        self.both(lambda service: [_outcome(partial(service.get, slug, ALL)) for slug in SLUGS])

    @invariant()
    def both_list_the_same_pages(self) -> None:
        self.steps += 1
        queries = QUERIES[self.steps % 2 :: 2]  # half of them, because all take long
        self.both(lambda service: [list(_pages(service, query)) for query in queries])

    def both(self, action: Callable[[ProductService], object]) -> None:
        first, second = (_outcome(partial(action, service)) for service in self.services)
        assert first == second, f"{first}\n{second}"


def play_product_stories(
    make_first: Callable[[], ProductStore],
    make_second: Callable[[], ProductStore],
    story: settings = STORY,
) -> None:
    """Play stories to pairs of empty stores. Fails where the two differ."""

    class Story(ProductStory):
        def __init__(self) -> None:
            super().__init__(make_first(), make_second())

    run_state_machine_as_test(Story, settings=story)


def _outcome(action: Callable[[], object]) -> tuple[object, ...]:
    """Return the result or the error of an action, without generated ids.

    All conflicts are equal: of two simultaneous ones, a store may report either.
    """
    try:
        result = action()
    except SlugMovedError as moved:
        return SlugMovedError, moved.slug
    except ValidationError as invalid:
        return ValidationError, invalid.errors
    except EggyProError as error:
        return (type(error),)
    return "done", _without_id(result) if isinstance(result, Product) else result


def _pages(service: ProductService, query: ProductQuery) -> Iterator[tuple[object, ...]]:
    """Yield the contents of all pages, from the query's own to the last."""
    next_query: ProductQuery | None = query
    while next_query is not None:
        page = service.list(next_query)
        yield page.total, page.total_capped, [_without_id(item) for item in page.items]
        next_query = page.next_query


def _without_id(product: P) -> P:
    return evolve(product, id=0)
