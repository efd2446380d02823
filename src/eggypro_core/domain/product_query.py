"""What a caller wants to see of the catalogue: filters, sort and place in the list."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Self, TypeAlias

from attrs import field, frozen

from eggypro_core.domain.pagination import (
    PAGE_PARAMETERS,
    ListQuery,
    Parameters,
    integer_key,
    text_key,
    time_key,
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
"""How many of its best a ranked search pages through."""


class Sort(StrEnum):
    """The order of a list. Rows that are equal in it are ordered by id, in the same direction."""

    NAME = "name"
    NAME_DESC = "name-desc"
    PRICE_ASC = "price-asc"
    PRICE_DESC = "price-desc"
    NEWEST = "newest"
    RATING = "rating"
    RELEVANCE = "relevance"

    @property
    def is_descending(self) -> bool:
        """Whether the greatest comes first."""
        return self not in {Sort.NAME, Sort.PRICE_ASC}


SEARCH_VALIDATOR = fields.single_line("Search", 200)
"""The rule of what is searched for."""


@frozen(kw_only=True)
class ProductQuery(ListQuery[ListedProduct, SortKey]):
    """A query for products."""

    parameters: ClassVar[Parameters] = {
        "search": SEARCH_VALIDATOR,
        "category": fields.single_line("Category", 255),
        "in_stock": boolean_param("In stock"),
        "inStock": boolean_param("In stock"),
        "min_price": amount_param("Min price"),
        "max_price": amount_param("Max price"),
        "sort": one_of("Sort", Sort),
        "status": STATUS_VALIDATOR,
        "facets": boolean_param("Facets"),
        "explain": boolean_param("Explain"),
        **PAGE_PARAMETERS,
    }
    search_parameters: ClassVar[Parameters] = {
        "q": SEARCH_VALIDATOR,
        **{name: rule for name, rule in parameters.items() if name != "search"},
    }
    """The query parameters that `parse_search` takes."""
    _field_of: ClassVar[Mapping[str, str]] = {"q": "search", "inStock": "in_stock"}
    unbound: ClassVar[frozenset[str]] = frozenset({"limit", "offset", "after", "facets", "explain"})

    search: str | None = None
    category: str | None = None
    in_stock: bool | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    sort: Sort = field()
    status: Status = Status.ACTIVE
    facets: bool = False
    explain: bool = False

    @sort.default
    def _(self) -> Sort:
        return Sort.RELEVANCE if self.search else Sort.NAME

    @classmethod
    def parse(cls, params: Mapping[str, object]) -> Self:
        """Return the query that query parameters, or options of a command, ask for.

        Raises ValidationError with every fault, ParseError for a cursor of another list.
        """
        return cls._parse(params, cls.parameters, errors=_conflicts(params))

    @classmethod
    def parse_search(cls, params: Mapping[str, object]) -> Self:
        """Return the query as `parse` does, but the search is `q`, and must be given."""
        return cls._parse(params, cls.search_parameters, required=("q",), errors=_conflicts(params))

    @property
    def descending(self) -> bool:
        """Whether the greatest sort key comes first."""
        return self.sort.is_descending

    @property
    def ranked_rows_left(self) -> int:
        """Return how many rows of a ranked search lie from the start of its page on."""
        return max(0, MAX_RANKED_RESULTS - self._ranked_rows_passed)

    @property
    def _ranked_rows_passed(self) -> int:
        if self.after is None:
            return self.offset
        return int(self.after.key.partition(".")[2])

    def _sort_key(self, item: ListedProduct) -> SortKey:
        return sort_key(self.sort, item)

    def _format_key(self, key: SortKey) -> str:
        if self.sort is Sort.RELEVANCE:
            return f"{key}.{self._ranked_rows_passed + self.limit}"
        return super()._format_key(key)

    def _parse_key(self, text: str) -> SortKey:
        return _KEY_PARSERS[self.sort](text)


def sort_key(sort: Sort, product: ListedProduct) -> SortKey:
    """Return what a sort compares of a product. Relevance is the store's to know."""
    return _SORT_KEYS[sort](product)


def name_sort_key(name: str) -> str:
    """Return what sorting by name compares, by code points: case and accents are put aside."""
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
    relevance, _, passed = text.partition(".")
    integer_key(passed)
    return integer_key(relevance)


_KEY_PARSERS: Mapping[Sort, Callable[[str], SortKey]] = {
    Sort.NAME: text_key,
    Sort.NAME_DESC: text_key,
    Sort.PRICE_ASC: _price_key,
    Sort.PRICE_DESC: _price_key,
    Sort.NEWEST: time_key,
    Sort.RATING: _price_key,
    Sort.RELEVANCE: _relevance_key,
}


def _conflicts(params: Mapping[str, object]) -> list[FieldError]:
    """Return the faults of parameters that are right alone, but not together."""
    faults = []
    if "in_stock" in params and "inStock" in params:
        faults.append(
            FieldError("inStock", "inStock is another name of in_stock: give one of them")
        )
    if not {"search", "q"} & params.keys():
        if params.get("sort") == Sort.RELEVANCE:
            faults.append(FieldError("sort", "Sort relevance needs a search"))
        if params.get("explain") == "true":
            faults.append(FieldError("explain", "There is nothing to explain without a search"))
    return faults


MAX_FACET_CATEGORIES = 100
"""How many categories are named, those with the most products."""


@frozen
class CategoryCount:
    """A category, and how many products of a list are in it or below it."""

    slug: str
    name: str
    count: int


@frozen
class Facets:
    """What the products of a list have in common. The prices are None where there are none.

    Where more match than a total counts, they may be told by a sample: counts are about right then,
    and prices within the true range.
    """

    categories: tuple[CategoryCount, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    in_stock_count: int = 0
    is_sampled: bool = False


MAX_SUGGESTIONS = 10
"""How many products are offered at most."""
SUGGEST_PARAMETERS: Mapping[str, fields.Validator] = {"q": SEARCH_VALIDATOR}
"""What `read_typed` takes."""


@frozen
class Suggestion:
    """A product as it is offered: `image` is the reference of its first one, if it has any."""

    name: str
    slug: str
    image: str | None

    @classmethod
    def from_product(cls, product: ListedProduct) -> "Suggestion":
        """Return what is offered of a product."""
        image = product.images[0].ref if product.images else None
        return cls(product.name, product.slug, image)


def read_typed(params: Mapping[str, object]) -> str:
    """Check parameters of which there must be one, `q`, and return what was typed.

    Raises ValidationError.
    """
    return str(fields.check(params, SUGGEST_PARAMETERS, required=SUGGEST_PARAMETERS)["q"])
