"""Tests of variants: validation, changes, the summary and list queries."""

from decimal import Decimal

import pytest
from attrs import evolve, fields_dict
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts import strategies
from eggypro_core.domain.pagination import MAX_ID, CursorPosition
from eggypro_core.domain.product import MAX_STOCK
from eggypro_core.domain.variant import (
    MAX_OPTION_NAMES,
    REQUIRED_FIELDS,
    Variant,
    VariantChanges,
    VariantDraft,
    VariantQuery,
    VariantSummary,
    check_option_names,
    options_conflict,
    options_key,
    variant_summary,
)
from eggypro_core.errors import ConflictError, FieldError, ParseError, ValidationError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import Status
from eggypro_core.validation.unset import UNSET
from tests.support.builders import variant_values

COMPARE_AT_ERROR = FieldError("compare_at_price", "Compare-at price must be above the price")
VARIANT = Variant(
    id=7,
    sku="EW-1",
    options={"Size": "1 kg", "Flavour": "Vanilla"},
    price=Decimal("24.99"),
    compare_at_price=Decimal("30.00"),
    stock_quantity=3,
    track_stock=True,
    image="https://x.example/1.jpg",
    position=2,
    is_active=True,
    version=4,
)


def parse_changes(**values: object) -> VariantChanges:
    return VariantChanges.parse(values)


def parse_patch(**values: object) -> VariantChanges:
    return VariantChanges.parse(values, merge=True)


def validation_errors(**values: object) -> list[FieldError]:
    """Return the errors of a complete variant that has these values."""
    with pytest.raises(ValidationError) as raised:
        VariantChanges.parse(variant_values(**values), required=REQUIRED_FIELDS)
    return list(raised.value.errors)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("options", {}, "At least one option is required"),
        ("options", dict.fromkeys("abcdefghijk", "x"), "Too many options"),
        ("options", None, "Options must be a map of names to text"),
        ("options", [], "Options must be a map of names to text"),
        ("options", "Size=1", "Options must be a map of names to text"),
        ("options", [["Size", "1"]], "Options must be a map of names to text"),
        ("options", {"": "x"}, "Option name is required"),
        ("options", {" \t": "x"}, "Option name is required"),
        ("options", {"x" * 101: "x"}, "Option name too long"),
        ("options", {"a\0": "x"}, "Option name contains invalid characters"),
        ("options", {7: "x"}, "Option name must be text"),
        ("options", {"Size": ""}, "Option is required"),
        ("options", {"Size": None}, "Option is required"),
        ("options", {"Size": "x" * 256}, "Option too long"),
        ("options", {"Size": "a\x1bb"}, "Option contains invalid characters"),
        ("options", {"Size": "\ud800"}, "Option contains invalid characters"),
        ("options", {"Size": 1}, "Option must be text"),
        ("options", {"Size": {"a": "b"}}, "Option must be text"),
        ("options", {"Size": "1", " Size ": "2"}, "Option names must be unique"),
        ("options", {"\u00e9": "1", "e\u0301": "1"}, "Option names must be unique"),
        ("price", "0", "Price must be positive"),
        ("price", "-1", "Price must be positive"),
        ("price", "1000000", "Price too high"),
        ("price", "24.999", "Price must have at most 2 decimals"),
        ("price", 24.99, 'Price must be a number such as "24.99"'),
        ("price", True, 'Price must be a number such as "24.99"'),
        ("price", None, 'Price must be a number such as "24.99"'),
        ("price", "", 'Price must be a number such as "24.99"'),
        ("price", "NaN", 'Price must be a number such as "24.99"'),
        ("compare_at_price", "1000000", "Compare-at price too high"),
        ("compare_at_price", "24.99", COMPARE_AT_ERROR.message),
        ("compare_at_price", "24.98", COMPARE_AT_ERROR.message),
        ("compare_at_price", 30.0, 'Compare-at price must be a number such as "24.99"'),
        ("sku", "x" * 256, "SKU too long"),
        ("sku", "a\0b", "SKU contains invalid characters"),
        ("sku", 5, "SKU must be text"),
        ("stock_quantity", "5", "Stock quantity must be an integer"),
        ("stock_quantity", Decimal("1.0"), "Stock quantity must be an integer"),
        ("stock_quantity", None, "Stock quantity must be an integer"),
        ("stock_quantity", True, "Stock quantity must be an integer"),
        ("stock_quantity", -1, "Stock quantity cannot be negative"),
        ("stock_quantity", 2**31, "Stock quantity too high (at most 2147483647)"),
        ("track_stock", "yes", "Track stock must be true or false"),
        ("track_stock", None, "Track stock must be true or false"),
        ("image", "http://x.example/1.jpg", "Image must be an https URL"),
        (
            "image",
            "https://",
            "Image must be an https URL with a valid host, without user and password",
        ),
        ("image", "eggypro-products/abc", "Image must be an https URL"),
        ("image", "https://x.example/a b", "Image URL contains invalid characters"),
        ("image", "https://" + "x" * 2048, "Image URL too long"),
        ("image", {"ref": "https://x.example/1.jpg"}, "Image URL must be text"),
        ("position", -1, "Position cannot be negative"),
        ("position", 2**31, "Position too high (at most 2147483647)"),
        ("position", "1", "Position must be an integer"),
        ("position", None, "Position must be an integer"),
        ("is_active", 1, "Is active must be true or false"),
        ("id", 7, "Cannot be set here"),
        ("colour", "red", "Unknown field"),
        ("version", 1, "Unknown field"),
        ("product", "egg", "Unknown field"),
    ],
)
def test_parse_rejects_invalid_values(field: str, value: object, message: str) -> None:
    assert validation_errors(**{field: value}) == [FieldError(field, message)]


