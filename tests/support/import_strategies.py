"""Hypothesis strategies for imported files with repeated, missing and invalid values."""

from typing import Any

from attrs import evolve
from hypothesis import strategies as st

from eggypro_adapters.contracts import strategies
from eggypro_core.domain.product_files import ImportEntry, MissingStock

few = st.sampled_from(["a", "b", "c"])
_GTINS = st.sampled_from(["4006381333931", "96385074", "123"])
_offer: dict[str, st.SearchStrategy[Any]] = {
    "sku": strategies.blank_or(few),
    "gtin": _GTINS,
    "compare_at_price": st.sampled_from(["0", "1.50", "2.50", "9"]),
    "stock_quantity": st.integers(-1, 3),
    "track_stock": st.booleans(),
    "is_active": st.booleans(),
}
_prices = st.sampled_from(["0", "1.00", "2", "2.345"])
_options = st.fixed_dictionaries({"Size": few}, optional={"A": few, "B": few})
_variants = st.lists(
    st.fixed_dictionaries(
        {"options": _options}, optional={**_offer, "price": _prices, "position": st.integers(0, 2)}
    ),
    max_size=3,
)
_values = st.fixed_dictionaries(
    {},
    optional={
        **_offer,
        "slug": st.sampled_from(["a", "b", "b-2", "Ü", "A_B", "a-b"]),
        "name": st.sampled_from(["a", "B", "b", "<"]) | strategies.names,
        "price": _prices,
        "details": strategies.html,
        "categories": st.lists(st.lists(few, min_size=1, max_size=2), max_size=2),
        "variants": _variants,
    },
) | st.fixed_dictionaries(
    {"name": few, "price": st.sampled_from(["1", "2"])}, optional={"sku": few, "gtin": _GTINS}
)
_edits = st.dictionaries(st.sampled_from(["Colour", "Vendor", "Tags"]), st.none() | few, max_size=2)


@st.composite
def _entry(draw: st.DrawFn) -> ImportEntry:
    values = draw(_values)
    if draw(st.booleans()):
        values = values | {"attribute_edits": draw(_edits), "brand": draw(st.none() | few)}
    return ImportEntry(
        0,
        values,
        source_id=draw(st.none() | st.sampled_from(["1", "2"])),
        skipped_options=tuple(draw(st.lists(_options, max_size=1))),
        has_no_variants="variants" not in values and draw(st.booleans()),
    )


import_files = st.lists(_entry(), max_size=5).map(
    lambda file: [evolve(entry, line=line) for line, entry in enumerate(file, 2)]
)
import_options = st.fixed_dictionaries(
    {"keep_going": st.booleans()},
    optional={
        "keep_variants": st.booleans(),
        "ignore_stock": st.booleans(),
        "is_chunked": st.booleans(),
        "missing_stock": st.sampled_from(MissingStock),
    },
)
