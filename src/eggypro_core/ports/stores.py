"""Ports for stores of products, variants, categories, reviews and zero-result searches."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from eggypro_core.domain.category import Category, CategoryDraft, CategoryQuery
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import ListedProduct, Product, ProductDraft
from eggypro_core.domain.product_files import CatalogSnapshot
from eggypro_core.domain.product_query import Facets, ProductQuery, Suggestion
from eggypro_core.domain.review import Review, ReviewDraft, ReviewQuery
from eggypro_core.domain.stock_change import StockLevel, StockLine
from eggypro_core.domain.variant import Variant, VariantDraft, VariantQuery
from eggypro_core.ports.files import ImportSession
from eggypro_core.search.results import ExplainedPage
from eggypro_core.search.zero_results import ZeroResultSearch
from eggypro_core.validation.parameters import Status


class ProductStore(Protocol):
    """Store products by slug, archived ones too. Any method may raise UnavailableError."""

    def get(self, slug: str, variant_status: Status = Status.ACTIVE) -> Product:
        """Return a product, archived or not, with its first variants of `variant_status`.

        Raises NotFoundError, or SlugMovedError for a former slug.
        """
        ...

    def list(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        """Return the page of products that match `query`, sorted by its sort key, then by id.

        `ParsedQuery` and `relevance_of` define the matches of a search and their order. If a search
        has no results, each of its words also matches words that are one edit away.
        """
        ...

    def get_facets(self, query: ProductQuery, *, allow_sample: bool) -> Facets:
        """Return the facets of all products that match `query`, regardless of the page.

        `allow_sample`: if there are more than MAX_EXACT_TOTAL matches, a sample is sufficient.
        """
        ...

    def explain(self, query: ProductQuery) -> ExplainedPage:
        """Return the page of a search with the ranking reason of each result."""
        ...

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        """Return the first MAX_SUGGESTIONS results of a search in the public catalogue."""
        ...

    def create(self, draft: ProductDraft, at: datetime) -> Product:
        """Store a new product, created `at` that time; return it with its id, as version 1.

        A draft without a slug gets a free one: not reserved, no slug or former slug of a product.
        The slug of a draft may be a former slug of another product, which then loses it.
        Raises ConflictError if the slug or SKU of the draft belongs to another product, and
        ValidationError if one of its categories does not exist.
        """
        ...

    def update(self, slug: str, change: Callable[[Product], Product]) -> Product:
        """Replace the product by `change(product)` and return the new one.

        Atomic: no other writer gets in between. If `change` raises, nothing is stored. `change`
        must be pure: a store may call it again. If the slug changes, the old one becomes a former
        slug of the product. Raises NotFoundError, SlugMovedError, and ConflictError like `create`.
        """
        ...

    def adjust_stock(self, slug: str, delta: int) -> int:
        """Add `delta` to the stock and return the new stock. The version stays unchanged.

        Atomic. Raises NotFoundError, SlugMovedError, and ConflictError if the stock would fall
        below zero or exceed MAX_STOCK, or is derived from variants; nothing is stored then.
        """
        ...

    def set_stock(self, slug: str, quantity: int) -> int:
        """Set the stock and return it. Atomic.

        Raises NotFoundError, SlugMovedError, and ConflictError if the stock is derived from
        variants and differs from `quantity`.
        """
        ...

    def change_stock(self, lines: Sequence[StockLine]) -> tuple[StockLevel, ...]:
        """Change the stock of several products and variants, and return their new levels.

        Atomic: products are locked in the order of their ids, so that concurrent changes neither
        deadlock nor sell anything twice. Former slugs work too. Raises ValidationError for items
        that do not exist, and like `changed_levels`.
        """
        ...

    def delete(self, slug: str, check: Callable[[Product], None]) -> None:
        """Delete a product permanently, with everything that belongs to it.

        Atomic: no other writer gets in between `check(product)` and the deletion. If `check`
        raises, nothing is deleted. Raises NotFoundError and SlugMovedError.
        """
        ...

    def export_products(self, query: ProductQuery) -> AbstractContextManager[CatalogSnapshot]:
        """Open a snapshot of all products that match `query`, by id, and of all categories.

        The page and the sort order of the query do not matter. Contains each product once. The
        snapshot is consistent: later writes do not show. Memory use does not grow with the number
        of products.
        """
        ...

    def begin_import(self) -> AbstractContextManager["ImportSession"]:
        """Begin an import in one transaction. Without `commit`, nothing is stored."""
        ...


class ZeroResultStore(Protocol):
    """Count zero-result searches. Any method may raise UnavailableError."""

    def record(self, words: str, at: datetime) -> None:
        """Count one more search for `words`, in the form that `zero_result_terms` returns.

        Safe under concurrency: no count is lost. At most MAX_ZERO_RESULT_TERMS entries are stored;
        a new one replaces the least frequent, and of these the one searched for least recently.
        May raise UnavailableError instead of waiting long for other writers.
        """
        ...

    def list(self, limit: int) -> tuple[ZeroResultSearch, ...]:
        """Return the most frequent searches; ties by latest search first, then by words."""
        ...

    def clear(self) -> None:
        """Delete all counts."""
        ...

    def prune(self, before: datetime) -> int:
        """Delete the searches that last occurred before a time, and return their number."""
        ...


class VariantStore(Protocol):
    """Store the variants of products. Any method may raise UnavailableError.

    Every method raises NotFoundError or SlugMovedError unless the slug is that of a product. Each
    write stores the product's `variant_summary` in the same transaction; an editorial write (all
    but stock) creates a new version of the product, updated `at` that time.
    """

    def get(self, slug: str, variant_id: int, status: Status) -> Variant:
        """Return a variant of a status. Raises NotFoundError.

        ACTIVE means an active variant of an active product.
        """
        ...

    def list(self, query: VariantQuery) -> Page[Variant, VariantQuery]:
        """Return a page of variants in order of position, then id; ACTIVE as for `get`."""
        ...

    def create(self, slug: str, draft: VariantDraft, at: datetime) -> Variant:
        """Store a new variant and return it. The first variant replaces the product's own stock.

        Raises ConflictError if another variant of the product has the same options, if the variants
        of the product would have more than MAX_OPTION_NAMES option names together, or if the SKU
        belongs to another variant or to a product.
        """
        ...

    def update(
        self, slug: str, variant_id: int, change: Callable[[Variant], Variant], at: datetime
    ) -> Variant:
        """Replace the variant by `change(variant)` and return the new one.

        Atomic: no other writer changes the variant or its product in between. If `change` raises,
        nothing is stored. `change` must be pure: a store may call it again. An unchanged variant
        creates no new version. Raises ConflictError like `create`.
        """
        ...

    def delete(
        self, slug: str, variant_id: int, check: Callable[[Variant], None], at: datetime
    ) -> None:
        """Delete a variant permanently unless `check` raises. A missing one is no error."""
        ...

    def adjust_stock(self, slug: str, variant_id: int, delta: int) -> int:
        """Add `delta` to the stock of a variant and return the new stock. Atomic.

        Raises ConflictError if the stock would fall below zero or exceed MAX_STOCK.
        """
        ...

    def set_stock(self, slug: str, variant_id: int, quantity: int) -> int:
        """Set the stock of a variant and return it."""
        ...


class ReviewStore(Protocol):
    """Store the reviews of products. Any method may raise UnavailableError.

    Each write stores the rating of the product (from its verified reviews) in the same transaction,
    also under concurrent writes. The product's version stays unchanged.
    """

    def list(self, query: ReviewQuery) -> Page[Review, ReviewQuery]:
        """Return a page of reviews of a status, sorted by time, then by id.

        With a product in `query`, raises NotFoundError unless it is active, and SlugMovedError.
        """
        ...

    def create(self, slug: str, draft: ReviewDraft, at: datetime) -> Review:
        """Store a new review, unverified, and return it.

        A pending review with the same name and text is returned instead. Raises NotFoundError
        unless the product is active, and SlugMovedError.
        """
        ...

    def verify(self, review_id: int, *, is_verified: bool) -> Review:
        """Set whether a review is verified (public) and return it. Raises NotFoundError."""
        ...

    def delete(self, review_id: int) -> bool:
        """Delete a review permanently and return whether it existed."""
        ...


class CategoryStore(Protocol):
    """Store the category tree by slug, archived categories too, and the products in each category.

    Any method may raise UnavailableError.
    """

    def get(self, slug: str) -> Category:
        """Return a category, visible or not. Raises NotFoundError."""
        ...

    def list(self, query: CategoryQuery) -> Page[Category, CategoryQuery]:
        """Return a page of categories, sorted by `name_sort_key`, then by id.

        ACTIVE means visible categories, ARCHIVED all others.
        """
        ...

    def create(self, draft: CategoryDraft, at: datetime) -> Category:
        """Store a new category, created `at` that time, and return it with its id.

        A draft without a slug gets a free one. Raises ConflictError if the slug of the draft is
        taken or the tree would be too deep, and ValidationError if the parent does not exist.
        """
        ...

    def create_many(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        """Store new categories, parents first: all or nothing. Raises like `create`."""
        ...

    def update(self, slug: str, change: Callable[[Category], Category]) -> Category:
        """Replace the category by `change(category)`, under its parent, and return the new one.

        Atomic: no other writer changes the tree in between, so it never gets a cycle. If `change`
        raises, nothing is stored. `change` must be pure: a store may call it again. Raises
        NotFoundError, ValidationError and ConflictError like `create`, and ConflictError for a
        cycle.
        """
        ...

    def delete(self, slug: str) -> None:
        """Delete a category permanently: unlink its products, move its children to its parent.

        Raises NotFoundError.
        """
        ...

    def link(self, product: str, category: str) -> None:
        """Add a product to a category. Idempotent.

        Raises NotFoundError, and SlugMovedError for a former slug of a product.
        """
        ...

    def unlink(self, product: str, category: str) -> None:
        """Remove a product from a category. Idempotent. Raises SlugMovedError like `link`."""
        ...
