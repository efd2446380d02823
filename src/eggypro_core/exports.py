"""What leaves a shop for a file: its categories, and its products one by one."""

from collections.abc import Iterator, Sequence

from attrs import frozen

from eggypro_core.categories import CategoryDraft
from eggypro_core.products import Product


@frozen
class Export:
    """A shop as it is at one moment.

    `categories` are all there are, as they would be added, each behind its parent. The `products`
    can be gone through once. Each has all its variants, and names every category that it is in:
    archived ones too.
    """

    categories: Sequence[CategoryDraft]
    products: Iterator[Product]
