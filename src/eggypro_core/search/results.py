"""A page of products with what was asked for beside it."""

from collections.abc import Sequence

from attrs import frozen

from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import ListedProduct
from eggypro_core.domain.product_query import Facets, ProductQuery
from eggypro_core.search.query import ParsedQuery, RankReason


@frozen
class ExplainedPage:
    """The page of a search, how the search was read, and why each item stands where it does."""

    page: Page[ListedProduct, ProductQuery]
    parsed_query: ParsedQuery
    reasons: Sequence[RankReason]


@frozen
class ProductListing:
    """A page of products; its facets, and the reasons for it, where the query wants them."""

    page: Page[ListedProduct, ProductQuery]
    facets: Facets | None = None
    explanation: ExplainedPage | None = None
