"""What a shop holds within this process, shared by its stores."""

from collections.abc import Iterator
from itertools import count
from threading import RLock

from attrs import define, field

from eggypro_core.errors import MovedError, NotFoundError
from eggypro_core.products import Product, sku_taken, slug_taken


@define
class Shelf:
    """What a store holds; replaced as a whole, so that a transaction can throw its own away."""

    products: dict[int, Product] = field(factory=dict)
    aliases: dict[str, int] = field(factory=dict)

    def copy(self) -> "Shelf":
        return Shelf(dict(self.products), dict(self.aliases))

    def find(self, slug: str) -> Product:
        for product in self.products.values():
            if product.slug == slug:
                return product
        if slug in self.aliases:
            raise MovedError(self.products[self.aliases[slug]].slug)
        raise NotFoundError(f"There is no product '{slug}'")

    def holds(self, slug: str) -> bool:
        """Whether a slug is some product's, now or formerly."""
        return slug in self.aliases or any(one.slug == slug for one in self.products.values())

    def put(self, product: Product) -> None:
        """Keep a product in the place of its former self. Raises ConflictError."""
        for other in self.products.values():
            if other.id != product.id and other.slug == product.slug:
                raise slug_taken(other.slug, is_active=other.is_active)
            if other.id != product.id and product.sku and other.sku == product.sku:
                raise sku_taken(product.sku, other.slug)
        former = self.products.get(product.id, product)
        self.aliases.pop(product.slug, None)
        if former.slug != product.slug:
            self.aliases[former.slug] = product.id
        self.products[product.id] = product


@define
class MemoryDatabase:
    """The shelf of a shop, who may touch it, and the ids of what comes to stand there."""

    shelf: Shelf = field(factory=Shelf)
    ids: Iterator[int] = field(factory=lambda: count(1))
    lock: RLock = field(factory=RLock, repr=False)
