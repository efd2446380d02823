from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.files.prices import parse_price
from eggypro_core.validation.fields import InvalidValueError


@pytest.mark.parametrize(
    ("cell", "price"),
    [
        ("24.99", "24.99"),
        (" 24 ", "24"),
        ("0", "0"),
        ("-1", "-1"),
        ("+5", "5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("12.3456", "12.3456"),
        ("9,50", "9.50"),
        ("0,125", "0.125"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1,234,567.89", "1234567.89"),
        ("1.234.567", "1234567"),
        ("1,23,456.50", "123456.50"),
        ("1 234,50", "1234.50"),
        ("1\u00a0234,50", "1234.50"),
        ("1\u202f234\u202f567", "1234567"),
        ("CHF 1'234.50", "1234.50"),
        ("1\u2019234", "1234"),
        ("€ 9,00", "9.00"),
        ("€9", "9"),
        ("12,50 €", "12.50"),
        ("12.50EUR", "12.50"),
        ("USD 12.50", "12.50"),
        ("US$ 5.00", "5.00"),
        ("R$ 1.234,56", "1234.56"),
        ("Rs. 500", "500"),
        ("99 kr.", "99"),
        ("10 000 zł", "10000"),
        ("15 000 Fcfa", "15000"),
        ("15 000 F CFA", "15000"),
        ("12000FCFA", "12000"),
        ("1.200,50 DH", "1200.50"),
        ("500 \u0440\u0443\u0431.", "500"),
        ("9,\u2013", "9"),
        ("19.-", "19"),
        ("19,-- €", "19"),
        ("€ -5.00", "-5.00"),
        ("\u22125.00 €", "-5.00"),
        ("- 5", "-5"),
        ("'9.50", "9.50"),
        ("€4,99 Incl. btw", "4.99"),
        ("9,50 (inkl. MwSt.)", "9.50"),
        ("12.00 EUR excl. VAT", "12.00"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("decimal_comma", [False, True])
def test_unambiguous_prices(cell: str, price: str, *, decimal_comma: bool) -> None:
    assert parse_price(cell, decimal_comma=decimal_comma) == price


@pytest.mark.parametrize(
    ("cell", "price", "price_with_decimal_comma"),
    [
        ("1,234", "1234", "1.234"),
        ("1.234", "1.234", "1234"),
        ("£1,000", "1000", "1.000"),
        ("-12.000", "-12.000", "-12000"),
    ],
)
def test_prices_that_depend_on_the_decimal_separator(
    cell: str, price: str, price_with_decimal_comma: str
) -> None:
    assert parse_price(cell) == price
    assert parse_price(cell, decimal_comma=True) == price_with_decimal_comma


@pytest.mark.parametrize("cell", ["", " ", "\u00a0"])
def test_blank_cell_is_no_price(cell: str) -> None:
    assert parse_price(cell) is None


def test_text_without_digits_is_left_to_its_validator() -> None:
    assert parse_price(" free ") == "free"


@pytest.mark.parametrize(
    "cell",
    [
        *("9.00 - 12.00", "9-12", "9/12", "9,00 12,00", "9.00, 12.00", "9.00 bis 12.00"),
        *("1,234 2,345", "10 20", "9 12 €", "12  500"),
    ],
)
def test_several_prices_are_refused(cell: str) -> None:
    with pytest.raises(InvalidValueError) as error:
        parse_price(cell)
    assert str(error.value) == f"'{cell}' is not a single price: write one, like 1234.50"


@pytest.mark.parametrize("cell", ["10%", "12 pcs", "5 kg", "from 9.00", "٣", "= 5", "5 € / Stk"])
def test_other_texts_with_digits_are_refused(cell: str) -> None:
    with pytest.raises(InvalidValueError) as error:
        parse_price(cell)
    assert str(error.value) == f"'{cell}' is not a price: write it like 1234.50"


@pytest.mark.parametrize("cell", ["1e3", "9..5", "9,,5", "1.234.50", "1,234,50", "12,34,5"])
def test_malformed_numbers_are_refused(cell: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_price(cell)


NOTATIONS: list[Callable[[str], str]] = [
    lambda text: text,
    lambda text: f"€ {text}",
    lambda text: f"{text} EUR",
    lambda text: text.replace(",", "'"),
    lambda text: text.replace(",", " "),
    lambda text: text.translate(str.maketrans(",.", ".,")),
]


@given(
    st.decimals("0.00", "999999999.99", places=2),
    st.sampled_from(NOTATIONS),
    st.booleans(),
)
def test_every_notation_of_an_amount_is_read(
    amount: Decimal,
    notation: Callable[[str], str],
    decimal_comma: bool,  # noqa: FBT001
) -> None:
    assert parse_price(notation(f"{amount:,.2f}"), decimal_comma=decimal_comma) == f"{amount:f}"


@given(st.text("0123456789.,' €$-+EURkr%/\u00a0e", max_size=20), st.booleans())
def test_any_text_is_a_number_or_refused(cell: str, decimal_comma: bool) -> None:  # noqa: FBT001
    try:
        price = parse_price(cell, decimal_comma=decimal_comma)
    except InvalidValueError:
        return
    if price and any(sign.isdigit() for sign in price):
        assert parse_price(price) == price
        assert Decimal(price).is_finite()
