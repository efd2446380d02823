"""Every claim of the security and reliability pages cites a test that exists."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SUITES = TESTS.parent / "src" / "eggypro_adapters"
PAGES = ["security.md", "reliability.md"]
TEXTS = {name: (TESTS.parent / "docs" / name).read_text() for name in PAGES}
CITED = sorted(
    {citation for text in TEXTS.values() for citation in re.findall(r"`([\w/]+\.py)::(\w+)`", text)}
)


@pytest.mark.parametrize("page", PAGES)
def test_each_claim_of_a_page_cites_a_test(page: str) -> None:
    text = TEXTS[page].partition("## Faults and responses")[0]  # that table is a test's own input
    rows = re.findall(r"^\| (?!-|risk|line|Promise)(.*) \|$", text, re.MULTILINE)
    assert len(rows) > 15
    assert [row for row in rows if "::" not in row] == []


@pytest.mark.parametrize(("file", "name"), CITED)
def test_cited_tests_exist(file: str, name: str) -> None:
    [path] = [folder / file for folder in (TESTS, SUITES) if (folder / file).exists()]
    assert f"def {name}(" in path.read_text()
