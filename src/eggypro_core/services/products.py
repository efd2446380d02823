"""ProductService: create, read, update, import and export products."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import BinaryIO, TypeAlias

from attrs import evolve, field, frozen

from eggypro_core.domain.image import (
    ImageUrlBuilder,
    absolute_image_url,
    no_image_url,
)
from eggypro_core.domain.origin import Source, writing_for
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import (
    MAX_STOCK,
    READ_ONLY_FIELDS,
    REQUIRED_FIELDS,
    VARIANT_FIELDS_OF_PRODUCT,
    ListedProduct,
    Product,
    insufficient_stock,
    product_not_found,
    with_image_urls,
)
from eggypro_core.domain.product_changes import (
    ProductChanges,
    parse_quantity,
    parse_stock_change,
)
from eggypro_core.domain.product_files import (
    DEFAULT_IMPORT_OPTIONS,
    IMPORT_SOURCE,
    CatalogSnapshot,
    ExportReport,
    ImportEntry,
    ImportFile,
    ImportOptions,
    ImportReport,
    StockEntry,
    StockFile,
)
from eggypro_core.domain.product_query import ALL_PRODUCTS, Facets, ProductQuery, Suggestion
from eggypro_core.domain.slug import is_slug
from eggypro_core.domain.stock_change import StockLevel, StockUpdate
from eggypro_core.errors import ConflictError, FieldError, UnavailableError, VersionConflictError
from eggypro_core.ports import (
    Clock,
    HtmlCleaner,
    ImportSession,
    ProductReader,
    ProductStore,
    ProductWriter,
    StockReader,
    ZeroResultStore,
)
from eggypro_core.search.results import ExplainedPage, ProductListing
from eggypro_core.search.zero_results import zero_result_terms
from eggypro_core.services.image_uploads import ImageUploads
from eggypro_core.services.importing.importer import ProductImporter
from eggypro_core.services.importing.recorder import ImportListener, ImportProgress
from eggypro_core.services.importing.stock_importer import StockImporter
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import Status

ExpectedVersion: TypeAlias = int | Collection[int] | None
"""The version that a write requires, or several of which one is required; None accepts any."""


@frozen
class ProductService:
    """Manage the products of a shop.

    Every method may raise UnavailableError. Methods with `values` parse the JSON fields of a
    request and raise ValidationError with all invalid fields.
    """

    _products: ProductStore
    _html_cleaner: HtmlCleaner
    _clock: Clock
    _zero_results: ZeroResultStore | None = None
    _uploads: ImageUploads | None = None
    """The stored images of products, if this shop has an image store."""
    _reader: ProductReader | None = field(default=None, kw_only=True)
    _stock_reader: StockReader | None = field(default=None, kw_only=True)
    _writer: ProductWriter | None = field(default=None, kw_only=True)
    _public_url: str | None = field(default=None, kw_only=True)
    """The public address of the API, for image addresses in files."""

    def get(self, slug: str, status: Status = Status.ACTIVE) -> Product:
        """Return a product of a status. Raises NotFoundError or SlugMovedError."""
        variant_status = Status.ACTIVE if status is Status.ACTIVE else Status.ALL
        product = self._products.get(require_slug(slug), variant_status)
        if not status.includes(is_active=product.is_active):
            raise product_not_found(slug)
        return product

    def list(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        """Return the page of products that match `query`; its `next_query` requests the next page.

        Counts a zero-result search.
        """
        page = self._products.list(query)
        if not page.total and self._zero_results is not None:
            self._record_zero_results(query, self._zero_results)
        return page

    def get_listing(self, query: ProductQuery) -> ProductListing:
        """Return a page of products, with facets and ranking reasons if the query requests them."""
        explained = self.explain(query) if query.explain else None
        page = self.list(query) if explained is None else explained.page
        facets = self.get_facets(query, allow_sample=page.total_capped) if query.facets else None
        return ProductListing(page, facets, explained)

    def get_facets(self, query: ProductQuery, *, allow_sample: bool = False) -> Facets:
        """Return the facets of all products that match `query`, from a sample if allowed."""
        return self._products.get_facets(query, allow_sample=allow_sample)

    def explain(self, query: ProductQuery) -> ExplainedPage:
        """Return the page of a search with the ranking reason of each result."""
        return self._products.explain(query)

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        """Return the best results of a search, as suggestions for a search box."""
        return self._products.suggest(search)

    def create(self, values: Mapping[str, object]) -> Product:
        """Create a product. Raises ConflictError if its slug or SKU is taken."""
        changes = ProductChanges.parse(
            values,
            self._html_cleaner.clean,
            required=REQUIRED_FIELDS,
            read_only=READ_ONLY_FIELDS - _CREATE_ONLY_FIELDS,
            image_url=self._image_url,
        )
        return self._products.create(changes.to_draft(), self._clock())

    def update(
        self, slug: str, values: Mapping[str, object], *, version: ExpectedVersion = None
    ) -> Product:
        """Update the given fields of a product and return it.

        `values` is a JSON merge patch (RFC 7396): omitted attributes stay. Raises NotFoundError,
        SlugMovedError, ConflictError, and VersionConflictError unless the product is at `version`.
        An update without a change creates no new version.
        """
        changes = ProductChanges.parse(
            values, self._html_cleaner.clean, read_only=READ_ONLY_FIELDS, merge=True
        )
        return self._update(slug, changes, version)

    def replace(
        self, slug: str, values: Mapping[str, object], *, version: ExpectedVersion = None
    ) -> Product:
        """Replace a product: omitted optional fields are cleared. Raises like `update`.

        Omitted fields with `keep_if_omitted`, such as `slug` and `brand`, stay unchanged, and so do
        the prices of a product with variants. Read-only fields are ignored.
        """
        changes = ProductChanges.parse(
            values,
            self._html_cleaner.clean,
            required=[name for name in REQUIRED_FIELDS if name != "price"],
            read_only=READ_ONLY_FIELDS,
            ignore=READ_ONLY_FIELDS,
        )
        return self._update(slug, changes, version, _replacement)

    def archive(self, slug: str, *, version: ExpectedVersion = None) -> Product:
        """Remove a product from the public catalogue; no data is lost. Raises like `update`."""
        return self._update(slug, ProductChanges(is_active=False), version)

    def restore(self, slug: str, *, version: ExpectedVersion = None) -> Product:
        """Return an archived product to the public catalogue. Raises like `update`."""
        return self._update(slug, ProductChanges(is_active=True), version)

    def delete(self, slug: str, *, version: ExpectedVersion = None) -> None:
        """Delete a product permanently.

        Raises NotFoundError, SlugMovedError and VersionConflictError.
        """
        images = set[str]()

        def check(product: Product) -> None:
            require_version(version, product.version)
            images.update(product.own_image_ids)

        self._products.delete(require_slug(slug), check)
        if self._uploads is not None:
            self._uploads.delete_unused(images)

    def update_stock(self, slug: str, values: Mapping[str, object]) -> int:
        """Adjust the stock of a product by `delta`, or set it to `set`, as given in `values`.

        Returns the new stock. Raises like `adjust_stock`.
        """
        change = parse_stock_change(values)
        with writing_for(reason=change.reason, reference=change.reference):
            if change.quantity is not None:
                return self.set_stock(slug, change.quantity)
            return self.adjust_stock(slug, change.delta)

    def adjust_stock(self, slug: str, delta: int) -> int:
        """Add `delta` to the stock of a product and return the new stock.

        Raises NotFoundError, SlugMovedError, and ConflictError if the stock would fall below zero
        or exceed MAX_STOCK, or is derived from variants.
        """
        if abs(delta) > MAX_STOCK:  # beyond the integers that a store must support
            product = self._products.get(require_slug(slug), Status.ACTIVE)
            raise insufficient_stock(product.stock_quantity, delta)
        return self._products.adjust_stock(require_slug(slug), delta)

    def set_stock(self, slug: str, quantity: int) -> int:
        """Set the stock and return it. Raises ValidationError, and like `adjust_stock`."""
        return self._products.set_stock(require_slug(slug), parse_quantity(quantity))

    def change_stock(self, values: Mapping[str, object]) -> tuple[StockLevel, ...]:
        """Change the stock of several products and variants in one step, such as for an order.

        `values` are the JSON fields of a request: `items`, `reason` and `reference`. Returns the
        new levels, each item once. Raises ValidationError, and ConflictError that lists every item
        that is short; then nothing is changed.
        """
        update = StockUpdate.parse(values)
        with writing_for(reason=update.reason, reference=update.reference):
            return self._products.change_stock(update.lines)

    def import_products(
        self,
        file: ImportFile | Iterable[ImportEntry],
        options: ImportOptions = DEFAULT_IMPORT_OPTIONS,
        *,
        listener: ImportListener | None = None,
        progress: ImportProgress | None = None,
    ) -> ImportReport:
        """Import the products of a file in one transaction and return a report by line.

        All or nothing, unless the options say otherwise. A dry run stores nothing and reports what
        would happen. Products are matched with those stored before (see `ImportSession.match`), so
        importing the same file again changes nothing. Only products that change are locked.
        `listener` receives every message and difference at once; the report has the first ones.
        `progress` is told after each batch how many products are done.
        Raises ConflictError if another writer interferes, ValidationError for an invalid source.
        """
        if options.source is not None:
            source = fields.check({"source": options.source}, {"source": IMPORT_SOURCE})["source"]
            options = evolve(options, source=source)
        if not isinstance(file, ImportFile):
            file = ImportFile("jsonl", iter(file))
        return self._run_import(
            file.format,
            lambda session: ProductImporter(
                session,
                self._html_cleaner.clean,
                self._clock(),
                file,
                options,
                self._image_url,
                listener,
                progress,
            ),
        )

    def import_file(
        self,
        stream: BinaryIO,
        options: ImportOptions = DEFAULT_IMPORT_OPTIONS,
        *,
        file_format: str = "auto",
        mapping: Mapping[str, str] | None = None,
        listener: ImportListener | None = None,
        progress: ImportProgress | None = None,
    ) -> ImportReport:
        """Import the products of a file like `import_products`, with its options and errors.

        `file_format` is a format name; `auto` detects the format. `mapping` names the columns of
        fields, for a table in an unknown format. Memory use does not grow with the file. Raises
        ValidationError for an unknown format, ParseError for a file in an unknown one.
        """
        if self._reader is None:
            raise RuntimeError("ProductService needs a reader to import files")
        file = self._reader(stream, file_format=file_format, mapping=mapping)
        return self.import_products(file, options, listener=listener, progress=progress)

    def import_stock(
        self,
        file: StockFile | Iterable[StockEntry],
        options: ImportOptions = DEFAULT_IMPORT_OPTIONS,
        *,
        listener: ImportListener | None = None,
    ) -> ImportReport:
        """Set the stock of products and variants, all or nothing unless the options say otherwise.

        Unknown SKUs are warnings. Counts products; their versions stay unchanged. Raises
        ConflictError if another writer interferes.
        """
        if not isinstance(file, StockFile):
            file = StockFile(iter(file))
        return self._run_import(
            "stock", lambda session: StockImporter(session, file, options, listener)
        )

    def import_stock_file(
        self,
        stream: BinaryIO,
        options: ImportOptions = DEFAULT_IMPORT_OPTIONS,
        *,
        listener: ImportListener | None = None,
    ) -> ImportReport:
        """Set the stock from a file like `import_stock`: Shopify's inventory file, or any table.

        A table needs columns with SKUs and quantities. Raises ParseError for other files.
        """
        if self._stock_reader is None:
            raise RuntimeError("ProductService needs a reader to import stock files")
        return self.import_stock(self._stock_reader(stream), options, listener=listener)

    def _run_import(
        self, name: str, importer_of: Callable[[ImportSession], ProductImporter | StockImporter]
    ) -> ImportReport:
        """Run an import, and store it unless it has errors or is a dry run."""
        with writing_for(source=Source.IMPORT) as context:
            with self._products.begin_import() as session:
                importer = importer_of(session)
                importer.read()
                importer.compare()
                is_applied = importer.is_accepted and not importer.options.dry_run
                if is_applied:
                    importer.write()
                    session.commit(name)
            report = importer.report(is_applied=is_applied)
            return evolve(report, batch=context.batch_id) if is_applied else report

    def export_file(
        self,
        stream: BinaryIO,
        *,
        file_format: str = "jsonl",
        query: ProductQuery = ALL_PRODUCTS,
        progress: Callable[[int], None] | None = None,
    ) -> ExportReport:
        """Write a consistent snapshot of all products that match `query` to a file.

        `file_format` is a format name. The report says how many products were written and what the
        format cannot hold. Memory use does not grow with the number of products.
        `progress` is called before each product with the number of products before it. Raises
        ValidationError for an unknown format; errors of the stream pass through.
        """
        if self._writer is None:
            raise RuntimeError("ProductService needs a writer to export files")
        with self.export_products(query) as export:
            products = export.products
            if progress is not None:
                products = _with_progress(products, progress)
            return self._writer(
                CatalogSnapshot(export.categories, products), stream, file_format=file_format
            )

    @contextmanager
    def export_products(self, query: ProductQuery = ALL_PRODUCTS) -> Iterator[CatalogSnapshot]:
        """Open a consistent snapshot of all products that match `query`, and of all categories.

        Stored images are given by their URLs.
        """
        with self._products.export_products(query) as export:
            products = (with_image_urls(product, self._image_url) for product in export.products)
            yield CatalogSnapshot(export.categories, products)

    @property
    def _image_url(self) -> ImageUrlBuilder:
        if self._uploads is None:
            return no_image_url
        return absolute_image_url(self._uploads.url, self._public_url)

    def _record_zero_results(self, query: ProductQuery, zero_results: ZeroResultStore) -> None:
        words = zero_result_terms(query)
        if words is not None:
            with suppress(UnavailableError, ConflictError):  # a lost count must not fail a search
                zero_results.record(words, self._clock())

    def _update(
        self,
        slug: str,
        changes: ProductChanges,
        version: ExpectedVersion,
        complete: Callable[[ProductChanges, Product], ProductChanges] = lambda changes, _: changes,
    ) -> Product:
        now = self._clock()

        def change(product: Product) -> Product:
            require_version(version, product.version)
            return complete(changes, product).apply_to(product, now)

        return self._products.update(require_slug(slug), change)


_CREATE_ONLY_FIELDS = {"images", "categories"}
"""Fields that `create` accepts, but that are updated at URLs of their own later."""


def require_slug(text: str) -> str:
    """Return `text` if it is a valid slug, else raise NotFoundError without a store lookup."""
    if not is_slug(text):
        raise product_not_found(text)
    return text


def require_version(expected: ExpectedVersion, current: int) -> None:
    """Raise VersionConflictError unless the current version is expected."""
    versions = {expected} if isinstance(expected, int) else expected
    if versions is None or current in versions:
        return
    if not versions:
        raise VersionConflictError(
            f"The product is at version {current}, but the request names no version."
            " Send the ETag that GET returned for the product."
        )
    raise VersionConflictError(
        f"The product has changed in the meantime: it is at version {current},"
        f" not {' or '.join(map(str, sorted(versions)))}. Read it again and repeat the change."
    )


def _with_progress(
    products: Iterable[Product], progress: Callable[[int], None]
) -> Iterator[Product]:
    for number, product in enumerate(products):
        progress(number)
        yield product


def _replacement(changes: ProductChanges, product: Product) -> ProductChanges:
    """Return the changes of a PUT.

    Raises ValidationError if the price is omitted, unless it is derived from variants.
    """
    if product.has_variants:
        return changes.as_replacement(keep=VARIANT_FIELDS_OF_PRODUCT)
    fields.raise_if([FieldError("price", "Price is required")] if changes.is_unset("price") else [])
    return changes.as_replacement()
