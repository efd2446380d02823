"""Files of products for tests: tables of text, and files of any size."""

import csv
import io
from collections.abc import Iterator, Mapping

from attrs import evolve

from eggypro_adapters.contracts.clock import NOON
from eggypro_core.domain.product import Product

Row = dict[str, str]


def csv_text(*rows: Mapping[str, str], delimiter: str = ",") -> str:
    """Return a table with the columns of all rows."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def without_ids(product: Product) -> Product:
    """Return a product without the values that no file has: ids, times and versions."""
    variants = tuple(evolve(variant, id=0, version=0) for variant in product.variants)
    return evolve(product, id=0, version=0, variants=variants, created_at=NOON, updated_at=NOON)


class GeneratedFile(io.BytesIO):
    """A file whose parts are generated while it is read."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = b""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next `size` bytes, fewer at the end of the file."""
        limit = size if size and size > 0 else None
        while limit is None or len(self._rest) < limit:
            if not (more := next(self._parts, b"")):
                break
            self._rest += more
        data, self._rest = self._rest[:limit], self._rest[len(self._rest[:limit]) :]
        return data
