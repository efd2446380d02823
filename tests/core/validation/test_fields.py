"""What each rule lets through, and in which words it refuses the rest."""

import unicodedata
from contextlib import suppress
from decimal import Decimal
from math import inf, nan

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eggypro_adapters.contracts.strategies import html
from eggypro_adapters.files.html import clean_html
from eggypro_core.errors import FieldError, ValidationError
from eggypro_core.validation import fields
from eggypro_core.validation.fields import InvalidValueError, Validator

LINE = fields.single_line("Name", 20, excluded="<>")
TEXT = fields.multiline("Text", 200)
HTML = fields.multiline("Details", 500, clean_html)
PRICE = fields.money("Price", Decimal("999.99"))
SLUG = fields.slug("Slug", 10, {"search"})
COUNT = fields.integer_between("Count", 0, 9)
TAGS = fields.list_of("Tags", fields.single_line("Tag", 5), 3, minimum=1)
MAP = fields.string_map(
    "Facts", maximum=2, key=fields.single_line("Fact", 5), text=fields.single_line("Word", 5)
)
NO_NUMBERS: list[object] = [
    *(24.99, 1.0, nan, inf, True, False, None, []),
    *(Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity")),
    *("", " 1", "1\n", "+1", "1e2", ".5", "1.", "1,5", "٣", "NaN", "Infinity", "0x1", "1_0"),
    *("--1", "1.2.3", "9" * 31, "\0"),
]
INVALID = "Name contains invalid characters"
LONE = "\ud800"
EDGES = "\x0b\x0c\x1c\x1f\x85"
"""Control characters that are white space to `str.strip`."""


def refusal(rule: Validator, value: object) -> str:
    with pytest.raises(InvalidValueError) as refused:
        rule(value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Egg", "Egg"),
        ("  Egg \t\r\n White\u00a0\u2003 Bar ", "Egg White Bar"),
        ("Cafe\u0301", "Café"),
        ("Ω蛋🥚' \"&;/%", "Ω蛋🥚' \"&;/%"),
        (20 * "x", 20 * "x"),
        (20 * "e\u0301", 20 * "é"),
    ],
)
def test_a_line_is_normal_stripped_and_has_single_spaces(text: str, kept: str) -> None:
    assert LINE(text) == kept


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "Name is required"),
        ("", "Name is required"),
        (" \t\n\u3000", "Name is required"),
        (7, "Name must be text"),
        (b"Egg", "Name must be text"),
        (["Egg"], "Name must be text"),
        ("a<b", INVALID),
        ("a\0b", INVALID),
        ("a\x07b", INVALID),
        ("a\x7fb", INVALID),
        ("a\x85b", INVALID),
        *((f"{bad}a{bad}", INVALID) for bad in EDGES),
        *((bad, INVALID) for bad in EDGES),
        (f"a{LONE}b", INVALID),
        ("\ude00", INVALID),
        (21 * "x", "Name too long"),
        (100_000 * "x", "Name too long"),
    ],
)
def test_a_line_that_cannot_be_is_refused_in_a_sentence(value: object, sentence: str) -> None:
    assert refusal(LINE, value) == sentence


@given(st.text(max_size=30))
@example("e \u0301")
@example("\x1f a \x1f")
def test_what_a_line_rule_lets_through_it_leaves_alone(text: str) -> None:
    try:
        kept = LINE(text)
    except InvalidValueError:
        return
    assert LINE(kept) == kept
    assert unicodedata.is_normalized("NFC", kept)
    assert fields.is_clean(kept)


def test_a_long_text_keeps_its_lines_and_may_be_empty() -> None:
    assert TEXT(" one\r\ntwo\rthree\n\nfour\tfive ") == "one\ntwo\nthree\n\nfour five"
    assert TEXT(" \n ") == ""
    assert TEXT("e\u0301") == "é"


@pytest.mark.parametrize("bad", ["\0", "\x0b", "\x0c", "\x1b", "\x7f", "\x9f", LONE])
def test_a_long_text_holds_no_control_characters_but_line_breaks(bad: str) -> None:
    assert refusal(TEXT, f"a{bad}b") == "Text contains invalid characters"


@pytest.mark.parametrize("bad", EDGES)
@pytest.mark.parametrize("rule", [TEXT, fields.optional(fields.single_line("Text", 20))])
def test_a_control_character_is_refused_where_it_could_be_stripped(
    rule: Validator, bad: str
) -> None:
    for text in (bad, f" {bad}a", f"a{bad}\n"):
        assert refusal(rule, text) == "Text contains invalid characters"


@pytest.mark.parametrize(("value", "why"), [(None, "is required"), (1, "must be text")])
def test_a_long_text_must_be_text(value: object, why: str) -> None:
    assert refusal(TEXT, value) == f"Text {why}"


