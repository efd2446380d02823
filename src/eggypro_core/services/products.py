"""The catalogue: finding, listing, adding and changing products."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import BinaryIO

from attrs import evolve, field, frozen

from eggypro_core.domain.image import AddressOf, is_elsewhere, nowhere
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import (
    FROM_VARIANTS,
    HIGHEST_STOCK,
    REQUIRED,
    SHOWN,
    ListedProduct,
    Product,
    product_absent,
    stock_refused,
)
from eggypro_core.domain.product_changes import ProductChanges, read_stock
from eggypro_core.domain.product_files import Export, ImportEntry, ImportReport, OnConflict
from eggypro_core.domain.product_query import Facets, ProductQuery, Suggestion
from eggypro_core.domain.slug import is_slug
from eggypro_core.errors import ConflictError, Fault, StaleError, UnavailableError
from eggypro_core.ports import (
    Clock,
    HtmlCleaner,
    ProductReader,
    ProductStore,
    ProductWriter,
    SearchMisses,
)
from eggypro_core.search.results import Explained, Listing
from eggypro_core.search.zero_results import words_missed
from eggypro_core.services.image_uploads import ImageStorage
from eggypro_core.services.importer import Loading
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import Status


@frozen
class Catalog:
    """The products of a shop.

    Every method may raise UnavailableError. Those that take `values` take them as they came from
    outside, by the names of the wire, and raise InvalidError with all that is wrong with them.
    """

    _products: ProductStore
    _html: HtmlCleaner
    _clock: Clock
    _misses: SearchMisses | None = None
    _storage: ImageStorage | None = None
    """Where the images of products are, if this shop has any of its own."""
    _reader: ProductReader | None = field(default=None, kw_only=True)
    _writer: ProductWriter | None = field(default=None, kw_only=True)

    def find(self, slug: str, status: Status = Status.ACTIVE) -> Product:
        """Return a product. Raises NotFoundError (also for one in another state), MovedError."""
        every = Status.ACTIVE if status is Status.ACTIVE else Status.ALL
        product = self._products.find(known_slug(slug), every)
        if not status.shows(is_active=product.is_active):
            raise product_absent(slug)
        return product

    def page(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        """Return a page of products; its `next_query` asks for the page after it.

        A search that finds nothing is counted.
        """
        page = self._products.page(query)
        if not page.total and self._misses is not None:
            self._count_miss(query, self._misses)
        return page

    def listing(self, query: ProductQuery) -> Listing:
        """Return a page of products with the facets and the reasons that the query wants."""
        explained = self.explain(query) if query.explain else None
        page = self.page(query) if explained is None else explained.page
        facets = self.facets(query, many=page.total_capped) if query.facets else None
        return Listing(page, facets, explained)

    def facets(self, query: ProductQuery, *, many: bool = False) -> Facets:
        """Return what all products of a query come to; from a sample if they are too `many`."""
        return self._products.facets(query, many=many)

    def explain(self, query: ProductQuery) -> Explained:
        """Return the page of a search with the reasons for it."""
        return self._products.explain(query)

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        """Return the best of what a search finds, as a search box offers it."""
        return self._products.suggest(search)

    def add(self, values: Mapping[str, object]) -> Product:
        """Add a product. Raises ConflictError where its slug or SKU is another's."""
        changes = ProductChanges.read(
            values,
            self._html.clean,
            required=REQUIRED,
            closed=SHOWN - _WRITTEN_ONCE,
            address=self._address,
        )
        return self._products.add(changes.draft(), self._clock())

    def change(
        self, slug: str, values: Mapping[str, object], *, version: int | None = None
    ) -> Product:
        """Change the named fields of a product, and return it.

        `values` are a JSON merge patch (RFC 7396): attributes that are not named stay. Raises
        NotFoundError, MovedError, ConflictError, and StaleError where the product is no longer at
        `version`. What changes nothing makes no new version.
        """
        changes = ProductChanges.read(values, self._html.clean, closed=SHOWN, merge=True)
        return self._write(slug, changes, version)

    def replace(
        self, slug: str, values: Mapping[str, object], *, version: int | None = None
    ) -> Product:
        """Replace a product: optional fields that are left out are emptied. Raises as `change`.

        Left out, `slug`, `stock_quantity`, `track_stock` and `is_active` stay as they are, and so
        do the prices of a product that has variants. Names that a product shows but that cannot be
        set are passed over.
        """
        changes = ProductChanges.read(
            values,
            self._html.clean,
            required=[name for name in REQUIRED if name != "price"],
            closed=SHOWN,
            ignored=SHOWN,
        )
        return self._write(slug, changes, version, _replacement)

    def archive(self, slug: str, *, version: int | None = None) -> Product:
        """Take a product off sale; nothing of it is lost. Raises as `change`."""
        return self._write(slug, ProductChanges(is_active=False), version)

    def restore(self, slug: str, *, version: int | None = None) -> Product:
        """Put an archived product back on sale. Raises as `change`."""
        return self._write(slug, ProductChanges(is_active=True), version)

    def remove(self, slug: str, *, version: int | None = None) -> None:
        """Delete a product for good. Raises NotFoundError, MovedError, StaleError as `change`."""
        images = set[str]()

        def check(product: Product) -> None:
            require_version(version, product.version)
            images.update(product.own_images)

        self._products.remove(known_slug(slug), check)
        if self._storage is not None:
            self._storage.let_go(images)

    def change_stock(self, slug: str, values: Mapping[str, object]) -> int:
        """Change the stock of a product as `values` say: by a `delta`, or to what they `set`.

        Returns what is there then. Raises as `adjust_stock`.
        """
        wanted = read_stock(values)
        if "set" in wanted:
            return self.set_stock(slug, wanted["set"])
        return self.adjust_stock(slug, wanted["delta"])

    def adjust_stock(self, slug: str, by: int) -> int:
        """Add to the stock of a product, or take from it; return what is left.

        Raises NotFoundError, MovedError, and ConflictError where it would fall below zero, or rise
        above what can be counted, or follows from variants.
        """
        if abs(by) > HIGHEST_STOCK:  # more than a store needs to be able to count with
            found = self._products.find(known_slug(slug), Status.ACTIVE)
            raise stock_refused(found.stock_quantity, by)
        return self._products.adjust_stock(known_slug(slug), by)

    def set_stock(self, slug: str, to: int) -> int:
        """Set the stock of a product, and return it. Raises as `adjust_stock`, and InvalidError."""
        return self._products.set_stock(known_slug(slug), read_stock({"set": to})["set"])

    def load(
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
        with self._products.load() as load:
            loading = Loading(load, self._html.clean, self._clock(), on_conflict, self._address)
            loading.take(entries)
            is_taken = keep_going or not loading.refused
            if is_taken and not dry_run:
                load.commit()
        return loading.report(is_taken=is_taken, dry_run=dry_run)

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
        Raises InvalidError for an unknown format, MalformedError for a file of none.
        """
        if self._reader is None:
            raise RuntimeError("To import files, a Catalog needs a reader")
        entries = self._reader(stream, form=form)
        return self.load(entries, on_conflict=on_conflict, dry_run=dry_run, keep_going=keep_going)

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
        called before each product with the number of those before it. Raises InvalidError for an
        unknown format, and what the stream raises.
        """
        if self._writer is None:
            raise RuntimeError("To export files, a Catalog needs a writer")
        with self.export(status) as export:
            products = export.products if progress is None else _reported(export.products, progress)
            return self._writer(Export(export.categories, products), stream, form=form)

    @contextmanager
    def export(self, status: Status = Status.ALL) -> Iterator[Export]:
        """Give every product of a status, and every category, as they are at one moment.

        Images of ours are named by their addresses there.
        """
        with self._products.export(status) as export:
            products = (_with_addresses(one, self._address) for one in export.products)
            yield Export(export.categories, products)

    @property
    def _address(self) -> AddressOf:
        return nowhere if self._storage is None else self._storage.address

    def _count_miss(self, query: ProductQuery, misses: SearchMisses) -> None:
        words = words_missed(query)
        if words is not None:
            with suppress(UnavailableError, ConflictError):  # a count is not worth a search
                misses.record(words, self._clock())

    def _write(
        self,
        slug: str,
        changes: ProductChanges,
        version: int | None,
        completed: Callable[[ProductChanges, Product], ProductChanges] = lambda changes, _: changes,
    ) -> Product:
        now = self._clock()

        def to(product: Product) -> Product:
            require_version(version, product.version)
            return completed(changes, product).apply(product, now)

        return self._products.change(known_slug(slug), to)


_WRITTEN_ONCE = {"images", "categories"}
"""What a new product takes, and what later changes at addresses of its own."""


def known_slug(text: str) -> str:
    """Return the slug. Raises NotFoundError for a text that cannot be one: no store is asked."""
    if not is_slug(text):
        raise product_absent(text)
    return text


def require_version(wanted: int | None, found: int) -> None:
    """Raise StaleError if a version is wanted and another was found."""
    if wanted is not None and wanted != found:
        raise StaleError(
            f"The product was changed meanwhile: it is at version {found}, not {wanted}."
            " Read it again and repeat the change."
        )


def _reported(products: Iterable[Product], progress: Callable[[int], None]) -> Iterator[Product]:
    for number, product in enumerate(products):
        progress(number)
        yield product


def _with_addresses(product: Product, address: AddressOf) -> Product:
    if not product.own_images:
        return product
    refs = [one.ref if is_elsewhere(one.ref) else address(one.ref, None) for one in product.images]
    pairs = zip(product.images, refs, strict=True)
    return evolve(product, images=tuple(evolve(image, ref=ref) for image, ref in pairs))


def _replacement(changes: ProductChanges, product: Product) -> ProductChanges:
    """Return the changes of a PUT.

    Raises InvalidError where the price is left out, unless it follows from variants.
    """
    if product.has_variants:
        return changes.as_replacement(keep=FROM_VARIANTS)
    fields.refuse([Fault("price", "Price is required")] if changes.leaves("price") else [])
    return changes.as_replacement()
