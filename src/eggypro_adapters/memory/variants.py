"""The variants of a shop's products within this process."""

from collections.abc import Callable, Collection
from datetime import datetime

from attrs import asdict, evolve

from eggypro_adapters.memory.database import MemoryDatabase, Shelf
from eggypro_adapters.memory.keyset import page_of
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import HIGHEST_STOCK, Product, product_absent, stock_refused
from eggypro_core.domain.variant import (
    Variant,
    VariantDraft,
    VariantQuery,
    combination,
    options_taken,
    refuse_names,
)
from eggypro_core.services.variants import variant_absent
from eggypro_core.validation.parameters import Status


class MemoryVariantStore:
    """Variants in this process. Everything is gone with it."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def find(self, slug: str, variant_id: int, status: Status) -> Variant:
        with self._database.lock:
            for variant in self._shown(slug, status):
                if variant.id == variant_id:
                    return variant
        raise variant_absent(slug, variant_id)

    def page(self, query: VariantQuery) -> Page[Variant, VariantQuery]:
        with self._database.lock:
            variants = self._shown(query.product, query.status)
        return page_of(query, variants, place=_place, item_of=lambda variant: variant)

    def add(self, slug: str, draft: VariantDraft, at: datetime) -> Variant:
        with self._database.lock:
            shelf = self._database.shelf
            product = shelf.find(slug)
            siblings = shelf.variants_of(product)
            last = max((one.position for one in siblings), default=-1)
            values = asdict(draft, recurse=False)
            if draft.position is None:
                values["position"] = min(last + 1, HIGHEST_STOCK)
            variant = Variant(**values, id=next(self._database.ids), version=product.version + 1)
            _put(shelf, product, variant, siblings, at)
            return variant

    def change(
        self, slug: str, variant_id: int, to: Callable[[Variant], Variant], at: datetime
    ) -> Variant:
        with self._database.lock:
            variant = self.find(slug, variant_id, Status.ALL)
            changed = to(variant)
            if changed == variant:
                return variant
            shelf = self._database.shelf
            product = shelf.find(slug)
            siblings = [one for one in shelf.variants_of(product) if one.id != variant_id]
            _put(shelf, product, changed, siblings, at)
            return evolve(changed, version=product.version + 1)

    def remove(
        self, slug: str, variant_id: int, check: Callable[[Variant], None], at: datetime
    ) -> None:
        with self._database.lock:
            shelf = self._database.shelf
            product = shelf.find(slug)
            every = shelf.variants_of(product)
            gone = [one for one in every if one.id == variant_id]
            for variant in gone:
                check(variant)
                left = [one for one in every if one.id != variant_id]
                shelf.put_variants(product, left, at)

    def adjust_stock(self, slug: str, variant_id: int, by: int) -> int:
        with self._database.lock:
            stock = self.find(slug, variant_id, Status.ALL).stock_quantity
            if not 0 <= stock + by <= HIGHEST_STOCK:
                raise stock_refused(stock, by)
            return self.set_stock(slug, variant_id, stock + by)

    def set_stock(self, slug: str, variant_id: int, to: int) -> int:
        with self._database.lock:
            self.find(slug, variant_id, Status.ALL)
            shelf = self._database.shelf
            product = shelf.find(slug)
            every = shelf.variants_of(product)
            changed = [evolve(o, stock_quantity=to) if o.id == variant_id else o for o in every]
            shelf.put_variants(product, changed)
            return to

    def _shown(self, slug: str, status: Status) -> list[Variant]:
        shelf = self._database.shelf
        product = shelf.find(slug)
        if status is Status.ACTIVE and not product.is_active:
            raise product_absent(slug)
        every = shelf.variants_of(product)
        return [one for one in every if status.shows(is_active=one.is_active)]


def _put(
    shelf: Shelf, product: Product, variant: Variant, siblings: Collection[Variant], at: datetime
) -> None:
    """Keep a variant beside its siblings. Raises ConflictError."""
    others = [one.options for one in siblings]
    if combination(variant.options) in map(combination, others):
        raise options_taken(variant.options)
    refuse_names(variant.options, (name for options in others for name in options))
    shelf.refuse_sku(variant.sku, product.id, variant.id)
    shelf.put_variants(product, [*siblings, variant], at)


def _place(variant: Variant) -> tuple[int, int]:
    return variant.position, variant.id
