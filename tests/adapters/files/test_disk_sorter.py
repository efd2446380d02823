import pytest

from eggypro_adapters.files import disk_sorter
from eggypro_core.errors import UnavailableError


def test_rows_are_grouped_by_key_in_the_order_of_first_rows() -> None:
    with disk_sorter.open_sorter() as rows:
        for line, key in enumerate(["b", "a", "b", "c\0", "c"], 1):
            rows.add(key, line, b"\0" + key.encode())
        assert [list(group) for group in rows.groups()] == [
            [(1, 1, 1, b"\0b"), (1, 3, 3, b"\0b")],
            [(2, 2, 2, b"\0a")],
            [(4, 4, 4, b"\0c\0")],
            [(5, 5, 5, b"\0c")],
        ]


def test_a_partly_read_group_is_skipped() -> None:
    with disk_sorter.open_sorter() as rows:
        for line, key in enumerate("aaabb", 1):
            rows.add(key, line, b"")
        assert [next(group)[2] for group in rows.groups()] == [1, 4]


def test_rows_of_an_alias_are_grouped_with_its_key() -> None:
    with disk_sorter.open_sorter() as rows:
        rows.add("b", 1, b"")
        rows.add("a", 2, b"")
        rows.add_alias("b", "a")
        rows.add_alias("b", "c")
        rows.add("c", 3, b"")
        rows.add("b", 4, b"")
        assert [[row[2] for row in group] for group in rows.groups()] == [[1, 2, 4], [3]]


def test_full_temporary_folder_raises_unavailable_error() -> None:
    def fill() -> None:
        with disk_sorter.open_sorter() as rows:
            rows._connection.execute("PRAGMA max_page_count = 10")
            for line in range(1000):
                rows.add("a", line, bytes(1000))

    with pytest.raises(UnavailableError, match="no room"):
        fill()
