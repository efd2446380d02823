"""Recognise the columns of WooCommerce's CSV by their names in any language."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from eggypro_adapters.files.csv_table import column_key, fold_name
from eggypro_adapters.files.woocommerce import headers

TEXT_COLUMNS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "seo_title": (
            "Meta: _yoast_wpseo_title",
            "Meta: rank_math_title",
            "Meta: _aioseo_title",
            "Meta: _aioseop_title",
            "Meta: _seopress_titles_title",
        ),
        "seo_description": (
            "Meta: _yoast_wpseo_metadesc",
            "Meta: rank_math_description",
            "Meta: _aioseo_description",
            "Meta: _aioseop_description",
            "Meta: _seopress_titles_desc",
        ),
    }
)
"""The columns of search engine plugins by field; the first is the one that we write."""
_GTIN_METAS = ("_global_unique_id", "_wpm_gtin_code", "_alg_ean", "_ts_gtin", "hwp_product_gtin")
"""The custom fields of plugins for barcodes."""
_PLUGIN_FIELDS = {
    **{
        name.removeprefix("Meta: "): field for field in TEXT_COLUMNS for name in TEXT_COLUMNS[field]
    },
    **dict.fromkeys(_GTIN_METAS, "gtin"),
}
_META_KEYS = frozenset(map(column_key, headers.META.split("|")))
_META = re.compile("([^:\uff1a]+)[:\uff1a](.+)", re.DOTALL)
_SIZE = re.compile("([^(\uff08]+?) *[(\uff08]([^()\uff08\uff09]+?) *(?:[(\uff08].*)?[)\uff09]")
"""A name and a unit: `Weight (kg)`, `Paino (kg (kilogramma))`."""
_GTIN_KEY = "gtinupcean"
"""The beginning of the barcode column's name, which is the same in all languages."""
_NUMBER = re.compile(r"[0-9]{1,4}")


class ColumnName(NamedTuple):
    """The meaning of a column.

    `role` is a key of `headers.COLUMNS`, `slug`, a size such as `Weight`, a part of an attribute
    such as `name`, or `meta`; it is blank for an unknown column. `field` is the name of a custom
    field, `number` that of an attribute, `unit` that of a size.
    """

    role: str = ""
    field: str = ""
    number: int = 0
    unit: str = ""

    @property
    def plugin_field(self) -> str:
        """The field of a product for which a plugin uses this custom field, or ""."""
        return _PLUGIN_FIELDS.get(self.field, "")


class _Wordings:
    """Roles by the wording of a column: exact if possible, else without punctuation."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._exact: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        for role, text in texts.items():
            for wording in text.split("|"):
                self._exact.setdefault(fold_name(wording), role)
                self._keys.setdefault(column_key(wording), role)

    def role(self, text: str) -> str:
        """Return the role of a column, or "" if it is unknown."""
        return self._exact.get(fold_name(text)) or self._keys.get(column_key(text), "")


def parse_column_name(text: str) -> ColumnName:
    """Return the meaning of a column."""
    if role := _COLUMNS.role(text):
        return ColumnName(role)
    if column_key(text).startswith(_GTIN_KEY):
        return ColumnName("gtin")
    meta = _META.fullmatch(text)
    if meta and column_key(meta[1]) in _META_KEYS:
        return ColumnName("meta", meta[2].strip())
    size = _SIZE.fullmatch(text)
    if role := _SIZES.role(size[1] if size else text):
        return ColumnName(role, unit=size[2].strip() if size else "")
    number = _NUMBER.search(text)
    if number and (role := _ATTRIBUTES.role(text[: number.start()] + text[number.end() :])):
        return ColumnName(role, number=int(number[0]))
    return ColumnName()


_COLUMNS = _Wordings({**headers.COLUMNS, "slug": "Slug"})
_SIZES = _Wordings(headers.SIZES)
_ATTRIBUTES = _Wordings(headers.ATTRIBUTES)
