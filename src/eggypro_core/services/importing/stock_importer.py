"""StockImporter: set the stock of products and variants from a file."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, groupby, islice

from attrs import define, field

from eggypro_core.domain.product import Product
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_files import (
    ImportItem,
    ImportOptions,
    ImportReport,
    MatchKeys,
    SkuHolder,
    StockEntry,
    StockFile,
)
from eggypro_core.domain.variant import SKU, VariantChanges
from eggypro_core.ports import ImportSession
from eggypro_core.services.importing.messages import EntryMessages, shown
from eggypro_core.services.importing.recorder import ImportListener, ImportRecorder
from eggypro_core.services.importing.slugs import fit_slug
from eggypro_core.services.importing.stock_changes import (
    compare_stock,
    offer_with,
    stock_difference,
)
from eggypro_core.services.importing.updates import variant_name
from eggypro_core.validation.fields import InvalidValueError

STOCK_BATCH_SIZE = 1000


@define
class StockImporter:
    """One stock import. `read` finds the products, `compare` the changes; `write` stores them.

    Versions stay unchanged, because stock is not editorial. An untracked product becomes tracked.
    """

    session: ImportSession
    file: StockFile
    options: ImportOptions
    listener: ImportListener | None = None
    changed: int = 0
    unchanged: int = 0
    _count: int = field(default=0, init=False)
    _recorder: ImportRecorder = field(init=False)

    @_recorder.default
    def _(self) -> ImportRecorder:
        return ImportRecorder(self.file.columns, self.options, self.listener)

    @property
    def is_accepted(self) -> bool:
        """Return whether the import can be stored: no errors so far, or it keeps going."""
        return self._recorder.is_accepted

    def read(self) -> None:
        """Find the product of each quantity."""
        entries = iter(self.file.entries)
        while batch := list(islice(entries, STOCK_BATCH_SIZE)):
            for entry in batch:
                self._recorder.add_errors(entry.errors)
                self._recorder.add_warnings(entry.warnings)
            self._plan([entry for entry in batch if entry.quantity is not None])

    def compare(self) -> None:
        """Compare the quantities with those in stock. Locks no product."""
        for product, items in self._planned():
            changes = compare_stock(product, items)
            self._recorder.add_errors(changes.errors)
            self._recorder.add_warnings(changes.warnings)
            if changes.stock:
                self.changed += 1
                self._recorder.add_difference(partial(stock_difference, product, changes.stock))
            else:
                self.unchanged += 1

    def write(self) -> None:
        """Lock the products whose stock changes, in the order of their ids, and set it."""
        if not self.changed:
            return
        changing = (
            (product.id, items)
            for product, items in self._planned()
            if compare_stock(product, items).stock
        )
        while batch := dict(islice(changing, STOCK_BATCH_SIZE)):
            self.session.lock_products(batch)
            stored = self.session.get_products(batch)
            stock = {
                (product_id, variant_id): quantity
                for product_id, items in batch.items()
                if product_id in stored
                for variant_id, quantity in compare_stock(
                    stored[product_id].product, items
                ).stock.items()
            }
            self.session.set_stock(stock)

    def report(self, *, is_applied: bool) -> ImportReport:
        """Return the result, or what it would be if it is a dry run."""
        return self._recorder.report(
            is_applied=is_applied, changed=self.changed, unchanged=self.unchanged
        )

    def _plan(self, entries: Sequence[StockEntry]) -> None:
        """Stage the quantities with their products; warn of quantities without a product."""
        skus = [_clean_sku(entry.sku) for entry in entries]
        slugs = [_slug(entry.handle) for entry in entries]
        holders = self.session.find_sku_holders(set(filter(None, skus)))
        ids = self.session.find_product_ids(set(filter(None, slugs)))
        products = self.session.get_products(set(ids.values()))
        for entry, sku, slug in zip(entries, skus, slugs, strict=True):
            product = products[ids[slug]].product if slug in ids else None
            item = self._item(entry, sku, product, holders.get(sku or ""))
            if item is None:
                self._warn_unknown(entry, product)
            else:
                product_id, planned = item
                self.session.stage.plan(product_id, planned, releases_skus=False)
                self._count += 1

    def _item(
        self,
        entry: StockEntry,
        sku: str | None,
        product: Product | None,
        holder: SkuHolder | None,
    ) -> tuple[int, ImportItem] | None:
        """Return the id of the product that a quantity belongs to, and the item to stage.

        The product is the holder of the SKU, unless handle and options name an offer without a SKU.
        `product` is the one with the handle.
        """
        offer = None if product is None else offer_with(product, entry.options)
        if product is not None and offer is not None and (offer.sku is None or not entry.sku):
            keys, options = MatchKeys(), entry.options
            product_id = product.id
        elif holder is not None and sku is not None:
            keys, options = MatchKeys(skus=(sku,)), {}
            product_id = holder.product_id
        elif product is not None and product.has_variants and not (entry.sku or entry.options):
            keys, options, product_id = MatchKeys(), {}, product.id
        else:
            return None
        quantity = entry.quantity or 0
        variants = (VariantChanges(options=options, stock_quantity=quantity),) if options else ()
        changes = ProductChanges(stock_quantity=quantity, variants=variants)
        return product_id, ImportItem(self._count, entry.line, keys, changes)

    def _warn_unknown(self, entry: StockEntry, product: Product | None) -> None:
        handle, options = shown(entry.handle), shown(variant_name(entry.options))
        if entry.sku:
            missing, value = f"product or variant with the SKU '{shown(entry.sku)}'", entry.sku
        elif product is not None:
            missing, value = f"variant {options} of the product '{handle}'", options
        else:
            missing, value = f"product '{handle}'", entry.handle
        name = "sku" if entry.sku else "variants" if product else "slug"
        message = f"There is no {missing}: ignored"
        self._recorder.warn(entry.line, name, message, shown(value))

    def _planned(self) -> Iterator[tuple[Product, Sequence[ImportItem]]]:
        """Yield the products as they are now, by id, each with its quantities."""
        plans = chain.from_iterable(self.session.stage.plans())
        groups = (
            (product_id, [item for _, item in group])
            for product_id, group in groupby(plans, key=lambda plan: plan[0])
        )
        while batch := dict(islice(groups, STOCK_BATCH_SIZE)):
            stored = self.session.get_products(batch)
            for product_id, items in batch.items():
                if product_id in stored:
                    yield stored[product_id].product, items


def _clean_sku(text: str) -> str | None:
    """Return a valid SKU in its stored form, or None if it is blank or invalid."""
    try:
        return SKU(text) if text else None
    except InvalidValueError:
        return None


def _slug(handle: str) -> str:
    """Return the slug that an import makes of a handle; blank if there is none."""
    slug = fit_slug(handle, EntryMessages(0))
    return slug if isinstance(slug, str) else ""
