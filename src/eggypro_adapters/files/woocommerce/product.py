"""Parse a product from its row and its variations' rows in WooCommerce's CSV."""

import html as entities
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from attrs import frozen

from eggypro_adapters.files.html import plain_text
from eggypro_adapters.files.images import image_ref
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_adapters.files.woocommerce.column_names import TEXT_COLUMNS
from eggypro_adapters.files.woocommerce.columns import WooCommerceColumns
from eggypro_adapters.files.woocommerce.fields import identity_fields, is_published
from eggypro_adapters.files.woocommerce.options import parse_options, row_attributes
from eggypro_adapters.files.woocommerce.prices import has_price_column, parse_price, price_fields
from eggypro_adapters.files.woocommerce.rows import WooCommerceRow
from eggypro_adapters.files.woocommerce.stock import stock_fields, with_parent_stock
from eggypro_adapters.files.woocommerce.texts import (
    description_html,
    is_template,
    split_list,
    split_path,
)
from eggypro_adapters.files.woocommerce.unused_cells import UnusedCells
from eggypro_adapters.files.woocommerce.variants import ParsedVariants, parse_variants
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.validation.fields import escape_control

_SKIPPED_KINDS = frozenset({"grouped", "external"})
_LISTED = {"visible": True, "catalog": True, "search": False, "hidden": False}
_NO_VARIANTS = ParsedVariants([], (), (), ())


def parse_product(
    row: WooCommerceRow,
    variations: Sequence[WooCommerceRow],
    columns: WooCommerceColumns,
    unused: UnusedCells,
    messages: RowMessages,
    today: date,
) -> ImportEntry:
    """Return the entry of a product with its variations, and with its messages so far.

    Cells that are not imported are counted in `unused`.
    """
    return _Product(row, variations, columns, unused, messages, today).entry()


