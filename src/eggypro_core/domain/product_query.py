"""What a caller wants to see of the catalogue: filters, sort and place in the list."""

import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from attrs import evolve, field, frozen

from eggypro_core.domain.pagination import HIGHEST_ID, Position, cursor_of, read_cursor
from eggypro_core.domain.pricing import HIGHEST_PRICE
from eggypro_core.domain.product import ListedProduct
from eggypro_core.domain.slug import fold
from eggypro_core.errors import Fault, MalformedError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import (
    DEFAULT_LIMIT,
    PAGING,
    STATUS,
    Status,
    amount,
    flag,
    offset_with_cursor,
    one_of,
    worded,
)

N = TypeVar("N", int, Decimal)
SortKey: TypeAlias = str | Decimal | datetime | int
RANKED = 1000
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
    def descending(self) -> bool:
        """Whether the greatest comes first."""
        return self not in {Sort.NAME, Sort.PRICE_ASC}


@frozen(kw_only=True)
class ProductQuery:
    """A wish for products. The plain constructor trusts; `read` checks what came from outside."""

    search: str | None = None
    category: str | None = None
    in_stock: bool | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    sort: Sort = field()
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    status: Status = Status.ACTIVE
    after: Position | None = None
    facets: bool = False
    explain: bool = False

    @sort.default
    def _(self) -> Sort:
        return Sort.RELEVANCE if self.search else Sort.NAME

    @classmethod
    def read(
        cls, params: Mapping[str, object], *, required: Collection[str] = ()
    ) -> "ProductQuery":
        """Check parameters as an address or a command gives them: texts.

        Raises InvalidError with every fault, MalformedError for a cursor of another list.
        """
        values = fields.check(params, LIST_PARAMETERS, required=required, also=_together(params))
        return cls._made(values)

    @classmethod
    def read_search(cls, params: Mapping[str, object]) -> "ProductQuery":
        """Check parameters as `read` does, but what is searched for is `q`, and must be given."""
        also = _together(params)
        values = fields.check(params, SEARCH_PARAMETERS, required=("q",), also=also)
        return cls._made({"search": values.pop("q"), **values})

    @classmethod
    def _made(cls, values: dict[str, Any]) -> "ProductQuery":
        cursor = values.pop("cursor", None)
        if "inStock" in values:
            values["in_stock"] = values.pop("inStock")
        query = cls(**values)
        return query if cursor is None else query._behind(str(cursor))

    def following(self, last: ListedProduct, relevance: int = 0) -> "ProductQuery":
        """Return the query for what comes after the last row of a page, which is full.

        A ranked search needs the row's relevance.
        """
        if self.sort is Sort.RELEVANCE:
            words = f"{relevance}.{self.passed + self.limit}"
        else:
            key = sort_key(self.sort, last)
            words = key.isoformat() if isinstance(key, datetime) else str(key)
        return evolve(self, offset=0, after=Position(words, last.id))

    @property
    def passed(self) -> int:
        """Return how many rows of a ranked search lie before its page."""
        if self.after is None:
            return self.offset
        return int(self.after.key.partition(".")[2])

    def after_key(self) -> tuple[SortKey, int]:
        """Return the sort key and the id that the rows of this query lie behind."""
        if self.after is None:
            raise ValueError("this query begins at the front")
        return _READ_KEY[self.sort](self.after.key), self.after.id

    def params(self) -> dict[str, str]:
        """Return the parameters that `read` takes for this query, without what is default."""
        shown: dict[str, object] = {
            "search": self.search,
            "category": self.category,
            "in_stock": self.in_stock,
            "min_price": self.min_price,
            "max_price": self.max_price,
            "sort": self.sort if self.sort is not _default_sort(self) else None,
            "limit": self.limit if self.limit != DEFAULT_LIMIT else None,
            "offset": self.offset or None,
            "status": self.status if self.status is not Status.ACTIVE else None,
            "facets": self.facets or None,
            "explain": self.explain or None,
            "cursor": self.after and cursor_of(self.after, self._list()),
        }
        return worded(shown)

    def _behind(self, cursor: str) -> "ProductQuery":
        query = evolve(self, after=read_cursor(cursor, self._list()))
        try:
            query.after_key()
        except (ValueError, ArithmeticError):
            raise MalformedError("The cursor does not belong to this list") from None
        return query

    def _list(self) -> str:
        """Return words that tell this list from others: filters and sort, not limit or place."""
        front = evolve(self, limit=DEFAULT_LIMIT, offset=0, after=None, sort=self.sort)
        bare = evolve(front, facets=False, explain=False)
        return json.dumps([bare.params(), self.sort])


