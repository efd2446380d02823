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
from eggypro_core.domain.variant import Variant, VariantDraft, VariantQuery
from eggypro_core.ports.files import ImportSession
from eggypro_core.search.results import ExplainedPage
from eggypro_core.search.zero_results import ZeroResultSearch
from eggypro_core.validation.parameters import Status


class ProductStore(Protocol):
    """Keeps products by slug, archived ones too. Any method may raise UnavailableError."""

    def get(self, slug: str, variant_status: Status = Status.ACTIVE) -> Product:
        """Return a product, archived or not, with its first variants of a status.

        Raises NotFoundError, or SlugMovedError where the slug is a former one of a product.
        """
        ...

    def list(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        """Return a page, sorted by the query's sort key and then by id.

        What a search finds, and in which order, is said by `Reading` and `relevance_of`. Where its
        words find nothing as they are, each is taken for what is one edit away too.
        """
        ...

    def get_facets(self, query: ProductQuery, *, allow_sample: bool) -> Facets:
        """Return what all products of a query come to, wherever its page begins.

        `many`: they are more than MAX_EXACT_TOTAL, so that a sample will do.
        """
        ...

    def explain(self, query: ProductQuery) -> ExplainedPage:
        """Return the page of a search with the reasons for it."""
        ...

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        """Return the first SUGGESTED products that a search of all active ones would show."""
        ...

    def create(self, draft: ProductDraft, at: datetime) -> Product:
        """Keep a new product, made `at` a time, and return it with its id, as version 1.

        A draft without a slug gets one that is free: no product's, no former one, not reserved.
        A slug that is given and is a product's former one is taken over from it.
        Raises ConflictError where a given slug or the SKU belongs to another product, and
        ValidationError where one of its categories does not exist.
        """
        ...

    def update(self, slug: str, change: Callable[[Product], Product]) -> Product:
        """Replace the product by `to(product)` and return the new one.

        Nobody else changes it in between. If `to` raises, nothing is kept. `to` must be pure: a
        store may call it again. A renamed product keeps the old slug as one that leads to it.
        Raises NotFoundError, SlugMovedError, and ConflictError as `add` does.
        """
        ...

    def adjust_stock(self, slug: str, delta: int) -> int:
        """Add to the stock (or take from it) at once, and return what is there then.

        Raises NotFoundError, SlugMovedError, and ConflictError where it would fall below zero or
        above what can be counted, or follows from variants; nothing has changed then. The version
        stays.
        """
        ...

    def set_stock(self, slug: str, quantity: int) -> int:
        """Set the stock at once, and return it.

        Raises NotFoundError, SlugMovedError, and ConflictError where it follows from variants and
        is not that already.
        """
        ...

    def delete(self, slug: str, check: Callable[[Product], None]) -> None:
        """Delete a product for good, and what hangs on it. Raises NotFoundError, SlugMovedError.

        Nobody changes it from when `check` sees it. If `check` raises, it stays.
        """
        ...

    def export_products(self, status: Status) -> AbstractContextManager[CatalogSnapshot]:
        """Give every product of a status once, by id, and every category.

        They are as they were at one moment, whatever is written meanwhile. Memory does not grow
        with the number of products.
        """
        ...

    def begin_import(self) -> AbstractContextManager["ImportSession"]:
        """Begin to take many products, in one transaction. Without `commit`, nothing is kept."""
        ...


class ZeroResultStore(Protocol):
    """Counts the searches that found nothing. Any method may raise UnavailableError."""

    def record(self, words: str, at: datetime) -> None:
        """Count one more search for some words, which come as `zero_result_terms` returns them.

        However many do so at once, each counts. At most KEPT words are kept: for new ones the least
        frequent go, and of these the ones that were longest not searched for. May raise
        ConflictError where others are in the way: it waits for nobody for long.
        """
        ...

    def list(self, limit: int) -> tuple[ZeroResultSearch, ...]:
        """Return the most frequent, those that were last searched for first, then by words."""
        ...

    def clear(self) -> None:
        """Forget all."""
        ...


class VariantStore(Protocol):
    """Keeps the variants of products. Any method may raise UnavailableError.

    Every method raises NotFoundError or SlugMovedError where the slug leads to no product. What
    `derived` says of its variants is stored with the product in the same transaction as each write;
    an editorial write (all but stock) makes a new version of the product, changed `at` that time.
    """

    def get(self, slug: str, variant_id: int, status: Status) -> Variant:
        """Return a variant of a status. Raises NotFoundError where there is none.

        ACTIVE means an active one of an active product.
        """
        ...

    def list(self, query: VariantQuery) -> Page[Variant, VariantQuery]:
        """Return a page of variants of a status, in their order; for ACTIVE as in `find`."""
        ...

    def create(self, slug: str, draft: VariantDraft, at: datetime) -> Variant:
        """Keep a new variant. The product's own stock is replaced by that of its first one.

        Raises ConflictError where a sibling has its options, where the siblings would have more
        than MAX_OPTION_NAMES names of options together, and where its SKU belongs to another
        variant or to a product.
        """
        ...

    def update(
        self, slug: str, variant_id: int, change: Callable[[Variant], Variant], at: datetime
    ) -> Variant:
        """Replace the variant by `to(variant)` and return the new one.

        Nobody else changes it or its product in between. If `to` raises, nothing is kept. `to` must
        be pure. Where it changes nothing there is no new version. Raises ConflictError as `add`.
        """
        ...

    def delete(
        self, slug: str, variant_id: int, check: Callable[[Variant], None], at: datetime
    ) -> None:
        """Delete a variant for good, unless `check` raises; one that is not there needs nothing."""
        ...

    def adjust_stock(self, slug: str, variant_id: int, delta: int) -> int:
        """Add to the stock of a variant (or take from it), and return what is there then.

        Raises ConflictError where it would fall below zero or above what can be counted.
        """
        ...

    def set_stock(self, slug: str, variant_id: int, quantity: int) -> int:
        """Set the stock of a variant, and return it."""
        ...


class ReviewStore(Protocol):
    """Keeps the reviews of products. Any method may raise UnavailableError.

    What the verified ones come to is stored as the product's rating in the same transaction as each
    write, whoever else writes; its version stays.
    """

    def list(self, query: ReviewQuery) -> Page[Review, ReviewQuery]:
        """Return a page of reviews of a status, by time and then id.

        Those of a product raise NotFoundError unless it is on sale, and SlugMovedError.
        """
        ...

    def create(self, slug: str, draft: ReviewDraft, at: datetime) -> Review:
        """Keep a new review, unverified; one that waits with the same name and text is returned.

        Raises NotFoundError unless the product is on sale, and SlugMovedError.
        """
        ...

    def verify(self, review_id: int, *, is_verified: bool) -> Review:
        """Set whether a review is shown, and return it. Raises NotFoundError."""
        ...

    def delete(self, review_id: int) -> bool:
        """Delete a review for good; return whether there was one."""
        ...


class CategoryStore(Protocol):
    """Keeps a tree of categories by slug, and which products are in them.

    Archived ones too. Any method may raise UnavailableError.
    """

    def get(self, slug: str) -> Category:
        """Return a category, visible or not. Raises NotFoundError."""
        ...

    def list(self, query: CategoryQuery) -> Page[Category, CategoryQuery]:
        """Return a page, sorted by the key of the name and then by id.

        Active ones are those that are visible, archived ones all others.
        """
        ...

    def create(self, draft: CategoryDraft, at: datetime) -> Category:
        """Keep a new category, made `at` a time, and return it with its id.

        A draft without a slug gets one that is free. Raises ConflictError where a given slug is
        another's or the tree would be too deep, ValidationError where there is no such parent.
        """
        ...

    def create_many(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        """Keep many new categories, each behind its parent, or none of them. Raises as `add`."""
        ...

    def update(self, slug: str, change: Callable[[Category], Category]) -> Category:
        """Replace the category by `to(category)`, below the parent that it names; return it.

        Nobody else changes the tree in between, so that it never gets a cycle. If `to` raises,
        nothing is kept. `to` must be pure: a store may call it again. Raises NotFoundError,
        ValidationError and ConflictError as `add` does, and ConflictError for a cycle.
        """
        ...

    def delete(self, slug: str) -> None:
        """Delete a category for good: its products are unlinked, its children go to its parent.

        Raises NotFoundError.
        """
        ...

    def link(self, product: str, category: str) -> None:
        """Put a product in a category, if it is not there.

        Raises NotFoundError, and SlugMovedError where the slug is a former one of a product.
        """
        ...

    def unlink(self, product: str, category: str) -> None:
        """Take a product out of a category, if it is there. Raises SlugMovedError as `link`."""
        ...
