"""Compare the stock of a product with imported quantities."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from attrs import frozen

from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import ImportDifference, ImportItem, ImportMessage
from eggypro_core.domain.variant import Variant, options_key
from eggypro_core.services.importing.updates import variant_name

Offer: TypeAlias = Product | Variant
"""A variant, or a product without variants, with a stock of its own."""


@frozen
class StockChanges:
    """The new stock of a product by variant id (None: its own), where it differs, and messages."""

    stock: Mapping[int | None, int]
    errors: Sequence[ImportMessage]
    warnings: Sequence[ImportMessage]


def compare_stock(product: Product, items: Iterable[ImportItem]) -> StockChanges:
    """Return the changes to the stock of a product by its imported quantities."""
    stock: dict[int | None, int] = {}
    errors, warnings = [], []
    quantities: dict[int | None, tuple[int, int]] = {}
    """Line and quantity by variant id."""
    for item in sorted(items, key=lambda item: item.line):
        quantity = _quantity(item)
        offer = _offer(product, item)
        if offer is None:
            message = (
                f"The stock of '{product.slug}' is the sum of its variants: ignored;"
                " set it by the SKUs of the variants"
            )
            warnings.append(_message(item.line, message, quantity))
            continue
        variant_id = offer.id if isinstance(offer, Variant) else None
        line, first = quantities.setdefault(variant_id, (item.line, quantity))
        if first != quantity:
            stock.pop(variant_id, None)
            message = (
                f"Lines {line} and {item.line} have different quantities of '{_name(offer)}':"
                " keep one of them"
            )
            errors.append(_message(item.line, message, quantity))
        elif line != item.line:
            message = f"Skipped: the row repeats line {line}"
            warnings.append(_message(item.line, message, quantity))
        elif (offer.stock_quantity, offer.track_stock) != (quantity, True):
            stock[variant_id] = quantity
            if not offer.track_stock:
                message = "The stock was not tracked: it is tracked from now on"
                warnings.append(_message(item.line, message, quantity))
    return StockChanges(stock, errors, warnings)


def _offer(product: Product, item: ImportItem) -> Offer | None:
    """Return the product or variant that an item sets; None if only the variants have stock."""
    for sku in item.keys.skus:
        return next((offer for offer in _offers(product) if offer.sku == sku), None)
    options = [change.options for change in item.changes.variants]
    return offer_with(product, options[0] if options and isinstance(options[0], Mapping) else {})


def _offers(product: Product) -> Sequence[Offer]:
    return product.variants if product.has_variants else [product]


def offer_with(product: Product, options: Mapping[str, str]) -> Offer | None:
    """Return the variant with these options, or the product itself if it has no variants."""
    if not product.has_variants:
        return None if options else product
    key = options_key(options)
    return next(
        (variant for variant in product.variants if options_key(variant.options) == key), None
    )


def _name(offer: Offer) -> str:
    if offer.sku:
        return offer.sku
    return variant_name(offer.options) if isinstance(offer, Variant) else offer.slug


def _quantity(item: ImportItem) -> int:
    quantity = item.changes.stock_quantity
    return quantity if isinstance(quantity, int) else 0


def stock_difference(product: Product, stock: Mapping[int | None, int]) -> ImportDifference:
    """Return the stock of a product and its variants before and after."""
    variants = {variant.id: variant for variant in product.variants}
    fields: dict[str, tuple[str | None, str | None]] = {}
    for variant_id, quantity in stock.items():
        offer: Offer = product if variant_id is None else variants[variant_id]
        prefix = f"variants[{variant_name(offer.options)}]." if isinstance(offer, Variant) else ""
        if offer.stock_quantity != quantity:
            fields[f"{prefix}stock_quantity"] = str(offer.stock_quantity), str(quantity)
        if not offer.track_stock:
            fields[f"{prefix}track_stock"] = "false", "true"
    return ImportDifference(product.slug, "updated", fields)


def _message(line: int, message: str, quantity: int) -> ImportMessage:
    return ImportMessage(line, "stock_quantity", message, value=str(quantity))
