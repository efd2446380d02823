"""Hypothesis strategies for the values of a product, including awkward texts."""

from collections.abc import Mapping
from decimal import Decimal

from hypothesis import strategies as st

from eggypro_core.domain.field_definition import FieldType
from eggypro_core.domain.gtin import is_gtin
from eggypro_core.domain.product import MAX_STOCK
from eggypro_core.domain.product_fields import FORBIDDEN_NAME_CHARACTERS, PRODUCT_FIELDS
from eggypro_core.domain.slug import RESERVED_SLUGS
from eggypro_core.validation import fields
from eggypro_core.validation.invisible import remove_invisible

_TEXT_CHARACTERS = st.characters(exclude_categories=("Cc", "Cs"))
_NAME_CHARACTERS = st.characters(
    exclude_categories=("Cc", "Cs"), exclude_characters=FORBIDDEN_NAME_CHARACTERS
)
_HTML_FRAGMENTS = [
    *"<p> </p> <b> </b> <script> <a title='> <a href='https://x.example/'> <br>".split(),
    *"& < > é e x \u0301 \u0338 &#x301; &#x338; &amp; &lt; &nbsp; &#13;".split(),
    *"\n\t",
]
MAX_TEXT_LENGTH = 40


def lines(characters: st.SearchStrategy[str] = _TEXT_CHARACTERS) -> st.SearchStrategy[str]:
    """Return non-blank texts of one line."""
    return st.text(characters, min_size=1, max_size=MAX_TEXT_LENGTH).filter(
        lambda text: remove_invisible(text).strip() != ""
    )


def blank_or(values: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(["", "  "]) | values


def amounts(lowest: str = "0.01", highest: str = "999999.98") -> st.SearchStrategy[Decimal]:
    """Return amounts with two decimals."""
    return st.decimals(Decimal(lowest), Decimal(highest), places=2)


def amount_spellings(amount: Decimal) -> st.SearchStrategy[object]:
    """Return equivalent ways to write an amount."""
    spellings: list[object] = [str(amount), amount, f"{amount}0", f"00{amount}"]
    return st.sampled_from(spellings)


@st.composite
def prices(draw: st.DrawFn) -> dict[str, object]:
    """Draw a price and, sometimes, a compare-at price above it."""
    price = draw(amounts())
    compare_at = draw(st.none() | amounts(str(price + Decimal("0.01")), "999999.99"))
    values = {"price": draw(amount_spellings(price))}
    if compare_at is not None:
        values["compare_at_price"] = draw(amount_spellings(compare_at))
    return values


def _with_check_digit(digits: str) -> str:
    return next(gtin for digit in "0123456789" if is_gtin(gtin := f"{digits}{digit}"))


names = lines(_NAME_CHARACTERS)
html = st.lists(st.sampled_from(_HTML_FRAGMENTS), max_size=12).map("".join)
ingredients = st.lists(lines(), min_size=1, max_size=4)
stocks = st.integers(0, MAX_STOCK)
gtins = st.sampled_from([7, 11, 12, 13]).flatmap(
    lambda length: st.text("0123456789", min_size=length, max_size=length).map(_with_check_digit)
)
tags = st.lists(blank_or(lines()), max_size=4)
weights = st.integers(0, fields.MAX_INTEGER)
slugs = st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True).filter(
    lambda slug: slug not in RESERVED_SLUGS
)
attributes = st.dictionaries(st.text("abcdefghij", min_size=1, max_size=5), lines(), max_size=4)
_required = {
    "name": names,
    "description": st.text(_TEXT_CHARACTERS, max_size=MAX_TEXT_LENGTH),
    "details": html,
    "ingredients": ingredients,
}
_optional = {
    "slug": slugs,
    **{
        definition.name: blank_or(lines())
        for definition in PRODUCT_FIELDS
        if definition.type is FieldType.TEXT and definition.nullable
    },
    "gtin": blank_or(gtins),
    "tags": st.none() | tags,
    "weight_grams": st.none() | weights,
    "attributes": attributes,
    "stock_quantity": stocks,
    "track_stock": st.booleans(),
    "is_active": st.booleans(),
    "is_listed": st.booleans(),
}


@st.composite
def products(draw: st.DrawFn) -> dict[str, object]:
    """Draw the values of a whole product, as for POST or PUT."""
    return draw(st.fixed_dictionaries(_required, optional=_optional)) | draw(prices())


@st.composite
def edits(draw: st.DrawFn) -> dict[str, object]:
    """Draw some fields of a product, as for PATCH; both prices are drawn together or not at all."""
    rules = {name: rule for name, rule in (_required | _optional).items() if name != "slug"}
    edit: Mapping[str, object] = draw(st.fixed_dictionaries({}, optional=rules))
    return dict(edit) | draw(st.just({}) | prices())
