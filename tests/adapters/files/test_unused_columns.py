from eggypro_adapters.files.unused_columns import UnusedColumns
from eggypro_core.domain.product_files import ImportEntry, ImportMessage


def test_one_warning_per_column_with_its_number_of_rows_and_first_value() -> None:
    unused = UnusedColumns()
    columns = [(1, "Cost per item"), (2, "Gift Card"), (9, "Beyond the row")]
    unused.add_row(columns, ["egg", "", " "], 2)
    unused.add_row(columns, ["ham", "4.00", ""], 3)
    unused.add_row(columns, ["rye", "5.00", "yes"], 4)
    assert list(unused.entries(1)) == [
        ImportEntry(
            1,
            None,
            warnings=(
                ImportMessage(
                    3,
                    "",
                    "Column 'Cost per item' has values in 2 rows (such as '4.00'): ignored",
                    "Cost per item",
                    "4.00",
                ),
                ImportMessage(
                    4,
                    "",
                    "Column 'Gift Card' has values in 1 row (such as 'yes'): ignored",
                    "Gift Card",
                    "yes",
                ),
            ),
        )
    ]


def test_columns_without_values_are_not_reported() -> None:
    unused = UnusedColumns()
    unused.add("Cost", " \n", 2)
    assert list(unused.entries(1)) == []


def test_long_and_control_characters_are_shown_shortened_and_escaped() -> None:
    unused = UnusedColumns()
    unused.add("a\x1bb", "word " * 50, 2)
    (warning,) = unused.warnings()
    assert warning.value == ("word " * 11).strip() + "..."
    assert "\x1b" not in warning.message


def test_number_of_columns_is_bounded() -> None:
    unused = UnusedColumns()
    for number in range(6000):
        unused.add(f"c{number}", "x", 2)
    assert len(unused.warnings()) == 5000
