"""What a shop holds within this process, shared by its stores."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count
from threading import RLock

from attrs import define, evolve, field, frozen

from eggypro_core.domain.image import StoredImage, no_images
from eggypro_core.domain.product import CategoryName, Product, product_absent, showing, sku_taken
from eggypro_core.domain.product_query import name_key
from eggypro_core.domain.review import Review, rating_of
from eggypro_core.domain.slug import slug_conflict
from eggypro_core.domain.variant import EMBEDDED, Variant
from eggypro_core.errors import MovedError
from eggypro_core.search.text import Entry, entry_of
from eggypro_core.validation.parameters import Status


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


@frozen(kw_only=True)
class RecordedImage:
    """What the ledger of images says of one. `product` is the id of that it was intended for."""

    until: datetime
    product: int | None = None
    stored: StoredImage | None = None
    is_given_up: bool = False
    is_deleted: bool = False


@define
class Shelf:
    """What a store holds; replaced as a whole, so that a transaction can throw its own away."""

    products: dict[int, Product] = field(factory=dict)
    aliases: dict[str, int] = field(factory=dict)
    variants: dict[int, tuple[Variant, ...]] = field(factory=dict)
    """By the id of their product, in their order."""
    reviews: dict[int, tuple[int, Review]] = field(factory=dict)
    """By their id, with that of their product."""
    categories: dict[int, Node] = field(factory=dict)
    links: set[tuple[int, int]] = field(factory=set)
    """Which product is in which category, by their ids."""
    words: set[str] = field(factory=set)
    """Every word that a product or a category ever had."""
    images: dict[str, RecordedImage] = field(factory=dict)
    """By their public ids."""

    def copy(self) -> "Shelf":
        return Shelf(
            dict(self.products),
            dict(self.aliases),
            dict(self.variants),
            dict(self.reviews),
            dict(self.categories),
            set(self.links),
            set(self.words),
            dict(self.images),
        )

    def find(self, slug: str) -> Product:
        for product in self.products.values():
            if product.slug == slug:
                return evolve(product, categories=self.names_of(product.id))
        if slug in self.aliases:
            raise MovedError(self.products[self.aliases[slug]].slug)
        raise product_absent(slug)

    def holds(self, slug: str) -> bool:
        """Whether a slug is some product's, now or formerly."""
        return slug in self.aliases or any(one.slug == slug for one in self.products.values())

    def put(self, product: Product) -> None:
        """Keep a product in the place of its former self. Raises ConflictError."""
        for other in self.products.values():
            if other.id != product.id and other.slug == product.slug:
                raise slug_conflict(other.slug, "product", is_active=other.is_active)
        self.refuse_sku(product.sku, product.id, None)
        former = self.products.get(product.id)
        self.refuse_images(product.own_images - (former.own_images if former else frozenset()))
        former = former or product
        self.aliases.pop(product.slug, None)
        if former.slug != product.slug:
            self.aliases[former.slug] = product.id
        self.products[product.id] = evolve(product, variants=(), categories=(), stored_images=())
        self.words |= self.entry(product).words

    def refuse_images(self, new: Iterable[str]) -> None:
        """Raise InvalidError if there is an image that no product can have."""
        if unknown := [one for one in new if not self.can_have(one)]:
            raise no_images(unknown)

    def can_have(self, image: str) -> bool:
        """Whether a product can have an image."""
        found = self.images.get(image)
        return found is not None and found.stored is not None and not found.is_given_up

    def is_had(self, image: str) -> bool:
        """Whether a product has an image."""
        return any(image in product.own_images for product in self.products.values())

    def refuse_sku(self, sku: str | None, product_id: int, variant_id: int | None) -> None:
        """Raise ConflictError if a SKU is another's than that product's or variant's."""
        if sku is None:
            return
        for held, holder, variant in self.skus():
            if held == sku and (holder.id, variant) != (product_id, variant_id):
                raise sku_taken(sku, holder.slug)

    def refuse_skus_twice(self) -> None:
        """Raise ConflictError if two have one SKU."""
        seen: set[str] = set()
        for sku, holder, _ in self.skus():
            if sku in seen:
                raise sku_taken(sku, holder.slug)
            seen.add(sku)

    def skus(self) -> Iterator[tuple[str, Product, int | None]]:
        """Give every SKU, the product that has it, and the id of its variant that it belongs to."""
        for product in self.products.values():
            if product.sku is not None:
                yield product.sku, product, None
            for variant in self.variants_of(product):
                if variant.sku is not None:
                    yield variant.sku, product, variant.id

    def variants_of(self, product: Product) -> tuple[Variant, ...]:
        """Return all variants of a product, in their order, at its version."""
        found = self.variants.get(product.id, ())
        return tuple(evolve(variant, version=product.version) for variant in found)

    def whole(self, product: Product, status: Status = Status.ACTIVE) -> Product:
        """Return a product with its first variants of a status, and what is known of its images."""
        every = self.variants_of(product)
        shown = [one for one in every if status.shows(is_active=one.is_active)]
        return evolve(
            product, variants=tuple(shown[:EMBEDDED]), stored_images=self.stored_images_of(product)
        )

    def stored_images_of(self, product: Product) -> tuple[StoredImage, ...]:
        """Return what is known of the images of a product that are in our store."""
        known = [self.images[one] for one in sorted(product.own_images & self.images.keys())]
        return tuple(one.stored for one in known if one.stored is not None)

    def put_variants(
        self, product: Product, variants: Iterable[Variant], at: datetime | None = None
    ) -> None:
        """Keep the variants of a product, and what it shows by them. `at` makes a new version."""
        ordered = tuple(sorted(variants, key=lambda one: (one.position, one.id)))
        self.variants[product.id] = ordered
        changed = showing(product, ordered)
        if at is not None:
            changed = evolve(changed, version=product.version + 1, updated_at=at)
        self.products[product.id] = changed
        self.words |= self.entry(changed).words

    def entry(self, product: Product) -> Entry:
        """Return what a search knows of a product."""
        shown = [variant for variant in self.variants.get(product.id, ()) if variant.is_active]
        return entry_of(product, [value for one in shown for value in one.options.values()])

    def reviews_of(self, product: Product) -> list[Review]:
        """Return all reviews of a product."""
        every = self.reviews.values()
        return [evolve(one, product=product.slug) for of, one in every if of == product.id]

    def put_review(self, product: Product, review: Review) -> None:
        """Keep a review of a product, and what its rating is then."""
        self.reviews[review.id] = (product.id, review)
        self.rate(product)

    def rate(self, product: Product) -> None:
        """Keep what the verified reviews of a product come to."""
        verified = [one.rating for one in self.reviews_of(product) if one.is_verified]
        self.products[product.id] = evolve(product, rating=rating_of(verified))

    def remove(self, product: Product) -> None:
        """Let go of a product, and of all that hangs on it."""
        del self.products[product.id]
        self.variants.pop(product.id, None)
        self.aliases = {slug: of for slug, of in self.aliases.items() if of != product.id}
        self.reviews = {id_: row for id_, row in self.reviews.items() if row[0] != product.id}
        self.links = {link for link in self.links if link[0] != product.id}

    def inside(self, product: int) -> list[Node]:
        """Return the categories that a product is in, visible or not, by name."""
        found = [self.categories[category] for one, category in self.links if one == product]
        return sorted(found, key=lambda node: (name_key(node.name), node.slug))

    def names_of(self, product: int) -> tuple[CategoryName, ...]:
        """Return the visible categories that a product is in."""
        return named(node for node in self.inside(product) if self.is_visible(node))

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


def named(nodes: Iterable[Node]) -> tuple[CategoryName, ...]:
    """Return categories as a product names them."""
    return tuple(CategoryName(node.slug, node.name) for node in nodes)


@define
class MemoryDatabase:
    """The shelf of a shop, who may touch it, and the ids of what comes to stand there."""

    shelf: Shelf = field(factory=Shelf)
    ids: Iterator[int] = field(factory=lambda: count(1))
    lock: RLock = field(factory=RLock, repr=False)
