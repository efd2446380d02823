"""Undo of a batch: what its changes become, given the catalogue as it is now."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from attrs import define, evolve, field, frozen

from eggypro_core.domain.category import Category
from eggypro_core.domain.event import (
    STOCK_FIELD,
    Change,
    Event,
    EventType,
    former_value,
    from_json,
    is_written_value,
    merged_changes,
    to_json,
)
from eggypro_core.domain.field_definition import FieldDefinition
from eggypro_core.domain.pricing import compare_at_errors
from eggypro_core.domain.product import VARIANT_FIELDS_OF_PRODUCT, Product, own_image_ids
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.domain.product_files import StoredProduct
from eggypro_core.domain.variant import VARIANT_FIELDS, Variant, options_key

CHANGED_SINCE = "Changed since"
DELETED = "Deleted permanently"
R = TypeVar("R", Product, Variant)
_PRODUCT_DEFINITIONS = {item.name: item for item in PRODUCT_FIELDS}
_VARIANT_DEFINITIONS = {item.name: item for item in VARIANT_FIELDS}


@frozen
class KeptChange:
    """A change that an undo does not take back, and why. Without a `field`: the whole thing."""

    slug: str
    field: str
    message: str


@frozen
class UndoReport:
    """The result of an undo (or of a `dry_run`): the things changed back, and what is kept.

    `batch` is the batch of the undo itself, which can be undone too.
    """

    batch: int | None
    reverted: int
    kept: tuple[KeptChange, ...]
    dry_run: bool = False


@frozen
class Restrictions:
    """The slugs, SKUs and images that former values cannot have, and the categories that exist.

    The `released_skus` are former ones: archived products and variants do not keep them.
    """

    taken_slugs: Collection[str] = ()
    taken_skus: Collection[str] = ()
    released_skus: Collection[str] = ()
    missing_images: Collection[str] = ()
    categories: Collection[str] = ()


@define
class ProductUndo:
    """The undo of all events of a batch about one product and its variants.

    After `plan`, `before` and `after` are the product, `variants` the pairs of its changed
    variants, and `categories` its former categories; None if they stay.
    """

    slug: str
    events: Sequence[Event]
    touched: Collection[tuple[str, int]]
    kept: list[KeptChange] = field(factory=list, init=False)
    before: Product | None = field(default=None, init=False)
    after: Product | None = field(default=None, init=False)
    variants: list[tuple[Variant, Variant]] = field(factory=list, init=False)
    categories: Collection[str] | None = field(default=None, init=False)

    @property
    def is_change(self) -> bool:
        """Return whether anything changes."""
        return self.after != self.before or bool(self.variants) or self.categories is not None

    @property
    def changed_count(self) -> int:
        """Return the number of things that change."""
        is_changed = self.after != self.before or self.categories is not None
        return is_changed + len(self.variants)

    def former_values(self, name: str) -> Iterator[object]:
        """Yield the former values of a field of the product and its variants, as JSON."""
        for events in self._events_by_subject().values():
            change = merged_changes(events).get(name)
            if change is not None:
                yield former_value(change)

    def plan(self, stored: StoredProduct | None, restrictions: Restrictions) -> None:
        """Compute the product and its variants without the changes of the batch."""
        if stored is None:
            self._keep("", DELETED)
            return
        product = self.before = stored.product
        self.slug = product.slug
        grouped = self._events_by_subject()
        if any(event.type is EventType.PRODUCT_CREATED for event in self.events):
            self.after = self._without_creation(product, restrictions)
            return
        changes = merged_changes(grouped.pop(("product", product.id), ()))
        self._plan_categories(changes.pop("categories", None), stored, restrictions)
        derived = VARIANT_FIELDS_OF_PRODUCT if product.has_variants else ()
        after = self._restored(product, changes, _PRODUCT_DEFINITIONS, restrictions, derived)
        for (_, variant_id), events in grouped.items():
            self._plan_variant(variant_id, events, product, restrictions)
        created = {
            event.subject.id for event in self.events if event.type is EventType.VARIANT_CREATED
        }
        if created and created >= {variant.id for variant in product.variants}:
            self._keep("variants", "The product had none. It keeps these, archived, and no stock")
        self.after = after

    def _events_by_subject(self) -> dict[tuple[str, int], list[Event]]:
        grouped: dict[tuple[str, int], list[Event]] = {}
        for event in self.events:
            grouped.setdefault((event.type.subject_type, event.subject.id), []).append(event)
        return grouped

    def _without_creation(self, product: Product, restrictions: Restrictions) -> Product:
        if ("product", product.id) in self.touched:
            self._keep("", CHANGED_SINCE)
            return product
        sku = None if product.sku in restrictions.released_skus else product.sku
        return evolve(product, is_active=False, sku=sku)

    def _plan_categories(
        self, change: "Change | None", stored: StoredProduct, restrictions: Restrictions
    ) -> None:
        if change is None:
            return
        if not is_written_value(change, sorted(stored.categories)):
            self._keep("categories", CHANGED_SINCE)
            return
        former = former_value(change)
        self.categories = [slug for slug in former if slug in restrictions.categories]
        if missing := [slug for slug in former if slug not in self.categories]:
            self._keep("categories", f"{DELETED}: {', '.join(missing)}")

    def _plan_variant(
        self,
        variant_id: int,
        events: Sequence[Event],
        product: Product,
        restrictions: Restrictions,
    ) -> None:
        variant = next((item for item in product.variants if item.id == variant_id), None)
        if variant is None:
            self._keep("variants", f"{DELETED}: {events[-1].subject.name}")
            return
        if events[0].type is EventType.VARIANT_CREATED:
            if ("variant", variant_id) in self.touched:
                self._keep("variants", f"{CHANGED_SINCE}: {events[-1].subject.name}")
                return
            sku = None if variant.sku in restrictions.released_skus else variant.sku
            after = evolve(variant, is_active=False, sku=sku)
        else:
            changes = merged_changes(events)
            after = self._restored(variant, changes, _VARIANT_DEFINITIONS, restrictions)
        others = [item for item in product.variants if item.id != variant_id]
        others += [item for _, item in self.variants]
        if after.options != variant.options and options_key(after.options) in {
            options_key(item.options) for item in others
        }:
            self._keep("options", "Another variant has the former options now")
            after = evolve(after, options=variant.options)
        if after != variant:
            self.variants.append((variant, after))

    def _restored(
        self,
        record: R,
        changes: Mapping[str, Change],
        definitions: Mapping[str, FieldDefinition],
        restrictions: Restrictions,
        derived: Collection[str] = (),
    ) -> R:
        """Return a record with the former values of the fields that still have the written ones.

        The `derived` fields come from the variants.
        """
        values: dict[str, Any] = {}
        for name, change in changes.items():
            definition = definitions[name]
            current = to_json(definition, getattr(record, name))
            if name in derived:
                self._keep(name, "Comes from the variants now")
            elif name == STOCK_FIELD:
                values[name] = self._former_stock(record.stock_quantity, change)
            elif not is_written_value(change, current):
                self._keep(name, CHANGED_SINCE)
            elif message := _obstacle(name, former_value(change), restrictions):
                self._keep(name, message)
            else:
                values[name] = from_json(definition, former_value(change))
        restored = evolve(record, **values)
        if compare_at_errors(restored.price, restored.compare_at_price):
            for name in {"price", "compare_at_price"} & values.keys():
                self._keep(name, CHANGED_SINCE)
            restored = evolve(
                restored, price=record.price, compare_at_price=record.compare_at_price
            )
        return restored

    def _former_stock(self, stock: int, change: Change) -> int:
        """Return the stock without the difference that the batch made; sales since count."""
        former = stock - (_number(change, 1) - _number(change, 0))
        if former < 0:
            self._keep(STOCK_FIELD, f"{-former} of the difference have been sold since")
        return max(former, 0)

    def _keep(self, name: str, message: str) -> None:
        self.kept.append(KeptChange(self.slug, name, message))


def _number(change: Change, index: int) -> int:
    return int(change[index]) if not isinstance(change, Mapping) else 0


def _obstacle(name: str, former: object, restrictions: Restrictions) -> str:
    """Return the reason why a field cannot have its former value again; empty if it can."""
    if name == "slug" and former in restrictions.taken_slugs:
        return f"Another product has the slug '{former}' now"
    if name == "sku" and former in restrictions.taken_skus:
        return f"Another product has the SKU '{former}' now"
    if name == "images":
        images = from_json(_PRODUCT_DEFINITIONS["images"], former)
        if missing := own_image_ids(images) & {*restrictions.missing_images}:
            return f"Images are gone: {', '.join(sorted(missing))}"
    return ""


def restore_category(
    category: Category, events: Iterable[Event], *, is_touched: bool
) -> tuple[Category, list[KeptChange]]:
    """Return a category without the changes of a batch, and what is kept."""
    events = list(events)
    if events[0].type is EventType.CATEGORY_CREATED:
        if is_touched:
            return category, [KeptChange(category.slug, "", CHANGED_SINCE)]
        return evolve(category, is_active=False), []
    values: dict[str, Any] = {}
    kept = []
    for name, change in merged_changes(events).items():
        if is_written_value(change, getattr(category, name)):
            values[name] = former_value(change)
        else:
            kept.append(KeptChange(category.slug, name, CHANGED_SINCE))
    return evolve(category, **values), kept
