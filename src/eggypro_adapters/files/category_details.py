"""What the categories of an export are like: told once, before or where a product needs it."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import CatalogSnapshot

_MAX_EXTRA_CATEGORIES = 20
"""How many categories are told with a product that needs none of them: few, for a cell is short."""


def with_details(export: CatalogSnapshot) -> Iterator[tuple[Product, Sequence[CategoryDraft]]]:
    """Give each product with the categories that are told with it, each behind its parent.

    Those that a product is in, and those above, are told by then; the last one tells what is left.
    """
    left = {str(draft.slug): draft for draft in export.categories}
    for product, is_last in _mark_last(export.products):
        needed = [slug for one in product.categories for slug in _path_left(one.slug, left)]
        told = [left.pop(slug) for slug in needed if slug in left]
        more = list(left if is_last else islice(left, _MAX_EXTRA_CATEGORIES))
        yield product, [*told, *map(left.pop, more)]


def _path_left(slug: str, left: dict[str, CategoryDraft]) -> list[str]:
    """Return the slugs of a category and of those above it that are not told, from the top."""
    line: list[str] = []
    above: str | None = slug
    while above in left:
        line.insert(0, above)
        above = left[above].parent
    return line


def _mark_last(products: Iterable[Product]) -> Iterator[tuple[Product, bool]]:
    """Give each product, and whether it is the last one."""
    rest = iter(products)
    for product in rest:
        former = product
        for following in rest:
            yield former, False
            former = following
        yield former, True
