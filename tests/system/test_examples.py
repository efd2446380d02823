"""The examples run, print the documented output and equal the code in docs/library.md."""

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
PRINT_IMPORTED_PACKAGES = """
import runpy, sys
from importlib.metadata import packages_distributions
owners, before = packages_distributions(), set(sys.modules)
runpy.run_path(sys.argv[1])
print({owner for name in set(sys.modules) - before for owner in owners.get(name, ())} - {"eggypro"})
"""


def run(*arguments: str, **environment: str) -> str:
    variables = {"PATH": os.environ["PATH"], **environment}
    process = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")
    return process.stdout


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", ["examples/in_memory.py", "examples/imports.py"])
def test_an_example_in_memory_prints_the_documented_output_and_imports_attrs_only(
    example: str,
) -> None:
    assert run(example) in blocks("text")
    assert run("-c", PRINT_IMPORTED_PACKAGES, example).endswith("\n{'attrs'}\n")


def test_the_postgres_example_prints_the_documented_output_and_is_repeatable(
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
def test_python_blocks_of_the_page_are_in_an_example(block: str) -> None:
    assert any(block in text for text in EXAMPLES.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_links_every_example(name: str) -> None:
    assert f"(../examples/{name})" in PAGE