def test_all_errors_are_raised_at_once() -> None:
    errors = validation_errors(
        options={},
        price="10.00",
        compare_at_price="9.00",
        sku="x" * 256,
        stock_quantity=-1,
        track_stock=1,
        image="x",
        position=-1,
        is_active="no",
        id=1,
        colour="red",
    )
    assert sorted(error.field for error in errors) == [
        *("colour", "compare_at_price", "id", "image", "is_active", "options"),
        *("position", "sku", "stock_quantity", "track_stock"),
    ]


def test_missing_required_fields_are_reported_with_other_errors() -> None:
    with pytest.raises(ValidationError) as raised:
        VariantChanges.parse({"position": -1}, required=REQUIRED_FIELDS)
    assert [error.message for error in raised.value.errors] == [
        "Position cannot be negative",
        "Options is required",
        "Price is required",
    ]


def test_maximum_values_are_accepted() -> None:
    maximum_values = {
        "options": {f"{letter}{'x' * 99}": "y" * 255 for letter in "abc"},
        "price": "999999.98",
        "compare_at_price": "999999.99",
        "sku": "x" * 100,
        "stock_quantity": 2**31 - 1,
        "image": "https://" + "x" * 2040,
        "position": 2**31 - 1,
    }
    draft = parse_changes(**maximum_values).to_draft()
    assert {name: getattr(draft, name) for name in maximum_values} == maximum_values | {
        "price": Decimal("999999.98"),
        "compare_at_price": Decimal("999999.99"),
    }


def test_parse_normalises_text_and_keeps_prices_and_order() -> None:
    changes = parse_changes(
        options={" Size ": " 1\u00a0 kg ", "Cafe\u0301": "e\u0301"},
        price="0.290",
        compare_at_price=Decimal(1),
        sku="  a  b ",
    )
    assert changes.options is not UNSET
    assert list(changes.options.items()) == [("Size", "1 kg"), ("Café", "é")]
    assert (str(changes.price), str(changes.compare_at_price)) == ("0.29", "1.00")
    assert changes.sku == "a b"


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_blank_optional_fields_become_none(blank: object) -> None:
    changes = parse_changes(sku=blank, compare_at_price=blank, image=blank)
    assert changes == VariantChanges(sku=None, compare_at_price=None, image=None)


