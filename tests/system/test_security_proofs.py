"""The pages that promise something name the tests that prove it: those exist."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SUITES = TESTS.parent / "src" / "eggypro_adapters"
PAGES = ["security.md", "reliability.md"]
TEXTS = {name: (TESTS.parent / "docs" / name).read_text() for name in PAGES}
NAMED = sorted(
    {one for text in TEXTS.values() for one in re.findall(r"`([\w/]+\.py)::(\w+)`", text)}
)


@pytest.mark.parametrize("page", PAGES)
def test_each_promise_of_a_page_names_its_test(page: str) -> None:
    rows = re.findall(r"^\| (?!-|risk|line|Promise)(.*) \|$", TEXTS[page], re.MULTILINE)
    assert len(rows) > 15
    assert [row for row in rows if "::" not in row] == []


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_what_is_named_as_proof_exists(file: str, name: str) -> None:
    [there] = [folder / file for folder in (TESTS, SUITES) if (folder / file).exists()]
    assert f"def {name}(" in there.read_text()
