"""The page of the settings, made of their definitions: `make docs` writes it."""

from collections.abc import Iterator
from pathlib import Path

from eggypro_adapters.settings import Settings
from eggypro_adapters.settings.definition import Definition, definitions_of

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
INTRODUCTION = """\
# Settings

A command's option counts first, then the environment, then, in development, `.env.local` and
`.env`. A blank value is an absent one. `eggypro env check` names every one that is wrong, and why,
never its value; `eggypro env example` prints all of them as a commented file. Both know them from
the definitions that this page is made of, by `make docs`.
"""
HEAD = "| setting | what it is | by default |\n| --- | --- | --- |\n"


def render_page() -> str:
    return INTRODUCTION + "".join(line for row in definitions_of(Settings) for line in _lines(row))


def _lines(row: Definition) -> Iterator[str]:
    if row.group:
        yield f"\n## {row.group}\n\n{HEAD}"
    default = f"`{row.default}`" if row.default else ""
    text = row.text.replace("|", "\\|")
    yield f"| `{row.name}` | {text} | {default} |\n"


if __name__ == "__main__":
    PAGE.write_text(render_page(), encoding="utf-8")
