"""Small catalogues and hard searches, and what two shops must find in them alike."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from attrs import evolve, frozen
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from eggypro_adapters.contracts.product_search import SearchStores
from eggypro_adapters.contracts.product_store import NOON, make_draft
from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import ListedProduct, ProductDraft
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.domain.review import ReviewDraft
from eggypro_core.domain.variant import VariantDraft
from eggypro_core.validation.parameters import Status

Pages = Callable[[ProductQuery], Page[ListedProduct, ProductQuery]]

# Of so few letters that words are one another's beginnings, plurals and slips.
words = st.text("ab", min_size=1, max_size=4) | st.sampled_from(
    "and with 5 50 abs bas babe babes abies aby áb 蛋 蛋白 a's".split()
)
phrases = st.lists(words, max_size=3).map(" ".join)
names = st.lists(words, min_size=1, max_size=3).map(" ".join)
CATEGORIES = ("c0", "c1", "c2")


@frozen
class SampleProduct:
    """A product to be, with its categories, and what hangs on it."""

    draft: ProductDraft
    options: Sequence[str]
    ratings: Sequence[int]


@frozen
class SampleCatalog:
    """A whole catalogue: the names of the three categories, one below the other, and products."""

    names: Sequence[str]
    hidden: Sequence[bool]
    offers: Sequence[SampleProduct]

    def create_in(self, stores: SearchStores) -> None:
        """Add all of it to an empty shop."""
        above = [None, *CATEGORIES]
        for slug, name, parent, is_hidden in zip(
            CATEGORIES, self.names, above, self.hidden, strict=False
        ):
            category = CategoryDraft(name=name, slug=slug, parent=parent, is_active=not is_hidden)
            stores.categories.create(category, NOON)
        for offer in self.offers:
            slug = stores.products.create(offer.draft, NOON).slug
            for position, option in enumerate(offer.options):
                variant = VariantDraft(
                    options={"Size": f"{position} {option}"},
                    price=Decimal(2),
                    stock_quantity=position,
                    is_active=position != 1,
                )
                stores.variants.create(slug, variant, NOON)
            for number, rating in enumerate(offer.ratings if offer.draft.is_active else ()):
                review = ReviewDraft(reviewer_name="Ada", rating=rating, comment=f"{number}")
                added = stores.reviews.create(slug, review, NOON)
                stores.reviews.verify(added.id, is_verified=True)


drafts = st.builds(
    make_draft,
    names,
    sku=st.none(),
    description=phrases,
    details=phrases.map("<p>{}</p>".format),
    ingredients=st.lists(names, max_size=2).map(tuple),
    attributes=st.dictionaries(st.just("a"), phrases, max_size=1),
    price=st.integers(1, 3).map(Decimal),
    stock_quantity=st.integers(0, 1),
    is_active=st.integers(0, 4).map(bool),
    categories=st.sets(st.sampled_from(CATEGORIES), max_size=2).map(sorted).map(tuple),
)
offers = st.builds(
    SampleProduct,
    drafts,
    st.just([]) | st.lists(words, max_size=3),
    st.just([]) | st.lists(st.integers(1, 5), max_size=2),
)
# A SKU that is a word of names too, on one product at most.
catalogues = st.builds(
    SampleCatalog,
    st.tuples(names, names, names),
    st.tuples(*[st.integers(0, 5).map(lambda number: number == 0)] * 3),
    st.tuples(offers, st.lists(offers, min_size=3, max_size=11)).map(
        lambda all_: [evolve(all_[0], draft=evolve(all_[0].draft, sku="bab")), *all_[1]]
    ),
)
searches = st.lists(words | st.just("bab"), min_size=1, max_size=3).map(" ".join)
plain = st.builds(
    ProductQuery,
    search=searches,
    limit=st.integers(1, 3) | st.just(20),
    offset=st.just(0) | st.integers(0, 4),
)
filters = st.fixed_dictionaries(
    {"sort": st.just(Sort.RELEVANCE) | st.sampled_from(Sort)},
    optional={
        "category": st.sampled_from([*CATEGORIES, "none"]),
        "in_stock": st.booleans(),
        "min_price": st.just(Decimal(2)),
        "max_price": st.just(Decimal(2)),
        "status": st.sampled_from(Status),
    },
)
queries = plain | st.builds(lambda query, wishes: evolve(query, **wishes), plain, filters)


def list_pages(pages: Pages, query: ProductQuery) -> list[tuple[int, list[str]]]:
    """The total and the slugs of each page, from the query's own to the last."""
    found = []
    following: ProductQuery | None = query
    while following is not None:
        page = pages(following)
        found.append((page.total, [product.slug for product in page.items]))
        following = page.next_query
    return found


def check_agreement(
    first: Callable[[], SearchStores],
    second: Callable[[], SearchStores],
    examples: int,
    *,
    also: Callable[[st.DataObject], Pages] | None = None,
) -> None:
    """Fill pairs of shops, each made empty, alike, and compare what their searches show.

    `also` gives another way to find the pages of the second.
    """

    @settings(max_examples=examples, phases=set(Phase) - {Phase.shrink})
    @given(catalogues, st.lists(queries, min_size=3, max_size=12), st.data())
    def holds(catalogue: SampleCatalog, wanted: list[ProductQuery], data: st.DataObject) -> None:
        shops = [first(), second()]
        for shop in shops:
            catalogue.create_in(shop)
        for query in wanted:
            expected = list_pages(shops[0].products.list, query)
            event(f"pages: {min(len(expected), 3)}, found: {expected[0][0] > 0}")
            assert list_pages(shops[1].products.list, query) == expected
            if also is not None:
                assert list_pages(also(data), query) == expected

    holds()
