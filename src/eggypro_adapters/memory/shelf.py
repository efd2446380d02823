"""What a shop holds within this process, shared by its stores."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from threading import RLock

from attrs import define, evolve, field, frozen

from eggypro_core.errors import MovedError, NotFoundError
from eggypro_core.products import CategoryName, Product, sku_taken, slug_taken
from eggypro_core.queries import name_key


@frozen(kw_only=True)
class Node:
    """A category as it is kept: what is above it by id."""

    id: int
    name: str
    slug: str
    description: str | None
    parent: int | None
    is_active: bool
    created_at: datetime


@define
class Shelf:
    """What a store holds; replaced as a whole, so that a transaction can throw its own away."""

    products: dict[int, Product] = field(factory=dict)
    aliases: dict[str, int] = field(factory=dict)
    categories: dict[int, Node] = field(factory=dict)
    links: set[tuple[int, int]] = field(factory=set)
    """Which product is in which category, by their ids."""

    def copy(self) -> "Shelf":
        return Shelf(
            dict(self.products), dict(self.aliases), dict(self.categories), set(self.links)
        )

    def find(self, slug: str) -> Product:
        for product in self.products.values():
            if product.slug == slug:
                return evolve(product, categories=self.names_of(product.id))
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
        self.products[product.id] = evolve(product, categories=())

    def names_of(self, product: int) -> tuple[CategoryName, ...]:
        """Return the visible categories that a product is in."""
        found = [self.categories[category] for one, category in self.links if one == product]
        shown = [node for node in found if self.is_visible(node)]
        shown.sort(key=lambda node: (name_key(node.name), node.slug))
        return tuple(CategoryName(node.slug, node.name) for node in shown)

    def line_of(self, node: Node) -> list[Node]:
        """Return what leads to a category: from the root to itself."""
        line = [node]
        while line[0].parent is not None:
            line.insert(0, self.categories[line[0].parent])
        return line

    def is_visible(self, node: Node) -> bool:
        """Whether a category and all above it are active."""
        return all(one.is_active for one in self.line_of(node))

    def within(self, node: Node) -> list[Node]:
        """Return a category and all below it."""
        return [one for one in self.categories.values() if node in self.line_of(one)]


@define
class MemoryDatabase:
    """The shelf of a shop, who may touch it, and the ids of what comes to stand there."""

    shelf: Shelf = field(factory=Shelf)
    ids: Iterator[int] = field(factory=lambda: count(1))
    lock: RLock = field(factory=RLock, repr=False)
