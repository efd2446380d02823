"""Parse the header of WooCommerce's CSV."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from attrs import frozen

from eggypro_adapters.files.cell_parsers import WHITESPACE, truncate, unescape_formula
from eggypro_adapters.files.csv_table import MAX_COLUMN_NAME_LENGTH, column_key
from eggypro_adapters.files.weights import GRAMS
from eggypro_adapters.files.woocommerce.column_names import (
    TEXT_COLUMNS,
    ColumnName,
    parse_column_name,
)
from eggypro_adapters.files.woocommerce.headers import COLUMNS, SIZES, WEIGHT_UNITS
from eggypro_adapters.files.woocommerce.texts import is_template

_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in ("name", "slug", "sku", "gtin", "tags", "categories", "images")},
        "brands": "brand",
        "published": "is_active",
        "visibility": "is_listed",
        "short": "description",
        "description": "details",
        "price": "price",
        "sale_price": "compare_at_price",
        "stock": "stock_quantity",
        "in_stock": "track_stock",
        "Weight": "weight_grams",
    }
)
"""The fields of a product by the role of their column."""
_ZERO, _ONE = frozenset({"0", "0.0"}), frozenset({"1", "1.0"})
_NO_LIMIT = _ZERO | {"-1", "-1.0"}
_NEUTRAL: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "featured": _ZERO,
        "tax_status": frozenset({"taxable"}),
        "tax_class": frozenset({"parent"}),
        "sold_individually": _ZERO,
        "reviews": _ZERO | _ONE,
        "download_limit": _NO_LIMIT,
        "download_expiry": _NO_LIMIT,
        "visible": _ZERO | _ONE,
        "global": _ZERO | _ONE,
    }
)
"""The columns that are not imported, with the values that a file has by default."""
_IMPORTED = frozenset({*COLUMNS, "slug"} - _NEUTRAL.keys()) | SIZES.keys()
_VARIATION_COLUMNS = frozenset(
    {"id", "type", "sku", "gtin", "name", "published", "visibility", "sale_starts", "sale_ends"}
    | {"in_stock", "stock", "backorders", "sale_price", "price", "images", "parent", "position"}
    | {"Weight", "current_price"}
)
"""The columns that are imported for a variation, except its attributes."""
_PARTS = frozenset({"name", "values"})
_WHOLE_NUMBERS = frozenset(
    {"id", "gtin", "published", "in_stock", "stock", "backorders", "position"}
)


@frozen
class WooCommerceColumns:
    """The columns that are imported: their positions in a row and their internal names.

    `headers` are their names in the file, `grams` the grams per unit of its weights, and `sizes`
    the units of the dimensions. `metas` are pairs of a custom field's column and the attribute that
    it becomes, and `attributes` the name and values columns of the other attributes. `plugins` are
    the columns of a field, by field: the first value counts. `whole_numbers` are the columns to
    which some programs add `.0`. `unused` are the positions, names and neutral values of the
    columns that are not imported.
    """

    width: int
    positions: Sequence[int]
    names: Sequence[str]
    headers: Mapping[str, str]
    grams: Decimal | None
    sizes: Mapping[str, str]
    metas: Sequence[tuple[str, str]]
    attributes: Sequence[tuple[str, str]]
    plugins: Mapping[str, Sequence[str]]
    whole_numbers: Sequence[str]
    unused: Sequence[tuple[int, str, frozenset[str]]]
    decimal_comma: bool = False

    def pick(self, cells: Sequence[str]) -> list[str]:
        """Return the imported cells, unescaped; cells missing in a row are blank."""
        if len(cells) < self.width:
            cells = [*cells, *[""] * (self.width - len(cells))]
        stripped = (cells[position].strip(WHITESPACE) for position in self.positions)
        return [_unescape(cell) if cell[:1] == "'" else cell for cell in stripped]

    def by_name(self, cells: Sequence[str]) -> dict[str, str]:
        """Return the cells from `pick` by internal name, whole numbers without `.0`."""
        row = dict(zip(self.names, cells, strict=True))
        for name in self.whole_numbers:
            row[name] = row[name].removesuffix(".0")
        return row

    def unused_cells(self, cells: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the column and text of the cells of a row that have a value and are not used."""
        width = len(cells)
        for position, name, neutral in self.unused:
            if position < width and (cell := cells[position]) and cell not in neutral:
                yield name, cell

    def templates(self, cells: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield the column and text of the cells that search engine plugins fill in."""
        for field in TEXT_COLUMNS:
            for name in self.plugins.get(field, ()):
                if is_template(cells[name]):
                    yield self.headers[name], cells[name]

    def unused_of_variation(self, cells: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield the column and text of the cells that are imported for products only."""
        for name, cell in cells.items():
            is_used = name in _VARIATION_COLUMNS or name.startswith("attribute ")
            if cell and not is_used and name not in self.plugins.get("gtin", ()):
                yield self.headers[name], cell

    def first_value(self, field: str, cells: Mapping[str, str]) -> str | None:
        """Return the first cell with a value of a field's columns in `plugins`."""
        return next((cells[name] for name in self.plugins[field] if cells[name]), None)

    @property
    def fields(self) -> Mapping[str, str]:
        """The names of the file's columns by the field of the product."""
        names = {_FIELDS[name]: text for name, text in self.headers.items() if name in _FIELDS}
        for field, columns in self.plugins.items():
            names.setdefault(field, self.headers[columns[0]])
        if "description" not in names and "details" in names:
            names["description"] = names["details"]
        return names


def parse_header(
    header: Sequence[str], *, decimal_comma: bool = False
) -> WooCommerceColumns | None:
    """Return the columns of a header, or None if it has nothing that identifies a product.

    Of two columns with the same meaning, the first is imported.
    """
    parsed = [
        (position, text, parse_column_name(text))
        for position, text in enumerate(header)
        if text.strip()
    ]
    imported: dict[str, tuple[int, str, ColumnName]] = {}
    unused = []
    has_regular_price = any(column.role == "price" for _, _, column in parsed)
    for position, text, column in parsed:
        name = _internal_name(column)
        if not name and has_regular_price and column_key(text) == "price":
            name = "current_price"  # in tables of WooCommerce's REST API
        if name and name not in imported:
            imported[name] = (position, text, column)
        else:
            unused.append((position, text, _NEUTRAL.get(column.role, frozenset())))
    if not ({"name"} <= imported.keys() or {"id", "sku"} <= imported.keys()):
        return None
    plugins: dict[str, list[str]] = {}
    for name, (_, _, column) in imported.items():
        if name == "gtin":
            plugins.setdefault(name, []).insert(0, name)
        elif column.plugin_field:
            plugins.setdefault(column.plugin_field, []).append(name)
    return WooCommerceColumns(
        width=len(header),
        positions=[position for position, _, _ in imported.values()],
        names=list(imported),
        headers={name: text for name, (_, text, _) in imported.items()},
        grams=_grams(imported["Weight"][2]) if "Weight" in imported else None,
        sizes={
            name: column.unit
            for name, (_, _, column) in imported.items()
            if name in SIZES and name != "Weight"
        },
        metas=[
            (name, truncate(column.field, MAX_COLUMN_NAME_LENGTH))
            for name, (_, _, column) in imported.items()
            if column.field and not column.plugin_field
        ],
        attributes=[
            (name, values)
            for name in imported
            if name.startswith("attribute ")
            and (values := name.removesuffix(" name") + " values") in imported
        ],
        plugins=plugins,
        whole_numbers=[name for name in imported if name in _WHOLE_NUMBERS],
        unused=unused,
        decimal_comma=decimal_comma,
    )


def _internal_name(column: ColumnName) -> str:
    """Return the internal name of a column, or "" if it is not imported."""
    if column.role == "meta":
        is_private = column.field.startswith("_") and not column.plugin_field
        return "" if is_private else f"meta:{column.field}"
    if column.number:
        return f"attribute {column.number} {column.role}" if column.role in _PARTS else ""
    if column.role == "Weight" and _grams(column) is None:
        return ""
    return column.role if column.role in _IMPORTED else ""


def _grams(column: ColumnName) -> Decimal | None:
    """Return the grams per unit of a column of weights, or None if the unit is unknown."""
    unit = column.unit.casefold()
    names = (name for name, texts in WEIGHT_UNITS.items() if unit in texts.split("|"))
    return next((GRAMS[name] for name in names), None)


def _unescape(cell: str) -> str:
    """Return a cell without the apostrophes that stop spreadsheets from computing it."""
    text = unescape_formula(cell)
    is_wrapped = text is not cell and text.endswith("'") and text.count("'") == 1
    return text[:-1] if is_wrapped else text
