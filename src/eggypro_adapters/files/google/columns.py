"""The names of the columns and elements of a feed, and the header of a table."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from attrs import frozen

from eggypro_adapters.files.csv_table import column_key

OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "color": "Color",
        "size": "Size",
        "flavor": "Flavor",
        "scent": "Scent",
        "style": "Style",
        "capacity": "Capacity",
        "material": "Material",
        "pattern": "Pattern",
        "size_type": "Size type",
        "size_system": "Size system",
        "gender": "Gender",
        "age_group": "Age group",
        "condition": "Condition",
    }
)
"""The columns that can be options of variants, with the names of the options."""
ALWAYS_OPTIONS = frozenset({"color", "size", "flavor"})
"""The columns that are options of variants even if all variants have the same value."""
ATTRIBUTES: Mapping[str, str] = MappingProxyType(
    {
        **OPTIONS,
        "mpn": "MPN",
        "google_product_category": "Google product category",
        "fb_product_category": "Facebook product category",
        **{f"custom_label_{number}": f"Custom label {number}" for number in range(5)},
        **{f"custom_number_{number}": f"Custom number {number}" for number in range(5)},
        **{
            name: name.replace("_", " ").capitalize()
            for name in (
                *("unit_pricing_measure", "unit_pricing_base_measure", "multipack"),
                *("energy_efficiency_class", "product_length", "product_width", "product_height"),
                *("product_highlight", "origin_country", "ingredients", "product_form"),
            )
        },
    }
)
"""The columns that become attributes of a product, with the names of the attributes."""
REPEATED = frozenset(
    {
        *("additional_image_link", "product_type", "product_detail", "product_highlight"),
        *("product_tags", "additional_variant_attribute"),
    }
)
"""The columns that can have several values."""
_SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "id": ("id", "item id", "product id"),
        "title": ("title",),
        "description": ("description", "summary"),
        "rich_text_description": ("rich_text_description",),
        "image_link": ("image_link", "image url", "image[0].url", "image"),
        "additional_image_link": ("additional_image_link", "lifestyle_image_link"),
        "availability": ("availability",),
        "price": ("price",),
        "sale_price": ("sale_price",),
        "sale_price_effective_date": ("sale_price_effective_date",),
        "brand": ("brand",),
        "gtin": ("gtin", "upc", "ean", "isbn"),
        "item_group_id": ("item_group_id", "retailer_product_group_id"),
        "product_type": ("product_type",),
        "product_weight": ("product_weight",),
        "shipping_weight": ("shipping_weight",),
        "quantity": (
            *("quantity_to_sell_on_facebook", "inventory", "quantity"),
            *("sell_on_google_quantity", "total_quantity"),
        ),
        "status": ("status",),
        "visibility": ("visibility",),
        "product_detail": ("product_detail",),
        "product_tags": ("product_tags",),
        "additional_variant_attribute": ("additional_variant_attribute",),
        "slug": ("slug",),
        "sku": ("sku",),
        **{name: (name,) for name in ATTRIBUTES},
        "color": ("color", "colour"),
        "flavor": ("flavor", "flavour"),
    }
)
_NAMES = {column_key(text): name for name, texts in _SYNONYMS.items() for text in texts}
_NO = frozenset({"no", "false", "n", "0"})
_DEFAULT_VALUES: Mapping[str, Collection[str]] = MappingProxyType(
    {
        "adult": _NO,
        "is_bundle": _NO,
        "identifier_exists": _NO | {"yes", "true", "y", "1"},
    }
)
"""The default values of columns that are not imported: they need no warning."""
_PREFIX = re.compile(r"\A[gc]:", re.IGNORECASE)
_SUFFIX = re.compile(r"\(.*|\[\d*\]")
_FEED_COLUMNS = frozenset({"availability", "image_link", "price", "condition", "item_group_id"})
_MIN_FEED_COLUMNS = 2


@lru_cache(maxsize=1024)
def column_name(text: str) -> str:
    """Return the name of a column or element, such as `g:image_link`, or "" if it is unknown.

    Case, spaces and underscores are ignored, as are `(...)` and the index of a list: `tags[0]`.
    """
    text = _PREFIX.sub("", text.strip())
    if re.fullmatch(r"image\[[1-9]\d*\]\.url", text):
        return "additional_image_link"
    return _NAMES.get(column_key(text)) or _NAMES.get(column_key(_SUFFIX.sub("", text)), "")


def is_default(text: str, value: str) -> bool:
    """Return whether the value of a column that is not imported is the default."""
    name = _PREFIX.sub("", text.strip()).lower().replace(" ", "_")
    return value.strip().lower() in _DEFAULT_VALUES.get(name, ())


@frozen
class FeedHeader:
    """The header of a table: positions of the imported columns, and of the others.

    `imported` has pairs of position and name, `unused` pairs of position and text in the header.
    """

    texts: Sequence[str]
    imported: Sequence[tuple[int, str]]
    unused: Sequence[tuple[int, str]]

    @property
    def columns(self) -> dict[str, str]:
        """Return the texts of the columns in the header by name."""
        return {name: self.texts[position] for position, name in reversed(self.imported)}


def matches_header(header: Sequence[str]) -> bool:
    """Return whether a header is that of a feed: ID, title, and two more columns of a feed."""
    names = {column_name(text) for text in header}
    return {"id", "title"} <= names and len(names & _FEED_COLUMNS) >= _MIN_FEED_COLUMNS


def parse_header(header: Sequence[str]) -> FeedHeader | None:
    """Return the columns of a header, or None if it has neither an ID nor a title."""
    columns = [(position, column_name(text), text) for position, text in enumerate(header)]
    if not {"id", "title", "slug"} & {name for _, name, _ in columns}:
        return None
    return FeedHeader(
        texts=header,
        imported=[(position, name) for position, name, _ in columns if name],
        unused=[(position, text) for position, name, text in columns if not name and text],
    )
