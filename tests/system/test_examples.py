"""The examples, run as their readers run them, and the page that shows them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

ROOT = Path(__file__).parents[2]
EXAMPLES = {file.name: file.read_text("utf-8") for file in ROOT.glob("examples/*.py")}
PAGE = (ROOT / "docs" / "library.md").read_text("utf-8")
LOADED = """
import runpy, sys
from importlib.metadata import packages_distributions
owners, before = packages_distributions(), set(sys.modules)
runpy.run_path(sys.argv[1])
print({owner for name in set(sys.modules) - before for owner in owners.get(name, ())} - {"eggypro"})
"""


def run(*arguments: str, **environment: str) -> str:
    clean = {"PATH": os.environ["PATH"], **environment}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_catalogue_in_memory_does_what_the_page_shows() -> None:
    assert run("examples/in_memory.py") in blocks("text")


def test_the_catalogue_in_memory_needs_nothing_but_attrs() -> None:
    assert run("-c", LOADED, "examples/in_memory.py").endswith("\n{'attrs'}\n")


def test_the_catalogue_over_postgres_does_what_the_page_shows_and_can_be_repeated(
    empty_database_url: sa.URL, tmp_path: Path
) -> None:
    url = empty_database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    first, second = (
        run("examples/with_postgres.py", POSTGRES_URL=url, EGGYPRO_DATA_DIR=str(tmp_path))
        for _ in range(2)
    )
    assert first in blocks("text")
    assert second == first.replace("12 products created", "0 products created")


@pytest.mark.parametrize("block", blocks("python"))
def test_the_python_of_the_page_is_that_of_an_example(block: str) -> None:
    assert any(block in text for text in EXAMPLES.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_names_every_example(name: str) -> None:
    assert f"(../examples/{name})" in PAGE
