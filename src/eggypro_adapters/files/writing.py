"""Write products to a stream in any of the export formats, a few lines at a time."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, starmap
from types import MappingProxyType
from typing import BinaryIO

import orjson
from attrs import field, frozen

from eggypro_adapters.files.category_details import with_category_drafts
from eggypro_adapters.files.cell_parsers import FORMULA_SIGNS, escape_formula
from eggypro_adapters.files.export_log import ExportLog, FormatLimits
from eggypro_adapters.files.product_record import to_record
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import CatalogSnapshot, ExportReport
from eggypro_core.errors import FieldError, ValidationError

_LINES_PER_WRITE = 100


@frozen
class Storefront:
    """The currency of the prices, and the URL of the shop that customers see, if any."""

    currency: str = ""
    url: str | None = None

    def product_url(self, slug: str) -> str:
        """Return the URL of a product's page."""
        return f"{self.url}/products/{slug}"


@frozen
class ExportFormat:
    """A format: a function that yields the lines of a file, and the limits of the format."""

    lines: Callable[[CatalogSnapshot], Iterator[bytes]]
    limits: FormatLimits = field(factory=FormatLimits)


def write_export(
    export: CatalogSnapshot, stream: BinaryIO, form: str, storefront: Storefront
) -> ExportReport:
    """Write the products of an export: see `write_products`."""
    if form not in WRITERS:
        raise ValidationError([FieldError("format", f"Format must be one of {', '.join(WRITERS)}")])
    file_format = WRITERS[form](storefront)
    log = ExportLog(file_format.limits)
    products = log.exportable(export.products)
    lines = file_format.lines(CatalogSnapshot(export.categories, products))
    while chunk := b"".join(islice(lines, _LINES_PER_WRITE)):
        stream.write(chunk)
    return log.report()


class _Echo:
    """Return each text that is written, for `csv.writer`."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def _jsonl(_: Storefront) -> ExportFormat:
    def lines(export: CatalogSnapshot) -> Iterator[bytes]:
        for record in starmap(to_record, with_category_drafts(export)):
            yield orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)

    return ExportFormat(lines)


def _own_csv(_: Storefront) -> ExportFormat:
    from eggypro_adapters.files.own_csv import writing

    def lines(export: CatalogSnapshot) -> Iterator[bytes]:
        records = starmap(to_record, with_category_drafts(export))
        return _table(
            writing.COLUMNS,
            (row for record in records for row in writing.rows_of_record(record)),
        )

    return ExportFormat(lines)


def _shopify(_: Storefront) -> ExportFormat:
    from eggypro_adapters.files.shopify import export as shopify
    from eggypro_adapters.files.shopify import writing

    def lines(export: CatalogSnapshot) -> Iterator[bytes]:
        rows = (row for product in export.products for row in writing.rows_of_product(product))
        return _table(writing.COLUMNS, rows)

    return ExportFormat(lines, FormatLimits(shopify.lost_fields, is_foreign=True))


def _woocommerce(_: Storefront) -> ExportFormat:
    from eggypro_adapters.files.woocommerce import export as woocommerce
    from eggypro_adapters.files.woocommerce import writing

    def lines(export: CatalogSnapshot) -> Iterator[bytes]:
        paths = writing.category_paths(export.categories)
        rows = (
            row for product in export.products for row in writing.rows_of_product(product, paths)
        )
        return _table(writing.COLUMNS, rows)

    return ExportFormat(lines, FormatLimits(woocommerce.lost_fields, is_foreign=True))


def _google(storefront: Storefront) -> ExportFormat:
    from eggypro_adapters.files.category_paths import paths_by_slug
    from eggypro_adapters.files.google import writing

    def lines(export: CatalogSnapshot) -> Iterator[bytes]:
        return writing.tsv_lines(
            export.products,
            paths_by_slug(export.categories),
            currency=storefront.currency,
            product_url=storefront.product_url if storefront.url else None,
        )

    def omission(product: Product) -> str | None:
        if writing.is_exported(product):
            return None
        return "products that are archived, not listed or without an active variant"

    def lost_fields(product: Product) -> Iterator[str]:
        yield from writing.lost_fields(product)
        if not storefront.url:
            yield "links (APP_URL is not set)"

    return ExportFormat(lines, FormatLimits(lost_fields, omission, is_foreign=True))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield the lines of a CSV file, with formulas escaped."""
    format_row = csv.writer(_Echo(), lineterminator="\n").writerow
    yield str(format_row(header)).encode()
    for row in rows:
        cells = [escape_formula(cell) if cell[:1] in FORMULA_SIGNS else cell for cell in row]
        yield str(format_row(cells)).encode()


WRITERS: Mapping[str, Callable[[Storefront], ExportFormat]] = MappingProxyType(
    {
        "eggypro-csv": _own_csv,
        "jsonl": _jsonl,
        "shopify": _shopify,
        "woocommerce": _woocommerce,
        "google": _google,
    }
)
"""The formats of exports by name. Their modules are imported on first use."""
