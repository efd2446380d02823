"""Pages of products with facets and an explanation of their ranking."""

from collections.abc import Sequence

from attrs import frozen

from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import ListedProduct
from eggypro_core.domain.product_query import Facets, ProductQuery
from eggypro_core.search.query import ParsedQuery, RankReason


@frozen
class ExplainedPage:
    """The page of a search, the parsed query, and the rank reason of each item."""

    page: Page[ListedProduct, ProductQuery]
    parsed_query: ParsedQuery
    reasons: Sequence[RankReason]


@frozen
class ProductListing:
    """A page of products, with facets and an explanation if the query requests them."""

    page: Page[ListedProduct, ProductQuery]
    facets: Facets | None = None
    explanation: ExplainedPage | None = None
