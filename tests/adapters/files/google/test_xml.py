"""RSS and Atom feeds: elements, sales, broken and hostile XML, and memory."""

import contextlib
import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.files import read_products
from eggypro_adapters.files.google import xml
from eggypro_adapters.files.google.reading import read_xml
from eggypro_adapters.files.google.xml_repair import XmlRepair
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import ParseError
from tests.support.product_files import GeneratedFile

NOW = datetime(2026, 5, 15, 12, tzinfo=UTC)
START = (
    '<?xml version="1.0"?><rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>\n'
)
END = "</channel></rss>"


def rss(*items: str) -> bytes:
    return (START + "".join(f"<item>{item}</item>\n" for item in items) + END).encode()


def entries(file: bytes) -> list[ImportEntry]:
    return list(read_xml(io.BytesIO(file), clock=lambda: NOW).entries)


def values(elements: str) -> dict[str, Any]:
    """Return the values of the product with these elements, an ID and a title."""
    first, *_ = entries(rss(f"<g:id>A</g:id><title>Egg</title>{elements}"))
    return dict(first.values or {})


def messages(file: bytes) -> list[tuple[int, str]]:
    return [
        (message.line, message.message)
        for entry in entries(file)
        for message in (*entry.errors, *entry.warnings)
    ]


def test_rss() -> None:
    file = rss(
        "<g:id>A</g:id><title>Egg &amp; ham</title>"
        "<description><![CDATA[<p>Pure</p>]]></description>"
        "<g:price>12.50 EUR</g:price><g:availability>out_of_stock</g:availability>"
        "<g:product_type>Food &gt; Bars</g:product_type><g:product_type>Gym</g:product_type>"
        "<g:image_link>https://x.example/1</g:image_link>"
        "<g:additional_image_link>https://x.example/2</g:additional_image_link>"
        "<g:additional_image_link>https://x.example/3</g:additional_image_link>"
        "<g:product_detail><g:section_name>Food</g:section_name>"
        "<g:attribute_name>Fat: all</g:attribute_name><g:attribute_value>1,5 g</g:attribute_value>"
        "</g:product_detail>"
    )
    (entry,) = read_products(io.BytesIO(file)).entries
    assert (entry.line, entry.source_id) == (2, "A")
    assert entry.values == {
        "name": "Egg & ham",
        "sku": "A",
        "description": "Pure",
        "details": "<p>Pure</p>",
        "price": "12.50",
        "stock_quantity": 0,
        "track_stock": True,
        "categories": [["Food", "Bars"], ["Gym"]],
        "images": [{"ref": f"https://x.example/{number}", "alt": None} for number in (1, 2, 3)],
        "attribute_edits": {"Fat: all": "1,5 g"},
    }


def test_atom() -> None:
    file = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">'
        "<title>Shop</title><id>tag:x</id><entry><id>tag:x/1</id><g:id>A</g:id>"
        '<title>Egg</title><link href="https://x.example/egg"/><summary>Pure</summary></entry></feed>'
    )
    first, last = entries(file.encode())
    assert first.values == {"name": "Egg", "sku": "A", "description": "Pure"}
    assert [warning.column for warning in last.warnings] == ["link"]
    assert last.warnings[0].value == "https://x.example/egg"


def test_elements_of_google_stand_before_those_of_rss() -> None:
    file = rss("<title>Long title</title><g:title>Title</g:title><g:id>A</g:id><brand>X</brand>")
    assert entries(file)[0].values == {"name": "Title", "sku": "A", "brand": "X"}
    assert messages(file) == [
        (2, "Column 'title' has values in 1 row (such as 'Long title'): ignored")
    ]


def test_utf_16_and_windows_1252() -> None:
    text = rss("<g:id>A</g:id><title>Käse</title>").decode()
    for encoding in ("utf-16", "windows-1252"):
        file = text.replace('"1.0"?', f'"1.0" encoding="{encoding}"?', 1).encode(encoding)
        (entry,) = read_products(io.BytesIO(file)).entries
        assert entry.values == {"name": "Käse", "sku": "A"}


def test_an_element_that_an_item_lacks_is_a_blank_cell() -> None:
    first, second = entries(
        rss(
            "<g:id>A</g:id><title>A</title><g:brand>Hen</g:brand>", "<g:id>B</g:id><title>B</title>"
        )
    )
    assert ((first.values or {})["brand"], (second.values or {})["brand"]) == ("Hen", None)


