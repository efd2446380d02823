"""The rules of variants: what may be written to one, and what a product shows by them all."""

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

NOT_ABOVE = FieldError("compare_at_price", "Compare-at price must be above the price")
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


def read(**values: object) -> VariantChanges:
    return VariantChanges.parse(values)


def patch(**values: object) -> VariantChanges:
    return VariantChanges.parse(values, merge=True)


def faults(**values: object) -> list[FieldError]:
    """The faults of a whole variant that has these values."""
    with pytest.raises(ValidationError) as invalid:
        VariantChanges.parse(variant_values(**values), required=REQUIRED_FIELDS)
    return list(invalid.value.errors)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("options", {}, "At least one option is required"),
        ("options", dict.fromkeys("abcd", "x"), "Too many options"),
        ("options", None, "Options must be a map of texts"),
        ("options", [], "Options must be a map of texts"),
        ("options", "Size=1", "Options must be a map of texts"),
        ("options", [["Size", "1"]], "Options must be a map of texts"),
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
        ("options", {"Size": "1", " Size ": "2"}, "Options must each have a name of their own"),
        ("options", {"\u00e9": "1", "e\u0301": "1"}, "Options must each have a name of their own"),
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
        ("compare_at_price", "24.99", NOT_ABOVE.message),
        ("compare_at_price", "24.98", NOT_ABOVE.message),
        ("compare_at_price", 30.0, 'Compare-at price must be a number such as "24.99"'),
        ("sku", "x" * 101, "SKU too long"),
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
        ("image", "http://x.example/1.jpg", "Image must be an https address"),
        ("image", "https://", "Image must be an https address"),
        ("image", "eggypro-products/abc", "Image must be an https address"),
        ("image", "https://x.example/a b", "Image address contains invalid characters"),
        ("image", "https://" + "x" * 2048, "Image address too long"),
        ("image", {"ref": "https://x.example/1.jpg"}, "Image address must be text"),
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
def test_each_fault_is_told_in_its_sentence(field: str, value: object, sentence: str) -> None:
    assert faults(**{field: value}) == [FieldError(field, sentence)]


def test_all_faults_of_a_variant_are_told_at_once() -> None:
    found = faults(
        options={},
        price="10.00",
        compare_at_price="9.00",
        sku="x" * 101,
        stock_quantity=-1,
        track_stock=1,
        image="x",
        position=-1,
        is_active="no",
        id=1,
        colour="red",
    )
    assert sorted(fault.field for fault in found) == [
        *("colour", "compare_at_price", "id", "image", "is_active", "options"),
        *("position", "sku", "stock_quantity", "track_stock"),
    ]


def test_what_is_required_and_missing_is_told_with_the_rest() -> None:
    with pytest.raises(ValidationError) as invalid:
        VariantChanges.parse({"position": -1}, required=REQUIRED_FIELDS)
    assert [fault.message for fault in invalid.value.errors] == [
        "Position cannot be negative",
        "Options is required",
        "Price is required",
    ]


def test_the_greatest_values_that_are_allowed_are_kept() -> None:
    most = {
        "options": {f"{letter}{'x' * 99}": "y" * 255 for letter in "abc"},
        "price": "999999.98",
        "compare_at_price": "999999.99",
        "sku": "x" * 100,
        "stock_quantity": 2**31 - 1,
        "image": "https://" + "x" * 2040,
        "position": 2**31 - 1,
    }
    draft = read(**most).to_draft()
    assert {name: getattr(draft, name) for name in most} == most | {
        "price": Decimal("999999.98"),
        "compare_at_price": Decimal("999999.99"),
    }


