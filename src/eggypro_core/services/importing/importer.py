"""ProductImporter: stage the products of a file, match them, and write the changes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from itertools import islice

from attrs import define, field

from eggypro_core.domain.image import ImageUrlBuilder, no_image_url
from eggypro_core.domain.product import (
    Product,
    ProductDraft,
    own_image_ids,
    with_image_urls,
)
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_files import (
    ConflictPolicy,
    ImportEntry,
    ImportFile,
    ImportItem,
    ImportMatch,
    ImportOptions,
    ImportReport,
    MatchedBy,
    MissingStock,
    StoredProduct,
)
from eggypro_core.domain.variant import VariantChanges
from eggypro_core.errors import ConflictError, ValidationError
from eggypro_core.ports import ImportSession
from eggypro_core.services.importing.category_resolver import CategoryResolver
from eggypro_core.services.importing.keys import KeyResolver
from eggypro_core.services.importing.parsing import EntryParser, messages_of
from eggypro_core.services.importing.recorder import (
    ImportListener,
    ImportProgress,
    ImportRecorder,
    creation_difference,
    update_difference,
)
from eggypro_core.services.importing.sku_moves import SkuMoves
from eggypro_core.services.importing.updates import UpdateBuilder
from eggypro_core.services.importing.writer import ImportWriter, WriteBatch
from eggypro_core.validation.unset import UNSET

IMPORT_BATCH_SIZE = 1000
MAX_ERRORS = 10_000
"""More errors stop the import."""
_TOO_MANY_ERRORS = "Import stopped: too many invalid lines. Is this the right file?"


@define
class ProductImporter:
    """One import. `read` stages the file; `compare` finds the changes; `write` stores them.

    `compare` writes new products already, unless it is a dry run: that locks no stored product.
    """

    session: ImportSession
    clean_html: Callable[[str], str]
    now: datetime
    file: ImportFile
    options: ImportOptions
    image_url: ImageUrlBuilder = no_image_url
    listener: ImportListener | None = None
    progress: ImportProgress | None = None
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    _recorder: ImportRecorder = field(init=False)
    _parser: EntryParser = field(init=False)
    _categories: CategoryResolver = field(init=False)
    _updates: UpdateBuilder = field(init=False)
    _keys: KeyResolver = field(init=False)
    _writer: ImportWriter = field(init=False)
    _untracked: int = field(default=0, init=False)
    """New products for which the file has no stock."""
    _off_sale: int = field(default=0, init=False)
    _off_sale_products: int = field(default=0, init=False)

    @_recorder.default
    def _(self) -> ImportRecorder:
        return ImportRecorder(self.file.columns, self.options, self.listener)

    @_parser.default
    def _(self) -> EntryParser:
        return EntryParser(
            self.session.stage,
            self._recorder,
            self.clean_html,
            self.image_url,
            is_lossless=self.file.exported_values is None,
        )

    @_categories.default
    def _(self) -> CategoryResolver:
        return CategoryResolver(self.session)

    @_updates.default
    def _(self) -> UpdateBuilder:
        exported = None if self.file.exported_values is None else self._parse_exported
        return UpdateBuilder(self.options, self.now, exported)

    @_keys.default
    def _(self) -> KeyResolver:
        moves = SkuMoves(self.session, self._updates, self._categories)
        return KeyResolver(self.session, self._recorder, moves, self.image_url)

    @_writer.default
    def _(self) -> ImportWriter:
        return ImportWriter(
            self.session,
            self._recorder,
            self._updates,
            self._categories,
            self.options.source or self.file.format,
            self.now,
        )

    @property
    def is_accepted(self) -> bool:
        """Return whether the import can be stored: no errors so far, or it keeps going."""
        return self._recorder.is_accepted

    def read(self) -> None:
        """Stage the entries of the file. Stop at too many errors: it is probably the wrong file."""
        entries = iter(self.file.entries)
        count = 0
        while batch := list(islice(entries, IMPORT_BATCH_SIZE)):
            if self._recorder.error_total >= MAX_ERRORS:
                self._recorder.fail(batch[0].line, "", _TOO_MANY_ERRORS)
                return
            self._parser.stage_entries(batch)
            count += len(batch)
            self._report_progress("Reading", count)

    def compare(self) -> None:
        """Match the items with stored products, and plan the updates."""
        if self._parser.item_count:
            self.session.match(self._writer.source)
            count = 0
            for matches in self.session.matches():
                self._compare_batch(matches)
                count += len(matches)
                self._report_progress("Comparing", count)
            self._add_summaries()
        if self.file.help and not (self.created or self.changed or self.unchanged):
            self._recorder.fail(1, "", self.file.help)

    def write(self) -> None:
        """Store the planned updates and the remaining new products."""
        self._writer.write_plans()

    def report(self, *, is_applied: bool) -> ImportReport:
        """Return the result, or what it would be if it is a dry run."""
        return self._recorder.report(
            is_applied=is_applied,
            created=self.created,
            changed=self.changed,
            unchanged=self.unchanged,
            new_categories=self._categories.created_names,
        )

    # Comparing

    def _compare_batch(self, matches: Sequence[ImportMatch]) -> None:
        resolved = self._keys.without_held_skus(self._keys.without_missing_images(matches))
        resolved = self._keys.with_handles(resolved)
        self._compare_new([match.item for match in resolved if match.stored is None])
        for match in resolved:
            if match.stored is not None:
                with self._errors_of(match.item):
                    self._compare_known(match, match.stored)

    def _compare_new(self, items: Sequence[ImportItem]) -> None:
        batch = WriteBatch()
        priced = [item for item in items if not item.is_refused and self._is_priced(item)]
        with_slugs = {item.number: item for item in self._keys.with_slugs(priced)}
        for item in (with_slugs.get(item.number, item) for item in items):
            if item.is_refused:
                with suppress(ValidationError, ConflictError):
                    self._categories.create_missing(item.categories.details)
            if item.number not in with_slugs:
                continue
            with self._errors_of(item):
                draft, warnings = self._writer.draft_of(item)
                self._recorder.add_warnings(warnings)
                self._recorder.add_difference(partial(creation_difference, draft))
                self.created += 1
                self._untracked += _lacks_stock(item)
                if self._must_wait(item, draft):
                    self.session.stage.postpone(item)
                else:
                    self._writer.add_creation(item, draft, batch)
        if not self.options.dry_run and self.is_accepted:
            self._writer.write(batch)

    def _must_wait(self, item: ImportItem, draft: ProductDraft) -> bool:
        """Return whether a product is created after the updates.

        An update may release its SKU; images and chunks lock rows.
        """
        is_waiting = self._keys.takes_moved_sku(item)
        return self.options.is_chunked or is_waiting or bool(own_image_ids(draft.images))

    def _compare_known(self, match: ImportMatch, stored: StoredProduct) -> None:
        if self.options.on_conflict is ConflictPolicy.FAIL:
            message = f"The product '{stored.product.slug}' already exists"
            self._recorder.fail(match.item.line, "slug", message)
            return
        if self.options.on_conflict is ConflictPolicy.SKIP:
            self.unchanged += 1
            return
        item = match.item
        update, reduced_item = self._updates.build(item, stored.product)
        categories = self._writer.new_categories(reduced_item, stored)
        self._recorder.add_warnings(update.warnings)
        self._recorder.add_warnings(self._writer.category_warnings(reduced_item))
        if update.off_sale:
            self._off_sale += len(update.off_sale)
            self._off_sale_products += 1
        if not update.is_change and categories is None:
            self.unchanged += 1
            source_ids = item.keys.source_ids(stored.product.slug)
            if source_ids and match.by is not MatchedBy.SOURCE_ID:
                self.session.stage.add_link(stored.product.slug, None, source_ids)
            return
        self.changed += 1
        self._recorder.add_difference(
            partial(update_difference, update, categories, stored.categories)
        )
        self.session.stage.plan(stored.product.id, item, releases_skus=update.releases_skus)

    def _parse_exported(self, product: Product) -> ProductChanges:
        """Return the changes that an export of a product describes. Raises ValidationError."""
        product = with_image_urls(product, self.image_url)
        values = {} if self.file.exported_values is None else self.file.exported_values(product)
        return self._parser.parse_values(ImportEntry(0, values))

    def _is_priced(self, item: ImportItem) -> bool:
        """Return whether a new product has a price; warn if it does not."""
        if item.changes.is_priced:
            return True
        self._recorder.warn(item.line, "price", "Skipped: a new product without a price")
        return False

    # Messages

    def _report_progress(self, work: str, count: int) -> None:
        if self.progress is not None:
            self.progress(work, count)

    @contextmanager
    def _errors_of(self, item: ImportItem) -> Iterator[None]:
        """Record the errors of an item."""
        try:
            yield
        except (ValidationError, ConflictError) as error:
            self._recorder.add_errors(messages_of(error, item.line))

    def _add_summaries(self) -> None:
        if self._untracked:
            policy = (
                "the stock is not tracked, and customers can always buy."
                " Set it with `eggypro stock import`, or import with --missing-stock sold-out"
                if self.options.missing_stock is MissingStock.UNTRACKED
                else "imported as sold out. Set the stock with `eggypro stock import`"
            )
            products = _counted(self._untracked, "new product")
            message = f"No stock quantity for {products} in the file: {policy}"
            self._recorder.warn(1, "stock_quantity", message)
        if self._off_sale:
            message = (
                f"{_counted(self._off_sale, 'variant')} of"
                f" {_counted(self._off_sale_products, 'product')} not in the file:"
                " taken off sale (--keep-variants leaves them)"
            )
            self._recorder.warn(1, "variants", message)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _lacks_stock(item: ImportItem) -> bool:
    """Return whether the file lacks the stock of a new product."""
    offers: Sequence[ProductChanges | VariantChanges] = item.changes.variants or [item.changes]
    return any(offer.stock_quantity is UNSET and offer.track_stock is not False for offer in offers)
