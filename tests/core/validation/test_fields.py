"""Tests of the validators: clean values and error messages."""

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
INVALID_NUMBERS: list[object] = [
    *(24.99, 1.0, nan, inf, True, False, None, []),
    *(Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity")),
    *("", " 1", "1\n", "+1", "1e2", ".5", "1.", "1,5", "٣", "NaN", "Infinity", "0x1", "1_0"),
    *("--1", "1.2.3", "9" * 31, "\0"),
]
INVALID = "Name contains invalid characters"
LONE_SURROGATE = "\ud800"
STRIPPABLE_CONTROLS = "\x0b\x0c\x1c\x1f\x85"
"""Control characters that `str.strip` takes for whitespace."""


def error_message(validator: Validator, value: object) -> str:
    with pytest.raises(InvalidValueError) as raised:
        validator(value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Egg", "Egg"),
        ("  Egg \t\r\n White\u00a0\u2003 Bar ", "Egg White Bar"),
        ("Cafe\u0301", "Café"),
        ("Ω蛋🥚' \"&;/%", "Ω蛋🥚' \"&;/%"),
        (20 * "x", 20 * "x"),
        (20 * "e\u0301", 20 * "é"),
        ("\ufeffT\u200be \u202e \u00ada\u2060", "Te a"),
        ("e\u200b\u0301", "é"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_single_line_normalises_and_collapses_whitespace(text: str, clean: str) -> None:
    assert LINE(text) == clean


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "Name is required"),
        ("", "Name is required"),
        (" \t\n\u3000", "Name is required"),
        ("\u200b\u200e \ufeff", "Name is required"),
        (7, "Name must be text"),
        (b"Egg", "Name must be text"),
        (["Egg"], "Name must be text"),
        ("a<b", INVALID),
        ("a\0b", INVALID),
        ("a\x07b", INVALID),
        ("a\x7fb", INVALID),
        ("a\x85b", INVALID),
        *((f"{character}a{character}", INVALID) for character in STRIPPABLE_CONTROLS),
        *((character, INVALID) for character in STRIPPABLE_CONTROLS),
        (f"a{LONE_SURROGATE}b", INVALID),
        ("\ude00", INVALID),
        (21 * "x", "Name too long"),
        (100_000 * "x", "Name too long"),
    ],
)
def test_single_line_rejects_invalid_text(value: object, message: str) -> None:
    assert error_message(LINE, value) == message


@given(st.text(max_size=30))
@example("e \u0301")
@example("\x1f a \x1f")
@example("e\u200d\u200c\u0301")
def test_single_line_is_idempotent(text: str) -> None:
    try:
        clean = LINE(text)
    except InvalidValueError:
        return
    assert LINE(clean) == clean
    assert unicodedata.is_normalized("NFC", clean)
    assert fields.is_clean(clean)


def test_multiline_keeps_line_breaks_and_may_be_empty() -> None:
    assert TEXT(" one\r\ntwo\rthree\n\nfour\tfive ") == "one\ntwo\nthree\n\nfour five"
    assert TEXT(" \n ") == ""
    assert TEXT("e\u0301") == "é"
    assert TEXT("\u200fone\u200b\n\u2066two\u2069 ") == "one\ntwo"


@pytest.mark.parametrize(
    "character", ["\0", "\x0b", "\x0c", "\x1b", "\x7f", "\x9f", LONE_SURROGATE]
)
def test_multiline_rejects_control_characters_except_line_breaks(character: str) -> None:
    assert error_message(TEXT, f"a{character}b") == "Text contains invalid characters"


@pytest.mark.parametrize("character", STRIPPABLE_CONTROLS)
@pytest.mark.parametrize("validator", [TEXT, fields.optional(fields.single_line("Text", 20))])
def test_control_characters_that_strip_removes_are_rejected(
    validator: Validator, character: str
) -> None:
    for text in (character, f" {character}a", f"a{character}\n"):
        assert error_message(validator, text) == "Text contains invalid characters"


@pytest.mark.parametrize(("value", "problem"), [(None, "is required"), (1, "must be text")])
def test_multiline_requires_text(value: object, problem: str) -> None:
    assert error_message(TEXT, value) == f"Text {problem}"


