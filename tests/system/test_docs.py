"""The pages: what they link to exists, and what is made of the code is as the code is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from eggypro_http.app import ROUTES
from tests.support.settings_page import PAGE, render_page

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"((?:GET|POST|PUT|PATCH|DELETE)(?:/[A-Z]+)*) (/(?:api|images)/[\w/{}-]*)")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def links(text: str) -> Iterator[str]:
    """Yield what a page links to on this site, as it is written."""
    found: list[str] = LINK.findall(CODE.sub("", text))
    return (link for link in found if "://" not in link)


def leads_nowhere(link: str, start: Path) -> bool:
    name, _, anchor = link.partition("#")
    target = start.parent / name if name else start
    return not target.exists() or bool(anchor and anchor not in anchors(target))


def anchors(file: Path) -> set[str]:
    """The names that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_every_link_of_a_page_leads_somewhere(file: Path) -> None:
    text = file.read_text("utf-8")
    assert [link for link in links(text) if leads_nowhere(link, file)] == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    start = tmp_path / "a.md"
    start.write_text(
        "# A page\n[a](a.md#a-page) [b](#no) [c](c.md) [d](https://x.example) `[e](e)`\n"
    )
    found = [link for link in links(start.read_text()) if leads_nowhere(link, start)]
    assert found == ["#no", "c.md"]


def unanswered(text: str) -> list[str]:
    """Return the requests that a page names and no route answers."""
    named = [
        (method, path) for methods, path in ADDRESS.findall(text) for method in methods.split("/")
    ]
    return [f"{method} {path}" for method, path in named if not is_answered(method, path)]


def is_answered(method: str, path: str) -> bool:
    """Whether there is such a route, whatever a page calls what changes in its address."""
    patterns = (re.sub(r"{\w+}", "[^/]+", each.path) for each in ROUTES if each.method == method)
    return any(re.fullmatch(pattern, path) for pattern in patterns)


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_every_request_that_a_page_names_is_answered(file: Path) -> None:
    assert unanswered(file.read_text("utf-8")) == []


def test_a_request_that_nobody_answers_is_found() -> None:
    text = (
        "`GET /api/products?limit=1`, `GET/POST /api/products/{slug}/images`, `GET /api/cron/{job}`"
    )
    assert unanswered(text) == ["GET /api/products/{slug}/images"]


def test_the_page_of_the_settings_is_made_of_their_definitions() -> None:
    assert PAGE.read_text("utf-8") == render_page(), "`make docs` writes it anew"
