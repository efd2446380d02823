"""Queries for products (filters, sort order, page), facets and suggestions."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Self, TypeAlias

from attrs import field, frozen

from eggypro_core.caching.entries import ListTag, Tags
from eggypro_core.domain.pagination import (
    PAGE_PARAMETERS,
    ListQuery,
    Parameters,
    parse_integer_key,
    parse_text_key,
    parse_time_key,
)
from eggypro_core.domain.pricing import MAX_PRICE
from eggypro_core.domain.product import ListedProduct
from eggypro_core.domain.slug import fold
from eggypro_core.errors import FieldError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import (
    STATUS_VALIDATOR,
    Status,
    amount_param,
    boolean_param,
    one_of,
)

SortKey: TypeAlias = str | Decimal | datetime | int
MAX_RANKED_RESULTS = 1000
"""The maximum number of results that the pages of a ranked search can reach, and its total."""


class Sort(StrEnum):
    """The sort order of a list. Rows with equal keys are sorted by id, in the same direction."""

    NAME = "name"
    NAME_DESC = "name-desc"
    PRICE_ASC = "price-asc"
    PRICE_DESC = "price-desc"
    NEWEST = "newest"
    RATING = "rating"
    RELEVANCE = "relevance"

    @property
    def is_descending(self) -> bool:
        """Return whether the greatest sort key comes first."""
        return self not in {Sort.NAME, Sort.PRICE_ASC}


SEARCH_VALIDATOR = fields.single_line("Search", 200)
"""The validator of the search text."""


@frozen(kw_only=True)
class ProductQuery(ListQuery[ListedProduct, SortKey]):
    """A query for products.

    Without a `status`, it is for the public catalogue: active products that are listed. With one,
    for products of that status, listed or not, unless `listed` is set.
    """

    parameters: ClassVar[Parameters] = {
        "search": SEARCH_VALIDATOR,
        "category": fields.single_line("Category", 255),
        "in_stock": boolean_param("In stock"),
        "inStock": boolean_param("In stock"),
        "min_price": amount_param("Min price"),
        "max_price": amount_param("Max price"),
        "sort": one_of("Sort", Sort),
        "status": STATUS_VALIDATOR,
        "listed": boolean_param("Listed"),
        "facets": boolean_param("Facets"),
        "explain": boolean_param("Explain"),
        **PAGE_PARAMETERS,
    }
    search_parameters: ClassVar[Parameters] = {
        "q": SEARCH_VALIDATOR,
        **{name: validator for name, validator in parameters.items() if name != "search"},
    }
    """The query parameters that `parse_search` accepts."""
    _field_by_parameter: ClassVar[Mapping[str, str]] = {"q": "search", "inStock": "in_stock"}
    page_fields: ClassVar[frozenset[str]] = frozenset(
        {"limit", "offset", "after", "facets", "explain"}
    )

    search: str | None = None
    category: str | None = None
    in_stock: bool | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    sort: Sort = field()
    status: Status | None = None
    listed: bool | None = None
    facets: bool = False
    explain: bool = False

    @sort.default
    def _(self) -> Sort:
        return Sort.RELEVANCE if self.search else Sort.NAME

    @classmethod
    def parse(cls, params: Mapping[str, object]) -> Self:
        """Return the query given by query parameters or command options.

        Raises ValidationError with all errors, ParseError for a cursor of another list.
        """
        return cls._parse(params, cls.parameters, errors=_conflicts(params))

    @classmethod
    def parse_search(cls, params: Mapping[str, object]) -> Self:
        """Return the query as `parse` does, with the search text in the required parameter `q`."""
        return cls._parse(params, cls.search_parameters, required=("q",), errors=_conflicts(params))

    def includes(self, *, is_active: bool, is_listed: bool) -> bool:
        """Return whether products of this kind can match the query."""
        if self.status is None:
            has_status = is_active and is_listed
        else:
            has_status = self.status.includes(is_active=is_active)
        return has_status and self.listed in {None, is_listed}

    @property
    def descending(self) -> bool:
        """Return whether the greatest sort key comes first."""
        return self.sort.is_descending

    @property
    def max_total(self) -> int:
        """Return the highest exact total: of a search, MAX_RANKED_RESULTS."""
        return super().max_total if self.search is None else MAX_RANKED_RESULTS

    @property
    def ranked_rows_left(self) -> int:
        """Return how many rows a ranked search can still return from the start of its page."""
        return max(0, MAX_RANKED_RESULTS - self._ranked_rows_skipped)

    @property
    def _ranked_rows_skipped(self) -> int:
        if self.after is None:
            return self.offset
        return int(self.after.key.partition(".")[2])

    @property
    def list_tags(self) -> Tags:
        """Return the tags of what decides which products are in the list, in order, and its facets.

        The membership of the public catalogue is left out.
        """
        filters = {tag for name, tag in TAG_BY_FILTER.items() if getattr(self, name) is not None}
        facets = _FACET_TAGS if self.facets else set[ListTag]()
        return tuple(sorted({*filters, *_TAGS_BY_SORT[self.sort], *facets}))

    def _sort_key(self, item: ListedProduct) -> SortKey:
        return sort_key(self.sort, item)

    def _format_key(self, key: SortKey) -> str:
        if self.sort is Sort.RELEVANCE:
            return f"{key}.{self._ranked_rows_skipped + self.limit}"
        return super()._format_key(key)

    def _parse_key(self, text: str) -> SortKey:
        return _KEY_PARSERS[self.sort](text)


TAG_BY_FILTER: Mapping[str, ListTag] = {
    "search": ListTag.SEARCH,
    "category": ListTag.CATEGORIES,
    "in_stock": ListTag.STOCK,
    "min_price": ListTag.PRICE,
    "max_price": ListTag.PRICE,
}
"""The property that each filter of public lists reads."""
_TAGS_BY_SORT: Mapping[Sort, Collection[ListTag]] = {
    Sort.NAME: {ListTag.NAME},
    Sort.NAME_DESC: {ListTag.NAME},
    Sort.PRICE_ASC: {ListTag.PRICE},
    Sort.PRICE_DESC: {ListTag.PRICE},
    Sort.NEWEST: (),  # it never changes
    Sort.RATING: {ListTag.RATING},
    Sort.RELEVANCE: {ListTag.SEARCH, ListTag.NAME, ListTag.RATING, ListTag.STOCK},
}
_FACET_TAGS = {ListTag.CATEGORIES, ListTag.PRICE, ListTag.STOCK}

ALL_PRODUCTS = ProductQuery(status=Status.ALL)
"""The query for the whole catalogue, archived products included."""


def sort_key(sort: Sort, product: ListedProduct) -> SortKey:
    """Return the sort key of a product. Only the store knows the relevance."""
    return _SORT_KEYS[sort](product)


def name_sort_key(name: str) -> str:
    """Return the sort key of a name, compared by code points: without case and accents."""
    return fold(name)[:255]


_SORT_KEYS: Mapping[Sort, Callable[[ListedProduct], SortKey]] = {
    Sort.NAME: lambda product: name_sort_key(product.name),
    Sort.NAME_DESC: lambda product: name_sort_key(product.name),
    Sort.PRICE_ASC: lambda product: product.price,
    Sort.PRICE_DESC: lambda product: product.price,
    Sort.NEWEST: lambda product: product.created_at,
    Sort.RATING: lambda product: product.rating.average or Decimal(0),
}


def _price_key(text: str) -> Decimal:
    key = fields.decimal("key", text)
    if not 0 <= key <= MAX_PRICE:
        raise ValueError("no row has such a key")
    return key


def _relevance_key(text: str) -> int:
    relevance, _, skipped = text.partition(".")
    parse_integer_key(skipped)
    return parse_integer_key(relevance)


_KEY_PARSERS: Mapping[Sort, Callable[[str], SortKey]] = {
    Sort.NAME: parse_text_key,
    Sort.NAME_DESC: parse_text_key,
    Sort.PRICE_ASC: _price_key,
    Sort.PRICE_DESC: _price_key,
    Sort.NEWEST: parse_time_key,
    Sort.RATING: _price_key,
    Sort.RELEVANCE: _relevance_key,
}


def _conflicts(params: Mapping[str, object]) -> list[FieldError]:
    """Return the errors of parameters that are valid by themselves, but not together."""
    errors = []
    if "in_stock" in params and "inStock" in params:
        errors.append(
            FieldError("inStock", "inStock is an alias of in_stock: use only one of them")
        )
    if "listed" in params and "status" not in params:
        message = "Listed needs a status: without one, only listed products are found"
        errors.append(FieldError("listed", message))
    if not {"search", "q"} & params.keys():
        if params.get("sort") == Sort.RELEVANCE:
            errors.append(FieldError("sort", "Sort relevance needs a search"))
        if params.get("explain") == "true":
            errors.append(FieldError("explain", "Explain needs a search"))
    return errors


MAX_FACET_CATEGORIES = 100
"""The maximum number of categories in facets: those with the most products."""


@frozen
class CategoryCount:
    """A category and the number of a list's products in it or its descendants."""

    slug: str
    name: str
    count: int


@frozen
class Facets:
    """Facets of a list of products. Prices are None for an empty list.

    If more products match than an exact total counts, facets may come from a sample: counts are
    then estimates, and prices lie within the real range.
    """

    categories: tuple[CategoryCount, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    in_stock_count: int = 0
    is_sampled: bool = False


MAX_SUGGESTIONS = 10
"""The maximum number of suggestions."""
SUGGEST_PARAMETERS: Mapping[str, fields.Validator] = {"q": SEARCH_VALIDATOR}
"""The query parameters that `parse_suggest_text` accepts."""


@frozen
class Suggestion:
    """A suggested product. `image` is the reference of its first image, if any."""

    name: str
    slug: str
    image: str | None

    @classmethod
    def from_product(cls, product: ListedProduct) -> "Suggestion":
        """Return the suggestion of a product."""
        image = product.images[0].ref if product.images else None
        return cls(product.name, product.slug, image)


def parse_suggest_text(params: Mapping[str, object]) -> str:
    """Return the required parameter `q`, the text typed so far. Raises ValidationError."""
    return str(fields.check(params, SUGGEST_PARAMETERS, required=SUGGEST_PARAMETERS)["q"])