def test_multiline_checks_the_length_after_cleaning() -> None:
    shorten = fields.multiline("Text", 5, lambda text: text.replace("<b>", ""))
    assert shorten("<b>12345") == "12345"
    assert error_message(shorten, "123456") == "Text too long"
    lengthen = fields.multiline("Text", 5, lambda text: text.replace("&", "(and)"))
    assert error_message(lengthen, "a&b") == "Text too long"


@pytest.mark.parametrize("entity", ["&#1;", "&#x81;", "&#11;", "&#127;"])
def test_control_characters_as_html_entities_are_rejected(entity: str) -> None:
    assert error_message(HTML, f"<p>a{entity}b</p>") == "Details contains invalid characters"


def test_html_is_normalised_after_entities_are_decoded() -> None:
    assert HTML("<p>e&#x301;</p>") == "<p>é</p>"
    assert HTML("<p>a&#13;&#10;b&#9;c</p>") == "<p>a\nb c</p>"


@given(html)
@example("<p>&#x338;x</p>")  # NFC composes `>` and U+0338 into a character that ends no tag
def test_html_validator_is_idempotent(text: str) -> None:
    try:
        clean = HTML(text)
    except InvalidValueError:
        return
    assert clean_html(clean) == clean
    assert unicodedata.is_normalized("NFC", clean)
    assert HTML(clean) == clean


def test_text_that_cleaning_never_leaves_unchanged_is_rejected() -> None:
    unstable = fields.multiline("Text", 100, lambda text: text + "e\u0301")
    assert error_message(unstable, "a") == "Text contains invalid characters"


@pytest.mark.parametrize(
    "marks",
    [
        "\u0316\u0301" * 45_000,
        "…" * 60_000 + "\u0316\u0301" * 45_000,
        "\u0316\u0301" * 45_000 + "…" * 100_000,
        "\u0f73" * 60_000,  # class 0, but decomposes into two marks to sort
        "x" + "\u0301" * 100,
    ],
    ids=["marks only", "after dots", "before dots", "Tibetan", "a hundred"],
)
def test_excess_combining_marks_are_rejected_before_normalising(marks: str) -> None:
    for validator in (fields.single_line("Text", 50_000), fields.multiline("Text", 50_000)):
        assert error_message(validator, marks) == "Text contains invalid characters"


def test_combining_marks_of_real_scripts_are_accepted() -> None:
    for text in ("z" + "\u0351" * 40, "ลูกชิ้น" * 30, "❤️" * 150, "…" * 200, "हिन्दी" * 30):
        assert fields.multiline("Text", 500)(text) == unicodedata.normalize("NFC", text)


def test_optional_accepts_none_and_blank_text() -> None:
    validator = fields.optional(LINE)
    assert [validator(value) for value in (None, "", " \n", " a ")] == [None, None, None, "a"]
    assert error_message(validator, "<") == INVALID
    assert error_message(validator, 0) == "Name must be text"


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example",
        "https://x.example:8443/a?b=@:1#c",
        "https://bücher.example/é.jpg",
        "https://[2001:db8::1]/a.jpg",
        "https://a_b-c.example.?w=1",
    ],
)
def test_https_url_accepts_hosts_and_ports(url: str) -> None:
    assert fields.https_url("Image URL")(url) == url


@pytest.mark.parametrize(
    "rest",
    [
        *("", "/x", "/", "?x", "#x", ":443/x", ".", "./", ".x/", "a..b/", "%41/", "a,b/", "*.x/"),
        *("u@h/", "u:pw@h/", ":@h/", "@h", "h:/", "h:0/", "h:99999/", "h:x/", "h:80:80/", "[::1/"),
    ],
)
def test_https_url_rejects_invalid_hosts_ports_and_users(rest: str) -> None:
    message = "Image URL must be an https URL with a valid host, without user and password"
    assert error_message(fields.https_url("Image URL"), f"https://{rest}") == message


def test_slug_accepts_lowercase_letters_digits_and_hyphens() -> None:
    assert [SLUG(text) for text in ("a", "egg-2", "-", "0123456789")] == [
        "a",
        "egg-2",
        "-",
        "0123456789",
    ]