@frozen
class _Product:
    """A product's row with its variations."""

    row: WooCommerceRow
    variations: Sequence[WooCommerceRow]
    columns: WooCommerceColumns
    unused: UnusedCells
    messages: RowMessages
    today: date

    def entry(self) -> ImportEntry:
        """Return the entry of the product."""
        values, variants, has_no_variants = self._values()
        is_known_by_id = "slug" not in self.columns.headers
        return ImportEntry(
            self.row.line,
            None if self.messages.errors else values,
            tuple(self.messages.errors),
            tuple(self.messages.warnings),
            source_id=(self.row.cell("id") or None) if is_known_by_id else None,
            variant_lines=variants.lines if values else (),
            skipped_options=variants.skipped_options,
            has_no_variants=has_no_variants,
        )

    def _values(self) -> tuple[dict[str, object] | None, ParsedVariants, bool]:
        """Return the values, None if skipped, the variants, and whether it surely has none."""
        kind = self.row.kind
        if kind in _SKIPPED_KINDS:
            article = "an" if kind == "external" else "a"
            self._warn("type", f"Skipped: {article} {kind} product cannot be sold here", "type")
            return None, _NO_VARIANTS, False
        if len(self.variations) > 1 or any(map(self._has_options, self.variations)):
            variants = parse_variants(
                self.row, self.variations, self.columns, self.messages, self.today
            )
            offer = identity_fields(self.row, self.columns) | {"variants": variants.variants}
            is_skipped = not variants.variants
        else:
            variants = _NO_VARIANTS
            offer, is_skipped = self._single_offer()
        if is_skipped:
            if not self.messages.errors:
                self.messages.add_warning("price", "Skipped: no price")
            return None, variants, False
        if kind not in {"simple", "variable"} and not self.variations:
            message = f"Unknown type '{escape_control(kind)}': imported as a simple product"
            self._warn("type", message, "type")
        values = {**self._texts(), **offer, **self._state(), **self._lists()}
        values |= self._attributes(variants.option_names)
        if self.variations:
            has_no_variants = variants is _NO_VARIANTS
        else:
            has_no_variants = kind == "simple" and bool(self.row.cell("type"))
        return values, variants, has_no_variants

    def _single_offer(self) -> tuple[dict[str, object], bool]:
        """Return identity, price and stock of a product without variants, and whether to skip it.

        A single variation of any value is the product itself.
        """
        row = self.row
        values = identity_fields(row, self.columns)
        if self.variations:
            (row,) = with_parent_stock(self.row, self.variations, self.messages)
            own = identity_fields(row, self.columns)
            values = {name: value or own[name] for name, value in values.items()}
            if own.get("sku") and own["sku"] != values["sku"]:
                header = self.columns.headers["sku"]
                self.unused.of_variations.add(header, str(own["sku"]), row.line)
        price = parse_price(
            row, self.messages, self.today, decimal_comma=self.columns.decimal_comma
        )
        is_skipped = price is None and has_price_column(row)
        return values | price_fields(row, price) | stock_fields(row), is_skipped

    def _texts(self) -> dict[str, object]:
        cells = self.row.cells
        values: dict[str, object] = {}
        if name := cells.get("name"):
            values["name"] = plain_text(name)
        if slug := cells.get("slug"):
            values["slug"] = slug
        if "description" in cells:
            values["details"] = description_html(cells["description"])
        if "description" in cells or "short" in cells:
            source = cells.get("short") or cells.get("description", "")
            values["description"] = plain_text(description_html(source))
        return values | self._search_engine_texts()

    def _search_engine_texts(self) -> dict[str, object]:
        """Return the texts of the first plugin that has any.

        Templates are ignored.
        """
        values: dict[str, object] = {}
        for field in TEXT_COLUMNS:
            cells = (self.row.cells[name] for name in self.columns.plugins.get(field, ()))
            texts = [entities.unescape(cell) for cell in cells if not is_template(cell)]
            if texts:
                values[field] = next(filter(None, texts), None)
        return values

    def _state(self) -> dict[str, object]:
        values: dict[str, object] = {}
        word = self.row.cell("published")
        published = is_published(self.row)
        if published is not None:
            values["is_active"] = published
        elif word:
            self._warn("is_active", f"Unknown state '{escape_control(word)}': ignored", "published")
        visibility = self.row.cell("visibility").lower()
        if visibility in _LISTED:
            values["is_listed"] = _LISTED[visibility]
            if not _LISTED[visibility]:
                message = f"Visibility '{visibility}': imported as unlisted"
                self._warn("is_listed", message, "visibility")
        elif visibility:
            message = f"Unknown visibility '{escape_control(visibility)}': ignored"
            self._warn("is_listed", message, "visibility")
        return values

    def _lists(self) -> dict[str, object]:
        """Return categories (paths of names from the root), tags, brand and images."""
        cells = self.row.cells
        values: dict[str, object] = {}
        if "categories" in cells:
            items = split_list(cells["categories"])
            values["categories"] = [path for item in items if (path := split_path(item))]
        if "tags" in cells:
            values["tags"] = [entities.unescape(tag) for tag in split_list(cells["tags"])]
        if "brands" in cells:
            names = (item.split(">")[-1] for item in split_list(cells["brands"]))
            brands = [name for text in names if (name := entities.unescape(text).strip())]
            values["brand"] = brands[0] if brands else None
            if len(brands) > 1:
                first = escape_control(brands[0])
                message = f"{len(brands)} brands: only the first, '{first}', is imported"
                self._warn("brand", message, "brands")
        if "images" in cells:
            rows = (self.row, *self.variations)
            urls = (image_ref(url) for row in rows for url in split_list(row.cells["images"]))
            values["images"] = [{"ref": url} for url in dict.fromkeys(urls)]
        return values

    def _attributes(self, option_names: Collection[str]) -> Mapping[str, object]:
        """Return the attributes of a product, except the options of its variations."""
        columns, cells = self.columns, self.row.cells
        edits: dict[str, str | None] = {}
        for column, name in columns.metas:
            edits[name] = entities.unescape(cells[column]) or edits.get(name)
        for name, unit in columns.sizes.items():
            edits[name] = f"{cells[name]} {unit}".strip() if cells[name] else None
        for name, texts in row_attributes(self.row, columns):
            if name and name not in option_names:
                edits[name] = ", ".join(texts) or None
        return {"attribute_edits": edits} if edits else {}

    def _has_options(self, variation: WooCommerceRow) -> bool:
        return bool(parse_options(variation, self.row, self.columns))

    def _warn(self, field: str, message: str, column: str) -> None:
        header = self.columns.headers.get(column, "")
        self.messages.add_warning(field, message, column=header, value=self.row.cell(column))
