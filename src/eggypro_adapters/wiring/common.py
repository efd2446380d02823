"""The demo catalogue, and the version of the package."""

from functools import cache
from pathlib import Path

DEMO_CATALOG_PATH = Path(__file__).parent.with_name("demo.jsonl")
"""The demo catalogue, in the JSONL format of the project."""


@cache
def package_version() -> str:
    """Return the version of the installed package."""
    from importlib.metadata import version

    return version("eggypro")