def test_omitted_fields_are_unset() -> None:
    assert parse_changes(price="1") == VariantChanges(price=Decimal(1))
    assert parse_changes().apply_to(VARIANT) == VARIANT


def test_ignored_read_only_fields_are_accepted() -> None:
    assert VariantChanges.parse({"id": "anything"}, ignore={"id"}) == VariantChanges()


def test_draft_defaults() -> None:
    assert VariantChanges.parse(variant_values()).to_draft() == VariantDraft(
        options={"Size": "1 kg"}, price=Decimal("24.99")
    )
    draft = VariantChanges.parse(variant_values()).to_draft()
    assert (draft.stock_quantity, draft.track_stock, draft.is_active) == (0, True, True)
    assert (draft.sku, draft.compare_at_price, draft.image) == (None, None, None)
    assert draft.position is None


def test_to_draft_at_sets_only_a_missing_position() -> None:
    assert VariantChanges.parse(variant_values()).to_draft_at(5).position == 5
    assert VariantChanges.parse(variant_values(position=0)).to_draft_at(5).position == 0


def test_apply_to_sets_the_given_fields() -> None:
    changed = parse_changes(
        options={"Size": "2 kg"}, price="5", sku="", image="", is_active=False, position=0
    ).apply_to(VARIANT)
    assert changed == evolve(
        VARIANT,
        options={"Size": "2 kg"},
        price=Decimal(5),
        sku=None,
        image=None,
        is_active=False,
        position=0,
    )
    assert changed.version == VARIANT.version


def test_replacement_clears_omitted_fields_except_stock_position_and_status() -> None:
    replacement = VariantChanges.parse(variant_values()).as_replacement()
    assert replacement.apply_to(VARIANT) == evolve(
        VARIANT, options={"Size": "1 kg"}, sku=None, compare_at_price=None, image=None
    )
    values = {"sku": "S", "compare_at_price": "99", "image": "https://x.example/2.jpg"}
    assert VariantChanges.parse(variant_values(**values)).as_replacement() == VariantChanges.parse(
        variant_values(**values)
    )


MERGES: list[tuple[dict[str, str | None], dict[str, str]]] = [
    ({}, {"Size": "1 kg", "Flavour": "Vanilla"}),
    ({"Size": "2 kg"}, {"Size": "2 kg", "Flavour": "Vanilla"}),
    ({" Size ": "2 kg"}, {"Size": "2 kg", "Flavour": "Vanilla"}),
    ({"Size": None}, {"Flavour": "Vanilla"}),
    ({"none-such": None}, {"Size": "1 kg", "Flavour": "Vanilla"}),
    ({"Colour": "Red"}, {"Size": "1 kg", "Flavour": "Vanilla", "Colour": "Red"}),
    (
        {"Size": None, "Flavour": None, "a": "1", "b": "2", "c": "3", "x": None},
        {"a": "1", "b": "2", "c": "3"},
    ),
]


