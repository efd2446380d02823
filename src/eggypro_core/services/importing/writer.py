"""Write the changes of an import."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from attrs import define, evolve, field

from eggypro_core.domain.product import Product, ProductDraft
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_files import (
    ImportItem,
    ImportMessage,
    ImportOptions,
    StoredProduct,
)
from eggypro_core.domain.variant import Variant, VariantDraft, check_option_names
from eggypro_core.ports import ImportSession
from eggypro_core.services.importing.category_resolver import CategoryResolver
from eggypro_core.services.importing.recorder import ImportRecorder
from eggypro_core.services.importing.updates import (
    UpdateBuilder,
    variant_name,
    with_missing_stock,
)
from eggypro_core.validation.unset import UNSET


@define
class WriteBatch:
    """Products to write together."""

    new: list[ProductDraft] = field(factory=list)
    changed: list[tuple[Product, Product]] = field(factory=list)
    new_variants: list[tuple[str, VariantDraft]] = field(factory=list)
    changed_variants: list[tuple[str, Variant, Variant]] = field(factory=list)
    """The slug of the product, and the variant before and after."""
    simplified_ids: list[int] = field(factory=list)
    """Products that lose all their variants."""


@define
class ImportWriter:
    """Write new products in batches, then the planned updates, and last the categories."""

    session: ImportSession
    recorder: ImportRecorder
    updates: UpdateBuilder
    categories: CategoryResolver
    source: str
    now: datetime

    def write_plans(self) -> None:
        """Store the planned updates and the remaining new products."""
        stage = self.session.stage
        if not self._options.is_chunked:
            for ids in stage.planned_ids():
                self.session.lock_products(ids)
        for plans in stage.releasing_plans():
            self.session.lock_products(sorted(product_id for product_id, _ in plans))
            self._release_skus(plans)
        for plans in stage.plans():
            if self._options.is_chunked:
                self.session.lock_products(sorted(product_id for product_id, _ in plans))
            self._write_updates(plans)
            self._end_chunk()
        for items in stage.postponed():
            self._write_postponed(items)
            self._end_chunk()
        self._write_links()

    def new_categories(self, item: ImportItem, stored: StoredProduct) -> Collection[str] | None:
        """Return the new categories of a product, or None if they stay unchanged."""
        self.categories.create_missing(item.categories.details)
        references = item.categories.references
        if references is None or self.categories.is_known(references, stored.categories):
            return None
        slugs = self.categories.resolve(references)
        if references and not slugs:
            return None
        return None if set(slugs) == stored.categories else slugs

    def category_warnings(self, item: ImportItem) -> list[ImportMessage]:
        """Return a warning for each category of an item that does not exist."""
        return [
            ImportMessage(
                item.line,
                "categories",
                f"There is no category '{slug}': ignored. Create it, and import the file again",
                value=slug,
            )
            for slug in self.categories.unknown_slugs(item.categories.references or ())
        ]

    def draft_of(self, item: ImportItem) -> tuple[ProductDraft, Sequence[ImportMessage]]:
        """Return the draft of a new product, and warnings.

        Raises ValidationError and ConflictError.
        """
        changes = _with_attributes_of_edits(item.changes)
        unpriced = [variant for variant in changes.variants if variant.price is UNSET]
        if changes.variants:
            variants = tuple(
                with_missing_stock(variant, self._options)
                for variant in changes.variants
                if variant.price is not UNSET
            )
            changes = evolve(changes, variants=variants)
        if not changes.variants:
            changes = with_missing_stock(changes, self._options)
        draft = changes.to_draft()
        check_option_names({}, (name for variant in draft.variants for name in variant.options))
        self.categories.create_missing(item.categories.details)
        categories = self.categories.resolve(item.categories.references or ())
        warnings = [
            ImportMessage(
                item.line,
                "variants",
                "Skipped: a new variant without a price",
                value=variant_name({} if variant.options is UNSET else variant.options),
            )
            for variant in unpriced
        ]
        if categories:
            draft = evolve(draft, categories=categories)
        return draft, [*warnings, *self.category_warnings(item)]

    def add_creation(self, item: ImportItem, draft: ProductDraft, batch: WriteBatch) -> None:
        """Add a new product to a batch, and its categories and source ID to the stage."""
        slug = str(draft.slug)
        batch.new.append(draft)
        batch.new_variants += [(slug, variant) for variant in draft.variants]
        source_ids = item.keys.source_ids(slug, is_new=True)
        if draft.categories or source_ids:
            self.session.stage.add_link(slug, draft.categories or None, source_ids)

    def _write_postponed(self, items: Sequence[ImportItem]) -> None:
        batch = WriteBatch()
        for item in items:
            draft, _ = self.draft_of(item)
            self.add_creation(item, draft, batch)
        self.write(batch)

    def _release_skus(self, plans: Sequence[tuple[int, ImportItem]]) -> None:
        """Remove the SKUs that planned updates change, so that other products can take them."""
        products = self.session.get_products([product_id for product_id, _ in plans])
        product_ids, variant_ids = [], []
        for product_id, item in plans:
            if product_id in products:
                update, _ = self.updates.build(item, products[product_id].product)
                if update.releases_own_sku:
                    product_ids.append(product_id)
                variant_ids += [variant.id for variant in update.variants_with_new_skus]
        self.session.release_skus(product_ids, variant_ids)
        self.session.stage.record_uses({_released_key(id_): id_ for id_, _ in plans})

    def _write_updates(self, plans: Sequence[tuple[int, ImportItem]]) -> None:
        products = self.session.get_products([product_id for product_id, _ in plans])
        batch = WriteBatch()
        released = self.session.stage.find_uses([_released_key(id_) for id_, _ in plans])
        for product_id, item in plans:
            stored = products.get(product_id)
            if stored is None:  # deleted permanently since the comparison
                message = "Skipped: the product was deleted during the import"
                self.recorder.warn(item.line, "slug", message)
                continue
            update, reduced_item = self.updates.build(item, stored.product)
            if _released_key(product_id) in released:
                update = update.with_new_version(self.now)  # it may only have cleared SKUs
            slug = update.after.slug
            categories = self.new_categories(reduced_item, stored)
            if update.is_change:
                batch.changed.append((stored.product, update.after))
                batch.new_variants += [(slug, variant) for variant in update.new_variants]
                former = {variant.id: variant for variant in stored.product.variants}
                batch.changed_variants += [
                    (slug, former[variant.id], variant) for variant in update.changed_variants
                ]
                if update.removed_variants:
                    batch.simplified_ids.append(product_id)
            source_ids = item.keys.source_ids(slug)
            if categories is not None or source_ids:
                self.session.stage.add_link(slug, categories, source_ids)
        self.write(batch)

    def write(self, batch: WriteBatch) -> None:
        """Write the products and variants of a batch."""
        if batch.simplified_ids:
            self.session.delete_variants(batch.simplified_ids)
        if batch.new or batch.changed:
            self.session.write_products(batch.new, batch.changed, self.now)
        if batch.new_variants or batch.changed_variants:
            self.session.write_variants(batch.new_variants, batch.changed_variants)

    def _end_chunk(self) -> None:
        if self._options.is_chunked:
            self._write_links()
            self.session.commit_chunk()

    def _write_links(self) -> None:
        """Store new categories, the categories of products, and their source IDs.

        Last, because other writers of the category tree wait from here on.
        """
        if categories := self.categories.pop_created():
            self.session.create_categories(categories, self.now)
        for links in self.session.stage.pop_links():
            by_slug = {slug: slugs for slug, slugs, _ in links if slugs is not None}
            source_ids = {source_id: slug for slug, _, ids in links for source_id in ids}
            if by_slug:
                self.session.set_categories(by_slug)
            if source_ids:
                self.session.remember_sources(self.source, source_ids)

    @property
    def _options(self) -> ImportOptions:
        return self.updates.options


def _released_key(product_id: int) -> str:
    return f"released:{product_id}"


def _with_attributes_of_edits(changes: ProductChanges) -> ProductChanges:
    """Return the changes of a new product, with the attributes that the edits set."""
    if not isinstance(changes.attribute_edits, Mapping):
        return changes
    attributes = {} if changes.attributes is UNSET else dict(changes.attributes)
    attributes |= {name: text for name, text in changes.attribute_edits.items() if text is not None}
    return evolve(changes, attributes=attributes, attribute_edits=UNSET)
