import pytest

from eggypro_adapters.files import disk_sorter
from eggypro_core.errors import UnavailableError


def test_rows_come_by_key_and_keys_where_they_first_stood() -> None:
    with disk_sorter.open_sorter() as rows:
        for line, key in enumerate(["b", "a", "b", "c\0", "c"], 1):
            rows.add(key, line, b"\0" + key.encode())
        assert [list(group) for group in rows.groups()] == [
            [(1, 1, 1, b"\0b"), (1, 3, 3, b"\0b")],
            [(2, 2, 2, b"\0a")],
            [(4, 4, 4, b"\0c\0")],
            [(5, 5, 5, b"\0c")],
        ]


def test_a_group_may_be_left_half_read() -> None:
    with disk_sorter.open_sorter() as rows:
        for line, key in enumerate("aaabb", 1):
            rows.add(key, line, b"")
        assert [next(group)[2] for group in rows.groups()] == [1, 4]


def test_rows_of_an_alias_come_with_those_of_its_key() -> None:
    with disk_sorter.open_sorter() as rows:
        rows.add("b", 1, b"")
        rows.add("a", 2, b"")
        rows.add_alias("b", "a")
        rows.add_alias("b", "c")
        rows.add("c", 3, b"")
        rows.add("b", 4, b"")
        assert [[row[2] for row in group] for group in rows.groups()] == [[1, 2, 4], [3]]


def test_no_room_in_the_temporary_folder_is_an_outage() -> None:
    def fill() -> None:
        with disk_sorter.open_sorter() as rows:
            rows._connection.execute("PRAGMA max_page_count = 10")
            for line in range(1000):
                rows.add("a", line, bytes(1000))

    with pytest.raises(UnavailableError, match="no room"):
        fill()