@pytest.mark.parametrize(("edits", "expected"), MERGES)
def test_patch_merges_options(edits: dict[str, str | None], expected: dict[str, str]) -> None:
    changed = parse_patch(options=edits).apply_to(VARIANT)
    assert list(changed.options.items()) == list(expected.items())
    assert changed == evolve(VARIANT, options=expected)


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ({"Size": None, "Flavour": None}, "At least one option is required"),
        (dict.fromkeys("abcdefghi", "1"), "Too many options"),
    ],
)
def test_merged_options_must_be_one_to_ten(edits: dict[str, str | None], message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        parse_patch(options=edits).apply_to(VARIANT)
    assert raised.value.errors == (FieldError("options", message),)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (None, "Options must be a map of names to text"),
        ({str(number): None for number in range(21)}, "Too many options"),
        ({"Size": ""}, "Option is required"),
        ({"": None}, "Option name is required"),
        ({"Size": {"a": None}}, "Option must be text"),
        ({"a": None, " a": "1"}, "Option names must be unique"),
    ],
)
def test_patch_rejects_invalid_options(options: object, message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        parse_patch(options=options, position=-1)
    assert raised.value.errors == (
        FieldError("options", message),
        FieldError("position", "Position cannot be negative"),
    )


@pytest.mark.parametrize("values", [{"price": "30.00"}, {"compare_at_price": "24.99"}])
def test_changed_price_is_compared_with_the_stored_one(values: dict[str, object]) -> None:
    for changes in (parse_changes(**values), parse_patch(**values)):
        with pytest.raises(ValidationError) as raised:
            changes.apply_to(VARIANT)
        assert raised.value.errors == (COMPARE_AT_ERROR,)


def test_both_prices_can_change_and_compare_at_price_can_be_removed() -> None:
    changed = parse_patch(price="40", compare_at_price="40.01").apply_to(VARIANT)
    assert (str(changed.price), str(changed.compare_at_price)) == ("40.00", "40.01")
    assert parse_patch(price="40", compare_at_price=None).apply_to(VARIANT).compare_at_price is None


_texts = strategies.lines().map(
    fields.single_line("Option", 100)
)  # normalised, so that distinct texts stay distinct
_options = st.dictionaries(_texts, _texts, min_size=1, max_size=3)


@st.composite
def complete_variants(draw: st.DrawFn) -> dict[str, object]:
    """Return the input values of a valid, complete variant."""
    optional = {
        "sku": strategies.blank_or(strategies.lines()),
        "stock_quantity": strategies.stocks,
        "track_stock": st.booleans(),
        "image": st.none() | st.just("https://x.example/1.jpg"),
        "position": st.integers(0, MAX_STOCK),
        "is_active": st.booleans(),
    }
    values = draw(st.fixed_dictionaries({"options": _options}, optional=optional))
    return values | draw(strategies.prices())


@given(complete_variants())
def test_stored_variant_can_be_written_again_unchanged(
    values: dict[str, object],
) -> None:
    draft = VariantChanges.parse(values, required=REQUIRED_FIELDS).to_draft_at(0)
    round_trip = {name: getattr(draft, name) for name in fields_dict(VariantDraft)}
    assert VariantChanges.parse(round_trip, required=REQUIRED_FIELDS).to_draft() == draft
    replacement = VariantChanges.parse(round_trip).as_replacement()
    assert replacement.apply_to(VARIANT) == Variant(**round_trip, id=VARIANT.id)
    assert parse_patch(**round_trip).apply_to(
        replacement.apply_to(VARIANT)
    ) == replacement.apply_to(VARIANT)


@st.composite
def variants(draw: st.DrawFn, number: int) -> Variant:
    price = draw(strategies.amounts("1.00", "3.00"))
    compare_at = draw(st.none() | strategies.amounts("3.01", "4.00"))
    return evolve(
        VARIANT,
        id=number + 1,
        price=price,
        compare_at_price=compare_at,
        stock_quantity=draw(st.sampled_from([0, 1, 5, MAX_STOCK])),
        track_stock=draw(st.booleans()),
        position=draw(st.integers(0, 2)),
        is_active=draw(st.booleans()),
    )


@st.composite
def siblings(draw: st.DrawFn) -> list[Variant]:
    """Return variants of one product, in any order."""
    count = draw(st.integers(0, 6))
    return draw(st.permutations([draw(variants(number)) for number in range(count)]))


@given(siblings())
def test_variant_summary_agrees_with_a_naive_computation(product_variants: list[Variant]) -> None:
    active = [variant for variant in product_variants if variant.is_active]
    if not active:
        assert variant_summary(product_variants) is None
        return
    cheapest = active[0]
    for variant in active:
        if (variant.price, variant.position, variant.id) < (
            cheapest.price,
            cheapest.position,
            cheapest.id,
        ):
            cheapest = variant
    stock, tracked = 0, True
    for variant in active:
        stock += variant.stock_quantity
        tracked = tracked and variant.track_stock
    assert variant_summary(product_variants) == VariantSummary(
        price=cheapest.price,
        compare_at_price=cheapest.compare_at_price,
        stock_quantity=min(stock, MAX_STOCK),
        track_stock=tracked,
        variant_count=len(active),
    )


def test_first_of_equal_drafts_decides_the_summary() -> None:
    draft = VariantDraft(options={"a": "1"}, price=Decimal(5))
    first, second = (evolve(draft, compare_at_price=Decimal(amount)) for amount in (8, 7))
    summary = variant_summary([first, second])
    assert summary is not None
    assert summary.compare_at_price == 8
    reordered = variant_summary([evolve(first, position=1), evolve(second, position=0)])
    assert reordered is not None
    assert reordered.compare_at_price == 7


@pytest.mark.parametrize(
    ("stock", "tracked", "in_stock"),
    [(1, True, True), (0, True, False), (0, False, True), (1, False, True)],
)
def test_untracked_stock_is_always_in_stock(
    stock: int,
    tracked: bool,  # noqa: FBT001  (a parameter of a test)
    in_stock: bool,  # noqa: FBT001  (a parameter of a test)
) -> None:
    assert evolve(VARIANT, stock_quantity=stock, track_stock=tracked).in_stock is in_stock


@given(_options, _options)
def test_options_key_is_independent_of_order_and_unique(
    options: dict[str, str], other: dict[str, str]
) -> None:
    reordered = dict(reversed(options.items()))
    assert options_key(reordered) == options_key(options)
    assert len(options_key(options)) == 32
    assert (options_key(options) == options_key(other)) == (options == other)


@pytest.mark.parametrize(
    "options",
    [{"a": "b", "c": "d"}, {"a": 'b", "c": "d'}, {"c": "b", "a": "d"}, {"a": "b c d"}, {"b": "a"}],
)
def test_options_key_is_not_fooled_by_delimiters_in_text(options: dict[str, str]) -> None:
    keys = {options_key(candidate) for candidate in ({"a": "b"}, {"a": "d", "c": "bb"}, options)}
    assert len(keys) == 3


def test_options_key_of_changes() -> None:
    assert parse_changes(options={"b": "2", "a": "1"}).options_key == options_key(
        {"a": "1", "b": "2"}
    )
    assert parse_changes().options_key == options_key({})


def test_options_conflict_shows_readable_options() -> None:
    error = options_conflict({"Size": "1 kg", "a\x1b[2J": "b" * 500})
    assert error.field == "options"
    assert str(error).startswith("The product already has a variant Size 1 kg, a\ufffd[2J bbb")
    assert len(str(error)) < 200


@pytest.mark.parametrize(
    ("options", "sibling_names"),
    [
        ({"a": "1"}, []),
        (dict.fromkeys("abcdefghij", "1"), [*"jihgfedcba", "a"]),
        ({}, list("abcdefghij")),
        ({"a": "1"}, [*"bcdefghij", "b"]),
    ],
)
def test_ten_option_names_are_accepted(options: dict[str, str], sibling_names: list[str]) -> None:
    check_option_names(options, sibling_names)
    assert len({*options, *sibling_names}) <= MAX_OPTION_NAMES


@pytest.mark.parametrize(
    ("options", "sibling_names"),
    [
        ({"k": "1"}, list("abcdefghij")),
        ({"j": "1", "k": "1"}, [*"abcdefghi", "a"]),
        ({}, list("abcdefghijk")),
    ],
)
def test_eleven_option_names_are_rejected(
    options: dict[str, str], sibling_names: list[str]
) -> None:
    with pytest.raises(ConflictError, match="a, b, c, d, e, f, g, h, i, j, k") as raised:
        check_option_names(options, sibling_names)
    assert raised.value.field == "options"


def query_errors(**params: object) -> list[FieldError]:
    with pytest.raises(ValidationError) as raised:
        VariantQuery.parse_for_product("egg", params)
    return list(raised.value.errors)


def test_default_query_is_the_first_twenty_active_variants() -> None:
    query = VariantQuery.parse_for_product("egg", {})
    assert query == VariantQuery(product="egg")
    assert (query.status, query.limit, query.offset, query.after) == (Status.ACTIVE, 20, 0, None)
    assert query.params() == {}
    with pytest.raises(ValueError, match="first row"):
        query.start_key()


def test_query_survives_a_round_trip_through_params() -> None:
    params = {"status": "all", "limit": "7", "offset": "5"}
    query = VariantQuery.parse_for_product("egg", params)
    assert query == VariantQuery(product="egg", status=Status.ALL, limit=7, offset=5)
    assert query.params() == params
    assert {*VariantQuery.parameters} == {*params, "cursor"}


def test_all_parameter_errors_are_raised_at_once() -> None:
    invalid = {"status": "x", "limit": "101", "offset": "-1", "cursor": "x", "sort": "name"}
    assert [error.field for error in query_errors(**invalid)] == [
        *("status", "limit", "offset", "sort", "offset"),
    ]


def test_offset_with_cursor_is_rejected() -> None:
    cursor = VariantQuery(product="egg").after_item(VARIANT).params()["cursor"]
    assert query_errors(cursor=cursor, offset="0") == [
        FieldError("offset", "Offset cannot be given together with a cursor")
    ]


@given(
    st.sampled_from(Status),
    st.integers(1, 100),
    st.integers(0, MAX_STOCK),
    st.integers(1, MAX_ID),
)
def test_next_query_survives_a_round_trip_through_params(
    status: Status, limit: int, position: int, variant_id: int
) -> None:
    last = evolve(VARIANT, id=variant_id, position=position)
    query = VariantQuery(product="egg", status=status, limit=limit, offset=40)
    next_query = query.after_item(last)
    assert next_query.offset == 0
    assert next_query.start_key() == (position, variant_id)
    assert VariantQuery.parse_for_product("egg", next_query.params()) == next_query


def test_cursor_is_bound_to_product_and_status_but_not_to_limit() -> None:
    query = VariantQuery(product="egg", limit=5)
    cursor = query.after_item(VARIANT).params()["cursor"]
    assert VariantQuery.parse_for_product("egg", {"cursor": cursor, "limit": "9"}).start_key() == (
        2,
        7,
    )
    for slug, params in (("salt", {}), ("egg", {"status": "all"}), ("egg", {"status": "archived"})):
        with pytest.raises(ParseError):
            VariantQuery.parse_for_product(slug, {"cursor": cursor, **params})


@pytest.mark.parametrize("altered", ["", "x", "{}=", "A{}", "{}A", " {}", "\ud800", "a" * 9999])
def test_altered_cursor_is_rejected(altered: str) -> None:
    cursor = VariantQuery(product="egg").after_item(VARIANT).params()["cursor"]
    with pytest.raises(ParseError):
        VariantQuery.parse_for_product("egg", {"cursor": altered.format(cursor)})


@pytest.mark.parametrize("key", ["-1", str(2**31), "", "x", "1.0", "9" * 5000])
def test_cursor_with_impossible_key_is_rejected(key: str) -> None:
    query = VariantQuery(product="egg")
    forged = evolve(query, after=CursorPosition(key, 1)).params()
    with pytest.raises(ParseError):
        VariantQuery.parse_for_product("egg", forged)


def test_next_query_starts_after_the_last_variant() -> None:
    query = VariantQuery(product="egg").after_item(VARIANT)
    assert query == VariantQuery(product="egg", after=CursorPosition("2", 7))
    assert query.params().keys() == {"cursor"}
