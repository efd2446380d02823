"""Ports for product files: import sessions, readers, writers and the HTML cleaner."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import BinaryIO, Protocol

from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product, ProductDraft
from eggypro_core.domain.product_files import CatalogSnapshot, ImportEntry
from eggypro_core.domain.variant import Variant, VariantDraft


class HtmlCleaner(Protocol):
    """Keeps HTML that is safe to show."""

    def clean(self, html: str) -> str:
        """Return the HTML brought to the allow-list. Cleaning what is clean changes nothing."""
        ...


class ImportSession(Protocol):
    """Many products on their way into a store, all or nothing. One load runs at a time."""

    def find_repeated(self, keys: Sequence[str]) -> Collection[str]:
        """Return those of the keys that this load was shown before, and remember them all."""
        ...

    def find_by_slugs(self, slugs: Collection[str]) -> Mapping[str, Product]:
        """Return those products that exist, by slug, with all variants, without categories.

        Nobody changes them until the load ends.
        """
        ...

    def find_sku_owners(self, skus: Collection[str]) -> Mapping[str, str]:
        """Return the slug of the product that has each SKU, for those that are taken."""
        ...

    def find_attachable_images(self, public_ids: Collection[str]) -> Collection[str]:
        """Return those of our images that products can have."""
        ...

    def write_products(
        self, new: Sequence[ProductDraft], changed: Sequence[Product], at: datetime
    ) -> None:
        """Add products, which have slugs, but no variants or categories yet; replace others by id.

        Raises ConflictError, or the next call does, if another writer took a slug or SKU meanwhile,
        and ValidationError so if an image was given up: nothing is kept then.
        """
        ...

    def write_variants(
        self,
        new: Sequence[tuple[str, VariantDraft]],
        changed: Sequence[tuple[str, Variant]],
    ) -> None:
        """Add variants to the products at slugs, where they have places, and replace others by id.

        What the products show by them follows. Raises ConflictError as `put`.
        """
        ...

    def list_categories(self) -> Iterable[CategoryDraft]:
        """Return every category, archived or not, as it would be added, each behind its parent."""
        ...

    def create_categories(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        """Add categories, which have slugs, each behind its parent.

        Raises ConflictError and ValidationError if another writer changed the tree meanwhile.
        """
        ...

    def find_category_slugs(self, slugs: Collection[str]) -> Mapping[str, Collection[str]]:
        """Return the slugs of all categories of products, by theirs, where they have any."""
        ...

    def set_categories(self, categories: Mapping[str, Collection[str]]) -> None:
        """Put the product at each slug into these categories, and no others. Versions stay.

        Raises ValidationError if another writer took a category away meanwhile.
        """
        ...

    def commit(self) -> None:
        """Keep all of it."""
        ...


class ProductReader(Protocol):
    """Reads files of products."""

    def __call__(self, stream: BinaryIO, *, form: str = "auto") -> Iterator[ImportEntry]:
        """Read a file of a form (`auto` finds out which), a product at a time.

        Memory does not grow with the file. Raises ParseError for what is no such file at all.
        """
        ...


class ProductWriter(Protocol):
    """Writes files of products."""

    def __call__(self, export: CatalogSnapshot, stream: BinaryIO, *, form: str) -> int:
        """Write the products of an export in a form; return how many.

        Memory does not grow with their number. Raises what the stream raises.
        """
        ...
