"""Entries, options and report of an import; snapshot and report of an export."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TypeAlias

from attrs import field, frozen

from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.validation import fields


@frozen
class ImportMessage:
    """An error or warning at a line of an imported file.

    `column` is the name of the column in the file, `value` the text of its cell, shortened; both
    are blank if they do not apply.
    """

    line: int
    field: str
    message: str
    column: str = ""
    value: str = ""


@frozen
class ImportEntry:
    """A product in an imported file, or the errors that prevent reading it.

    `line` is the 1-based line on which it begins. `values` has the writable fields of the product
    as text, numbers, lists or maps, not yet validated; fields that the file omits are absent and
    stay unchanged in an update. It is None for an entry that cannot be read (see `errors`) or is
    skipped (see `warnings`). `attributes` replaces all attributes, `attribute_edits` sets single
    ones and removes those that are None.

    `source_id` is the ID of the product in the shop that exported it. `variant_lines` are the lines
    of the variants in `values`, `skipped_options` the options of variants that the file has but
    that cannot be taken: these stay as they are. `has_no_variants`: the file says that the product
    is sold without variants.
    """

    line: int
    values: Mapping[str, object] | None
    errors: tuple[ImportMessage, ...] = ()
    warnings: tuple[ImportMessage, ...] = ()
    source_id: str | None = None
    variant_lines: tuple[int, ...] = ()
    skipped_options: tuple[Mapping[str, str], ...] = ()
    has_no_variants: bool = False


@frozen
class ImportFile:
    """The entries of an imported file in a format.

    `entries` can be iterated once. `columns` are the names of the file's columns by field, for
    messages. `exported_values` returns the values that an entry would have after an export of a
    product in this format: an import ignores equal values, because they are not changes. It is
    None for a format that can hold every value. `help` is the error of an import without any
    product, if the format was requested but does not fit well.
    """

    format: str
    entries: Iterator[ImportEntry]
    columns: Mapping[str, str] = field(factory=dict)
    exported_values: Callable[[Product], Mapping[str, object]] | None = None
    help: str = ""


@frozen
class StockEntry:
    """A stock quantity in an imported file, or only messages if `quantity` is None.

    `line` is the 1-based line on which it begins. The quantity is that of the product or variant
    with the `sku`. If the file has them, `handle` is the slug of the product and `options` are
    those of the variant; `sku` can then be blank.
    """

    line: int
    sku: str
    quantity: int | None
    handle: str = ""
    options: Mapping[str, str] = field(factory=dict)
    errors: tuple[ImportMessage, ...] = ()
    warnings: tuple[ImportMessage, ...] = ()


@frozen
class StockFile:
    """The entries of a stock file. `columns` are the names of its columns by field."""

    entries: Iterator[StockEntry]
    columns: Mapping[str, str] = field(factory=dict)


class ConflictPolicy(StrEnum):
    """The action of an import for a product that already exists."""

    UPDATE = "update"
    SKIP = "skip"
    FAIL = "fail"


class MissingStock(StrEnum):
    """The stock of new products for which a file has no quantity."""

    UNTRACKED = "untracked"
    SOLD_OUT = "sold-out"


@frozen(kw_only=True)
class ImportOptions:
    """The options of an import.

    `source` names the shop that the IDs of the file come from, the format by default. With
    `keep_going`, valid products are imported even if others are refused. `is_chunked` commits after
    every IMPORT_BATCH_SIZE products. `ignore_stock` leaves the stock of known products unchanged,
    `keep_variants` the variants that the file lacks.
    """

    source: str | None = None
    on_conflict: ConflictPolicy = ConflictPolicy.UPDATE
    dry_run: bool = False
    keep_going: bool = False
    is_chunked: bool = False
    ignore_stock: bool = False
    missing_stock: MissingStock = MissingStock.UNTRACKED
    keep_variants: bool = False


DEFAULT_IMPORT_OPTIONS = ImportOptions()
IMPORT_SOURCE = fields.single_line("Source", 100)
"""The validator of `ImportOptions.source`."""
CategoryReference: TypeAlias = str | tuple[str, ...]
"""A category by its slug, or by its path of names from the root."""


@frozen(slots=False)  # like ProductChanges
class CategoryReferences:
    """The categories of an imported product: `references`, None if the file does not have them.

    `details` describe categories to create; existing ones with the same slug stay unchanged.
    """

    references: tuple[CategoryReference, ...] | None = None
    details: tuple[CategoryDraft, ...] = ()


HANDLE_PREFIX = "handle:"
"""The prefix of source IDs that are handles."""
ROW_PREFIX = "row:"
"""The prefix of source IDs that are digests of products without a handle and an ID."""
FORMER_PREFIX = "former:"
"""The prefix of source IDs that the source has given to another product since."""
NO_CATEGORY_REFERENCES = CategoryReferences()


def is_given_id(source_id: str) -> bool:
    """Return whether the source itself gave a product this ID."""
    return not source_id.startswith((HANDLE_PREFIX, ROW_PREFIX))


@frozen(slots=False)  # like ProductChanges
class MatchKeys:
    """The keys by which an imported product is matched with a stored one.

    `handle` is the handle in the file, in lower case; `slug` is the slug made of it. `name` is a
    `name_sort_key`. `skus` and `gtins` include those of the variants. `can_be_new` is False if the
    item lacks what a new product needs: a name or a price.
    """

    slug: str | None = None
    handle: str | None = None
    source_id: str | None = None
    name: str | None = None
    skus: tuple[str, ...] = ()
    gtins: tuple[str, ...] = ()
    can_be_new: bool = True

    def source_ids(self, slug: str, *, is_new: bool = False) -> list[str]:
        """Return the IDs by which the source knows a product with this slug.

        A handle is one of them if it is not a slug, or if another product has it as its slug. The
        digest of a row is one of them for a new product, and for a product without a SKU.
        """
        ids = [] if self.handle in (None, slug) else [f"{HANDLE_PREFIX}{self.handle}"]
        if self.source_id is not None and (self.has_given_id or is_new or not self.skus):
            ids.append(self.source_id)
        return ids

    @property
    def has_given_id(self) -> bool:
        """Return whether the source itself gave the product an ID."""
        return self.source_id is not None and is_given_id(self.source_id)


@frozen(slots=False)  # like ProductChanges
class ImportItem:
    """A valid product of an imported file; `number` counts them from 0.

    `keeps_alts`: the file has images, but no alt texts. `is_refused`: only the details of its
    categories are used.
    """

    number: int
    line: int
    keys: MatchKeys
    changes: ProductChanges
    categories: CategoryReferences = NO_CATEGORY_REFERENCES
    skipped_options: tuple[Mapping[str, str], ...] = ()
    has_no_variants: bool = False
    keeps_alts: bool = False
    is_refused: bool = False


@frozen
class StoredProduct:
    """A stored product with all its variants, and the slugs of all its categories."""

    product: Product
    categories: frozenset[str] = frozenset()


class MatchedBy(StrEnum):
    """The key by which an imported product was matched with a stored one."""

    SLUG = "slug"
    SOURCE_ID = "source_id"
    SKU = "sku"
    NAME = "name"


@frozen
class ImportMatch:
    """An imported product and the stored product that it is matched with, if any."""

    item: ImportItem
    stored: StoredProduct | None = None
    by: MatchedBy | None = None

    @property
    def product_id(self) -> int | None:
        """Return the id of the stored product."""
        return None if self.stored is None else self.stored.product.id


@frozen
class SkuHolder:
    """The product that has a SKU, itself or by a variant."""

    product_id: int
    slug: str


@frozen
class ImportDifference:
    """The changes of an import to a product: the texts of each field before and after.

    The fields of variants are named like `variants[Size: S].price`. `action` is `created` or
    `updated`.
    """

    slug: str
    action: str
    fields: Mapping[str, tuple[str | None, str | None]]


@frozen(kw_only=True)
class ImportReport:
    """The result of an import (or of a `dry_run`): numbers of products, and messages by line.

    `is_applied`: the changes are stored. If there are `refused` entries and the import was not set
    to keep going, nothing was stored, and nothing counts as created or changed. The lists have at
    most MAX_REPORTED items each; the totals count all. `new_categories` are names. `batch` is the
    id of the batch of events; None if nothing was changed.
    """

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: tuple[ImportMessage, ...] = ()
    warnings: tuple[ImportMessage, ...] = ()
    differences: tuple[ImportDifference, ...] = ()
    new_categories: tuple[str, ...] = ()
    refused_total: int = 0
    warning_total: int = 0
    difference_total: int = 0
    is_applied: bool = False
    dry_run: bool = False
    batch: int | None = field(default=None, eq=False)


@frozen
class CatalogSnapshot:
    """A consistent snapshot of the catalogue.

    `categories` has all categories, parents first. `products` can be iterated once; each product
    has all its variants and all its categories, including archived ones.
    """

    categories: Sequence[CategoryDraft]
    products: Iterator[Product]


@frozen
class ExportReport:
    """The number of exported products, and one sentence for each kind of loss."""

    exported: int
    warnings: tuple[str, ...] = ()