def test_a_long_text_is_measured_after_it_was_cleaned() -> None:
    short = fields.multiline("Text", 5, lambda text: text.replace("<b>", ""))
    assert short("<b>12345") == "12345"
    assert refusal(short, "123456") == "Text too long"
    grown = fields.multiline("Text", 5, lambda text: text.replace("&", "(and)"))
    assert refusal(grown, "a&b") == "Text too long"


@pytest.mark.parametrize("entity", ["&#1;", "&#x81;", "&#11;", "&#127;"])
def test_html_does_not_smuggle_control_characters_in_as_entities(entity: str) -> None:
    assert refusal(HTML, f"<p>a{entity}b</p>") == "Details contains invalid characters"


def test_html_is_normal_after_its_entities_were_written_out() -> None:
    assert HTML("<p>e&#x301;</p>") == "<p>é</p>"
    assert HTML("<p>a&#13;&#10;b&#9;c</p>") == "<p>a\nb c</p>"


@given(html)
@example("<p>&#x338;x</p>")  # a `>` and U+0338 are one character in NFC, and then no tag's end
def test_html_that_was_let_through_is_normal_and_clean_and_stays_as_it_is(text: str) -> None:
    try:
        kept = HTML(text)
    except InvalidValueError:
        return
    assert clean_html(kept) == kept
    assert unicodedata.is_normalized("NFC", kept)
    assert HTML(kept) == kept


def test_what_never_comes_to_rest_is_refused() -> None:
    restless = fields.multiline("Text", 100, lambda text: text + "e\u0301")
    assert refusal(restless, "a") == "Text contains invalid characters"


@pytest.mark.parametrize(
    "marks",
    [
        "\u0316\u0301" * 45_000,
        "…" * 60_000 + "\u0316\u0301" * 45_000,
        "\u0316\u0301" * 45_000 + "…" * 100_000,
        "\u0f73" * 60_000,  # class 0, yet each is two marks that must be put in order
        "x" + "\u0301" * 100,
    ],
    ids=["nothing else", "behind dots", "before dots", "Tibetan", "a hundred"],
)
def test_more_marks_than_any_script_stacks_are_refused_unsorted(marks: str) -> None:
    for rule in (fields.single_line("Text", 50_000), fields.multiline("Text", 50_000)):
        assert refusal(rule, marks) == "Text contains invalid characters"


def test_marks_as_scripts_use_them_are_let_through() -> None:
    for text in ("z" + "\u0351" * 40, "ลูกชิ้น" * 30, "❤️" * 150, "…" * 200, "हिन्दी" * 30):
        assert fields.multiline("Text", 500)(text) == unicodedata.normalize("NFC", text)


def test_an_optional_value_may_be_none_or_blank() -> None:
    rule = fields.optional(LINE)
    assert [rule(value) for value in (None, "", " \n", " a ")] == [None, None, None, "a"]
    assert refusal(rule, "<") == INVALID
    assert refusal(rule, 0) == "Name must be text"


def test_a_slug_is_lower_case_letters_digits_and_hyphens() -> None:
    assert [SLUG(text) for text in ("a", "egg-2", "-", "0123456789")] == [
        "a",
        "egg-2",
        "-",
        "0123456789",
    ]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "Slug is required"),
        ("", "Slug is required"),
        (1, "Slug must be text"),
        ("12345678901", "Slug too long"),
        ("search", "Slug 'search' is reserved"),
        *(
            (text, "Slug must contain only lowercase letters, numbers, and hyphens")
            for text in ("Egg", "e_g", " egg", "egg\n", "é", "٣", "a/b", "\0")
        ),
    ],
)
def test_a_slug_of_anything_else_is_refused(value: object, sentence: str) -> None:
    assert refusal(SLUG, value) == sentence


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("24.99", "24.99"),
        ("24.990", "24.99"),
        ("0.01", "0.01"),
        ("5", "5.00"),
        ("007.5", "7.50"),
        (5, "5.00"),
        (Decimal("24.9"), "24.90"),
        (Decimal("1E+2"), "100.00"),
        (Decimal("24.990000"), "24.99"),
        ("999.99", "999.99"),
        (f"1.{'0' * 30}", "1.00"),
    ],
)
def test_money_is_taken_exactly_and_kept_to_the_cent(value: object, amount: str) -> None:
    assert str(PRICE(value)) == amount


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("0", "Price must be positive"),
        ("-1", "Price must be positive"),
        ("-0.00", "Price must be positive"),
        (0, "Price must be positive"),
        ("1000", "Price too high"),
        ("999.991", "Price too high"),
        pytest.param(10**5000, "Price too high", id="huge"),
        (Decimal("1E+999999"), "Price too high"),
        ("24.999", "Price must have at most 2 decimals"),
        ("0.001", "Price must have at most 2 decimals"),
        (Decimal("1E-999999"), "Price must have at most 2 decimals"),
        *((value, 'Price must be a number such as "24.99"') for value in NO_NUMBERS),
    ],
)
def test_money_is_never_a_float_nor_anything_inexact(value: object, sentence: str) -> None:
    assert refusal(PRICE, value) == sentence


