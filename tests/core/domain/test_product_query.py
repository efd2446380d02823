"""Tests of product queries: parameters, cursors and sort keys."""

import string
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.strategies import amounts, lines, names
from eggypro_core.domain.pagination import MAX_ID, CursorPosition, encode_cursor
from eggypro_core.domain.product import ListedProduct, Product, Rating
from eggypro_core.domain.product_query import ProductQuery, Sort, name_sort_key, sort_key
from eggypro_core.errors import FieldError, ParseError, ValidationError
from eggypro_core.validation.parameters import Status, parse_status

ROW = Product(
    id=7,
    name="Éclair",
    slug="eclair",
    sku=None,
    description="",
    details="",
    price=Decimal("24.99"),
    compare_at_price=None,
    images=(),
    ingredients=(),
    attributes={},
    seo_title=None,
    seo_description=None,
    stock_quantity=0,
    track_stock=True,
    is_active=True,
    created_at=NOON,
    updated_at=NOON,
    version=1,
    rating=Rating(Decimal("4.50"), 2),
).to_listed()
SORTS = ", ".join(Sort)


@st.composite
def queries(draw: st.DrawFn) -> ProductQuery:
    """Return any valid query: at the start of its list, at an offset or after a row."""
    search = draw(st.none() | lines())
    sorts = [sort for sort in Sort if search or sort is not Sort.RELEVANCE]
    query = ProductQuery.parse(
        {
            name: value
            for name, value in {
                "search": search,
                "category": draw(st.none() | lines()),
                "in_stock": draw(st.sampled_from([None, "true", "false"])),
                "min_price": draw(st.none() | amounts("0.00").map(str)),
                "max_price": draw(st.none() | amounts("0.00").map(str)),
                "sort": draw(st.none() | st.sampled_from(sorts)),
                "limit": draw(st.none() | st.integers(1, 100).map(str)),
                "offset": draw(st.none() | st.integers(0, 10_000).map(str)),
                "status": draw(st.none() | st.sampled_from(Status)),
            }.items()
            if value is not None
        }
    )
    return query_after(query, draw(rows()), draw(scores)) if draw(st.booleans()) else query


@st.composite
def rows(draw: st.DrawFn) -> ListedProduct:
    return evolve(
        ROW,
        id=draw(st.integers(1, MAX_ID)),
        name=draw(names),
        price=draw(amounts()),
        created_at=NOON + timedelta(microseconds=draw(st.integers(-(2**50), 2**50))),
        rating=draw(st.sampled_from([Rating(), ROW.rating])),
    )


scores = st.integers(0, MAX_ID)


def query_after(query: ProductQuery, row: ListedProduct, score: int) -> ProductQuery:
    return query.after_item(row, score if query.sort is Sort.RELEVANCE else None)


def validation_errors(**params: object) -> list[FieldError]:
    with pytest.raises(ValidationError) as raised:
        ProductQuery.parse(params)
    return list(raised.value.errors)


def test_default_query_is_the_first_twenty_public_products_by_name() -> None:
    query = ProductQuery.parse({})
    assert query == ProductQuery()
    assert (query.sort, query.limit, query.offset) == (Sort.NAME, 20, 0)
    assert (query.status, query.listed, query.in_stock, query.after) == (None,) * 4


def test_parse_reads_every_parameter() -> None:
    query = ProductQuery.parse(
        {
            "search": " egg  white ",
            "category": "powders",
            "in_stock": "true",
            "min_price": "1.5",
            "max_price": "0",
            "sort": "price-desc",
            "limit": "100",
            "offset": "10000",
            "status": "archived",
            "listed": "false",
        }
    )
    assert query == ProductQuery(
        search="egg white",
        category="powders",
        in_stock=True,
        min_price=Decimal("1.5"),
        max_price=Decimal(0),
        sort=Sort.PRICE_DESC,
        limit=100,
        offset=10_000,
        status=Status.ARCHIVED,
        listed=False,
    )


