import html as entities
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eggypro_adapters.files.html import NhHtmlCleaner, clean_html, plain_text
from eggypro_core.domain.product_fields import details_validator
from eggypro_core.ports import HtmlCleaner
from eggypro_core.validation.fields import InvalidValueError

REL = ' rel="noopener nofollow"'
TAGS = """
p b strong i em u s ul ol li h2 h3 h4 h5 h6 blockquote code pre table thead tbody tr th td a
br hr div span form select option svg math object template caption colgroup nobr button
plaintext textarea title iframe body font foreignObject mi h1 section figure figcaption dl dt dd
address form main summary li"""
REPEATED = """
<ul> <div> <dl><dt> <b> <p>x <b><p>x <a><b><p>x <table> <table><td> <tr> <object> <button> <select>
<svg> <svg><ul></svg> <math><mi> <template> <form> <span> <span><ul></span> <span><b></span>
<b></p> <b><ul></b> <div></x> <ul><textarea></ul></textarea> <!--><ul> <!--</ul>--><ul>
<ul><select></ul></select> <ul><![CDATA[></ul>]]> <body><ul></body> <font>x <h1> <li><div> & < <!--
<a\tb=" </p> <ul><caption> <rt> <b><i><u><s><em><strong><code><p>x""".split()


def test_nh_html_cleaner_implements_html_cleaner() -> None:
    cleaner: HtmlCleaner = NhHtmlCleaner()
    assert cleaner.clean("<p onclick=x()>a</p>") == "<p>a</p>"


@pytest.mark.parametrize(
    ("html", "cleaned"),
    [
        ("<p>a<br>b</p><hr>", "<p>a<br>b</p><hr>"),
        ("<h2>a</h2><ul><li>b</li></ul>", "<h2>a</h2><ul><li>b</li></ul>"),
        ("<span style='x'>a</span>", "a"),
        ("<p title=x lang=en id=y class=z style='a'>a</p>", "<p>a</p>"),
        ("a<img src=x onerror=alert(1)>b", "ab"),
        ("a<script>alert(1)</script><style>p{}</style>b", "ab"),
        ("a<!-- b -->c<![CDATA[d]]>", "ac"),
        ("<a href='https://x.y/?a=1&b=2'>x</a>", f'<a href="https://x.y/?a=1&amp;b=2"{REL}>x</a>'),
        ("<a href='mailto:a@b.c' target=_blank>x</a>", f'<a href="mailto:a@b.c"{REL}>x</a>'),
        ("<a href='javascript:x'>x</a>", f"<a{REL}>x</a>"),
        ("<a href=' jAvA\nscript:x'>x</a>", f"<a{REL}>x</a>"),
        ("<a href='data:text/html,x'>x</a>", f"<a{REL}>x</a>"),
        ("<a href='/x'>x</a>", f"<a{REL}>x</a>"),
        ("<a href='//x.y/z'>x</a>", f"<a{REL}>x</a>"),
        ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
        ("a<svg><script>x</script></svg><math><mi>y</math>", "a"),
        ("<iframe src=x>y</iframe>", ""),
        ("<table><tr><td>a</table>", "<table><tbody><tr><td>a</td></tr></tbody></table>"),
        ("<b>a", "<b>a</b>"),
        ("", ""),
    ],
)
def test_html_is_reduced_to_the_allow_list(html: str, cleaned: str) -> None:
    assert clean_html(html) == cleaned


@pytest.mark.parametrize(
    ("html", "cleaned"),
    [
        ("<div>a</div><div>b</div>", "<p>a</p><p>b</p>"),
        ("<div>a</div>\n<div>b</div>", "<p>a</p><p>b</p>"),
        ("a<div>b</div>c", "a<p>b</p><p>c</p>"),
        ("<div>a<div>b</div>c</div>d", "<p>a</p><p>b</p><p>c</p><p>d</p>"),
        ("<div class=x data-y='>'><p>a</p></div>", "<p>a</p>"),
        ("<section><h1>a</h1><ul><li>b</ul></section>", "<h2>a</h2><ul><li>b</li></ul>"),
        ("<h1>a</h1>b", "<h2>a</h2>b"),
        ("<DIV>a<BR>b</DIV>", "<p>a<br>b</p>"),
        ("<dl><dt>a</dt><dd>b</dd></dl>", "<p>a</p><p>b</p>"),
        ("<h2><div>a</div><div>b</div></h2>", "<h2>\na\n\nb\n</h2>"),
        ("<pre><div>a</div><div>b</div></pre>", "<pre>a\n\nb\n</pre>"),
        ("<b>a<div>b</div></b>c", "<b>a<p>b</p></b><p><b></b>c</p>"),
        ("<li><div>a</div></li>", "<li><p>a</p></li>"),
        ("x<p> </p>y<div>z</div>", "x<p> </p>y<p>z</p>"),
        ("<p></p>", "<p></p>"),
        (
            "<table><caption>a</caption><tr><td><div>b</div>c</table>",
            "<p>a</p><table><tbody><tr><td><p>b</p><p>c</p></td></tr></tbody></table>",
        ),
        ("<select><option>a<option>b</select>", "<p>a</p><p>b</p>"),
        ("<a title='<div>'>a</a>b<!--<div>-->c", f"<a{REL}>a</a>bc"),
    ],
)
def test_other_blocks_become_paragraphs(html: str, cleaned: str) -> None:
    assert clean_html(html) == cleaned


