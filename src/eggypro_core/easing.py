"""What an import takes with a warning where an editor would be refused: what other shops allow."""

from collections.abc import Mapping

from eggypro_core.errors import Fault
from eggypro_core.rules import RefusedError, decimal, printable

NO_PRICE = Fault("price", "Skipped: no price")
"""The warning of a product that has no price, nor a variant that could have one."""


def eased(values: Mapping[str, object]) -> tuple[dict[str, object], list[Fault]]:
    """Return the values of a product with its amounts put right, and the warnings of that.

    A stock below zero becomes none, and a compare-at price is dropped that is not above the price
    beside it: of the product, and of each of its variants.
    """
    kept, warnings = _eased(values)
    variants = values.get("variants")
    if isinstance(variants, list | tuple):
        each = [_eased(one) if isinstance(one, Mapping) else (one, []) for one in variants]
        kept["variants"] = [one for one, _ in each]
        warnings += [
            Fault("variants", f"variant {number}: {said.message}")
            for number, (_, all_said) in enumerate(each, 1)
            for said in all_said
        ]
    return kept, warnings


def says_no_price(values: Mapping[str, object]) -> bool:
    """Whether an entry says that there is no price at all."""
    return "price" in values and values["price"] is None and not values.get("variants")


def _eased(values: Mapping[str, object]) -> tuple[dict[str, object], list[Fault]]:
    kept, warnings = dict(values), []
    stock, price, compared = map(values.get, ("stock_quantity", "price", "compare_at_price"))
    if isinstance(stock, int) and stock < 0:
        kept["stock_quantity"] = 0
        said = f"Negative stock ({printable(str(stock))}) taken as 0"
        warnings.append(Fault("stock_quantity", said))
    if _is_not_above(compared, price):
        kept["compare_at_price"] = None
        said = f"Compare-at price {compared} is not above the price {price}: left out"
        warnings.append(Fault("compare_at_price", printable(said)))
    return kept, warnings


def _is_not_above(compared: object, price: object) -> bool:
    """Whether both are amounts, the first not above the second."""
    try:
        return decimal("", compared) <= decimal("", price)
    except RefusedError:
        return False
