"""Normalise the values of an imported product: adapt them to their fields, with warnings."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from eggypro_core.domain.product_changes import PRODUCT_VALIDATORS
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.domain.variant import VARIANT_FIELDS
from eggypro_core.services.importing.amounts import fit_gtin, fit_price, no_price_message
from eggypro_core.services.importing.field_fitters import field_fitters
from eggypro_core.services.importing.html import fit_details
from eggypro_core.services.importing.images import fit_images
from eggypro_core.services.importing.lists import (
    fit_attribute_edits,
    fit_attributes,
    fit_categories,
    fit_ingredients,
    fit_tags,
)
from eggypro_core.services.importing.messages import EntryMessages, shown
from eggypro_core.services.importing.options import OptionFitter
from eggypro_core.services.importing.slugs import fit_slug
from eggypro_core.services.importing.texts import (
    Fitter,
    is_blank,
    line_key,
    name_fitter,
)
from eggypro_core.services.importing.variants import (
    COMMON_FITTERS,
    add_price,
    fit_variants,
    has_valid_types,
)
from eggypro_core.validation.fields import max_length
from eggypro_core.validation.unset import UNSET

BARCODE_ATTRIBUTE = "Barcode"
"""The attribute of a barcode that is not a GTIN."""
_FITTERS: Mapping[str, Fitter] = {
    **field_fitters(
        definition
        for definition in PRODUCT_FIELDS
        if definition.name != "details"  # fitting it needs the HTML cleaner
    ),
    **COMMON_FITTERS,
    "name": name_fitter("name", "Name", max_length(PRODUCT_VALIDATORS["name"])),
    "slug": fit_slug,
    "tags": fit_tags,
    "images": fit_images,
    "ingredients": fit_ingredients,
    "attributes": fit_attributes,
    "attribute_edits": fit_attribute_edits,
    "categories": fit_categories,
}
_COMMON_FIELDS = frozenset(
    definition.name
    for definition in VARIANT_FIELDS
    if definition.name in PRODUCT_VALIDATORS and definition.name != "is_active"
)
"""The fields that a product takes from a variant without options."""


@frozen
class NormalisedEntry:
    """The values of a product as its validators accept them, None if the product is skipped.

    `skipped_options` are the options of its variants that are left out: these stay unchanged.
    With `errors`, the values must not be used.
    """

    values: Mapping[str, object] | None
    warnings: tuple[ImportMessage, ...] = ()
    errors: tuple[ImportMessage, ...] = ()
    skipped_options: tuple[Mapping[str, str], ...] = ()


def normalise_entry(
    entry: ImportEntry, clean_html: Callable[[str], str] = str, *, keeps_spellings: bool = False
) -> NormalisedEntry:
    """Return the entry with valid values, and a warning for each changed value.

    `clean_html` is used to measure the length of `details` after cleaning. Option names that differ
    only in case are the same, unless `keeps_spellings`. Values of a wrong type are left to
    validation. Idempotent.
    """
    if entry.values is None:
        return NormalisedEntry(None, skipped_options=entry.skipped_options)
    messages = EntryMessages(entry.line)
    skipped = entry.skipped_options
    has_variants = has_valid_types(entry.values.get("variants"))
    raw = _without_lone_variant(entry, messages) if has_variants else entry.values
    values = _fit_fields(raw, messages, clean_html)
    is_skipped = False
    if raw.get("variants"):
        values.pop("compare_at_price", None)
        values.pop("price", None)
        if has_variants:
            skipped = _add_variants(entry, values, messages, keeps_spellings=keeps_spellings)
            is_skipped = not values["variants"]
            is_on_sale = any(variant.get("is_active", True) for variant in values["variants"])
            if "price" in raw and not is_on_sale:  # the product shows its last price
                _add_price(raw, values, EntryMessages(entry.line))
    elif "price" in raw or "compare_at_price" in raw:
        is_skipped = _add_price(raw, values, messages)
    return NormalisedEntry(
        None if is_skipped else values,
        tuple(messages.warnings),
        tuple(messages.errors),
        skipped,
    )


def _fit_fields(
    raw: Mapping[str, Any], messages: EntryMessages, clean_html: Callable[[str], str]
) -> dict[str, Any]:
    """Return the fitted values of all fields that depend on no other."""
    values: dict[str, Any] = {}
    for name, value in raw.items():
        fitter = _FITTERS.get(name)
        fitted = fitter(value, messages) if fitter else value
        if fitted is not UNSET:
            values[name] = fitted
    if "details" in raw:
        values["details"] = fit_details(raw["details"], messages, clean_html)
    if "gtin" in raw:
        gtin = fit_gtin(raw["gtin"])
        values["gtin"] = gtin
        if gtin is UNSET:
            del values["gtin"]
            _add_barcode(values, raw["gtin"], messages)
    return values


def _add_price(raw: Mapping[str, Any], values: dict[str, Any], messages: EntryMessages) -> bool:
    """Add the prices of a product without variants; return whether it is skipped."""
    price = fit_price(raw["price"], messages) if "price" in raw else UNSET
    if price is None:
        messages.warn("price", no_price_message(raw["price"]), raw["price"])
        return True
    add_price(raw, values, None if price is UNSET else price, messages)
    return False


def _add_variants(
    entry: ImportEntry,
    values: dict[str, Any],
    messages: EntryMessages,
    *,
    keeps_spellings: bool,
) -> tuple[Mapping[str, str], ...]:
    """Add the variants of a product; return the options of those that are left out."""
    variants = values["variants"]
    is_known = len(entry.variant_lines) == len(variants)
    lines = entry.variant_lines if is_known else (entry.line,) * len(variants)
    fitted = fit_variants(
        variants, lines, entry.skipped_options, OptionFitter(messages, keeps_spellings)
    )
    messages.line = entry.line
    values["variants"] = fitted.variants
    if fitted.barcode is not None:
        _add_barcode(values, fitted.barcode, messages)
    sku = values.get("sku")
    used = {line_key(str(variant["sku"])) for variant in fitted.variants if variant.get("sku")}
    if isinstance(sku, str) and line_key(sku) in used:
        messages.warn(
            "sku", f"SKU '{shown(sku)}' is that of a variant: left out of the product", sku
        )
        del values["sku"]
    return tuple(fitted.skipped_options)


def _add_barcode(values: dict[str, Any], barcode: object, messages: EntryMessages) -> None:
    """Add a barcode that is not a GTIN to the attributes."""
    message = (
        f"Barcode '{shown(barcode)}' is not a valid GTIN:"
        f" imported as attribute '{BARCODE_ATTRIBUTE}'"
    )
    messages.warn("gtin", message, barcode)
    name = "attributes" if isinstance(values.get("attributes"), Mapping) else "attribute_edits"
    attributes = values.get(name, {})
    if isinstance(attributes, Mapping):
        attributes = {**attributes, BARCODE_ATTRIBUTE: str(barcode)}
        values[name] = _FITTERS[name](attributes, messages)


def _without_lone_variant(entry: ImportEntry, messages: EntryMessages) -> Mapping[str, Any]:
    """Return the values of the entry, with those of its only variant if it has no options."""
    values: Mapping[str, Any] = entry.values or {}
    variants = values.get("variants")
    if not variants or entry.skipped_options:
        return values
    first, *others = variants
    if any(_has_options(variant) or variant != first for variant in variants):
        return values
    for _ in others:
        messages.warn("variants", "Equal variants without options: imported as one")
    own = {name: value for name, value in first.items() if name in _COMMON_FIELDS}
    return {**{name: values[name] for name in values if name != "variants"}, **own}


def _has_options(variant: Mapping[str, Any]) -> bool:
    return any(not (is_blank(name) or is_blank(text)) for name, text in variant["options"].items())
