"""Ports for product files: import sessions, readers, writers and the HTML cleaner."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import BinaryIO, Protocol

from eggypro_core.domain.category import Category, CategoryDraft
from eggypro_core.domain.event import EventType
from eggypro_core.domain.product import Product, ProductDraft
from eggypro_core.domain.product_files import (
    CatalogSnapshot,
    ExportReport,
    ImportFile,
    ImportItem,
    ImportMatch,
    MatchKeys,
    SkuHolder,
    StockFile,
    StoredProduct,
)
from eggypro_core.domain.variant import Variant, VariantDraft

IMPORT_COMPLETED = EventType.IMPORT_COMPLETED


class HtmlCleaner(Protocol):
    """Sanitise HTML for display."""

    def clean(self, html: str) -> str:
        """Return the HTML reduced to the allow-list. Idempotent."""
        ...


class ImportStage(Protocol):
    """Temporary storage of an import on disk: memory use does not grow with the file."""

    def add(self, items: Sequence[ImportItem]) -> None:
        """Store items, numbered from 0 in the order of the file."""
        ...

    def batches(self) -> Iterator[Sequence[ImportItem]]:
        """Yield all items in order, in the batches in which they were added."""
        ...

    def keys(self) -> Iterator[tuple[int, MatchKeys]]:
        """Yield the number and the keys of each item in order."""
        ...

    def get(self, number: int) -> ImportItem:
        """Return an item by its number."""
        ...

    def load_uses(self, keys: Collection[str]) -> None:
        """Prepare for lookups of these keys, until items are added."""
        ...

    def record_uses(self, uses: Mapping[str, int]) -> Mapping[str, int]:
        """Record the number of the item that uses each key. Return the former uses of these keys.

        The first use of a key stays recorded.
        """
        ...

    def find_uses(self, keys: Collection[str]) -> Mapping[str, int]:
        """Return the number of the first item that uses each key, without unused keys."""
        ...

    def plan(self, product_id: int, item: ImportItem, *, releases_skus: bool) -> None:
        """Plan to update a product by an item; several items may update one."""
        ...

    def plans(self) -> Iterator[Sequence[tuple[int, ImportItem]]]:
        """Yield the planned updates in batches: those that release SKUs first, then by id."""
        ...

    def planned_ids(self) -> Iterator[Sequence[int]]:
        """Yield the ids of the products with planned updates in ascending order, in batches."""
        ...

    def releasing_plans(self) -> Iterator[Sequence[tuple[int, ImportItem]]]:
        """Yield the planned updates that release SKUs, in batches by id."""
        ...

    def postpone(self, item: ImportItem) -> None:
        """Store an item whose product is created after the updates."""
        ...

    def postponed(self) -> Iterator[Sequence[ImportItem]]:
        """Yield the postponed items in order, in batches."""
        ...

    def add_link(
        self, slug: str, categories: Collection[str] | None, source_ids: Sequence[str]
    ) -> None:
        """Store the new categories (None: unchanged) and the source IDs of a product."""
        ...

    def pop_links(
        self,
    ) -> Iterator[Sequence[tuple[str, Collection[str] | None, Sequence[str]]]]:
        """Yield and remove the arguments of `add_link`, in batches."""
        ...


class ImportSession(Protocol):
    """Import many products: stage them, match them with stored products, write the changes.

    The database is not used before `match`. Only one import runs at a time. Until `commit`, nothing
    is stored, apart from chunks.
    """

    @property
    def stage(self) -> ImportStage:
        """Return the stage of this import."""
        ...

    def match(self, source: str) -> None:
        """Match all staged items with the products stored before the import. Locks no product.

        Waits until no other import runs. An item is matched with the first of these products:

        1. the one that `source` knows by its handle, or else the one that has or had its slug. The
           one with the slug takes precedence, as in an export of this shop, if `source` knows it
           by no handle in the file, and either it alone has the name of the item or another item
           has the slug of the other product as its handle;
        2. the one that `source` knows by its source ID, if the name, the slug or a SKU agrees too,
           or the item has none of these;
        3. the only one that has any of its SKUs, if the name or a GTIN agrees or the item has no
           name, and no other item is matched with that product or has any of its SKUs. Items that
           are matched already count only if this one cannot be a new product: otherwise it would be
           refused once, and matched at the next import;
        4. the only one with its name, if no other item has it and neither slug, source ID nor SKUs
           contradict.

        A product is matched once, by the first item in this order.
        """
        ...

    def matches(self) -> Iterator[Sequence[ImportMatch]]:
        """Yield the items with their products, in the order of the file, in batches."""
        ...

    def find_item(self, product_id: int) -> int | None:
        """Return the number of the item that is matched with a product."""
        ...

    def find_sku_holders(self, skus: Collection[str]) -> Mapping[str, SkuHolder]:
        """Return the holder of each SKU, without the free SKUs."""
        ...

    def find_product_ids(self, slugs: Collection[str]) -> Mapping[str, int]:
        """Return the ids of products by their current slugs."""
        ...

    def find_taken_slugs(self, slugs: Collection[str]) -> Collection[str]:
        """Return the slugs that a product has or had."""
        ...

    def find_attachable_images(self, public_ids: Collection[str]) -> Collection[str]:
        """Return the public ids of the stored images that products can reference."""
        ...

    def lock_products(self, ids: Collection[int]) -> None:
        """Lock products in the order of their ids: no other writer changes them until the end."""
        ...

    def get_products(self, ids: Collection[int]) -> Mapping[int, StoredProduct]:
        """Return products by id as they are now, without deleted ones."""
        ...

    def release_skus(self, product_ids: Collection[int], variant_ids: Collection[int]) -> None:
        """Remove the SKUs of products and variants, so that others can take them."""
        ...

    def delete_variants(self, product_ids: Collection[int]) -> None:
        """Delete all variants of some products, which have their own price and stock then."""
        ...

    def write_products(
        self,
        new: Sequence[ProductDraft],
        changed: Sequence[tuple[Product, Product]],
        at: datetime,
    ) -> None:
        """Insert the `new` products and replace the `changed` ones, pairs of before and after.

        New products have slugs. Their variants and categories follow: the draft says which. A
        former slug becomes an alias. Raises ConflictError if another writer has taken a slug or
        SKU in the meantime, and ValidationError if an image has been released; the error may come
        from the next call instead. Nothing is stored then.
        """
        ...

    def write_variants(
        self,
        new: Sequence[tuple[str, VariantDraft]],
        changed: Sequence[tuple[str, Variant, Variant]],
    ) -> None:
        """Insert the `new` variants and replace the `changed` ones, pairs of before and after.

        Each comes with the slug of its product; new ones have a position. Updates the variant
        summary of the products. Raises ConflictError like `write_products`.
        """
        ...

    def set_stock(self, stock: Mapping[tuple[int, int | None], int]) -> None:
        """Set and track the stock by product and variant id (None: of the product itself).

        Versions stay unchanged. Updates the variant summary of the products, which are locked.
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

    def update_category(self, slug: str, change: Callable[[Category], Category]) -> None:
        """Replace a category by `change(category)`. Raises like `CategoryStore.update`."""
        ...

    def set_categories(self, categories: Mapping[str, Collection[str]]) -> None:
        """Replace the categories of each product, by product slug. Versions stay unchanged.

        Raises ValidationError if another writer has deleted a category in the meantime.
        """
        ...

    def remember_sources(self, source: str, slugs: Mapping[str, str]) -> None:
        """Remember the products, given by slug, that source IDs refer to from now on."""
        ...

    def commit_chunk(self) -> None:
        """Commit everything written so far, and continue."""
        ...

    def commit(self, name: str = "import", kind: EventType | None = IMPORT_COMPLETED) -> None:
        """Commit the import, with an event of this kind unless it changed nothing.

        `name` says what was imported.
        """
        ...


class ProductReader(Protocol):
    """Read product files."""

    def __call__(
        self,
        stream: BinaryIO,
        *,
        file_format: str = "auto",
        mapping: Mapping[str, str] | None = None,
    ) -> ImportFile:
        """Read a file in the format `file_format`; `auto` detects the format.

        `mapping` has the name of the column of each field, for a table in an unknown format.

        Memory use does not grow with the file. Raises ParseError if the file is not in the
        format at all.
        """
        ...


class StockReader(Protocol):
    """Read stock files."""

    def __call__(self, stream: BinaryIO) -> StockFile:
        """Return the stock quantities of a file. Raises ParseError if it has none."""
        ...


class ProductWriter(Protocol):
    """Write product files."""

    def __call__(
        self, export: CatalogSnapshot, stream: BinaryIO, *, file_format: str
    ) -> ExportReport:
        """Write the products of `export` in the format `file_format`; report what it cannot hold.

        Memory use does not grow with the number of products. Errors of the stream pass through.
        """
        ...