@given(st.decimals(Decimal("0.01"), Decimal("999.99"), places=2), st.integers(0, 20))
def test_money_is_what_was_written_however_many_zeros_follow(amount: Decimal, zeros: int) -> None:
    taken = PRICE(f"{amount}{'0' * zeros}")
    assert (taken, str(taken)) == (amount, str(amount))


def test_a_whole_number_lies_between_its_bounds() -> None:
    assert (COUNT(0), COUNT(9)) == (0, 9)
    assert refusal(COUNT, -1) == "Count cannot be negative"
    assert refusal(COUNT, 10) == "Count too high (at most 9)"
    assert refusal(fields.integer_between("Limit", 1, 9), 0) == "Limit must be at least 1"
    for value in (1.0, True, "1", Decimal(1), None, nan):
        assert refusal(COUNT, value) == "Count must be an integer"


def test_yes_and_no_are_booleans_alone() -> None:
    flag = fields.boolean("Flag")
    assert (flag(True), flag(False)) == (True, False)  # noqa: FBT003  (a value under test)
    for value in (0, 1, "true", None):
        assert refusal(flag, value) == "Flag must be true or false"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], "At least one tag is required"),
        (list("abcd"), "Too many tags"),
        ("abc", "Tags must be a list"),
        ({"a"}, "Tags must be a list"),
        (None, "Tags must be a list"),
        (["a", " "], "Tag is required"),
        (["a", 1], "Tag must be text"),
        (["abcdef"], "Tag too long"),
    ],
)
def test_a_list_is_refused_for_its_length_and_for_each_item(value: object, sentence: str) -> None:
    assert refusal(TAGS, value) == sentence


def test_a_list_keeps_clean_items_in_their_order() -> None:
    assert TAGS(["b", " a ", "b"]) == ("b", "a", "b")
    assert TAGS(("b",)) == ("b",)
    assert fields.list_of("Tags", str, 3)([]) == ()


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], "Facts must be a map of texts"),
        (None, "Facts must be a map of texts"),
        (dict.fromkeys("abc", "x"), "Too many facts"),
        ({"a": None}, "Word is required"),
        ({"a": 1}, "Word must be text"),
        ({" ": "x"}, "Fact is required"),
        ({1: "x"}, "Fact must be text"),
        ({"a": "abcdef"}, "Word too long"),
        ({"a": "x", " a ": "y"}, "Facts must each have a name of their own"),
    ],
)
def test_a_map_is_refused_for_its_size_and_for_each_entry(value: object, sentence: str) -> None:
    assert refusal(MAP, value) == sentence


def test_a_map_keeps_its_order() -> None:
    assert list(MAP({" b ": " x ", "a": "y"}).items()) == [("b", "x"), ("a", "y")]


def test_all_faults_are_told_at_once_each_with_its_field() -> None:
    with pytest.raises(ValidationError) as invalid:
        fields.check(
            {"name": "", "count": -1, "ok": "x", "other": 1, "n\0" * 99: 1, "passed over": 1},
            {"name": LINE, "count": COUNT, "ok": LINE, "seo_title": LINE, "sku": LINE},
            required=("seo_title", "sku", "name"),
            ignore=("passed over",),
            errors=[FieldError("both", "Not together")],
        )
    assert invalid.value.errors == (
        FieldError("name", "Name is required"),
        FieldError("count", "Count cannot be negative"),
        FieldError("other", "Unknown field"),
        FieldError("n\ufffd" * 50, "Unknown field"),
        FieldError("seo_title", "SEO title is required"),
        FieldError("sku", "SKU is required"),
        FieldError("both", "Not together"),
    )


def test_values_without_a_fault_are_clean_and_no_others_are_there() -> None:
    found = fields.check({"name": " a ", "id": 1}, {"name": LINE, "count": COUNT}, ignore=("id",))
    assert found == {"name": "a"}


@given(
    rule=st.sampled_from([LINE, TEXT, HTML, SLUG, PRICE, COUNT, TAGS, MAP, fields.optional(LINE)]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
        max_leaves=5,
    ),
)
@settings(max_examples=300)
def test_a_rule_refuses_and_never_breaks(rule: Validator, value: object) -> None:
    with suppress(InvalidValueError):
        rule(value)
