"""What a shop holds within this process, shared by its stores."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count
from threading import RLock

from attrs import define, evolve, field, frozen

from eggypro_core.domain.image import StoredImage, images_not_found
from eggypro_core.domain.product import (
    CategoryName,
    Product,
    product_not_found,
    sku_conflict,
    with_variant_summary,
)
from eggypro_core.domain.product_query import name_sort_key
from eggypro_core.domain.review import Review, summarise_ratings
from eggypro_core.domain.slug import slug_conflict
from eggypro_core.domain.variant import MAX_EMBEDDED_VARIANTS, Variant
from eggypro_core.errors import SlugMovedError
from eggypro_core.search.text import DocumentTerms, document_terms
from eggypro_core.validation.parameters import Status


@frozen(kw_only=True)
class CategoryNode:
    """A category as it is kept: what is above it by id."""

    id: int
    name: str
    slug: str
    description: str | None
    parent: int | None
    is_active: bool
    created_at: datetime


@frozen(kw_only=True)
class RegisteredImage:
    """What the ledger of images says of one. `product` is the id of that it was intended for."""

    expires_at: datetime
    product: int | None = None
    stored: StoredImage | None = None
    is_released: bool = False
    is_deleted: bool = False


@define
class MemoryState:
    """What a store holds; replaced as a whole, so that a transaction can throw its own away."""

    products: dict[int, Product] = field(factory=dict)
    aliases: dict[str, int] = field(factory=dict)
    variants: dict[int, tuple[Variant, ...]] = field(factory=dict)
    """By the id of their product, in their order."""
    reviews: dict[int, tuple[int, Review]] = field(factory=dict)
    """By their id, with that of their product."""
    categories: dict[int, CategoryNode] = field(factory=dict)
    links: set[tuple[int, int]] = field(factory=set)
    """Which product is in which category, by their ids."""
    words: set[str] = field(factory=set)
    """Every word that a product or a category ever had."""
    images: dict[str, RegisteredImage] = field(factory=dict)
    """By their public ids."""

    def copy(self) -> "MemoryState":
        return MemoryState(
            dict(self.products),
            dict(self.aliases),
            dict(self.variants),
            dict(self.reviews),
            dict(self.categories),
            set(self.links),
            set(self.words),
            dict(self.images),
        )

    def get(self, slug: str) -> Product:
        for product in self.products.values():
            if product.slug == slug:
                return evolve(product, categories=self.visible_category_names(product.id))
        if slug in self.aliases:
            raise SlugMovedError(self.products[self.aliases[slug]].slug)
        raise product_not_found(slug)

    def has_slug(self, slug: str) -> bool:
        """Whether a slug is some product's, now or formerly."""
        return slug in self.aliases or any(one.slug == slug for one in self.products.values())

    def save(self, product: Product) -> None:
        """Keep a product in the place of its former self. Raises ConflictError."""
        for other in self.products.values():
            if other.id != product.id and other.slug == product.slug:
                raise slug_conflict(other.slug, "product", is_active=other.is_active)
        self.check_sku(product.sku, product.id, None)
        former = self.products.get(product.id)
        self.check_images(product.own_image_ids - (former.own_image_ids if former else frozenset()))
        former = former or product
        self.aliases.pop(product.slug, None)
        if former.slug != product.slug:
            self.aliases[former.slug] = product.id
        self.products[product.id] = evolve(product, variants=(), categories=(), stored_images=())
        self.words |= self.document_terms(product).words

    def check_images(self, new: Iterable[str]) -> None:
        """Raise ValidationError if there is an image that no product can have."""
        if unknown := [one for one in new if not self.is_attachable(one)]:
            raise images_not_found(unknown)

    def is_attachable(self, image: str) -> bool:
        """Whether a product can have an image."""
        found = self.images.get(image)
        return found is not None and found.stored is not None and not found.is_released

    def is_referenced(self, image: str) -> bool:
        """Whether a product has an image."""
        return any(image in product.own_image_ids for product in self.products.values())

    def check_sku(self, sku: str | None, product_id: int, variant_id: int | None) -> None:
        """Raise ConflictError if a SKU is another's than that product's or variant's."""
        if sku is None:
            return
        for held, holder, variant in self.skus():
            if held == sku and (holder.id, variant) != (product_id, variant_id):
                raise sku_conflict(sku, holder.slug)

    def check_unique_skus(self) -> None:
        """Raise ConflictError if two have one SKU."""
        seen: set[str] = set()
        for sku, holder, _ in self.skus():
            if sku in seen:
                raise sku_conflict(sku, holder.slug)
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

    def with_details(self, product: Product, status: Status = Status.ACTIVE) -> Product:
        """Return a product with its first variants of a status, and what is known of its images."""
        every = self.variants_of(product)
        shown = [one for one in every if status.includes(is_active=one.is_active)]
        return evolve(
            product,
            variants=tuple(shown[:MAX_EMBEDDED_VARIANTS]),
            stored_images=self.stored_images_of(product),
        )

    def stored_images_of(self, product: Product) -> tuple[StoredImage, ...]:
        """Return what is known of the images of a product that are in our store."""
        known = [self.images[one] for one in sorted(product.own_image_ids & self.images.keys())]
        return tuple(one.stored for one in known if one.stored is not None)

    def save_variants(
        self, product: Product, variants: Iterable[Variant], at: datetime | None = None
    ) -> None:
        """Keep the variants of a product, and what it shows by them. `at` makes a new version."""
        ordered = tuple(sorted(variants, key=lambda one: (one.position, one.id)))
        self.variants[product.id] = ordered
        changed = with_variant_summary(product, ordered)
        if at is not None:
            changed = evolve(changed, version=product.version + 1, updated_at=at)
        self.products[product.id] = changed
        self.words |= self.document_terms(changed).words

    def document_terms(self, product: Product) -> DocumentTerms:
        """Return what a search knows of a product."""
        shown = [variant for variant in self.variants.get(product.id, ()) if variant.is_active]
        return document_terms(product, [value for one in shown for value in one.options.values()])

    def reviews_of(self, product: Product) -> list[Review]:
        """Return all reviews of a product."""
        every = self.reviews.values()
        return [evolve(one, product=product.slug) for of, one in every if of == product.id]

    def save_review(self, product: Product, review: Review) -> None:
        """Keep a review of a product, and what its rating is then."""
        self.reviews[review.id] = (product.id, review)
        self.refresh_rating(product)

    def refresh_rating(self, product: Product) -> None:
        """Keep what the verified reviews of a product come to."""
        verified = [one.rating for one in self.reviews_of(product) if one.is_verified]
        self.products[product.id] = evolve(product, rating=summarise_ratings(verified))

    def delete(self, product: Product) -> None:
        """Let go of a product, and of all that hangs on it."""
        del self.products[product.id]
        self.variants.pop(product.id, None)
        self.aliases = {slug: of for slug, of in self.aliases.items() if of != product.id}
        self.reviews = {id_: row for id_, row in self.reviews.items() if row[0] != product.id}
        self.links = {link for link in self.links if link[0] != product.id}

    def categories_of(self, product: int) -> list[CategoryNode]:
        """Return the categories that a product is in, visible or not, by name."""
        found = [self.categories[category] for one, category in self.links if one == product]
        return sorted(found, key=lambda node: (name_sort_key(node.name), node.slug))

    def visible_category_names(self, product: int) -> tuple[CategoryName, ...]:
        """Return the visible categories that a product is in."""
        return category_names(node for node in self.categories_of(product) if self.is_visible(node))

    def path_to(self, node: CategoryNode) -> list[CategoryNode]:
        """Return what leads to a category: from the root to itself."""
        line = [node]
        while line[0].parent is not None:
            line.insert(0, self.categories[line[0].parent])
        return line

    def is_visible(self, node: CategoryNode) -> bool:
        """Whether a category and all above it are active."""
        return all(one.is_active for one in self.path_to(node))

    def subtree(self, node: CategoryNode) -> list[CategoryNode]:
        """Return a category and all below it."""
        return [one for one in self.categories.values() if node in self.path_to(one)]


def category_names(nodes: Iterable[CategoryNode]) -> tuple[CategoryName, ...]:
    """Return categories as a product names them."""
    return tuple(CategoryName(node.slug, node.name) for node in nodes)


@define
class MemoryDatabase:
    """The shelf of a shop, who may touch it, and the ids of what comes to stand there."""

    state: MemoryState = field(factory=MemoryState)
    ids: Iterator[int] = field(factory=lambda: count(1))
    lock: RLock = field(factory=RLock, repr=False)