def test_a_status_includes_unlisted_products_and_stays_in_the_next_page() -> None:
    public = ProductQuery.parse({})
    assert public.includes(is_active=True, is_listed=True)
    assert not public.includes(is_active=True, is_listed=False)
    assert not public.includes(is_active=False, is_listed=True)
    admin = ProductQuery.parse({"status": "active"})
    assert admin.includes(is_active=True, is_listed=False)
    assert not admin.includes(is_active=False, is_listed=True)
    assert admin.params() == {"status": "active"}
    unlisted = ProductQuery.parse({"status": "all", "listed": "false"})
    assert unlisted.includes(is_active=False, is_listed=False)
    assert not unlisted.includes(is_active=True, is_listed=True)
    assert unlisted.params() == {"status": "all", "listed": "false"}


def test_listed_needs_a_status() -> None:
    message = "Listed needs a status: without one, only listed products are found"
    assert validation_errors(listed="true") == [FieldError("listed", message)]


@pytest.mark.parametrize("name", ["in_stock", "inStock"])
@pytest.mark.parametrize(
    ("text", "in_stock"), [("true", True), ("false", False), ("TRUE", True), ("False", False)]
)
def test_in_stock_has_an_alias(name: str, text: str, in_stock: object) -> None:
    assert ProductQuery.parse({name: text}).in_stock is in_stock


def test_search_is_sorted_by_relevance_by_default() -> None:
    assert ProductQuery.parse({"search": "egg"}).sort is Sort.RELEVANCE
    assert ProductQuery.parse({"search": "egg", "sort": "relevance"}).sort is Sort.RELEVANCE
    assert ProductQuery.parse({"search": "egg", "sort": "name"}).sort is Sort.NAME


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("search", "", "Search is required"),
        ("search", "  ", "Search is required"),
        ("search", "x" * 201, "Search too long"),
        ("search", "a\0", "Search contains invalid characters"),
        ("category", "", "Category is required"),
        ("category", "x" * 256, "Category too long"),
        ("category", "a\0", "Category contains invalid characters"),
        ("in_stock", "yes", "In stock must be true or false"),
        ("inStock", "", "In stock must be true or false"),
        ("min_price", "-0.01", "Min price cannot be negative"),
        ("max_price", "-1", "Max price cannot be negative"),
        ("min_price", "x", 'Min price must be a number such as "24.99"'),
        ("max_price", "NaN", 'Max price must be a number such as "24.99"'),
        ("max_price", "", 'Max price must be a number such as "24.99"'),
        ("max_price", "1e3", 'Max price must be a number such as "24.99"'),
        ("sort", "size", f"Sort must be one of {SORTS}"),
        ("sort", "", f"Sort must be one of {SORTS}"),
        ("sort", "relevance", "Sort relevance needs a search"),
        ("limit", "0", "Limit must be at least 1"),
        ("limit", "-1", "Limit must be at least 1"),
        ("limit", "101", "Limit too high (at most 100)"),
        ("limit", "9" * 5000, "Limit too high (at most 100)"),
        ("limit", "1.0", "Limit must be an integer"),
        ("limit", "", "Limit must be an integer"),
        ("limit", "٣", "Limit must be an integer"),
        ("limit", "--1", "Limit must be an integer"),
        ("offset", "-1", "Offset cannot be negative"),
        ("offset", "10001", "Offset too high (at most 10000)"),
        ("status", "gone", "Status must be one of active, archived, all"),
        ("q", "egg", "Unknown field"),
        ("colour", "red", "Unknown field"),
    ],
)
def test_parse_rejects_invalid_parameters(name: str, value: str, message: str) -> None:
    assert validation_errors(**{name: value}) == [FieldError(name, message)]


def test_all_parameter_errors_are_raised_at_once() -> None:
    errors = validation_errors(
        search="\0",
        category="",
        in_stock="yes",
        inStock="true",
        min_price="x",
        max_price="-1",
        limit="0",
        offset="-1",
        status="gone",
        cursor="abc",
        colour="red",
    )
    assert [error.field for error in errors] == [
        *("search", "category", "in_stock", "min_price", "max_price", "limit", "offset"),
        *("status", "colour", "offset", "inStock"),
    ]


