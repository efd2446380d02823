"""Temporary storage of an import in an SQLite file, which is deleted with it."""

import gc
import pickle
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from eggypro_adapters.temporary_database import open_temporary_database
from eggypro_core.domain.product_files import ImportItem, MatchKeys

if TYPE_CHECKING:
    import sqlite3

_BATCH_SIZE = 1000
_MAX_PARAMETERS = 500
_MAX_CACHED_USES = 20_000
_TABLES = (
    "CREATE TABLE batches (first INTEGER PRIMARY KEY, keys BLOB NOT NULL, items BLOB NOT NULL)",
    "CREATE TABLE uses (key TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE plans (id INTEGER NOT NULL, releases INTEGER NOT NULL, item BLOB NOT NULL)",
    "CREATE TABLE postponed (number INTEGER PRIMARY KEY, item BLOB NOT NULL)",
    "CREATE TABLE links (link BLOB NOT NULL)",
)
_PLANS = "SELECT id, item FROM plans ORDER BY releases DESC, id, rowid"


class SqliteImportStage:
    """ImportStage in a temporary SQLite database."""

    def __init__(self, connection: "sqlite3.Connection") -> None:
        self._execute = connection.execute
        self._execute_many = connection.executemany
        self._get_batch = lru_cache(maxsize=2)(self._load_batch)
        self._uses: dict[str, int | None] = {}
        """Loaded and recent uses by key, None for unused keys."""
        self._new_uses: list[tuple[str, int]] = []
        for table in _TABLES:
            self._execute(table)

    def add(self, items: Sequence[ImportItem]) -> None:
        self._flush_uses()
        self._uses = {}
        if items:
            keys = [(item.number, item.keys) for item in items]
            values = (items[0].number, _dump(keys), _dump(list(items)))
            self._execute("INSERT INTO batches (first, keys, items) VALUES (?, ?, ?)", values)

    def batches(self) -> Iterator[Sequence[ImportItem]]:
        for (blob,) in self._rows("SELECT items FROM batches ORDER BY first"):
            yield _load(blob)

    def keys(self) -> Iterator[tuple[int, MatchKeys]]:
        for (blob,) in self._rows("SELECT keys FROM batches ORDER BY first"):
            yield from _load(blob)

    def get(self, number: int) -> ImportItem:
        (first,) = self._execute(
            "SELECT max(first) FROM batches WHERE first <= ?", (number,)
        ).fetchone()
        return next(item for item in self._get_batch(first) if item.number == number)

    def load_uses(self, keys: Collection[str]) -> None:
        self._uses = {**dict.fromkeys(keys), **self._select_uses(keys)}

    def record_uses(self, uses: Mapping[str, int]) -> Mapping[str, int]:
        former = self.find_uses(uses)
        if len(self._uses) > _MAX_CACHED_USES:
            self._flush_uses()
            self._uses = {}
        for key, number in uses.items():
            if key not in former:
                self._uses[key] = number
                self._new_uses.append((key, number))
        return former

    def find_uses(self, keys: Collection[str]) -> Mapping[str, int]:
        unknown = [key for key in keys if key not in self._uses]
        if unknown:
            self._flush_uses()
            uses = self._select_uses(unknown)
        else:
            uses = {}
        for key in keys:
            number = self._uses.get(key)
            if number is not None:
                uses[key] = number
        return uses

    def _flush_uses(self) -> None:
        statement = "INSERT OR IGNORE INTO uses (key, number) VALUES (?, ?)"
        self._execute_many(statement, self._new_uses)
        self._new_uses.clear()

    def _select_uses(self, keys: Collection[str]) -> dict[str, int]:
        remaining, uses = list(keys), dict[str, int]()
        while remaining:
            chunk, remaining = remaining[:_MAX_PARAMETERS], remaining[_MAX_PARAMETERS:]
            marks = ", ".join("?" * len(chunk))
            uses |= self._execute(f"SELECT key, number FROM uses WHERE key IN ({marks})", chunk)
        return uses

    def plan(self, product_id: int, item: ImportItem, *, releases_skus: bool) -> None:
        values = (product_id, releases_skus, _dump(item))
        self._execute("INSERT INTO plans (id, releases, item) VALUES (?, ?, ?)", values)

    def plans(self) -> Iterator[Sequence[tuple[int, ImportItem]]]:
        for rows in self._row_batches(_PLANS):
            yield [(product_id, _load(blob)) for product_id, blob in rows]

    def planned_ids(self) -> Iterator[Sequence[int]]:
        for rows in self._row_batches("SELECT DISTINCT id FROM plans ORDER BY id"):
            yield list(chain.from_iterable(rows))

    def releasing_plans(self) -> Iterator[Sequence[tuple[int, ImportItem]]]:
        for rows in self._row_batches("SELECT id, item FROM plans WHERE releases ORDER BY id"):
            yield [(product_id, _load(blob)) for product_id, blob in rows]

    def postpone(self, item: ImportItem) -> None:
        values = (item.number, _dump(item))
        self._execute("INSERT INTO postponed (number, item) VALUES (?, ?)", values)

    def postponed(self) -> Iterator[Sequence[ImportItem]]:
        for rows in self._row_batches("SELECT item FROM postponed ORDER BY number"):
            yield [_load(blob) for (blob,) in rows]

    def add_link(
        self, slug: str, categories: Collection[str] | None, source_ids: Sequence[str]
    ) -> None:
        link = (slug, None if categories is None else list(categories), source_ids)
        self._execute("INSERT INTO links (link) VALUES (?)", (_dump(link),))

    def pop_links(self) -> Iterator[Sequence[tuple[str, Collection[str] | None, Sequence[str]]]]:
        for rows in self._row_batches("SELECT link FROM links ORDER BY rowid"):
            yield [_load(blob) for (blob,) in rows]
        self._execute("DELETE FROM links")

    def _load_batch(self, first: int) -> Sequence[ImportItem]:
        (blob,) = self._execute("SELECT items FROM batches WHERE first = ?", (first,)).fetchone()
        items: Sequence[ImportItem] = _load(blob)
        return items

    def _rows(self, statement: str) -> Iterator[Sequence[Any]]:
        return self._execute(statement)

    def _row_batches(self, statement: str) -> Iterator[Sequence[Sequence[Any]]]:
        cursor = self._execute(statement)
        while rows := cursor.fetchmany(_BATCH_SIZE):
            yield rows


@contextmanager
def open_import_stage() -> Iterator[SqliteImportStage]:
    """Open a stage on a temporary file. Raises StorageFullError if the temporary folder is full."""
    with open_temporary_database("for the import") as connection:
        yield SqliteImportStage(connection)


def _dump(value: object) -> bytes:
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def _load(blob: bytes) -> Any:
    is_enabled = gc.isenabled()
    gc.disable()  # or it scans the new objects again and again: twice the time
    try:
        return pickle.loads(blob)  # noqa: S301  (written by this process)
    finally:
        if is_enabled:
            gc.enable()