def test_item_groups() -> None:
    rows = [
        f"<g:id>{size}</g:id><g:item_group_id>G</g:item_group_id><title>Shirt</title>"
        f"<g:size>{size}</g:size>"
        for size in ("S", "L")
    ]
    (entry,) = entries(rss(*rows))
    assert entry.source_id == "G"
    assert entry.variant_lines == (2, 3)


@pytest.mark.parametrize(
    ("period", "is_on_sale"),
    [
        ("2026-05-01T00:00+0100/2026-05-31T23:59+0100", True),
        ("2026-05-01T00:00:00Z/2026-05-15T11:59:59Z", False),
        ("2026-05-15T11:59-00:00/9999-12-31T23:59-08:00", True),
        ("2026-05-15T13:30+02:00/2026-05-16T00:00+02:00", True),
        ("2026-05-15T14:30+02:00/2026-05-16T00:00+02:00", False),
        ("2026-05-01/2026-05-15", True),
        ("2026-05-01/2026-05-14", False),
        ("2017-12-01T0:00-23:59/2017-12-31T0:00-23:59", False),
        ("", True),
    ],
)
def test_a_sale_applies_only_in_its_period(period: str, *, is_on_sale: bool) -> None:
    row = values(
        "<g:price>10 EUR</g:price><g:sale_price>8 EUR</g:sale_price>"
        f"<g:sale_price_effective_date>{period}</g:sale_price_effective_date>"
    )
    expected = ("8", "10") if is_on_sale else ("10", None)
    assert (row["price"], row["compare_at_price"]) == expected


@pytest.mark.parametrize("period", ["soon", "2026-05-01", "2026-13-01/2026-05-31"])
def test_an_unknown_period_is_no_sale_with_a_warning(period: str) -> None:
    file = rss(
        "<g:id>A</g:id><g:price>10</g:price><g:sale_price>8</g:sale_price>"
        f"<g:sale_price_effective_date>{period}</g:sale_price_effective_date>"
    )
    assert (entries(file)[0].values or {})["price"] == "10"
    ((line, message),) = messages(file)
    assert line == 2
    assert message.startswith(f"'{period}' is not a period")


def test_prices_in_another_currency_are_one_warning() -> None:
    item = "<g:id>{0}</g:id><title>{0}</title><g:price>1 {1}</g:price>"
    dollars = [item.format("B", "USD"), item.format("C", "USD")]
    assert messages(rss(item.format("A", "EUR"), *dollars)) == [
        (3, "Prices are in USD, not in EUR: imported without conversion")
    ]
    assert messages(rss(*dollars)) == []


def test_unknown_elements_are_one_warning_each() -> None:
    shipping = "<g:shipping><g:country>US</g:country><g:price>1 USD</g:price></g:shipping>"
    assert messages(rss(f"<g:id>A</g:id><title>A</title>{shipping}")) == [
        (2, "Column 'g:shipping' has values in 1 row (such as 'US 1 USD'): ignored")
    ]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"<!DOCTYPE html><html></html>", "document type"),
        (
            b'<!DOCTYPE x [<!ENTITY a "aaaa">]><rss><channel><item>&a;</item></channel></rss>',
            "docu",
        ),
        (b"<rss><channel><title>x</title></channel></rss>", "found <rss>, <channel>, <title>;"),
        (b"<rss><channel><item><id>1</id>", "The XML is broken"),
        (b"<rss", "The XML is broken"),
        (b"<a>" * 200, "nested more than"),
    ],
)
def test_a_file_that_is_no_feed_is_refused(file: bytes, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        read_xml(io.BytesIO(file))


def test_products_before_broken_xml_are_read() -> None:
    file = rss("<g:id>A</g:id><title>Egg</title>")[: -len(END)] + b"<item><g:id>B</title></item>"
    error, entry = entries(file)
    assert (error.line, error.values) == (3, None)
    assert error.errors[0].message.startswith("The XML is broken (mismatched tag: line 3")
    assert (entry.values or {})["name"] == "Egg"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Salt & pepper", "Salt & pepper"),
        ("x?a=1&b=2&amp;c=3", "x?a=1&b=2&c=3"),
        ("Caf&eacute;&#33; &egg;", "Café! &egg;"),
        ("<![CDATA[Salt & <b>]]> & more", "Salt & <b> & more"),
        ("AT&T", "AT&T"),
    ],
)
def test_ampersands_and_entities_of_html_are_repaired(text: str, name: str) -> None:
    assert values(f"<g:brand>{text}</g:brand>")["brand"] == name