def test_conflicting_parameters_are_rejected_together() -> None:
    errors = validation_errors(
        cursor="x", offset="0", in_stock="true", inStock="true", sort="relevance"
    )
    assert errors == [
        FieldError("offset", "Offset cannot be given together with a cursor"),
        FieldError("inStock", "inStock is an alias of in_stock: use only one of them"),
        FieldError("sort", "Sort relevance needs a search"),
    ]


def test_parse_search_requires_q_and_rejects_search() -> None:
    assert ProductQuery.parse_search({"q": "egg"}) == ProductQuery.parse({"search": "egg"})
    assert ProductQuery.parse_search({"q": "egg", "sort": "relevance"}).sort is Sort.RELEVANCE
    for params, field in (({}, "q"), ({"q": ""}, "q"), ({"q": "egg", "search": "x"}, "search")):
        with pytest.raises(ValidationError) as raised:
            ProductQuery.parse_search(params)
        assert [error.field for error in raised.value.errors] == [field]


def test_every_listed_parameter_is_known() -> None:
    assert set(ProductQuery.search_parameters) == {*ProductQuery.parameters, "q"} - {"search"}
    for name in ProductQuery.parameters:
        with pytest.raises((ValidationError, ParseError)) as raised:
            ProductQuery.parse({name: "\0"})
        assert "Unknown field" not in str(raised.value)


@given(queries())
def test_query_survives_a_round_trip_through_params(query: ProductQuery) -> None:
    assert ProductQuery.parse(query.params()) == query


@given(queries())
def test_params_omit_defaults(query: ProductQuery) -> None:
    params = query.params()
    assert ProductQuery().params() == {}
    for name in params:
        remaining = {key: value for key, value in params.items() if key != name}
        with suppress(ParseError, ValidationError):
            assert ProductQuery.parse(remaining) != query


@given(queries(), rows(), scores)
def test_query_after_a_row_is_of_the_same_list_and_starts_after_it(
    query: ProductQuery, row: ListedProduct, score: int
) -> None:
    next_query = query_after(query, row, score)
    key = score if query.sort is Sort.RELEVANCE else sort_key(query.sort, row)
    assert next_query.start_key() == (key, row.id)
    assert evolve(next_query, after=None, offset=0) == evolve(query, after=None, offset=0)
    assert next_query.offset == 0


def test_params_are_query_parameters() -> None:
    query = ProductQuery(in_stock=False, min_price=Decimal("1.50"), sort=Sort.NEWEST, limit=5)
    assert query.params() == {
        "in_stock": "false",
        "min_price": "1.50",
        "sort": "newest",
        "limit": "5",
    }


def test_first_page_has_no_start_key() -> None:
    with pytest.raises(ValueError, match="first row"):
        ProductQuery().start_key()


def test_cursor_is_valid_with_another_limit() -> None:
    cursor = ProductQuery(in_stock=True).after_item(ROW).params()["cursor"]
    assert ProductQuery.parse({"cursor": cursor, "in_stock": "true", "limit": "7"}).limit == 7
    assert ProductQuery.parse({"cursor": cursor, "inStock": "true"}).in_stock is True


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"in_stock": "false"},
        {"in_stock": "true", "sort": "name-desc"},
        {"in_stock": "true", "search": "egg"},
        {"in_stock": "true", "category": "powders"},
        {"in_stock": "true", "min_price": "1"},
        {"in_stock": "true", "max_price": "1"},
        {"in_stock": "true", "status": "all"},
    ],
)
def test_cursor_of_another_list_is_rejected(other: dict[str, object]) -> None:
    cursor = ProductQuery(in_stock=True).after_item(ROW).params()["cursor"]
    with pytest.raises(ParseError):
        ProductQuery.parse({**other, "cursor": cursor})


