"""In-memory database of a shop, shared by its stores."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count
from threading import RLock

from attrs import define, evolve, field, frozen

from eggypro_core.domain.event import Event, EventDraft
from eggypro_core.domain.image import StoredImage, images_not_found
from eggypro_core.domain.origin import Origin, write_context
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
from eggypro_core.ports import Clock, utc_now
from eggypro_core.search.text import DocumentTerms, document_terms
from eggypro_core.validation.parameters import Status


@frozen(kw_only=True)
class CategoryNode:
    """A stored category, which refers to its parent by id."""

    id: int
    name: str
    slug: str
    description: str | None
    parent: int | None
    is_active: bool
    created_at: datetime


@frozen(kw_only=True)
class RegisteredImage:
    """The registry's entry of an image. `product` is the id of the product it is reserved for."""

    expires_at: datetime
    product: int | None = None
    stored: StoredImage | None = None
    is_released: bool = False
    is_deleted: bool = False


@define
class MemoryState:
    """The contents of the database. Transactions replace it as a whole or drop their copy."""

    products: dict[int, Product] = field(factory=dict)
    aliases: dict[str, int] = field(factory=dict)
    variants: dict[int, tuple[Variant, ...]] = field(factory=dict)
    """Variants in order, by product id."""
    reviews: dict[int, tuple[int, Review]] = field(factory=dict)
    """Product id and review, by review id."""
    categories: dict[int, CategoryNode] = field(factory=dict)
    links: set[tuple[int, int]] = field(factory=set)
    """Pairs of product id and category id."""
    words: set[str] = field(factory=set)
    """All words that products and categories ever contained."""
    images: dict[str, RegisteredImage] = field(factory=dict)
    """Registered images, by public id."""
    sources: dict[tuple[str, str], int] = field(factory=dict)
    """Product ids, by source and by the id that the source gave the product."""

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
            dict(self.sources),
        )

    def get(self, slug: str) -> Product:
        for product in self.products.values():
            if product.slug == slug:
                return evolve(product, categories=self.visible_category_names(product.id))
        if slug in self.aliases:
            raise SlugMovedError(self.products[self.aliases[slug]].slug)
        raise product_not_found(slug)

    def has_slug(self, slug: str) -> bool:
        """Return whether a slug is a current or former slug of a product."""
        return slug in self.aliases or any(
            product.slug == slug for product in self.products.values()
        )

    def save(self, product: Product) -> None:
        """Store a product, replacing its former version.

        Raises ConflictError for a taken slug or SKU, ValidationError for an unknown image.
        """
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
        """Raise ValidationError if an image cannot be attached."""
        if unknown := [image for image in new if not self.is_attachable(image)]:
            raise images_not_found(unknown)

    def is_attachable(self, image: str) -> bool:
        """Return whether an image is stored and not released."""
        entry = self.images.get(image)
        return entry is not None and entry.stored is not None and not entry.is_released

    def is_referenced(self, image: str) -> bool:
        """Return whether any product uses an image."""
        return any(image in product.own_image_ids for product in self.products.values())

    def check_sku(self, sku: str | None, product_id: int, variant_id: int | None) -> None:
        """Raise ConflictError if another product or variant has the SKU."""
        if sku is None:
            return
        for taken_sku, holder, variant in self.skus():
            if taken_sku == sku and (holder.id, variant) != (product_id, variant_id):
                raise sku_conflict(sku, holder.slug)

    def check_unique_skus(self) -> None:
        """Raise ConflictError if a SKU appears twice."""
        checked: set[str] = set()
        for sku, holder, _ in self.skus():
            if sku in checked:
                raise sku_conflict(sku, holder.slug)
            checked.add(sku)

    def skus(self) -> Iterator[tuple[str, Product, int | None]]:
        """Yield every SKU with its product and, if it is of a variant, the variant's id."""
        for product in self.products.values():
            if product.sku is not None:
                yield product.sku, product, None
            for variant in self.variants.get(product.id, ()):
                if variant.sku is not None:
                    yield variant.sku, product, variant.id

    def find_by_code(self, code: str) -> set[int]:
        """Return the ids of products with this SKU or GTIN, or a variant that has it."""
        return {
            product.id
            for product in self.products.values()
            if code in {product.sku, product.gtin}
            or any(code in {variant.sku, variant.gtin} for variant in self.variants_of(product))
        }

    def variants_of(self, product: Product) -> tuple[Variant, ...]:
        """Return all variants of a product in order, with the product's version."""
        variants = self.variants.get(product.id, ())
        return tuple(evolve(variant, version=product.version) for variant in variants)

    def with_variants_and_images(self, product: Product, status: Status = Status.ACTIVE) -> Product:
        """Return a product with its first variants of a status and the metadata of its images."""
        variants = [
            variant
            for variant in self.variants_of(product)
            if status.includes(is_active=variant.is_active)
        ]
        return evolve(
            product,
            variants=tuple(variants[:MAX_EMBEDDED_VARIANTS]),
            stored_images=self.stored_images_of(product),
        )

    def stored_images_of(self, product: Product) -> tuple[StoredImage, ...]:
        """Return the metadata of a product's images in the image store."""
        public_ids = sorted(product.own_image_ids & self.images.keys())
        entries = [self.images[public_id] for public_id in public_ids]
        return tuple(entry.stored for entry in entries if entry.stored is not None)

    def save_variants(
        self, product: Product, variants: Iterable[Variant], at: datetime | None = None
    ) -> None:
        """Store the variants of a product and its variant summary; `at` makes a new version."""
        ordered = tuple(sorted(variants, key=lambda variant: (variant.position, variant.id)))
        self.variants[product.id] = ordered
        changed = with_variant_summary(product, ordered)
        if at is not None:
            changed = evolve(changed, version=product.version + 1, updated_at=at)
        self.products[product.id] = changed
        self.words |= self.document_terms(changed).words

    def document_terms(self, product: Product) -> DocumentTerms:
        """Return the search terms of a product."""
        variants = [variant for variant in self.variants.get(product.id, ()) if variant.is_active]
        option_values = [value for variant in variants for value in variant.options.values()]
        return document_terms(product, option_values)

    def reviews_of(self, product: Product) -> list[Review]:
        """Return all reviews of a product."""
        return [
            evolve(review, product=product.slug)
            for product_id, review in self.reviews.values()
            if product_id == product.id
        ]

    def save_review(self, product: Product, review: Review) -> None:
        """Store a review and update the rating of its product."""
        self.reviews[review.id] = (product.id, review)
        self.refresh_rating(product)

    def refresh_rating(self, product: Product) -> None:
        """Update the rating of a product from its verified reviews."""
        ratings = [review.rating for review in self.reviews_of(product) if review.is_verified]
        self.products[product.id] = evolve(product, rating=summarise_ratings(ratings))

    def delete(self, product: Product) -> None:
        """Delete a product with its variants, former slugs, reviews and links."""
        del self.products[product.id]
        self.variants.pop(product.id, None)
        self.aliases = {slug: id_ for slug, id_ in self.aliases.items() if id_ != product.id}
        self.reviews = {id_: row for id_, row in self.reviews.items() if row[0] != product.id}
        self.links = {link for link in self.links if link[0] != product.id}
        self.sources = {key: id_ for key, id_ in self.sources.items() if id_ != product.id}

    def categories_of(self, product: int) -> list[CategoryNode]:
        """Return all categories of a product, sorted by name."""
        nodes = [self.categories[category] for id_, category in self.links if id_ == product]
        return sorted(nodes, key=lambda node: (name_sort_key(node.name), node.slug))

    def visible_category_names(self, product: int) -> tuple[CategoryName, ...]:
        """Return the visible categories of a product, sorted by name."""
        return category_names(node for node in self.categories_of(product) if self.is_visible(node))

    def path_to(self, node: CategoryNode) -> list[CategoryNode]:
        """Return the path from the root to a category, itself included."""
        path = [node]
        while path[0].parent is not None:
            path.insert(0, self.categories[path[0].parent])
        return path

    def is_visible(self, node: CategoryNode) -> bool:
        """Return whether a category and all its ancestors are active."""
        return all(ancestor.is_active for ancestor in self.path_to(node))

    def subtree(self, node: CategoryNode) -> list[CategoryNode]:
        """Return a category and all its descendants."""
        return [child for child in self.categories.values() if node in self.path_to(child)]


