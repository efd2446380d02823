"""One story, played to two stores: what one makes of it, the other must make of it too."""

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
from eggypro_core.domain.product_files import ImportEntry, OnConflict
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
more: dict[str, st.SearchStrategy[object]] = {
    "sku": st.sampled_from(["A", "B", None]),
    "compare_at_price": st.sampled_from(["4", "9", None]),
    "attributes": st.dictionaries(st.sampled_from("ab"), st.just("x"), max_size=2),
    "seo_title": st.sampled_from(["Title", None]),
    "stock_quantity": st.integers(0, 2),
    "track_stock": st.booleans(),
    "is_active": st.booleans(),
}
slugged = more | {"slug": slugs}
wholes = st.fixed_dictionaries(fields, optional=slugged)
merged = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["y", None]), max_size=2)
edits = st.fixed_dictionaries(
    {}, optional=fields | more | {"attributes": merged | st.none() | more["attributes"]}
)
files = st.lists(wholes, max_size=4) | st.lists(
    wholes | st.fixed_dictionaries({}, optional=fields | slugged), max_size=4
)


class ProductStory(RuleBasedStateMachine):
    """Does the same to two catalogues, and compares what they say and hold after each step."""

    def __init__(self, first: ProductStore, second: ProductStore) -> None:
        super().__init__()
        self.steps = 0
        self.clock = FakeClock()
        self.catalogs = [
            ProductService(store, NhHtmlCleaner(), self.clock) for store in (first, second)
        ]

    @initialize(there=st.lists(wholes, max_size=4))
    def begin(self, there: list[dict[str, object]]) -> None:
        for values in there:
            self.add(values)

    @rule(values=wholes)
    def add(self, values: dict[str, object]) -> None:
        self.both(lambda catalog: catalog.create(values))

    @rule(slug=slugs, values=edits, version=versions)
    def change(self, slug: str, values: dict[str, object], version: int | None) -> None:
        self.both(lambda catalog: catalog.update(slug, values, version=version))

    @rule(slug=slugs, values=wholes, version=versions)
    def replace(self, slug: str, values: dict[str, object], version: int | None) -> None:
        self.both(lambda catalog: catalog.replace(slug, values, version=version))

    @rule(slug=slugs, to=slugs)
    def rename(self, slug: str, to: str) -> None:
        self.both(lambda catalog: catalog.update(slug, {"slug": to}))

    @rule(slug=slugs, version=versions)
    def archive(self, slug: str, version: int | None) -> None:
        self.both(lambda catalog: catalog.archive(slug, version=version))

    @rule(slug=slugs)
    def restore(self, slug: str) -> None:
        self.both(lambda catalog: catalog.restore(slug))

    @rule(slug=slugs, version=versions)
    def remove(self, slug: str, version: int | None) -> None:
        self.both(lambda catalog: catalog.delete(slug, version=version))

    @rule(slug=slugs, to=st.integers(-1, 3))
    def set_stock(self, slug: str, to: int) -> None:
        self.both(lambda catalog: catalog.set_stock(slug, to))

    @rule(
        slug=slugs,
        by=st.integers(-3, 3) | st.sampled_from([2**31 - 1, 2**31, -(2**31), 2**40, -(2**70)]),
    )
    def adjust_stock(self, slug: str, by: int) -> None:
        self.both(lambda catalog: catalog.adjust_stock(slug, by))

    @rule(
        file=files,
        on_conflict=st.sampled_from(OnConflict),
        keep_going=st.booleans(),
        dry_run=st.booleans(),
    )
    def load(self, file: list[dict[str, object]], on_conflict: OnConflict, **options: bool) -> None:
        entries = [ImportEntry(line, one) for line, one in enumerate(file, 2)]
        self.both(
            lambda catalog: catalog.import_products(entries, on_conflict=on_conflict, **options)
        )

    @rule()
    def wait(self) -> None:
        self.clock.advance()

    @invariant()
    def both_answer_to_the_same_slugs(self) -> None:
        self.both(lambda catalog: [_outcome(partial(catalog.get, slug, ALL)) for slug in SLUGS])

    @invariant()
    def both_show_the_same_pages(self) -> None:
        self.steps += 1
        some = QUERIES[self.steps % 2 :: 2]  # each query after every other step: all take long
        self.both(lambda catalog: [list(_pages(catalog, query)) for query in some])

    def both(self, call: Callable[[ProductService], object]) -> None:
        first, second = (_outcome(partial(call, catalog)) for catalog in self.catalogs)
        assert first == second, f"{first}\n{second}"


def play_product_stories(
    make_first: Callable[[], ProductStore],
    make_second: Callable[[], ProductStore],
    story: settings = STORY,
) -> None:
    """Play stories to pairs of stores, each made empty. Fails where the two part ways."""

    class Story(ProductStory):
        def __init__(self) -> None:
            super().__init__(make_first(), make_second())

    run_state_machine_as_test(Story, settings=story)


def _outcome(call: Callable[[], object]) -> tuple[object, ...]:
    """Return what a call comes to, apart from the ids that a store gives.

    Of two conflicts at once a store may name either, so that a conflict is like any other.
    """
    try:
        result = call()
    except SlugMovedError as moved:
        return SlugMovedError, moved.slug
    except ValidationError as invalid:
        return ValidationError, invalid.errors
    except EggyProError as error:
        return (type(error),)
    return "done", _without_id(result) if isinstance(result, Product) else result


def _pages(catalog: ProductService, query: ProductQuery) -> Iterator[tuple[object, ...]]:
    """Give what each page shows, from the query's own to the last."""
    following: ProductQuery | None = query
    while following is not None:
        page = catalog.list(following)
        yield page.total, page.total_capped, [_without_id(item) for item in page.items]
        following = page.next_query


def _without_id(product: P) -> P:
    return evolve(product, id=0)