@pytest.mark.parametrize("sort", [sort for sort in Sort if sort is not Sort.RELEVANCE])
@given(cursor=st.text() | st.text(string.ascii_letters + string.digits + "-_=", max_size=90))
@example(cursor="")
@example(cursor="\ud800")
@example(cursor="WyJhIiwiYiIsSW5maW5pdHld")
@example(cursor="A" * 100_000)
def test_arbitrary_text_is_no_cursor(sort: Sort, cursor: str) -> None:
    with pytest.raises(ParseError):
        ProductQuery.parse({"sort": sort, "cursor": cursor})


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        *((Sort.NAME, key) for key in ("\0", "x" * 150 + "\0", "\ud800", "x" * 150 + "\ud800")),
        *(
            (Sort.PRICE_ASC, key)
            for key in ("", "x", "NaN", "1e9", "-1", "1" + "0" * 29, "1000000")
        ),
        *((Sort.RATING, key) for key in ("None", "-1", "1000000")),
        *((Sort.NEWEST, key) for key in ("", "now", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z")),
        *(
            (Sort.RELEVANCE, key)
            for key in (
                "",
                "1",
                "1.",
                "1.x",
                "-1.0",
                "1.-1",
                "9" * 30 + ".0",
                "1." + "9" * 30,
                "9" * 5000,
            )
        ),
    ],
)
def test_cursor_with_impossible_key_is_rejected(sort: Sort, key: str) -> None:
    params = {"sort": sort, **({"search": "egg"} if sort is Sort.RELEVANCE else {})}
    forged = evolve(ProductQuery.parse(params), after=CursorPosition(key, 1)).params()
    with pytest.raises(ParseError):
        ProductQuery.parse(forged)


@given(st.sampled_from(Sort), st.text(), st.integers())
@example(Sort.NEWEST, "0001-01-01T00:00:00+14:00", 1)
def test_forged_cursor_is_decoded_or_rejected(sort: Sort, key: str, row: int) -> None:
    query = ProductQuery(search="egg", sort=sort)
    with suppress(ParseError):
        ProductQuery.parse(evolve(query, after=CursorPosition(key, row)).params()).start_key()


@given(st.dictionaries(st.sampled_from([*ProductQuery.parameters, "x"]), st.text()))
def test_parse_raises_only_domain_errors(params: dict[str, object]) -> None:
    with suppress(ValidationError, ParseError):
        ProductQuery.parse(params)


def test_cursor_does_not_contain_the_limit() -> None:
    first, second = (ProductQuery(limit=limit).after_item(ROW).params() for limit in (5, 9))
    assert first["cursor"] == second["cursor"] != encode_cursor(CursorPosition("eclair", 7), "")


def test_parse_status_accepts_only_status() -> None:
    assert parse_status({}) is Status.ACTIVE
    assert parse_status({"status": "all"}) is Status.ALL
    for params in ({"status": "gone"}, {"limit": "1"}):
        with pytest.raises(ValidationError):
            parse_status(params)


@pytest.mark.parametrize(
    ("status", "includes_active", "includes_archived"),
    [
        (Status.ACTIVE, True, False),
        (Status.ARCHIVED, False, True),
        (Status.ALL, True, True),
    ],
)
def test_status_includes_records_of_its_state(
    status: Status, includes_active: object, includes_archived: object
) -> None:
    assert status.includes(is_active=True) is includes_active
    assert status.includes(is_active=False) is includes_archived


def test_sort_keys() -> None:
    assert {sort: sort_key(sort, ROW) for sort in Sort if sort is not Sort.RELEVANCE} == {
        Sort.NAME: "eclair",
        Sort.NAME_DESC: "eclair",
        Sort.PRICE_ASC: Decimal("24.99"),
        Sort.PRICE_DESC: Decimal("24.99"),
        Sort.NEWEST: NOON,
        Sort.RATING: Decimal("4.50"),
    }
    assert [sort for sort in Sort if not sort.is_descending] == [Sort.NAME, Sort.PRICE_ASC]
    assert sort_key(Sort.RATING, evolve(ROW, rating=Rating())) == 0


def test_name_sort_key_ignores_case_and_accents_and_is_truncated() -> None:
    assert name_sort_key("ÉCLAIR") == name_sort_key("eclair") == "eclair"
    assert len(name_sort_key("ß" * 255)) == 255