@pytest.mark.parametrize(
    ("value", "message"),
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
def test_slug_rejects_invalid_values(value: object, message: str) -> None:
    assert error_message(SLUG, value) == message


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
def test_money_is_exact_to_the_cent(value: object, amount: str) -> None:
    assert str(PRICE(value)) == amount


@pytest.mark.parametrize(
    ("value", "message"),
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
        *((value, 'Price must be a number such as "24.99"') for value in INVALID_NUMBERS),
    ],
)
def test_money_rejects_invalid_and_inexact_values(value: object, message: str) -> None:
    assert error_message(PRICE, value) == message


@given(st.decimals(Decimal("0.01"), Decimal("999.99"), places=2), st.integers(0, 20))
def test_money_ignores_trailing_zeros(amount: Decimal, zeros: int) -> None:
    price = PRICE(f"{amount}{'0' * zeros}")
    assert (price, str(price)) == (amount, str(amount))


def test_integer_between_enforces_its_bounds() -> None:
    assert (COUNT(0), COUNT(9)) == (0, 9)
    assert error_message(COUNT, -1) == "Count cannot be negative"
    assert error_message(COUNT, 10) == "Count too high (at most 9)"
    assert error_message(fields.integer_between("Limit", 1, 9), 0) == "Limit must be at least 1"
    for value in (1.0, True, "1", Decimal(1), None, nan):
        assert error_message(COUNT, value) == "Count must be an integer"


def test_boolean_accepts_only_booleans() -> None:
    flag = fields.boolean("Flag")
    assert (flag(True), flag(False)) == (True, False)  # noqa: FBT003  (a value under test)
    for value in (0, 1, "true", None):
        assert error_message(flag, value) == "Flag must be true or false"


@pytest.mark.parametrize(
    ("value", "message"),
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
def test_list_of_rejects_invalid_lengths_and_items(value: object, message: str) -> None:
    assert error_message(TAGS, value) == message


def test_list_of_returns_clean_items_in_order() -> None:
    assert TAGS(["b", " a ", "b"]) == ("b", "a", "b")
    assert TAGS(("b",)) == ("b",)
    assert fields.list_of("Tags", str, 3)([]) == ()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "Facts must be a map of names to text"),
        (None, "Facts must be a map of names to text"),
        (dict.fromkeys("abc", "x"), "Too many facts"),
        ({"a": None}, "Word is required"),
        ({"a": 1}, "Word must be text"),
        ({" ": "x"}, "Fact is required"),
        ({1: "x"}, "Fact must be text"),
        ({"a": "abcdef"}, "Word too long"),
        ({"a": "x", " a ": "y"}, "Fact names must be unique"),
    ],
)
def test_string_map_rejects_invalid_sizes_and_entries(value: object, message: str) -> None:
    assert error_message(MAP, value) == message


def test_string_map_preserves_order() -> None:
    assert list(MAP({" b ": " x ", "a": "y"}).items()) == [("b", "x"), ("a", "y")]


def test_check_raises_all_errors_at_once() -> None:
    with pytest.raises(ValidationError) as invalid:
        fields.check(
            {"name": "", "count": -1, "ok": "x", "other": 1, "n\0" * 99: 1, "ignored": 1},
            {"name": LINE, "count": COUNT, "ok": LINE, "seo_title": LINE, "sku": LINE},
            required=("seo_title", "sku", "name"),
            ignore=("ignored",),
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


def test_check_returns_only_clean_known_values() -> None:
    values = fields.check({"name": " a ", "id": 1}, {"name": LINE, "count": COUNT}, ignore=("id",))
    assert values == {"name": "a"}


@given(
    validator=st.sampled_from(
        [LINE, TEXT, HTML, SLUG, PRICE, COUNT, TAGS, MAP, fields.optional(LINE)]
    ),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
        max_leaves=5,
    ),
)
@settings(max_examples=300)
def test_validators_raise_only_invalid_value_error(validator: Validator, value: object) -> None:
    with suppress(InvalidValueError):
        validator(value)
