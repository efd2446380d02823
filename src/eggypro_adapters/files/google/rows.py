"""A row of a feed, and the state that the rows of a file share."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from attrs import define, field, frozen

from eggypro_adapters.files.cell_parsers import truncate
from eggypro_adapters.files.unused_columns import UnusedColumns
from eggypro_core.domain.product_files import ImportMessage
from eggypro_core.validation.fields import escape_control

_MAX_VALUE_LENGTH = 60
_PLATFORM_ID = re.compile(
    r"(shopify_[a-z]{2}_\d+(_\d+)?|(gla|woocommerce_gpf|wc_post_id)_\d+)", re.IGNORECASE
)
"""IDs made up by the plugins of shops: they are not SKUs."""


@frozen
class FeedRow:
    """A row or element of a feed on `line`; `values` has only the values that are not blank."""

    line: int
    values: Mapping[str, Sequence[str]]

    def get(self, name: str) -> str:
        """Return the first value of a column, or ""."""
        return self.values.get(name, ("",))[0]

    def get_all(self, name: str) -> Sequence[str]:
        """Return all values of a column."""
        return self.values.get(name, ())

    @property
    def is_own(self) -> bool:
        """Return whether the row was exported by this project: only such rows have a slug."""
        return "slug" in self.values

    def sku_fields(self, columns: Collection[str]) -> dict[str, object]:
        """Return the SKU of its column, or else the ID, as Google recommends.

        Without a column, IDs made up by plugins and those of our own export are not SKUs.
        """
        if "sku" in columns:
            return {"sku": self.get("sku") or None}
        identifier = self.get("id")
        if not identifier or self.is_own or _PLATFORM_ID.fullmatch(identifier):
            return {}
        return {"sku": identifier}


@define
class Feed:
    """The columns of a file, and the state that the parsing of its rows shares.

    `columns` are the names in the file by column name. A sale applies if it includes `now`.
    """

    columns: dict[str, str]
    now: datetime
    unused: UnusedColumns = field(factory=UnusedColumns)
    currencies: dict[str, int] = field(factory=dict)
    """The currencies of the prices, with the line of the first."""

    def message(self, row: FeedRow, name: str, column: str, text: str) -> ImportMessage:
        """Return a message about the value of a column in a row."""
        value = row.get(column)
        short = value if len(value) <= _MAX_VALUE_LENGTH else truncate(value, _MAX_VALUE_LENGTH)
        return ImportMessage(
            row.line, name, text, self.columns.get(column, column), escape_control(short)
        )

    def add_unused(self, row: FeedRow, name: str) -> None:
        """Count the values of a row in a column as not imported."""
        for value in row.get_all(name):
            self.unused.add(self.columns.get(name, name), value, row.line)

    def currency_warnings(self) -> tuple[ImportMessage, ...]:
        """Return one warning for each currency after the first."""
        expected, *others = self.currencies or [""]
        return tuple(
            ImportMessage(
                self.currencies[code],
                "price",
                f"Prices are in {escape_control(code)}, not in {expected}: imported without "
                "conversion",
                self.columns.get("price", "price"),
                escape_control(code),
            )
            for code in others
        )
