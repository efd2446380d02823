"""Count the cells of WooCommerce's CSV that are not imported."""

from collections.abc import Iterator

from attrs import evolve

from eggypro_adapters.files.unused_columns import UnusedColumns
from eggypro_core.domain.product_files import ImportEntry


class UnusedCells:
    """The columns that are not used at all, and those that are not used for variations."""

    def __init__(self) -> None:
        self.of_rows = UnusedColumns()
        self.of_variations = UnusedColumns()

    def entries(self, header_line: int) -> Iterator[ImportEntry]:
        """Yield the warnings about them, if any."""
        yield from self.of_rows.entries(header_line)
        for entry in self.of_variations.entries(header_line):
            warnings = (
                evolve(warning, message=f"{warning.message} for variations")
                for warning in entry.warnings
            )
            yield evolve(entry, warnings=tuple(warnings))
