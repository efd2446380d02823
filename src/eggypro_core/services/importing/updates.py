"""Compare imported products with stored ones, and build the updates."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from attrs import define, evolve, field, frozen

from eggypro_core.domain.product import (
    MAX_ATTRIBUTES,
    VARIANT_FIELDS_OF_PRODUCT,
    Product,
)
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.domain.product_files import (
    ImportItem,
    ImportMessage,
    ImportOptions,
    MissingStock,
)
from eggypro_core.domain.variant import (
    VARIANT_FIELDS,
    Variant,
    VariantChanges,
    VariantDraft,
    check_option_names,
    options_key,
)
from eggypro_core.errors import ValidationError
from eggypro_core.validation.fields import escape_control, field_label
from eggypro_core.validation.unset import UNSET

_LEGACY_ATTRIBUTES = {
    "Vendor": "brand",
    "Brand": "brand",
    "Tags": "tags",
    "Barcode": "gtin",
    "Weight": "weight_grams",
}
"""Attributes in which former versions stored values that have a field now."""
_CHANGE_FIELDS = tuple(definition.name for definition in PRODUCT_FIELDS)
_VARIANT_CHANGE_FIELDS = tuple(
    definition.name for definition in VARIANT_FIELDS if definition.name != "options"
)
C = TypeVar("C", ProductChanges, VariantChanges)


@frozen
class ProductUpdate:
    """The change of a stored product, except its categories.

    `removed_variants` are deleted because the product has become simple. `off_sale` are those of
    `changed_variants` that are archived because the file lacks them.
    """

    before: Product
    after: Product
    new_variants: tuple[VariantDraft, ...] = ()
    changed_variants: tuple[Variant, ...] = ()
    removed_variants: tuple[Variant, ...] = ()
    off_sale: tuple[Variant, ...] = ()
    warnings: tuple[ImportMessage, ...] = ()

    @property
    def is_change(self) -> bool:
        """Return whether the product or a variant changes."""
        return self.after is not self.before

    @property
    def skus(self) -> set[str]:
        """Return all SKUs of the product and its variants after the change."""
        return _skus_of(self.after, [*self.variants, *self.new_variants])

    @property
    def variants_with_new_skus(self) -> list[Variant]:
        """Return the stored variants that lose their SKU or get another one."""
        after = {variant.id: variant.sku for variant in self.variants}
        return [
            variant
            for variant in self.before.variants
            if variant.sku is not None and after.get(variant.id) != variant.sku
        ]

    @property
    def releases_own_sku(self) -> bool:
        """Return whether the product itself loses its SKU or gets another one."""
        return self.before.sku not in (None, self.after.sku)

    @property
    def releases_skus(self) -> bool:
        """Return whether the product or a variant loses its SKU or gets another one."""
        return self.releases_own_sku or bool(self.variants_with_new_skus)

    def with_new_version(self, now: datetime) -> "ProductUpdate":
        """Return an update that changes at least the version."""
        if self.is_change:
            return self
        after = evolve(self.before, version=self.before.version + 1, updated_at=now)
        return evolve(self, after=after)

    @property
    def variants(self) -> list[Variant]:
        """Return the stored variants as they are after the change."""
        changed = {variant.id: variant for variant in self.changed_variants}
        removed = {variant.id for variant in self.removed_variants}
        return [
            changed.get(variant.id, variant)
            for variant in self.before.variants
            if variant.id not in removed
        ]


@frozen
class UpdateBuilder:
    """Build the updates of an import. `parse_exported` is None if exports hold every value."""

    options: ImportOptions
    now: datetime
    parse_exported: Callable[[Product], ProductChanges] | None = None

    def build(self, item: ImportItem, product: Product) -> tuple[ProductUpdate, ImportItem]:
        """Return the update of a product, and the item without the values that an export has too.

        Raises ValidationError or ConflictError.
        """
        update = build_update(item, product, self.options, self.now)
        if self.parse_exported is None:
            return update, item
        if not (update.is_change or update.warnings):
            return update, item
        try:
            exported = self.parse_exported(product)
        except ValidationError:  # the format cannot hold this product
            return update, item
        reduced_item = without_exported_values(item, exported, product)
        return build_update(reduced_item, product, self.options, self.now), reduced_item


def build_update(
    item: ImportItem, product: Product, options: ImportOptions, now: datetime
) -> ProductUpdate:
    """Return the update of a stored product with all its variants by an item.

    Raises ValidationError or ConflictError if the result would be invalid.
    """
    return _Comparison(item, product, options, now).update()


def without_exported_values(
    item: ImportItem, exported: ProductChanges, product: Product
) -> ImportItem:
    """Return the item without the values that an export of the product has too.

    A variant whose options are those of an export has the options of the stored variant. Positions
    only compare if the item has the same variants as the export, and fields that variants have too
    only if both have variants or neither.
    """
    is_same_kind = bool(item.changes.variants) == bool(exported.variants)
    names = [name for name in _CHANGE_FIELDS if is_same_kind or name not in _VARIANT_CHANGE_FIELDS]
    changes = _without_equal(item.changes, exported, names)
    if isinstance(changes.attribute_edits, Mapping):
        edits = exported.attribute_edits if isinstance(exported.attribute_edits, Mapping) else {}
        new_edits = {
            name: text
            for name, text in changes.attribute_edits.items()
            if (name in edits, edits.get(name)) != (True, text)
        }
        changes = evolve(changes, attribute_edits=new_edits or UNSET)
    if changes.variants:
        changes = evolve(
            changes,
            variants=_variants_without_exported_values(changes.variants, exported, product),
        )
    return evolve(item, changes=changes)


def _variants_without_exported_values(
    variants: Sequence[VariantChanges], exported: ProductChanges, product: Product
) -> tuple[VariantChanges, ...]:
    exported_variants = {variant.options_key: variant for variant in exported.variants}
    active = tuple(variant for variant in product.variants if variant.is_active)
    stored_variants = active if len(active) == len(exported.variants) else product.variants
    is_complete = len(stored_variants) == len(exported_variants)
    is_same_list = [variant.options_key for variant in variants] == [*exported_variants]
    names = [name for name in _VARIANT_CHANGE_FIELDS if is_same_list or name != "position"]
    options = {
        key: variant.options
        for key, variant in zip(exported_variants, stored_variants, strict=False)
        if is_complete
    }
    return tuple(
        evolve(
            _without_equal(variant, exported_variants[key], names),
            options=options.get(key, variant.options),
        )
        if (key := variant.options_key) in exported_variants
        else variant
        for variant in variants
    )


def _without_equal(changes: C, exported: C, names: Iterable[str]) -> C:
    equal = [
        name
        for name in names
        if getattr(changes, name) is not UNSET and getattr(changes, name) == getattr(exported, name)
    ]
    unset: dict[str, Any] = dict.fromkeys(equal, UNSET)
    return evolve(changes, **unset) if equal else changes


@define
class _Comparison:
    """One comparison of an item with a stored product."""

    item: ImportItem
    product: Product
    options: ImportOptions
    now: datetime
    warnings: list[ImportMessage] = field(factory=list)

    def update(self) -> ProductUpdate:
        product, changes = self.product, self._relevant(self.item.changes, is_known=True)
        removed: tuple[Variant, ...] = ()
        if product.has_variants and not changes.variants:
            if self._becomes_simple(changes):
                removed = product.variants
                product = evolve(product, variants=(), has_variants=False, variant_count=0)
                self._warn(
                    "variants",
                    f"The product is sold without variants now: {len(removed)} variants deleted",
                )
            else:
                changes = self._without_derived(changes)
        new, changed, off_sale = self._merge_variants(changes.variants)
        after = self._apply(changes, product, new, changed)
        if after is self.product and not (new or changed or removed):
            return ProductUpdate(self.product, self.product, warnings=tuple(self.warnings))
        if after.version == self.product.version:
            after = evolve(after, version=after.version + 1, updated_at=self.now)
        return ProductUpdate(
            self.product,
            after,
            tuple(new),
            tuple(changed),
            removed,
            tuple(off_sale),
            tuple(self.warnings),
        )

    def _warn(self, name: str, message: str, value: object = "") -> None:
        text = escape_control(str(value))
        self.warnings.append(ImportMessage(self.item.line, name, message, value=text))

    def _relevant(self, changes: C, *, is_known: bool) -> C:
        """Return the changes without stock that is incomplete or ignored."""
        if changes.stock_quantity is UNSET and changes.track_stock is True:
            changes = evolve(changes, track_stock=UNSET)
        if is_known and self.options.ignore_stock:
            changes = evolve(changes, stock_quantity=UNSET, track_stock=UNSET)
        return changes

    def _becomes_simple(self, changes: ProductChanges) -> bool:
        is_offered = any(not changes.is_unset(name) for name in VARIANT_FIELDS_OF_PRODUCT)
        return self.item.has_no_variants and is_offered and not self.options.keep_variants

    def _without_derived(self, changes: ProductChanges) -> ProductChanges:
        """Return the changes without the fields that the product derives from its variants."""
        names = [name for name in VARIANT_FIELDS_OF_PRODUCT if not changes.is_unset(name)]
        differing = [n for n in names if getattr(changes, n) != getattr(self.product, n)]
        for name in differing:
            self._warn(
                name,
                f"{field_label(name)} of a product with variants comes from the variants: ignored",
                getattr(changes, name),
            )
        unset: dict[str, Any] = dict.fromkeys(names, UNSET)
        return evolve(changes, **unset)

    def _apply(
        self,
        changes: ProductChanges,
        product: Product,
        new: Sequence[VariantDraft],
        changed: Sequence[Variant],
    ) -> Product:
        """Return the product with the changes to its own fields."""
        if not changes.variants:
            changes = self._with_valid_prices(changes, product)
        changes = self._with_attributes(changes, product)
        if self.item.keeps_alts and changes.images is not UNSET:
            alts = {image.ref: image.alt for image in product.images}
            images = tuple(evolve(image, alt=alts.get(image.ref)) for image in changes.images)
            changes = evolve(changes, images=images)
        stored = {variant.id: variant for variant in product.variants}
        stored |= {variant.id: variant for variant in changed}
        variant_skus = _skus_of(None, [*stored.values(), *new])
        if changes.sku in variant_skus:
            message = f"SKU '{changes.sku}' is that of a variant: left out of the product"
            self._warn("sku", message, changes.sku)
            changes = evolve(changes, sku=UNSET)
        if changes.sku is UNSET and product.sku in variant_skus:
            changes = evolve(changes, sku=None)  # a variant of the file takes it
        after = changes.apply_to(product, self.now)
        if after is self.product:
            return after
        if after != self.product and after.version == self.product.version:
            return evolve(after, version=after.version + 1, updated_at=self.now)
        return self.product if after == self.product else after

    def _with_valid_prices(self, changes: C, before: Product | Variant) -> C:
        """Return the changes without a compare-at price that is not above the price."""
        price = before.price if changes.price is UNSET else changes.price
        compare_at = changes.compare_at_price
        if compare_at is UNSET:
            compare_at = before.compare_at_price
        if not isinstance(compare_at, Decimal) or compare_at > price:
            return changes
        self._warn(
            "compare_at_price",
            f"Compare-at price {compare_at} is not above the price {price}: ignored",
            compare_at,
        )
        return evolve(changes, compare_at_price=None)

    def _with_attributes(self, changes: ProductChanges, product: Product) -> ProductChanges:
        """Return the changes with attribute edits that fit, and without obsolete attributes."""
        item_edits = {} if changes.attribute_edits is UNSET else dict(changes.attribute_edits)
        edits = item_edits | {
            name: None
            for name, field_name in _LEGACY_ATTRIBUTES.items()
            if name not in item_edits
            and name in product.attributes
            and not changes.is_unset(field_name)
            and getattr(changes, field_name) != getattr(product, field_name)
            and product.attributes[name] == _legacy_text(name, getattr(changes, field_name))
        }
        if not edits:
            return changes
        merged = {**product.attributes, **edits}
        names = [name for name, text in merged.items() if text is not None]
        excess = [name for name in names[MAX_ATTRIBUTES:] if name not in product.attributes]
        if excess:
            message = f"More than {MAX_ATTRIBUTES} attributes: {len(excess)} ignored"
            self._warn("attributes", message, excess[0])
            edits = {name: text for name, text in edits.items() if name not in excess}
        return evolve(changes, attribute_edits=edits) if edits != item_edits else changes

    def _merge_variants(
        self, changes: Sequence[VariantChanges]
    ) -> tuple[list[VariantDraft], list[Variant], list[Variant]]:
        """Return the new variants, the changed ones, and the archived ones among these.

        Variants are matched by their options, or else by their SKU. Variants missing from the file
        are archived, and lose their SKU only if the file gives it to another variant.
        """
        if not changes:
            return [], [], []
        unmatched = {options_key(variant.options): variant for variant in self.product.variants}
        matches = [unmatched.pop(change.options_key, None) for change in changes]
        by_sku = {variant.sku: variant for variant in unmatched.values() if variant.sku}
        claimed_skus = {change.sku for change in changes if isinstance(change.sku, str)}
        new: list[VariantDraft] = []
        changed: list[Variant] = []
        for position, (raw, by_options) in enumerate(zip(changes, matches, strict=True)):
            variant = by_options
            if variant is None and isinstance(raw.sku, str) and raw.sku in by_sku:
                variant = by_sku.pop(raw.sku)
                del unmatched[options_key(variant.options)]
            change = self._relevant(raw, is_known=variant is not None)
            if by_options is not None:
                change = evolve(change, options=UNSET)  # a new order of options is not a change
            if variant is None:
                new += self._draft(change, position)
            else:
                after = self._with_valid_prices(change, variant).apply_to(variant)
                if change.sku is UNSET and after.sku in claimed_skus:
                    after = evolve(after, sku=None)
                if after != variant:
                    changed.append(after)
        off_sale = self._archive(unmatched.values(), claimed_skus)
        changed += off_sale
        variants: list[Variant | VariantDraft] = [*self.product.variants, *changed, *new]
        check_option_names({}, (name for v in variants for name in v.options))
        on_sale = {variant.id for variant in self.product.variants if variant.is_active}
        return new, changed, [variant for variant in off_sale if variant.id in on_sale]

    def _draft(self, change: VariantChanges, position: int) -> list[VariantDraft]:
        if change.price is UNSET:
            options = {} if change.options is UNSET else change.options
            self._warn("variants", "Skipped: a new variant without a price", variant_name(options))
            return []
        return [with_missing_stock(change, self.options).to_draft_at(position)]

    def _archive(self, missing: Iterable[Variant], claimed_skus: Collection[str]) -> list[Variant]:
        """Return the changed ones of the variants that the file lacks."""
        skipped = {options_key(options) for options in self.item.skipped_options}
        archived = []
        for variant in missing:
            is_kept = self.options.keep_variants or options_key(variant.options) in skipped
            after = evolve(
                variant,
                is_active=variant.is_active and is_kept,
                sku=None if variant.sku in claimed_skus else variant.sku,
            )
            if after != variant:
                archived.append(after)
        return archived


def with_missing_stock(changes: C, options: ImportOptions) -> C:
    """Return the changes of a new product or variant, with a stock if the file has none."""
    if changes.stock_quantity is not UNSET or changes.track_stock is False:
        return changes
    from_policy: dict[str, Any] = {"track_stock": options.missing_stock is MissingStock.SOLD_OUT}
    return evolve(changes, **from_policy)


def variant_name(options: Mapping[str, str]) -> str:
    """Return the options of a variant as text: `Size: S, Colour: Red`."""
    return ", ".join(f"{name}: {value}" for name, value in options.items())


def _legacy_text(name: str, value: object) -> str:
    if name == "Tags" and isinstance(value, tuple):
        return ", ".join(value)
    return f"{value} g" if name == "Weight" else str(value)


def _skus_of(product: Product | None, variants: Iterable[Variant | VariantDraft]) -> set[str]:
    skus = {variant.sku for variant in variants}
    if product is not None:
        skus.add(product.sku)
    return {sku for sku in skus if sku is not None}
