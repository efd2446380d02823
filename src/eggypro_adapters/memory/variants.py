"""In-memory store of variants."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from attrs import asdict, evolve

from eggypro_adapters.memory.database import MemoryDatabase, MemoryState
from eggypro_adapters.memory.keyset import page_of
from eggypro_core.domain.event import (
    Subject,
    variant_changed,
    variant_created,
    variant_deleted,
)
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import MAX_STOCK, Product, insufficient_stock, product_not_found
from eggypro_core.domain.variant import (
    Variant,
    VariantDraft,
    VariantQuery,
    check_option_names,
    options_conflict,
    options_key,
)
from eggypro_core.services.variants import variant_not_found
from eggypro_core.validation.parameters import Status


class MemoryVariantStore:
    """Store variants in memory."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def get(self, slug: str, variant_id: int, status: Status) -> Variant:
        with self._database.lock:
            for variant in self._list_by_status(slug, status):
                if variant.id == variant_id:
                    return variant
        raise variant_not_found(slug, variant_id)

    def list(self, query: VariantQuery) -> Page[Variant, VariantQuery]:
        with self._database.lock:
            variants = self._list_by_status(query.product, query.status)
        return page_of(query, variants, position_of=_sort_key, item_of=lambda variant: variant)

    def create(self, slug: str, draft: VariantDraft, at: datetime) -> Variant:
        with self._database.lock:
            state = self._database.state
            product = state.get(slug)
            siblings = state.variants_of(product)
            last = max((sibling.position for sibling in siblings), default=-1)
            values = asdict(draft, recurse=False)
            if draft.position is None:
                values["position"] = min(last + 1, MAX_STOCK)
            variant = Variant(**values, id=next(self._database.ids), version=product.version + 1)
            _save(state, product, variant, siblings, at)
            subject = Subject.of_product(product)
            event = variant_created(subject, variant.id, draft.options, variant.version)
            self._database.record([event])
            return variant

    def update(
        self, slug: str, variant_id: int, change: Callable[[Variant], Variant], at: datetime
    ) -> Variant:
        with self._database.lock:
            variant = self.get(slug, variant_id, Status.ALL)
            changed = change(variant)
            if changed == variant:
                return variant
            state = self._database.state
            product = state.get(slug)
            siblings = [
                sibling for sibling in state.variants_of(product) if sibling.id != variant_id
            ]
            _save(state, product, changed, siblings, at)
            changed = evolve(changed, version=product.version + 1)
            self._database.record(variant_changed(Subject.of_product(product), variant, changed))
            return changed

    def delete(
        self, slug: str, variant_id: int, check: Callable[[Variant], None], at: datetime
    ) -> None:
        with self._database.lock:
            state = self._database.state
            product = state.get(slug)
            variants = {variant.id: variant for variant in state.variants_of(product)}
            deleted = variants.pop(variant_id, None)
            if deleted is not None:
                check(deleted)
                state.save_variants(product, variants.values(), at)
                subject = Subject.of_product(product)
                event = variant_deleted(subject, variant_id, deleted.options, product.version + 1)
                self._database.record([event])

    def adjust_stock(self, slug: str, variant_id: int, delta: int) -> int:
        with self._database.lock:
            stock = self.get(slug, variant_id, Status.ALL).stock_quantity
            if not 0 <= stock + delta <= MAX_STOCK:
                raise insufficient_stock(stock, delta)
            return self.set_stock(slug, variant_id, stock + delta)

    def set_stock(self, slug: str, variant_id: int, quantity: int) -> int:
        with self._database.lock:
            self.get(slug, variant_id, Status.ALL)
            state = self._database.state
            product = state.get(slug)
            variants = {variant.id: variant for variant in state.variants_of(product)}
            variant = variants[variant_id]
            variants[variant_id] = evolve(variant, stock_quantity=quantity)
            state.save_variants(product, variants.values())
            subject = Subject.of_product(product)
            self._database.record(variant_changed(subject, variant, variants[variant_id]))
            return quantity

    def _list_by_status(self, slug: str, status: Status) -> Sequence[Variant]:
        state = self._database.state
        product = state.get(slug)
        if status is Status.ACTIVE and not product.is_active:
            raise product_not_found(slug)
        variants = state.variants_of(product)
        return [variant for variant in variants if status.includes(is_active=variant.is_active)]


def _save(
    state: MemoryState,
    product: Product,
    variant: Variant,
    siblings: Collection[Variant],
    at: datetime,
) -> None:
    """Store a variant with its siblings. Raises ConflictError for taken options or SKU."""
    sibling_options = [sibling.options for sibling in siblings]
    if options_key(variant.options) in map(options_key, sibling_options):
        raise options_conflict(variant.options)
    check_option_names(variant.options, (name for options in sibling_options for name in options))
    state.check_sku(variant.sku, product.id, variant.id)
    state.save_variants(product, [*siblings, variant], at)


def _sort_key(variant: Variant) -> tuple[int, int]:
    return variant.position, variant.id
