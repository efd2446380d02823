"""Fit the variants of an imported product: keep, leave out or refuse each of them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from attrs import define, field

from eggypro_core.domain.variant import SKU, VARIANT_FIELDS
from eggypro_core.services.importing.amounts import (
    fit_compare_at_price,
    fit_gtin,
    fit_price,
    fit_stock_quantity,
    fit_weight,
    no_price_message,
    price_value,
)
from eggypro_core.services.importing.field_fitters import field_fitters
from eggypro_core.services.importing.images import fit_image_url
from eggypro_core.services.importing.messages import EntryMessages, shown
from eggypro_core.services.importing.options import OptionFitter
from eggypro_core.services.importing.texts import Fitter, fit_line, line_key
from eggypro_core.validation.fields import MAX_INTEGER, max_length
from eggypro_core.validation.unset import UNSET

MAX_SKU_LENGTH = max_length(SKU)
Values: TypeAlias = Mapping[str, Any]


def fit_sku(value: object, messages: EntryMessages) -> object:
    """Return a SKU, UNSET if it is too long."""
    if not isinstance(value, str):
        return value
    sku = fit_line(value, "sku", "SKU", max(MAX_SKU_LENGTH, len(value)), messages)
    if len(line_key(sku)) <= MAX_SKU_LENGTH:
        return sku
    messages.warn("sku", f"SKU is longer than {MAX_SKU_LENGTH} characters: left out", value)
    return UNSET


def fit_position(value: object, _: EntryMessages) -> object:
    """Return a position, UNSET for anything else."""
    return value if type(value) is int and 0 <= value <= MAX_INTEGER else UNSET


COMMON_FITTERS: Mapping[str, Fitter] = {
    "sku": fit_sku,
    "weight_grams": fit_weight,
    "stock_quantity": fit_stock_quantity,
}
"""The fitters of fields that products and variants have, if they need more than a definition."""
_FITTERS = {
    **field_fitters(VARIANT_FIELDS),
    **COMMON_FITTERS,
    "image": fit_image_url,
    "position": fit_position,
}


@define
class FittedVariants:
    """The variants of a product after fitting.

    `skipped_options` are those of variants without a valid price. `barcode` is that of the only
    variant if it is not a GTIN.
    """

    variants: list[dict[str, Any]] = field(factory=list)
    skipped_options: list[Mapping[str, str]] = field(factory=list)
    barcode: object = None


def has_valid_types(variants: object) -> bool:
    """Return whether a value is a list of variants with options; validation rejects others."""
    return isinstance(variants, list | tuple) and all(
        isinstance(variant, Mapping)
        and isinstance(variant.get("options"), Mapping)
        and all(isinstance(text, str) for item in variant["options"].items() for text in item)
        for variant in variants
    )


def fit_variants(
    variants: Sequence[Values],
    lines: Sequence[int],
    skipped: Sequence[Mapping[str, str]],
    fitter: OptionFitter,
) -> FittedVariants:
    """Return the fitted variants, given their lines and the options of variants left out before."""
    messages = fitter.messages
    options = _fit_options([variant["options"] for variant in variants], lines, skipped, fitter)
    result = FittedVariants(skipped_options=[*options[len(variants) :]])
    seen: dict[frozenset[tuple[str, str]], tuple[int, Values]] = {}
    skus: set[str] = set()
    for variant, line, variant_options in zip(variants, lines, options, strict=False):
        messages.line = line
        fitted = _fit_variant(variant, variant_options, messages)
        if fitted is None:
            result.skipped_options.append(variant_options)
            continue
        if not variant_options:
            messages.fail("options", "A variant without options beside others: name its options")
            continue
        if "gtin" in fitted and fitted["gtin"] is UNSET:
            del fitted["gtin"]
            if len(variants) == 1:
                result.barcode = variant["gtin"]
            else:
                message = f"Barcode '{shown(variant['gtin'])}' is not a valid GTIN: left out"
                messages.warn("gtin", message, variant["gtin"])
        if _is_repeated(fitted, line, seen, messages):
            continue
        result.variants.append(_without_repeated_sku(fitted, skus, messages))
    return result


def add_price(
    values: Values, fitted: dict[str, Any], price: Decimal | None, messages: EntryMessages
) -> None:
    """Add the prices of a product or variant to its fitted values."""
    if price is not None:
        fitted["price"] = price_value(values["price"], price)
    if "compare_at_price" in values:
        compare_at = fit_compare_at_price(values["compare_at_price"], price, messages)
        fitted.pop("compare_at_price", None)
        if compare_at is not UNSET:
            fitted["compare_at_price"] = compare_at


def _fit_options(
    options: Sequence[Mapping[str, str]],
    lines: Sequence[int],
    skipped: Sequence[Mapping[str, str]],
    fitter: OptionFitter,
) -> list[dict[str, str]]:
    messages, fitted = fitter.messages, []
    for variant_options, line in zip(options, lines, strict=False):
        messages.line = line
        fitted.append(fitter.fit(variant_options))
    fitted += map(fitter.fit, skipped)
    messages.line = lines[0] if lines else messages.line
    return fitter.join(fitted)


def _fit_variant(
    variant: Values, options: dict[str, str], messages: EntryMessages
) -> dict[str, Any] | None:
    """Return the fitted values, None for a variant without a valid price."""
    fitted: dict[str, Any] = {}
    price = fit_price(variant["price"], messages) if "price" in variant else UNSET
    if price is None:
        messages.warn("price", no_price_message(variant["price"]), variant["price"])
        return None
    for name, value in variant.items():
        fitter = _FITTERS.get(name)
        fitted_value = fitter(value, messages) if fitter else value
        if fitted_value is not UNSET:
            fitted[name] = fitted_value
    fitted["options"] = options
    if "gtin" in variant:
        fitted["gtin"] = fit_gtin(variant["gtin"])
    add_price(variant, fitted, None if price is UNSET else price, messages)
    return fitted


def _is_repeated(
    fitted: Values,
    line: int,
    seen: dict[frozenset[tuple[str, str]], tuple[int, Values]],
    messages: EntryMessages,
) -> bool:
    """Return whether a variant has the options of a former one: a warning if equal, or an error."""
    first_line, first = seen.setdefault(frozenset(fitted["options"].items()), (line, fitted))
    if first is fitted:
        return False
    names = fitted.keys() | first.keys()
    if all(fitted.get(name) == first.get(name) for name in names - {"position"}):
        messages.warn("options", f"The same variant as on line {first_line}: ignored")
    else:
        options = ", ".join(f"{name}: {text}" for name, text in fitted["options"].items())
        message = (
            f"Two variants have the same options ({shown(options)}) and different "
            f"values: lines {first_line} and {line}"
        )
        messages.fail("options", message, options)
    return True


def _without_repeated_sku(
    fitted: dict[str, Any], skus: set[str], messages: EntryMessages
) -> dict[str, Any]:
    """Return a variant without its SKU, and a warning, if a former variant has that SKU."""
    sku = fitted.get("sku")
    if not isinstance(sku, str) or not sku.strip():
        return fitted
    if (key := line_key(sku)) not in skus:
        skus.add(key)
        return fitted
    message = f"SKU '{shown(sku)}' is already used by another variant of the product: left out"
    messages.warn("sku", message, sku)
    return {name: value for name, value in fitted.items() if name != "sku"}