@given(st.lists(st.sampled_from(["&", "&amp;", "<![CDATA[", "]]>", "x", " ", "\n", "&lt;", ";"])))
def test_repair_does_not_depend_on_the_pieces(parts: list[str]) -> None:
    data = "".join(parts).encode()
    whole, bytewise = XmlRepair(), XmlRepair()
    expected = whole.feed(b"<a>" + data) + whole.feed(b"")
    pieces = [bytes([byte]) for byte in b"<a>" + data]
    assert b"".join(map(bytewise.feed, [*pieces, b""])) == expected


@pytest.mark.parametrize("piece", [b"&eacute;", b"]]>&", b"]]]>&&amp;"])
def test_long_texts_without_spaces_are_repaired_in_parts(piece: bytes) -> None:
    start = b"<![CDATA[" if b"]" in piece else b"<a>"
    expected = piece.replace(b"&eacute;", b"&#233;").replace(b">&", b">&amp;")
    for length in range(65_400, 65_600, 3):
        data = start + b"x" * length + piece
        repair = XmlRepair()
        parts = [repair.feed(data), repair.feed(b"y" * 100), repair.feed(b"")]
        assert b"".join(parts) == start + b"x" * length + expected + b"y" * 100


_FRAGMENTS = [
    *"<rss> <channel> <item> </item> </channel> </rss> <g:id> </g:id> <g:price> </g:price>".split(),
    *"<title> </title> <item><g:id>1</g:id></item> <!-- --> <![CDATA[ ]]> & &lt; 9 EUR".split(),
    *"<g:size> </g:size> <g:item_group_id>1</g:item_group_id> <link/> \x00 \xff".split(" "),
]


@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=30).map("".join))
def test_any_xml_yields_entries_or_a_parse_error(text: str) -> None:
    file = f"<rss><item><g:id>0</g:id></item>{text}".encode("latin-1")
    with contextlib.suppress(ParseError):
        assert all(
            entry.values is not None or entry.errors or entry.warnings for entry in entries(file)
        )


def test_an_item_that_is_too_large_is_refused_alone() -> None:
    huge = "<g:id>A</g:id>" + f"<g:x>{'x' * 1_000_000}</g:x>" * 5
    many = "<g:id>C</g:id>" + "<g:x/>" * 6000
    deep = "<g:id>D</g:id>" + "<x>" * 150 + "</x>" * 150
    long = f"<g:id>E</g:id><title>{'x' * 1_100_000}</title>"
    last = "<g:id>B</g:id><title>Egg</title>"
    found = entries(rss(huge, many, deep, long, last))
    assert [entry.errors[0].message for entry in found[:-1]] == [
        "The item has more than 4,194,304 characters",
        "The item has too many elements: at most 5,000 are read",
        "The item is nested more than 100 levels deep",
        "<title> has more than 1,048,576 characters",
    ]
    assert (found[-1].values or {})["name"] == "Egg"


def test_a_tag_without_an_end_is_not_held_in_memory() -> None:
    def endless_comment() -> Iterator[bytes]:
        yield b"<rss><!-- "
        for _ in range(4 * xml.MAX_ITEM_LENGTH // 1024):
            yield b"x" * 1024
        pytest.fail("the reader did not stop at the limit")

    with pytest.raises(ParseError, match="A tag has more than"):
        read_xml(GeneratedFile(endless_comment()))


def test_memory_does_not_grow_with_the_file() -> None:
    def parts() -> Iterator[bytes]:
        yield START.encode()
        for number in range(8_000):
            yield f"<item><g:id>{number}</g:id><title>{'x' * 200}</title></item>\n".encode()
        yield END.encode()

    tracemalloc.start()
    try:
        count = sum(entry.values is not None for entry in read_xml(GeneratedFile(parts())).entries)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 8_000
    assert peak < 3 * 1024 * 1024
