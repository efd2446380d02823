"""Price limits and the rule between price and compare-at price."""

from collections.abc import Mapping
from decimal import Decimal

from eggypro_core.errors import FieldError
from eggypro_core.validation import fields

MAX_PRICE = Decimal("999999.99")


def price_errors(
    values: Mapping[str, object], validators: Mapping[str, fields.Validator]
) -> list[FieldError]:
    """Return the errors between the two prices in raw `values`; none if either is invalid."""
    try:
        price, compare_at = (
            validators[name](values[name]) for name in ("price", "compare_at_price")
        )
    except (KeyError, fields.InvalidValueError):
        return []
    return compare_at_errors(price, compare_at)


def compare_at_errors(price: object, compare_at: object) -> list[FieldError]:
    """Return the error if the compare-at price is not above the price; either may be missing."""
    if not isinstance(price, Decimal) or not isinstance(compare_at, Decimal) or compare_at > price:
        return []
    return [FieldError("compare_at_price", "Compare-at price must be above the price")]
