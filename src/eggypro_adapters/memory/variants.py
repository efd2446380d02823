"""The variants of a shop's products within this process."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from attrs import asdict, evolve

from eggypro_adapters.memory.database import MemoryDatabase, MemoryState
from eggypro_adapters.memory.keyset import page_of
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
    """Variants in this process. Everything is gone with it."""

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
        return page_of(query, variants, place=_place, item_of=lambda variant: variant)

    def create(self, slug: str, draft: VariantDraft, at: datetime) -> Variant:
        with self._database.lock:
            shelf = self._database.state
            product = shelf.get(slug)
            siblings = shelf.variants_of(product)
            last = max((one.position for one in siblings), default=-1)
            values = asdict(draft, recurse=False)
            if draft.position is None:
                values["position"] = min(last + 1, MAX_STOCK)
            variant = Variant(**values, id=next(self._database.ids), version=product.version + 1)
            _save(shelf, product, variant, siblings, at)
            return variant

    def update(
        self, slug: str, variant_id: int, change: Callable[[Variant], Variant], at: datetime
    ) -> Variant:
        with self._database.lock:
            variant = self.get(slug, variant_id, Status.ALL)
            changed = change(variant)
            if changed == variant:
                return variant
            shelf = self._database.state
            product = shelf.get(slug)
            siblings = [one for one in shelf.variants_of(product) if one.id != variant_id]
            _save(shelf, product, changed, siblings, at)
            return evolve(changed, version=product.version + 1)

    def delete(
        self, slug: str, variant_id: int, check: Callable[[Variant], None], at: datetime
    ) -> None:
        with self._database.lock:
            shelf = self._database.state
            product = shelf.get(slug)
            every = shelf.variants_of(product)
            gone = [one for one in every if one.id == variant_id]
            for variant in gone:
                check(variant)
                left = [one for one in every if one.id != variant_id]
                shelf.save_variants(product, left, at)

    def adjust_stock(self, slug: str, variant_id: int, delta: int) -> int:
        with self._database.lock:
            stock = self.get(slug, variant_id, Status.ALL).stock_quantity
            if not 0 <= stock + delta <= MAX_STOCK:
                raise insufficient_stock(stock, delta)
            return self.set_stock(slug, variant_id, stock + delta)

    def set_stock(self, slug: str, variant_id: int, quantity: int) -> int:
        with self._database.lock:
            self.get(slug, variant_id, Status.ALL)
            shelf = self._database.state
            product = shelf.get(slug)
            every = shelf.variants_of(product)
            changed = [
                evolve(o, stock_quantity=quantity) if o.id == variant_id else o for o in every
            ]
            shelf.save_variants(product, changed)
            return quantity

    def _list_by_status(self, slug: str, status: Status) -> Sequence[Variant]:
        shelf = self._database.state
        product = shelf.get(slug)
        if status is Status.ACTIVE and not product.is_active:
            raise product_not_found(slug)
        every = shelf.variants_of(product)
        return [one for one in every if status.includes(is_active=one.is_active)]


def _save(
    shelf: MemoryState,
    product: Product,
    variant: Variant,
    siblings: Collection[Variant],
    at: datetime,
) -> None:
    """Keep a variant beside its siblings. Raises ConflictError."""
    others = [one.options for one in siblings]
    if options_key(variant.options) in map(options_key, others):
        raise options_conflict(variant.options)
    check_option_names(variant.options, (name for options in others for name in options))
    shelf.check_sku(variant.sku, product.id, variant.id)
    shelf.save_variants(product, [*siblings, variant], at)


def _place(variant: Variant) -> tuple[int, int]:
    return variant.position, variant.id
