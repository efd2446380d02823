"""What Hypothesis draws: values that may be written to a product, and texts that are hard."""

from collections.abc import Mapping
from decimal import Decimal

from hypothesis import strategies as st

from eggypro_core.domain.field_definition import FieldType
from eggypro_core.domain.product import MAX_STOCK
from eggypro_core.domain.product_fields import FORBIDDEN_NAME_CHARACTERS, PRODUCT_FIELDS
from eggypro_core.domain.slug import RESERVED_SLUGS

_PLAIN = st.characters(exclude_categories=("Cc", "Cs"))
_IN_NAMES = st.characters(
    exclude_categories=("Cc", "Cs"), exclude_characters=FORBIDDEN_NAME_CHARACTERS
)
_HTML = [
    *"<p> </p> <b> </b> <script> <a title='> <a href='https://x.example/'> <br>".split(),
    *"& < > é e x \u0301 \u0338 &#x301; &#x338; &amp; &lt; &nbsp; &#13;".split(),
    *"\n\t",
]
MAX_TEXT_LENGTH = 40


def lines(characters: st.SearchStrategy[str] = _PLAIN) -> st.SearchStrategy[str]:
    """Texts that a field of one line takes."""
    return st.text(characters, min_size=1, max_size=MAX_TEXT_LENGTH).filter(
        lambda text: text.strip() != ""
    )


def blank_or(values: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(["", "  "]) | values


def amounts(lowest: str = "0.01", highest: str = "999999.98") -> st.SearchStrategy[Decimal]:
    """Prices that are exact to the cent."""
    return st.decimals(Decimal(lowest), Decimal(highest), places=2)


def amount_spellings(amount: Decimal) -> st.SearchStrategy[object]:
    """The ways to write an amount."""
    ways: list[object] = [str(amount), amount, f"{amount}0", f"00{amount}"]
    return st.sampled_from(ways)


@st.composite
def prices(draw: st.DrawFn) -> dict[str, object]:
    """A price, and perhaps a compare-at price above it."""
    price = draw(amounts())
    compare_at = draw(st.none() | amounts(str(price + Decimal("0.01")), "999999.99"))
    values = {"price": draw(amount_spellings(price))}
    if compare_at is not None:
        values["compare_at_price"] = draw(amount_spellings(compare_at))
    return values


names = lines(_IN_NAMES)
html = st.lists(st.sampled_from(_HTML), max_size=12).map("".join)
ingredients = st.lists(lines(), min_size=1, max_size=4)
stocks = st.integers(0, MAX_STOCK)
slugs = st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True).filter(
    lambda slug: slug not in RESERVED_SLUGS
)
attributes = st.dictionaries(st.text("abcdefghij", min_size=1, max_size=5), lines(), max_size=4)
_required = {
    "name": names,
    "description": st.text(_PLAIN, max_size=MAX_TEXT_LENGTH),
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
    "attributes": attributes,
    "stock_quantity": stocks,
    "track_stock": st.booleans(),
    "is_active": st.booleans(),
}


@st.composite
def products(draw: st.DrawFn) -> dict[str, object]:
    """Whole products as they may be written: by PUT, or by POST."""
    return draw(st.fixed_dictionaries(_required, optional=_optional)) | draw(prices())


@st.composite
def edits(draw: st.DrawFn) -> dict[str, object]:
    """Some fields of a product as PATCH may write them; the two prices come together or not."""
    fields = {name: rule for name, rule in (_required | _optional).items() if name != "slug"}
    edit: Mapping[str, object] = draw(st.fixed_dictionaries({}, optional=fields))
    return dict(edit) | draw(st.just({}) | prices())
