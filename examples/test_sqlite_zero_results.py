"""The proof that it does what every ZeroResultStore must do, and what it does besides."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eggypro_adapters.contracts.zero_result_searches import NOON, ZeroResultStoreContract
from eggypro_adapters.files import NhHtmlCleaner
from eggypro_adapters.memory import MemoryProductStore
from eggypro_core import ProductQuery, ProductService, UnavailableError, ZeroResultSearch
from examples.sqlite_search_misses import SqliteSearchMisses

DUCK = ProductQuery(search="duck")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "misses.db"


class TestSqliteSearchMisses(ZeroResultStoreContract):
    @pytest.fixture
    def misses(self, file: Path) -> Iterator[SqliteSearchMisses]:
        with closing(SqliteSearchMisses(file)) as misses:
            yield misses


def test_a_shop_counts_in_it_and_the_count_outlives_the_process(file: Path) -> None:
    for _ in range(2):
        with closing(SqliteSearchMisses(file)) as misses:
            ProductService(MemoryProductStore(), NhHtmlCleaner(), lambda: NOON, misses).list(DUCK)
    with closing(SqliteSearchMisses(file)) as misses:
        assert misses.list(10) == (ZeroResultSearch("duck", 2, NOON),)


def test_a_file_that_another_holds_is_away_and_the_search_is_answered(file: Path) -> None:
    with closing(SqliteSearchMisses(file)) as misses, closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UnavailableError):
            misses.record("duck", NOON)
        catalog = ProductService(MemoryProductStore(), NhHtmlCleaner(), lambda: NOON, misses)
        assert catalog.list(DUCK).total == 0


def test_a_file_in_no_folder_is_away(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        SqliteSearchMisses(tmp_path / "no" / "misses.db")
