"""Distribute category details over exported products: each once, no later than its first use."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import CatalogSnapshot

_MAX_EXTRA_CATEGORIES = 20
"""Categories written with a product that does not need them: few, to keep the cell short."""


def with_category_drafts(
    export: CatalogSnapshot,
) -> Iterator[tuple[Product, Sequence[CategoryDraft]]]:
    """Yield each product with the categories to write with it, parents first.

    A product's categories and their ancestors are written with it, unless written before. The last
    product carries all remaining ones.
    """
    pending = {str(draft.slug): draft for draft in export.categories}
    for product, is_last in _mark_last(export.products):
        slugs = [
            slug
            for category in product.categories
            for slug in _pending_path(category.slug, pending)
        ]
        required = [pending.pop(slug) for slug in slugs if slug in pending]
        extra = list(pending if is_last else islice(pending, _MAX_EXTRA_CATEGORIES))
        yield product, [*required, *map(pending.pop, extra)]


def _pending_path(slug: str, pending: dict[str, CategoryDraft]) -> list[str]:
    """Return the slugs of a category and its ancestors that are not yet written, root first."""
    path: list[str] = []
    ancestor: str | None = slug
    while ancestor in pending:
        path.insert(0, ancestor)
        ancestor = pending[ancestor].parent
    return path


def _mark_last(products: Iterable[Product]) -> Iterator[tuple[Product, bool]]:
    """Yield each product, and whether it is the last one."""
    remaining = iter(products)
    for first in remaining:
        current = first
        for following in remaining:
            yield current, False
            current = following
        yield current, True
