"""Entries, options and report of an import, and the snapshot for an export."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from attrs import frozen

from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.errors import FieldError


@frozen
class ImportEntry:
    """A product in an imported file, or the errors that prevent reading it.

    `line` is the 1-based line on which it begins. `values` has the writable fields of the product
    as text, numbers, lists or maps, not yet validated; fields that the file omits are absent and
    stay unchanged in an update. It is None for an entry that cannot be read (see `errors`) or is
    skipped (see `warnings`).
    """

    line: int
    values: Mapping[str, object] | None
    errors: tuple[FieldError, ...] = ()
    warnings: tuple[FieldError, ...] = ()


@frozen
class ImportMessage:
    """An error or warning at a line of an imported file."""

    line: int
    field: str
    message: str


class ConflictPolicy(StrEnum):
    """The action of an import for a product that already exists."""

    UPDATE = "update"
    SKIP = "skip"
    FAIL = "fail"


@frozen
class ImportReport:
    """The result of an import (or of a `dry_run`): numbers of products, and messages by line.

    If there are `refused` entries and the import was not set to keep going, nothing was stored, and
    nothing counts as created or changed.
    """

    created: int
    changed: int
    unchanged: int
    refused: tuple[ImportMessage, ...]
    warnings: tuple[ImportMessage, ...]
    dry_run: bool


@frozen
class CatalogSnapshot:
    """A consistent snapshot of the catalogue.

    `categories` has all categories, parents first. `products` can be iterated once; each product
    has all its variants and all its categories, including archived ones.
    """

    categories: Sequence[CategoryDraft]
    products: Iterator[Product]