def sort_key(sort: Sort, product: ListedProduct) -> SortKey:
    """Return what a sort compares of a product. Relevance is the store's to know."""
    return _KEY[sort](product)


def name_key(name: str) -> str:
    """Return what sorting by name compares, by code points: case and accents are put aside."""
    return fold(name)[:255]


_KEY: Mapping[Sort, Callable[[ListedProduct], SortKey]] = {
    Sort.NAME: lambda product: name_key(product.name),
    Sort.NAME_DESC: lambda product: name_key(product.name),
    Sort.PRICE_ASC: lambda product: product.price,
    Sort.PRICE_DESC: lambda product: product.price,
    Sort.NEWEST: lambda product: product.created_at,
    Sort.RATING: lambda product: product.rating.average or Decimal(0),
}


def _key_text(text: str) -> str:
    if not fields.is_clean(text):
        raise ValueError("no name has such a key")
    return text


def _key_decimal(text: str) -> Decimal:
    return _bounded(fields.decimal("key", text), HIGHEST_PRICE)


def _key_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("not an aware time")
    return time


def _key_relevance(text: str) -> int:
    relevance, _, passed = text.partition(".")
    _bounded(int(passed), HIGHEST_ID)
    return _bounded(int(relevance), HIGHEST_ID)


def _bounded(key: N, highest: int | Decimal) -> N:
    if not 0 <= key <= highest:
        raise ValueError("no row has such a key")
    return key


_READ_KEY: Mapping[Sort, Callable[[str], SortKey]] = {
    Sort.NAME: _key_text,
    Sort.NAME_DESC: _key_text,
    Sort.PRICE_ASC: _key_decimal,
    Sort.PRICE_DESC: _key_decimal,
    Sort.NEWEST: _key_time,
    Sort.RATING: _key_decimal,
    Sort.RELEVANCE: _key_relevance,
}


def _default_sort(query: ProductQuery) -> Sort:
    return Sort.RELEVANCE if query.search else Sort.NAME


def _together(params: Mapping[str, object]) -> list[Fault]:
    """Return what may be right alone, but makes no sense together."""
    faults = offset_with_cursor(params)
    if "in_stock" in params and "inStock" in params:
        faults.append(Fault("inStock", "inStock is another name of in_stock: give one of them"))
    if not {"search", "q"} & params.keys():
        if params.get("sort") == Sort.RELEVANCE:
            faults.append(Fault("sort", "Sort relevance needs a search"))
        if params.get("explain") == "true":
            faults.append(Fault("explain", "There is nothing to explain without a search"))
    return faults


SEARCH = fields.line("Search", 200)
"""The rule of what is searched for."""
LIST_PARAMETERS: Mapping[str, fields.Rule] = {
    "search": SEARCH,
    "category": fields.line("Category", 255),
    "in_stock": flag("In stock"),
    "inStock": flag("In stock"),
    "min_price": amount("Min price"),
    "max_price": amount("Max price"),
    "sort": one_of("Sort", Sort),
    "status": STATUS,
    "facets": flag("Facets"),
    "explain": flag("Explain"),
    **PAGING,
}
"""What `ProductQuery.read` takes."""
SEARCH_PARAMETERS: Mapping[str, fields.Rule] = {
    "q": SEARCH,
    **{name: rule for name, rule in LIST_PARAMETERS.items() if name != "search"},
}
"""What `ProductQuery.read_search` takes."""


FACETED = 100
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
    lowest: Decimal | None = None
    highest: Decimal | None = None
    in_stock: int = 0
    is_sampled: bool = False


SUGGESTED = 10
"""How many products are offered at most."""
SUGGEST_PARAMETERS: Mapping[str, fields.Rule] = {"q": SEARCH}
"""What `read_typed` takes."""


@frozen
class Suggestion:
    """A product as it is offered: `image` is the reference of its first one, if it has any."""

    name: str
    slug: str
    image: str | None

    @classmethod
    def of(cls, product: ListedProduct) -> "Suggestion":
        """Return what is offered of a product."""
        image = product.images[0].ref if product.images else None
        return cls(product.name, product.slug, image)


def read_typed(params: Mapping[str, object]) -> str:
    """Check parameters of which there must be one, `q`, and return what was typed.

    Raises InvalidError.
    """
    return str(fields.check(params, SUGGEST_PARAMETERS, required=SUGGEST_PARAMETERS)["q"])
