"""Documentation pages: links resolve, requests have routes, generated pages are current."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from eggypro_http.app import ROUTES
from tests.support import errors_page
from tests.support.settings_page import PAGE, render_page

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"((?:GET|POST|PUT|PATCH|DELETE)(?:/[A-Z]+)*) (/(?:api|images)/[\w/{}-]*)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def links(text: str) -> Iterator[str]:
    """Yield the relative links of a page."""
    targets: list[str] = LINK.findall(CODE.sub("", text))
    return (link for link in targets if "://" not in link)


def is_broken(link: str, start: Path) -> bool:
    name, _, anchor = link.partition("#")
    target = start.parent / name if name else start
    return not target.exists() or bool(anchor and anchor not in anchors(target))


def anchors(file: Path) -> set[str]:
    """Return the anchors that GitHub generates for the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_every_link_of_a_page_resolves(file: Path) -> None:
    text = file.read_text("utf-8")
    assert [link for link in links(text) if is_broken(link, file)] == []


def test_broken_links_are_reported(tmp_path: Path) -> None:
    start = tmp_path / "a.md"
    start.write_text(
        "# A page\n[a](a.md#a-page) [b](#no) [c](c.md) [d](https://x.example) `[e](e)`\n"
    )
    broken = [link for link in links(start.read_text()) if is_broken(link, start)]
    assert broken == ["#no", "c.md"]


def unknown_requests(text: str) -> list[str]:
    """Return the requests in a page that have no route."""
    requests = [
        (method, path) for methods, path in ADDRESS.findall(text) for method in methods.split("/")
    ]
    return [f"{method} {path}" for method, path in requests if not has_route(method, path)]


def has_route(method: str, path: str) -> bool:
    """Whether a route matches, with any names of path parameters."""
    patterns = (re.sub(r"{\w+}", "[^/]+", route.path) for route in ROUTES if route.method == method)
    return any(re.fullmatch(pattern, path) for pattern in patterns)


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_every_request_in_a_page_has_a_route(file: Path) -> None:
    assert unknown_requests(file.read_text("utf-8")) == []


def test_unknown_requests_are_reported() -> None:
    text = (
        "`GET /api/products?limit=1`, `GET/POST /api/products/{slug}/images`, `GET /api/cron/{job}`"
    )
    assert unknown_requests(text) == ["GET /api/products/{slug}/images"]


def test_the_settings_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == render_page(), "run `make docs`"


def test_the_page_of_errors_is_current() -> None:
    page = errors_page.PAGE.read_text("utf-8")
    assert page == errors_page.render_page(), "run `make docs`"


def figures_without_source(page: str, folder: Path) -> list[str]:
    """Return the figures of the page about performance that its rows' results do not contain."""
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    figures = []
    for _, cost, source in rows[2:]:
        results = "".join((folder / link).read_text("utf-8") for link in LINK.findall(source))
        figures += [
            figure for figure in NUMBER.findall(cost) if figure not in NUMBER.findall(results)
        ]
    return figures


def test_the_figures_of_the_page_about_performance_are_those_of_the_results() -> None:
    page = ROOT / "docs" / "performance.md"
    assert figures_without_source(page.read_text("utf-8"), page.parent) == []


def test_figures_without_source_are_reported(tmp_path: Path) -> None:
    (tmp_path / "results.md").write_text("| hello | 15 | 3.41 | 2,500 |")
    rows = [
        "| operation | cost | measured in |",
        "| --- | --- | --- |",
        "| list of 20 | 3.41 times a hello of 15 µs | [results](results.md) |",
        "| product | 3.4 times, 2,500 and 500 per second | [results](results.md) |",
        "| export | 15 rows/s | nowhere |",
    ]
    assert figures_without_source("\n".join(rows), tmp_path) == ["3.4", "500", "15"]
