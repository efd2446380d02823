"""The catalogue: finding, listing, adding and changing products."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import BinaryIO

from attrs import evolve, field, frozen

from eggypro_core.domain.image import ImageUrlBuilder, is_external, no_image_url
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
)
from eggypro_core.domain.product_changes import ProductChanges, parse_stock_change
from eggypro_core.domain.product_files import CatalogSnapshot, ImportEntry, ImportReport, OnConflict
from eggypro_core.domain.product_query import Facets, ProductQuery, Suggestion
from eggypro_core.domain.slug import is_slug
from eggypro_core.errors import ConflictError, FieldError, UnavailableError, VersionConflictError
from eggypro_core.ports import (
    Clock,
    HtmlCleaner,
    ProductReader,
    ProductStore,
    ProductWriter,
    ZeroResultStore,
)
from eggypro_core.search.results import ExplainedPage, ProductListing
from eggypro_core.search.zero_results import zero_result_terms
from eggypro_core.services.image_uploads import ImageUploads
from eggypro_core.services.importer import ProductImporter
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import Status


@frozen
class ProductService:
    """The products of a shop.

    Every method may raise UnavailableError. Those that take `values` take them as they came from
    outside, by the names of the wire, and raise ValidationError with all that is wrong with them.
    """

    _products: ProductStore
    _html_cleaner: HtmlCleaner
    _clock: Clock
    _zero_results: ZeroResultStore | None = None
    _uploads: ImageUploads | None = None
    """Where the images of products are, if this shop has any of its own."""
    _reader: ProductReader | None = field(default=None, kw_only=True)
    _writer: ProductWriter | None = field(default=None, kw_only=True)

    def get(self, slug: str, status: Status = Status.ACTIVE) -> Product:
        """Return a product of a status. Raises NotFoundError or SlugMovedError."""
        every = Status.ACTIVE if status is Status.ACTIVE else Status.ALL
        product = self._products.get(require_slug(slug), every)
        if not status.includes(is_active=product.is_active):
            raise product_not_found(slug)
        return product

    def list(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        """Return a page of products; its `next_query` asks for the page after it.

        A search that finds nothing is counted.
        """
        page = self._products.list(query)
        if not page.total and self._zero_results is not None:
            self._record_zero_results(query, self._zero_results)
        return page

    def get_listing(self, query: ProductQuery) -> ProductListing:
        """Return a page of products with the facets and the reasons that the query wants."""
        explained = self.explain(query) if query.explain else None
        page = self.list(query) if explained is None else explained.page
        facets = self.get_facets(query, allow_sample=page.total_capped) if query.facets else None
        return ProductListing(page, facets, explained)

    def get_facets(self, query: ProductQuery, *, allow_sample: bool = False) -> Facets:
        """Return what all products of a query come to; from a sample if they are too `many`."""
        return self._products.get_facets(query, allow_sample=allow_sample)

    def explain(self, query: ProductQuery) -> ExplainedPage:
        """Return the page of a search with the reasons for it."""
        return self._products.explain(query)

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        """Return the best of what a search finds, as a search box offers it."""
        return self._products.suggest(search)

    def create(self, values: Mapping[str, object]) -> Product:
        """Add a product. Raises ConflictError where its slug or SKU is another's."""
        changes = ProductChanges.parse(
            values,
            self._html_cleaner.clean,
            required=REQUIRED_FIELDS,
            read_only=READ_ONLY_FIELDS - _CREATE_ONLY_FIELDS,
            image_url=self._image_url,
        )
        return self._products.create(changes.to_draft(), self._clock())

    def update(
        self, slug: str, values: Mapping[str, object], *, version: int | None = None
    ) -> Product:
        """Change the named fields of a product, and return it.

        `values` are a JSON merge patch (RFC 7396): attributes that are not named stay. Raises
        NotFoundError, SlugMovedError, ConflictError, and VersionConflictError where the product is
        no longer at `version`. What changes nothing makes no new version.
        """
        changes = ProductChanges.parse(
            values, self._html_cleaner.clean, read_only=READ_ONLY_FIELDS, merge=True
        )
        return self._update(slug, changes, version)

    def replace(
        self, slug: str, values: Mapping[str, object], *, version: int | None = None
    ) -> Product:
        """Replace a product: optional fields that are left out are emptied. Raises as `change`.

        Left out, `slug`, `stock_quantity`, `track_stock` and `is_active` stay as they are, and so
        do the prices of a product that has variants. Names that a product shows but that cannot be
        set are passed over.
        """
        changes = ProductChanges.parse(
            values,
            self._html_cleaner.clean,
            required=[name for name in REQUIRED_FIELDS if name != "price"],
            read_only=READ_ONLY_FIELDS,
            ignore=READ_ONLY_FIELDS,
        )
        return self._update(slug, changes, version, _replacement)

    def archive(self, slug: str, *, version: int | None = None) -> Product:
        """Take a product off sale; nothing of it is lost. Raises as `change`."""
        return self._update(slug, ProductChanges(is_active=False), version)

    def restore(self, slug: str, *, version: int | None = None) -> Product:
        """Put an archived product back on sale. Raises as `change`."""
        return self._update(slug, ProductChanges(is_active=True), version)

    def delete(self, slug: str, *, version: int | None = None) -> None:
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
        """Change the stock of a product as `values` say: by a `delta`, or to what they `set`.

        Returns what is there then. Raises as `adjust_stock`.
        """
        wanted = parse_stock_change(values)
        if "set" in wanted:
            return self.set_stock(slug, wanted["set"])
        return self.adjust_stock(slug, wanted["delta"])

    def adjust_stock(self, slug: str, delta: int) -> int:
        """Add to the stock of a product, or take from it; return what is left.

        Raises NotFoundError, SlugMovedError, and ConflictError where it would fall below zero, or
        rise above what can be counted, or follows from variants.
        """
        if abs(delta) > MAX_STOCK:  # more than a store needs to be able to count with
            found = self._products.get(require_slug(slug), Status.ACTIVE)
            raise insufficient_stock(found.stock_quantity, delta)
        return self._products.adjust_stock(require_slug(slug), delta)

    def set_stock(self, slug: str, quantity: int) -> int:
        """Set and return the stock of a product. Raises ValidationError, and as `adjust_stock`."""
        return self._products.set_stock(
            require_slug(slug), parse_stock_change({"set": quantity})["set"]
        )

    def import_products(
        self,
        entries: Iterable[ImportEntry],
        *,
        on_conflict: OnConflict = OnConflict.UPDATE,
        dry_run: bool = False,
        keep_going: bool = False,
    ) -> ImportReport:
        """Take in the products of a file, in one transaction, and say what came of each line.

        All or nothing, unless `keep_going`: then what is not refused is kept. A `dry_run` keeps
        nothing, and reports what would happen. Products are known by slug; the same file twice
        changes nothing the second time. Raises ConflictError if another writer gets in the way.
        """
        with self._products.begin_import() as load:
            loading = ProductImporter(
                load, self._html_cleaner.clean, self._clock(), on_conflict, self._image_url
            )
            loading.run(entries)
            is_taken = keep_going or not loading.errors
            if is_taken and not dry_run:
                load.commit()
        return loading.report(is_accepted=is_taken, dry_run=dry_run)

    def import_file(
        self,
        stream: BinaryIO,
        *,
        form: str = "auto",
        on_conflict: OnConflict = OnConflict.UPDATE,
        dry_run: bool = False,
        keep_going: bool = False,
    ) -> ImportReport:
        """Import the products of a file as `load` does, with the same options and errors.

        `form` names the format of the file; `auto` detects it. Memory does not grow with the file.
        Raises ValidationError for an unknown format, ParseError for a file of none.
        """
        if self._reader is None:
            raise RuntimeError("To import files, a Catalog needs a reader")
        entries = self._reader(stream, form=form)
        return self.import_products(
            entries, on_conflict=on_conflict, dry_run=dry_run, keep_going=keep_going
        )

    def export_file(
        self,
        stream: BinaryIO,
        *,
        form: str = "jsonl",
        status: Status = Status.ALL,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Write every product of a status to a file, as they are at one moment; return how many.

        `form` names the format of the file. Memory does not grow with their number. `progress` is
        called before each product with the number of those before it. Raises ValidationError for an
        unknown format, and what the stream raises.
        """
        if self._writer is None:
            raise RuntimeError("To export files, a Catalog needs a writer")
        with self.export_products(status) as export:
            products = export.products if progress is None else _reported(export.products, progress)
            return self._writer(CatalogSnapshot(export.categories, products), stream, form=form)

    @contextmanager
    def export_products(self, status: Status = Status.ALL) -> Iterator[CatalogSnapshot]:
        """Give every product of a status, and every category, as they are at one moment.

        Images of ours are named by their addresses there.
        """
        with self._products.export_products(status) as export:
            products = (_with_image_urls(one, self._image_url) for one in export.products)
            yield CatalogSnapshot(export.categories, products)

    @property
    def _image_url(self) -> ImageUrlBuilder:
        return no_image_url if self._uploads is None else self._uploads.url

    def _record_zero_results(self, query: ProductQuery, misses: ZeroResultStore) -> None:
        words = zero_result_terms(query)
        if words is not None:
            with suppress(UnavailableError, ConflictError):  # a count is not worth a search
                misses.record(words, self._clock())

    def _update(
        self,
        slug: str,
        changes: ProductChanges,
        version: int | None,
        complete: Callable[[ProductChanges, Product], ProductChanges] = lambda changes, _: changes,
    ) -> Product:
        now = self._clock()

        def to(product: Product) -> Product:
            require_version(version, product.version)
            return complete(changes, product).apply_to(product, now)

        return self._products.update(require_slug(slug), to)


_CREATE_ONLY_FIELDS = {"images", "categories"}
"""What a new product takes, and what later changes at addresses of its own."""


def require_slug(text: str) -> str:
    """Return the slug. Raises NotFoundError for a text that cannot be one: no store is asked."""
    if not is_slug(text):
        raise product_not_found(text)
    return text


def require_version(expected: int | None, current: int) -> None:
    """Raise VersionConflictError if a version is wanted and another was found."""
    if expected is not None and expected != current:
        raise VersionConflictError(
            f"The product was changed meanwhile: it is at version {current}, not {expected}."
            " Read it again and repeat the change."
        )


def _reported(products: Iterable[Product], progress: Callable[[int], None]) -> Iterator[Product]:
    for number, product in enumerate(products):
        progress(number)
        yield product


def _with_image_urls(product: Product, address: ImageUrlBuilder) -> Product:
    if not product.own_image_ids:
        return product
    refs = [one.ref if is_external(one.ref) else address(one.ref, None) for one in product.images]
    pairs = zip(product.images, refs, strict=True)
    return evolve(product, images=tuple(evolve(image, ref=ref) for image, ref in pairs))


def _replacement(changes: ProductChanges, product: Product) -> ProductChanges:
    """Return the changes of a PUT.

    Raises ValidationError where the price is left out, unless it follows from variants.
    """
    if product.has_variants:
        return changes.as_replacement(keep=VARIANT_FIELDS_OF_PRODUCT)
    fields.raise_if([FieldError("price", "Price is required")] if changes.is_unset("price") else [])
    return changes.as_replacement()
