"""The page of the settings, generated from their definitions by `make docs`."""

from collections.abc import Iterator
from pathlib import Path

from eggypro_adapters.settings import Settings
from eggypro_adapters.settings.definition import SettingDefinition, setting_definitions

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
INTRODUCTION = """\
# Settings

Command options override the environment, which in development overrides `.env.local` and `.env`.
Blank values count as absent. `eggypro env check` lists all invalid settings with the reason, never
the value; otherwise it shows each setting in force, with secrets masked, and its source
(environment, `.env.local`, `.env`, default, generated). A variable whose name differs from that of
a setting by one or two letters is a warning. `eggypro env example` prints all settings as a
commented file. This page is generated from the same definitions by `make docs`.
"""
HEAD = "| setting | description | default |\n| --- | --- | --- |\n"


def render_page() -> str:
    return INTRODUCTION + "".join(
        line for row in setting_definitions(Settings) for line in _lines(row)
    )


def _lines(row: SettingDefinition) -> Iterator[str]:
    if row.group:
        yield f"\n## {row.group}\n\n{HEAD}"
    default = f"`{row.default}`" if row.default else ""
    text = row.text.replace("|", "\\|")
    yield f"| `{row.name}` | {text} | {default} |\n"


if __name__ == "__main__":
    PAGE.write_text(render_page(), encoding="utf-8")