BLOCKS = "div section h1 h2 dt dd p li figure address header main article center legend".split()


@given(st.lists(st.tuples(st.sampled_from(["", "b", "span", "a"]), st.sampled_from(BLOCKS))))
def test_words_of_different_blocks_never_run_together(tags: list[tuple[str, str]]) -> None:
    html = "".join(
        f"<{inline}><{block}>w{number}</{block}>" if inline else f"<{block}>w{number}"
        for number, (inline, block) in enumerate(tags)
    )
    words = re.findall("w[0-9]+", html)
    blocks = re.sub("</?(b|a)( rel=[^>]*)?>", "", clean_html(html))
    assert re.sub("<[^>]*>", " ", blocks).split() == words
    assert plain_text(html).split() == words


@pytest.mark.parametrize("unit", REPEATED)
def test_cleaning_takes_linear_time(unit: str) -> None:
    html = unit.replace("\t", " ") * (1_000_000 // len(unit))
    start = time.process_time()
    cleaned = clean_html(html)
    plain_text(html)
    assert time.process_time() - start < 5
    assert len(cleaned) < 1_000_000


def test_the_text_of_deeply_nested_html_stays() -> None:
    html = "<div>a<ul><li><b>b</b>" * 1000 + "<h2>c</h2>"
    cleaned = clean_html(html)
    assert re.sub("<[^>]*>", " ", cleaned).split() == ["a", "b"] * 1000 + ["c"]
    assert 20 < cleaned.count("<ul>") <= 100


def test_flat_html_with_many_tags_keeps_them() -> None:
    html = "".join(
        f'<p>a <b>{n}</b></p><ul><li>b</li></ul><a href="https://x.y/{n}"{REL}>c</a>'
        for n in range(500)
    )
    assert clean_html(html) == html


@pytest.mark.parametrize(
    "html",
    [
        "<pre>\n\n\n\n\n\n\n\n\n\n\n\n\n\nx</pre>",
        "<p><object><p>x</p></object></p>",
        "<h2><dt></br><tbody><a href=x><h2><h6></mi><object><thead><a href='https://x.y'></span>",
        "<a href='https://x.y'><table><tr><td><a href='https://x.y'>",
        "<p>" * 30 + "<object>" * 30 + "<p>" * 30,
        "a\r\nb\rc\x00",
    ],
)
def test_cleaning_is_idempotent_for_changing_nesting(html: str) -> None:
    assert clean_html(clean_html(html)) == clean_html(html)


PIECES = st.one_of(
    st.sampled_from([f"<{sign}{name}>" for name in TAGS.split() for sign in ("", "/")]),
    st.sampled_from(["<a href='https://x.y/?a=1&b=2'>", "<a href=javascript:x>", "<!--", "-->"]),
    st.sampled_from(["<![CDATA[", "]]>", "<", ">", "&", "&amp;", "&nbsp;", "\n", "\r", " ", "\0"]),
    st.text(max_size=4),
)
HTML = st.lists(PIECES, max_size=30).map("".join)


@settings(max_examples=200)
@given(HTML)
def test_cleaning_is_idempotent(html: str) -> None:
    assert clean_html(clean_html(html)) == clean_html(html)


@given(st.text())
def test_text_without_tags_is_unchanged(text: str) -> None:
    escaped = entities.escape(text, quote=False)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    assert entities.unescape(clean_html(escaped)) == lines


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a  b\n c", "a b c"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<p>a</p>\n\n\n<p></p>\n<p> b </p>", "a\n\nb"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("a<br><br><br>b", "a\n\nb"),
        ("<ul><li>a</li><li>b</li></ul>c", "a\nb\n\nc"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<table><tr><th>a</th><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<b>a</b><i>b</i> <u>c</u>", "ab c"),
        ("a&nbsp;&nbsp;\u00a0b &amp; &lt;p&gt; &eacute; &#8364; &amp;lt;", "a b & <p> é € &lt;"),
        ("a<script>x</script><style>y</style><!-- z -->b", "ab"),
        ("<p title='a>b'>c</p>", "c"),
        ("<h1>a</h1>b", "a\n\nb"),
        ("", ""),
        ("1 < 2", "1 < 2"),
    ],
)
def test_plain_text(html: str, text: str) -> None:
    assert plain_text(html) == text


@settings(max_examples=200)
@given(HTML)
def test_plain_text_has_no_runs_of_spaces_or_blank_lines(html: str) -> None:
    text = plain_text(html)
    assert "  " not in text
    assert "\n\n\n" not in text
    assert text == text.strip()


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_plain_text_preserves_every_word(text: str) -> None:
    assert plain_text(entities.escape(text)) == " ".join(text.split())


@pytest.mark.parametrize("broken", ["<!--", "<a ", "<![", "<a b='", "</", "&", "<!"])
def test_broken_html_is_parsed_in_linear_time(broken: str) -> None:
    assert isinstance(plain_text(broken * 20_000), str)
    assert isinstance(clean_html(broken * 20_000), str)


def test_details_that_are_too_long_are_rejected_and_not_cut() -> None:
    validate = details_validator(clean_html)
    for html in ("<div>" + "x" * 50_000, "&" * 200_000, "<p>x" * 50_000, "x" * 300_000):
        with pytest.raises(InvalidValueError, match="Details too long"):
            validate(html)
