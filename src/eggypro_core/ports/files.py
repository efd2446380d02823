"""Ports for product files: import sessions, readers, writers and the HTML cleaner."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import BinaryIO, Protocol

from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product, ProductDraft
from eggypro_core.domain.product_files import CatalogSnapshot, ImportEntry
from eggypro_core.domain.variant import Variant, VariantDraft


class HtmlCleaner(Protocol):
    """Sanitise HTML for display."""

    def clean(self, html: str) -> str:
        """Return the HTML reduced to the allow-list. Idempotent."""
        ...


class ImportSession(Protocol):
    """Import many products in one transaction: all or nothing. Only one import runs at a time."""

    def find_repeated(self, keys: Sequence[str]) -> Collection[str]:
        """Return the keys that this session has received before, and remember all `keys`."""
        ...

    def find_by_slugs(self, slugs: Collection[str]) -> Mapping[str, Product]:
        """Return the existing products by slug, with all variants and without categories.

        Locks them: no other writer changes them until the session ends.
        """
        ...

    def find_sku_owners(self, skus: Collection[str]) -> Mapping[str, str]:
        """Return the slug of the owning product per SKU, without the free SKUs."""
        ...

    def find_attachable_images(self, public_ids: Collection[str]) -> Collection[str]:
        """Return the public ids of the stored images that products can reference."""
        ...

    def write_products(
        self, new: Sequence[ProductDraft], changed: Sequence[Product], at: datetime
    ) -> None:
        """Insert the `new` products and replace the `changed` ones by id.

        New products have slugs, but no variants or categories yet. Raises ConflictError if another
        writer has taken a slug or SKU in the meantime, and ValidationError if an image has been
        released; the error may come from the next call instead. Nothing is stored then.
        """
        ...

    def write_variants(
        self,
        new: Sequence[tuple[str, VariantDraft]],
        changed: Sequence[tuple[str, Variant]],
    ) -> None:
        """Insert the `new` variants and replace the `changed` ones by id.

        Each comes with the slug of its product; new ones have a position. Updates the variant
        summary of the products. Raises ConflictError like `write_products`.
        """
        ...

    def list_categories(self) -> Iterable[CategoryDraft]:
        """Return every category, archived ones too, as a draft; parents come first."""
        ...

    def create_categories(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        """Insert categories that have slugs; parents come first.

        Raises ConflictError or ValidationError if another writer has changed the tree in the
        meantime.
        """
        ...

    def find_category_slugs(self, slugs: Collection[str]) -> Mapping[str, Collection[str]]:
        """Return the category slugs per product slug, without the products that have none."""
        ...

    def set_categories(self, categories: Mapping[str, Collection[str]]) -> None:
        """Replace the categories of each product, by product slug. Versions stay unchanged.

        Raises ValidationError if another writer has deleted a category in the meantime.
        """
        ...

    def commit(self) -> None:
        """Commit the whole import."""
        ...


class ProductReader(Protocol):
    """Read product files."""

    def __call__(self, stream: BinaryIO, *, file_format: str = "auto") -> Iterator[ImportEntry]:
        """Yield the entries of a file in the format `file_format`; `auto` detects the format.

        Memory use does not grow with the file. Raises ParseError if the file does not have the
        format at all.
        """
        ...


class ProductWriter(Protocol):
    """Write product files."""

    def __call__(self, export: CatalogSnapshot, stream: BinaryIO, *, file_format: str) -> int:
        """Write the products of `export` in the format `file_format` and return their number.

        Memory use does not grow with that number. Errors of the stream pass through.
        """
        ...
