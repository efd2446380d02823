"""Random small catalogues and searches, whose results must be equal in two shops."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from attrs import evolve, frozen
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_search import SearchStores
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import ListedProduct, ProductDraft
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.domain.review import ReviewDraft
from eggypro_core.domain.variant import VariantDraft
from eggypro_core.validation.parameters import Status

ListProducts = Callable[[ProductQuery], Page[ListedProduct, ProductQuery]]

# Few letters, so that words are prefixes, plurals and typos of one another.
words = st.text("ab", min_size=1, max_size=4) | st.sampled_from(
    "and with 5 50 abs bas babe babes abies aby áb 蛋 蛋白 a's".split()
)
phrases = st.lists(words, max_size=3).map(" ".join)
names = st.lists(words, min_size=1, max_size=3).map(" ".join)
GTIN = "96385074"
CATEGORIES = ("c0", "c1", "c2")


@frozen
class SampleProduct:
    """A draft of a product with categories, variant options and review ratings."""

    draft: ProductDraft
    options: Sequence[str]
    ratings: Sequence[int]


@frozen
class SampleCatalog:
    """A catalogue: the names of three nested categories, and products."""

    names: Sequence[str]
    archived: Sequence[bool]
    products: Sequence[SampleProduct]

    def create_in(self, stores: SearchStores) -> None:
        """Create the catalogue in an empty shop."""
        parents = [None, *CATEGORIES]
        for slug, name, parent, is_archived in zip(
            CATEGORIES, self.names, parents, self.archived, strict=False
        ):
            category = CategoryDraft(name=name, slug=slug, parent=parent, is_active=not is_archived)
            stores.categories.create(category, NOON)
        for product in self.products:
            slug = stores.products.create(product.draft, NOON).slug
            for position, option in enumerate(product.options):
                variant = VariantDraft(
                    options={"Size": f"{position} {option}"},
                    price=Decimal(2),
                    stock_quantity=position,
                    is_active=position != 1,
                )
                stores.variants.create(slug, variant, NOON)
            for number, rating in enumerate(product.ratings if product.draft.is_active else ()):
                draft = ReviewDraft(reviewer_name="Ada", rating=rating, comment=f"{number}")
                review = stores.reviews.create(slug, draft, NOON)
                stores.reviews.verify(review.id, is_verified=True)


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
    is_listed=st.integers(0, 4).map(bool),
    brand=st.none() | names,
    tags=st.lists(names, max_size=2).map(tuple),
    gtin=st.sampled_from([None, None, GTIN]),
    categories=st.sets(st.sampled_from(CATEGORIES), max_size=2).map(sorted).map(tuple),
)
sample_products = st.builds(
    SampleProduct,
    drafts,
    st.just([]) | st.lists(words, max_size=3),
    st.just([]) | st.lists(st.integers(1, 5), max_size=2),
)
# The first product has a SKU that is also a word of names.
catalogues = st.builds(
    SampleCatalog,
    st.tuples(names, names, names),
    st.tuples(*[st.integers(0, 5).map(lambda number: number == 0)] * 3),
    st.tuples(sample_products, st.lists(sample_products, min_size=3, max_size=11)).map(
        lambda pair: [evolve(pair[0], draft=evolve(pair[0].draft, sku="bab")), *pair[1]]
    ),
)
searches = st.just(GTIN) | st.lists(words | st.just("bab"), min_size=1, max_size=3).map(" ".join)
unfiltered = st.builds(
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
        "listed": st.booleans(),
    },
)
queries = unfiltered | st.builds(
    lambda query, changes: evolve(query, **changes), unfiltered, filters
)


def list_pages(list_products: ListProducts, query: ProductQuery) -> list[tuple[int, list[str]]]:
    """Return the total and the slugs of all pages, from the query's own to the last."""
    pages = []
    next_query: ProductQuery | None = query
    while next_query is not None:
        page = list_products(next_query)
        pages.append((page.total, [product.slug for product in page.items]))
        next_query = page.next_query
    return pages


def check_agreement(
    first: Callable[[], SearchStores],
    second: Callable[[], SearchStores],
    examples: int,
    *,
    also: Callable[[st.DataObject], ListProducts] | None = None,
) -> None:
    """Fill pairs of empty shops equally and compare the results of searches.

    `also` returns another way to list the products of the second shop.
    """

    @settings(max_examples=examples, phases=set(Phase) - {Phase.shrink})
    @given(catalogues, st.lists(queries, min_size=3, max_size=12), st.data())
    def check(catalogue: SampleCatalog, searches: list[ProductQuery], data: st.DataObject) -> None:
        shops = [first(), second()]
        for shop in shops:
            catalogue.create_in(shop)
        for query in searches:
            expected = list_pages(shops[0].products.list, query)
            event(f"pages: {min(len(expected), 3)}, has results: {expected[0][0] > 0}")
            assert list_pages(shops[1].products.list, query) == expected
            if also is not None:
                assert list_pages(also(data), query) == expected

    check()