def category_names(nodes: Iterable[CategoryNode]) -> tuple[CategoryName, ...]:
    """Return the slugs and names of categories."""
    return tuple(CategoryName(node.slug, node.name) for node in nodes)


@frozen
class MemoryBatch:
    """The events of one write. `shown_id` is the id of the whole import of which it is a chunk."""

    id: int
    shown_id: int
    at: datetime
    origin: Origin
    events: tuple[Event, ...]


@define
class MemoryDatabase:
    """The state of a shop, its events, the lock that guards both, and the next ids."""

    state: MemoryState = field(factory=MemoryState)
    ids: Iterator[int] = field(factory=lambda: count(1))
    lock: RLock = field(factory=RLock, repr=False)
    batches: list[MemoryBatch] = field(factory=list, repr=False)
    clock: Clock = utc_now
    origin: Origin = field(factory=Origin)
    """The origin of writes outside of `writing_as`."""
    _batch_ids: Iterator[int] = field(factory=lambda: count(1))
    _event_ids: Iterator[int] = field(factory=lambda: count(1))

    def record(self, drafts: Iterable[EventDraft], *, part_of: int | None = None) -> int | None:
        """Append the events of a write as a batch, and return its id; None without events."""
        given = list(drafts)
        if not given:
            return None
        context, at, batch_id = write_context(), self.clock(), next(self._batch_ids)
        origin = context.origin_or(self.origin)
        shown_id = part_of or batch_id
        events = tuple(
            Event(
                next(self._event_ids),
                shown_id,
                at,
                origin,
                draft.type,
                evolve(draft.subject, id=draft.subject.id or shown_id),
                draft.version,
                draft.changes,
            )
            for draft in given
        )
        self.batches.append(MemoryBatch(batch_id, shown_id, at, origin, events))
        context.batch_ids.append(shown_id)
        return shown_id