def test_texts_are_normal_prices_exact_and_options_in_their_order() -> None:
    changes = read(
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
def test_blank_optional_fields_are_empty(blank: object) -> None:
    changes = read(sku=blank, compare_at_price=blank, image=blank)
    assert changes == VariantChanges(sku=None, compare_at_price=None, image=None)


def test_what_is_not_named_is_left_alone() -> None:
    assert read(price="1") == VariantChanges(price=Decimal(1))
    assert read().apply_to(VARIANT) == VARIANT


def test_what_is_only_shown_is_passed_over_where_ignored() -> None:
    assert VariantChanges.parse({"id": "anything"}, ignore={"id"}) == VariantChanges()


def test_a_draft_is_on_sale_and_empty_where_nothing_is_said() -> None:
    assert VariantChanges.parse(variant_values()).to_draft() == VariantDraft(
        options={"Size": "1 kg"}, price=Decimal("24.99")
    )
    draft = VariantChanges.parse(variant_values()).to_draft()
    assert (draft.stock_quantity, draft.track_stock, draft.is_active) == (0, True, True)
    assert (draft.sku, draft.compare_at_price, draft.image) == (None, None, None)
    assert draft.position is None


def test_a_draft_has_the_place_that_is_left_for_it_unless_it_names_one() -> None:
    assert VariantChanges.parse(variant_values()).to_draft_at(5).position == 5
    assert VariantChanges.parse(variant_values(position=0)).to_draft_at(5).position == 0


def test_a_change_sets_what_it_names() -> None:
    changed = read(
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


def test_what_a_replacement_leaves_out_is_emptied_but_stock_position_and_state() -> None:
    whole = VariantChanges.parse(variant_values()).as_replacement()
    assert whole.apply_to(VARIANT) == evolve(
        VARIANT, options={"Size": "1 kg"}, sku=None, compare_at_price=None, image=None
    )
    named = {"sku": "S", "compare_at_price": "99", "image": "https://x.example/2.jpg"}
    assert VariantChanges.parse(variant_values(**named)).as_replacement() == VariantChanges.parse(
        variant_values(**named)
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


@pytest.mark.parametrize(("edits", "left"), MERGES)
def test_a_patch_merges_options(edits: dict[str, str | None], left: dict[str, str]) -> None:
    changed = patch(options=edits).apply_to(VARIANT)
    assert list(changed.options.items()) == list(left.items())
    assert changed == evolve(VARIANT, options=left)


@pytest.mark.parametrize(
    ("edits", "sentence"),
    [
        ({"Size": None, "Flavour": None}, "At least one option is required"),
        ({"a": "1", "b": "2"}, "Too many options"),
    ],
)
def test_merged_options_are_one_to_three(edits: dict[str, str | None], sentence: str) -> None:
    with pytest.raises(ValidationError) as invalid:
        patch(options=edits).apply_to(VARIANT)
    assert invalid.value.errors == (FieldError("options", sentence),)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (None, "Options must be a map of texts"),
        ({str(number): None for number in range(7)}, "Too many options"),
        ({"Size": ""}, "Option is required"),
        ({"": None}, "Option name is required"),
        ({"Size": {"a": None}}, "Option must be text"),
        ({"a": None, " a": "1"}, "Options must each have a name of their own"),
    ],
)
def test_options_are_merged_with_texts_only(options: object, sentence: str) -> None:
    with pytest.raises(ValidationError) as invalid:
        patch(options=options, position=-1)
    assert invalid.value.errors == (
        FieldError("options", sentence),
        FieldError("position", "Position cannot be negative"),
    )


@pytest.mark.parametrize("values", [{"price": "30.00"}, {"compare_at_price": "24.99"}])
def test_either_price_alone_is_held_against_the_one_that_stays(values: dict[str, object]) -> None:
    for changes in (read(**values), patch(**values)):
        with pytest.raises(ValidationError) as invalid:
            changes.apply_to(VARIANT)
        assert invalid.value.errors == (NOT_ABOVE,)


def test_both_prices_may_change_at_once_and_the_compared_one_may_go() -> None:
    both = patch(price="40", compare_at_price="40.01").apply_to(VARIANT)
    assert (str(both.price), str(both.compare_at_price)) == ("40.00", "40.01")
    assert patch(price="40", compare_at_price=None).apply_to(VARIANT).compare_at_price is None


_texts = strategies.lines().map(
    fields.single_line("Option", 100)
)  # in NFC, so that two differ there too
_named = st.dictionaries(_texts, _texts, min_size=1, max_size=3)


@st.composite
def wholes(draw: st.DrawFn) -> dict[str, object]:
    """Whole variants as they may be written."""
    optional = {
        "sku": strategies.blank_or(strategies.lines()),
        "stock_quantity": strategies.stocks,
        "track_stock": st.booleans(),
        "image": st.none() | st.just("https://x.example/1.jpg"),
        "position": st.integers(0, MAX_STOCK),
        "is_active": st.booleans(),
    }
    values = draw(st.fixed_dictionaries({"options": _named}, optional=optional))
    return values | draw(strategies.prices())


@given(wholes())
def test_what_a_valid_variant_becomes_can_be_written_again_as_it_is(
    values: dict[str, object],
) -> None:
    draft = VariantChanges.parse(values, required=REQUIRED_FIELDS).to_draft_at(0)
    again = {name: getattr(draft, name) for name in fields_dict(VariantDraft)}
    assert VariantChanges.parse(again, required=REQUIRED_FIELDS).to_draft() == draft
    whole = VariantChanges.parse(again).as_replacement()
    assert whole.apply_to(VARIANT) == Variant(**again, id=VARIANT.id)
    assert patch(**again).apply_to(whole.apply_to(VARIANT)) == whole.apply_to(VARIANT)


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
    """Variants of one product, in any order."""
    count = draw(st.integers(0, 6))
    return draw(st.permutations([draw(variants(number)) for number in range(count)]))


@given(siblings())
def test_a_product_shows_what_a_plain_computation_finds(of_product: list[Variant]) -> None:
    active = [one for one in of_product if one.is_active]
    if not active:
        assert variant_summary(of_product) is None
        return
    best = active[0]
    for one in active:
        if (one.price, one.position, one.id) < (best.price, best.position, best.id):
            best = one
    stock, tracked = 0, True
    for one in active:
        stock += one.stock_quantity
        tracked = tracked and one.track_stock
    assert variant_summary(of_product) == VariantSummary(
        price=best.price,
        compare_at_price=best.compare_at_price,
        stock_quantity=min(stock, MAX_STOCK),
        track_stock=tracked,
        variant_count=len(active),
    )


def test_of_drafts_of_one_price_and_place_the_first_counts() -> None:
    draft = VariantDraft(options={"a": "1"}, price=Decimal(5))
    first, second = (evolve(draft, compare_at_price=Decimal(many)) for many in (8, 7))
    shown = variant_summary([first, second])
    assert shown is not None
    assert shown.compare_at_price == 8
    turned = variant_summary([evolve(first, position=1), evolve(second, position=0)])
    assert turned is not None
    assert turned.compare_at_price == 7


@pytest.mark.parametrize(
    ("stock", "tracked", "in_stock"),
    [(1, True, True), (0, True, False), (0, False, True), (1, False, True)],
)
def test_what_is_not_tracked_is_always_in_stock(
    stock: int,
    tracked: bool,  # noqa: FBT001  (a parameter of a test)
    in_stock: bool,  # noqa: FBT001  (the same)
) -> None:
    assert evolve(VARIANT, stock_quantity=stock, track_stock=tracked).in_stock is in_stock


@given(_named, _named)
def test_options_have_one_combination_in_any_order_and_others_another(
    options: dict[str, str], others: dict[str, str]
) -> None:
    turned = dict(reversed(options.items()))
    assert options_key(turned) == options_key(options)
    assert len(options_key(options)) == 32
    assert (options_key(options) == options_key(others)) == (options == others)


@pytest.mark.parametrize(
    "others",
    [{"a": "b", "c": "d"}, {"a": 'b", "c": "d'}, {"c": "b", "a": "d"}, {"a": "b c d"}, {"b": "a"}],
)
def test_no_text_within_options_looks_like_another_option(others: dict[str, str]) -> None:
    digests = {options_key(one) for one in ({"a": "b"}, {"a": "d", "c": "bb"}, others)}
    assert len(digests) == 3


def test_changes_know_the_combination_of_the_options_that_they_name() -> None:
    assert read(options={"b": "2", "a": "1"}).options_key == options_key({"a": "1", "b": "2"})
    assert read().options_key == options_key({})


def test_options_that_are_taken_are_named_and_can_be_read() -> None:
    refused = options_conflict({"Size": "1 kg", "a\x1b[2J": "b" * 500})
    assert refused.field == "options"
    assert str(refused).startswith("The product has a variant Size 1 kg, a\ufffd[2J bbb")
    assert len(str(refused)) < 200


@pytest.mark.parametrize(
    ("options", "others"),
    [
        ({"a": "1"}, []),
        ({"a": "1", "b": "1", "c": "1"}, ["c", "b", "a", "a"]),
        ({}, ["a", "b", "c"]),
        ({"a": "1"}, ["b", "c", "b"]),
    ],
)
def test_three_names_of_options_are_not_too_many(
    options: dict[str, str], others: list[str]
) -> None:
    check_option_names(options, others)
    assert len({*options, *others}) <= MAX_OPTION_NAMES


@pytest.mark.parametrize(
    ("options", "others"),
    [({"d": "1"}, ["a", "b", "c"]), ({"c": "1", "d": "1"}, ["a", "b", "a"]), ({}, list("abcd"))],
)
def test_four_names_of_options_are_refused_by_name(
    options: dict[str, str], others: list[str]
) -> None:
    with pytest.raises(ConflictError, match="a, b, c, d") as refused:
        check_option_names(options, others)
    assert refused.value.field == "options"


def query_faults(**params: object) -> list[FieldError]:
    with pytest.raises(ValidationError) as invalid:
        VariantQuery.parse_for_product("egg", params)
    return list(invalid.value.errors)


def test_no_parameters_ask_for_the_first_twenty_on_sale() -> None:
    query = VariantQuery.parse_for_product("egg", {})
    assert query == VariantQuery(product="egg")
    assert (query.status, query.limit, query.offset, query.after) == (Status.ACTIVE, 20, 0, None)
    assert query.params() == {}
    with pytest.raises(ValueError, match="first row"):
        query.start_key()


def test_every_parameter_is_read_and_written_down_again() -> None:
    params = {"status": "all", "limit": "7", "offset": "5"}
    query = VariantQuery.parse_for_product("egg", params)
    assert query == VariantQuery(product="egg", status=Status.ALL, limit=7, offset=5)
    assert query.params() == params
    assert {*VariantQuery.parameters} == {*params, "cursor"}


def test_all_faults_of_a_query_are_told_at_once() -> None:
    wrong = {"status": "x", "limit": "101", "offset": "-1", "cursor": "x", "sort": "name"}
    assert [fault.field for fault in query_faults(**wrong)] == [
        *("status", "limit", "offset", "sort", "offset"),
    ]


def test_an_offset_together_with_a_cursor_is_a_fault() -> None:
    cursor = VariantQuery(product="egg").after_item(VARIANT).params()["cursor"]
    assert query_faults(cursor=cursor, offset="0") == [
        FieldError("offset", "Offset cannot be given together with a cursor")
    ]


@given(
    st.sampled_from(Status),
    st.integers(1, 100),
    st.integers(0, MAX_STOCK),
    st.integers(1, MAX_ID),
)
def test_the_query_of_a_next_page_is_read_again_as_it_was(
    status: Status, limit: int, position: int, number: int
) -> None:
    last = evolve(VARIANT, id=number, position=position)
    query = VariantQuery(product="egg", status=status, limit=limit, offset=40)
    following = query.after_item(last)
    assert following.offset == 0
    assert following.start_key() == (position, number)
    assert VariantQuery.parse_for_product("egg", following.params()) == following


def test_a_cursor_is_bound_to_product_and_status_but_not_to_the_limit() -> None:
    query = VariantQuery(product="egg", limit=5)
    cursor = query.after_item(VARIANT).params()["cursor"]
    assert VariantQuery.parse_for_product("egg", {"cursor": cursor, "limit": "9"}).start_key() == (
        2,
        7,
    )
    for slug, params in (("salt", {}), ("egg", {"status": "all"}), ("egg", {"status": "archived"})):
        with pytest.raises(ParseError):
            VariantQuery.parse_for_product(slug, {"cursor": cursor, **params})


@pytest.mark.parametrize("mended", ["", "x", "{}=", "A{}", "{}A", " {}", "\ud800", "a" * 9999])
def test_a_mended_cursor_is_malformed(mended: str) -> None:
    cursor = VariantQuery(product="egg").after_item(VARIANT).params()["cursor"]
    with pytest.raises(ParseError):
        VariantQuery.parse_for_product("egg", {"cursor": mended.format(cursor)})


@pytest.mark.parametrize("key", ["-1", str(2**31), "", "x", "1.0", "9" * 5000])
def test_a_cursor_to_a_place_where_no_variant_stands_is_malformed(key: str) -> None:
    query = VariantQuery(product="egg")
    sealed = evolve(query, after=CursorPosition(key, 1)).params()
    with pytest.raises(ParseError):
        VariantQuery.parse_for_product("egg", sealed)


def test_the_next_page_starts_after_the_position_and_id_of_the_last_variant() -> None:
    query = VariantQuery(product="egg").after_item(VARIANT)
    assert query == VariantQuery(product="egg", after=CursorPosition("2", 7))
    assert query.params().keys() == {"cursor"}
