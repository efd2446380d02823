"""Loading a file of products: what a reader hands over, and what came of it."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from attrs import frozen

from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.errors import FieldError


@frozen
class ImportEntry:
    """One product of a file, or why there is none.

    `line` is the 1-based line of the file on which it begins. `values` holds the writable fields of
    a product that the file gives (a field that it does not give is left out, and is left as it is
    on an update), as text, numbers, lists or maps that the product's own rules then check; None for
    an entry that cannot be read (see `refused`) or is skipped (see `warnings`).
    """

    line: int
    values: Mapping[str, object] | None
    errors: tuple[FieldError, ...] = ()
    warnings: tuple[FieldError, ...] = ()


@frozen
class Notice:
    """A fault or a warning at a line of an imported file."""

    line: int
    field: str
    message: str


class OnConflict(StrEnum):
    """What an import does with a product that is already there."""

    UPDATE = "update"
    SKIP = "skip"
    FAIL = "fail"


@frozen
class ImportReport:
    """What an import did, or with `dry_run` would do: products counted, lines named.

    If anything is in `refused` and the import was not told to keep going, nothing was kept: then
    nothing is counted as created or changed either.
    """

    created: int
    changed: int
    unchanged: int
    refused: tuple[Notice, ...]
    warnings: tuple[Notice, ...]
    dry_run: bool


@frozen
class CatalogSnapshot:
    """A shop as it is at one moment.

    `categories` are all there are, as they would be added, each behind its parent. The `products`
    can be gone through once. Each has all its variants, and names every category that it is in:
    archived ones too.
    """

    categories: Sequence[CategoryDraft]
    products: Iterator[Product]
