"""Units of weight."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

GRAMS: Mapping[str, Decimal] = MappingProxyType(
    {
        **dict.fromkeys(("g", "gr", "gram", "grams", "gramm"), Decimal(1)),
        **dict.fromkeys(("kg", "kgs", "kilo", "kilogram", "kilograms"), Decimal(1000)),
        **dict.fromkeys(("lb", "lbs", "pound", "pounds"), Decimal("453.59237")),
        **dict.fromkeys(("oz", "ounce", "ounces"), Decimal("28.349523125")),
        "mg": Decimal("0.001"),
        "t": Decimal(1_000_000),
    }
)
"""Grams per unit, by the names of the unit in lower case."""
