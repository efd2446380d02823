"""The contract suite of `ZeroResultStore`, and tests of the file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.zero_result_searches import ZeroResultStoreContract
from eggypro_adapters.files import NhHtmlCleaner
from eggypro_adapters.memory import MemoryProductStore
from eggypro_core import ProductQuery, ProductService, UnavailableError, ZeroResultSearch
from examples.sqlite_zero_results import SqliteZeroResultStore

DUCK = ProductQuery(search="duck")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "searches.db"


class TestSqliteZeroResultStore(ZeroResultStoreContract):
    @pytest.fixture
    def store(self, file: Path) -> Iterator[SqliteZeroResultStore]:
        with closing(SqliteZeroResultStore(file)) as store:
            yield store


def test_counts_outlive_the_process(file: Path) -> None:
    for _ in range(2):
        with closing(SqliteZeroResultStore(file)) as store:
            ProductService(MemoryProductStore(), NhHtmlCleaner(), lambda: NOON, store).list(DUCK)
    with closing(SqliteZeroResultStore(file)) as store:
        assert store.list(10) == (ZeroResultSearch("duck", 2, NOON),)


def test_a_locked_file_is_unavailable_and_the_search_succeeds(file: Path) -> None:
    with closing(SqliteZeroResultStore(file)) as store, closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UnavailableError):
            store.record("duck", NOON)
        catalog = ProductService(MemoryProductStore(), NhHtmlCleaner(), lambda: NOON, store)
        assert catalog.list(DUCK).total == 0


def test_a_file_in_a_missing_folder_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        SqliteZeroResultStore(tmp_path / "no" / "searches.db")
