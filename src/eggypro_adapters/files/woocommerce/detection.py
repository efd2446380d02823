"""Recognise WooCommerce's CSV by its header."""

from collections.abc import Sequence

from eggypro_adapters.files.csv_table import column_key
from eggypro_adapters.files.woocommerce.column_names import parse_column_name

_WOOCOMMERCE_ONLY = frozenset(
    {"visibility", "featured", "in_stock", "backorders", "sold_individually", "reviews"}
    | {"tax_status", "tax_class", "sale_starts", "sale_ends", "values"}
)
"""Columns that a table of another origin does not have."""
_EVIDENCE = _WOOCOMMERCE_ONLY | {"type", "published", "sale_price"}
_COMMON_PRICE_NAMES = frozenset({"preço", "cena"})
"""Names of a price that any table may have."""
_PRICE_WORDS = ("price", "preis", "prix", "precio", "prezzo", "prijs", "preço", "cena")


def matches_header(header: Sequence[str]) -> bool:
    """Return whether a header is WooCommerce's.

    It names a product by name, SKU or ID, and has a regular price, or a type and a SKU, or two
    columns that only WooCommerce has.
    """
    columns = [(parse_column_name(text).role, column_key(text)) for text in header]
    roles = {role for role, _ in columns}
    own_columns = roles & _WOOCOMMERCE_ONLY
    if "name" in roles and len(own_columns) > 1:
        return True
    other_keys = [key for role, key in columns if not role]
    if "price" in other_keys and not own_columns:
        return False
    price = next((key for role, key in columns if role == "price"), "")
    if price:
        is_sure = price not in _COMMON_PRICE_NAMES and "name" in roles
        return is_sure or bool(roles & {"name", "sku", "id"} and roles & _EVIDENCE)
    has_other_price = any(word in key for key in other_keys for word in _PRICE_WORDS)
    return {"type", "sku", "name"} <= roles and not has_other_price
