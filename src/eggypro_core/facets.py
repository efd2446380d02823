"""What a list of products comes to: the categories it is in, its prices, what is in stock."""

from decimal import Decimal

from attrs import frozen

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
