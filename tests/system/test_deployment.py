"""The files that put it to work: what they run and set is what there is."""

import re
import tomllib
from pathlib import Path

import pytest
from attrs import fields

from eggypro_adapters.settings import Settings
from eggypro_cli.main import main

ROOT = Path(__file__).parents[2]
UNITS = "\n".join(unit.read_text() for unit in (ROOT / "deploy").glob("*.service"))
COMPOSE = (ROOT / "compose.yaml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
VERCEL = (ROOT / "vercel.json").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def found(pattern: str, text: str) -> list[str]:
    return re.findall(pattern, text, re.MULTILINE)


def commands() -> list[list[str]]:
    listed = found(r'(?:CMD|command:) \["?(eggypro.*)\]', f"{COMPOSE}\n{DOCKERFILE}")
    typed = [*found(r"bin/(eggypro .*)", UNITS), *listed]
    return [found(r"[^\s\",]+", one)[1:] for one in typed]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_what_is_run_is_a_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--help"]) == 0
    assert f"eggypro {words[0]}" in capsys.readouterr().out


def test_everything_is_run_somewhere() -> None:
    assert {words[0] for words in commands()} == {"serve", "deploy", "maintenance"}


def test_what_is_set_is_a_setting() -> None:
    [compose] = found(r"&settings\n((?:    \w+: .*\n)+)", COMPOSE)
    [image] = found(r"^ENV ((?:.*\\\n)*.*)", DOCKERFILE)
    units = " ".join(found(r"^Environment=(.*)", UNITS))
    named = {*found(r"^    (\w+):", compose), *found(r"(\w+)=", f"{image} {units}")} - {"PATH"}
    assert named <= {one.name.upper() for one in fields(Settings)}
    assert {"POSTGRES_URL", "APP_ENV", "EGGYPRO_DATA_DIR"} <= named


def test_what_is_installed_is_an_extra_for_that_python() -> None:
    assert found(r"\[(\w+)\]'", DOCKERFILE + VERCEL) == ["server", "serverless"]
    assert {"server", "serverless"} <= {*PROJECT["optional-dependencies"]}
    [python] = {*found(r"^FROM python:([\d.]+)-slim", DOCKERFILE)}
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]


def test_the_time_to_end_is_enough_for_the_drain_and_what_is_in_flight() -> None:
    drains = {int(one) for one in found(r'--drain"?,? "?(\d+)', DOCKERFILE + UNITS)}
    given = found(r"(?:stop_grace_period: |TimeoutStopSec=)(\d+)", COMPOSE + UNITS)
    assert [int(one) >= max(drains) + 10 for one in given] == [True, True]
