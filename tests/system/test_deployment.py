"""Deployment files: the commands, settings and extras that they use exist."""

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


def find_all(pattern: str, text: str) -> list[str]:
    return re.findall(pattern, text, re.MULTILINE)


def commands() -> list[list[str]]:
    arrays = find_all(r'(?:CMD|command:) \["?(eggypro.*)\]', f"{COMPOSE}\n{DOCKERFILE}")
    lines = [*find_all(r"bin/(eggypro .*)", UNITS), *arrays]
    return [find_all(r"[^\s\",]+", line)[1:] for line in lines]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_configured_commands_exist(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--help"]) == 0
    assert f"eggypro {words[0]}" in capsys.readouterr().out


def test_every_long_running_command_is_configured() -> None:
    assert {words[0] for words in commands()} == {"serve", "deploy", "maintenance"}


def test_configured_variables_are_settings() -> None:
    [compose] = find_all(r"&settings\n((?:    \w+: .*\n)+)", COMPOSE)
    [image] = find_all(r"^ENV ((?:.*\\\n)*.*)", DOCKERFILE)
    units = " ".join(find_all(r"^Environment=(.*)", UNITS))
    variables = {*find_all(r"^    (\w+):", compose), *find_all(r"(\w+)=", f"{image} {units}")} - {
        "PATH"
    }
    assert variables <= {field.name.upper() for field in fields(Settings)}
    assert {"POSTGRES_URL", "APP_ENV", "EGGYPRO_DATA_DIR"} <= variables


def test_installed_extras_and_python_exist() -> None:
    assert find_all(r"\[(\w+)\]'", DOCKERFILE + VERCEL) == ["server", "serverless"]
    assert {"server", "serverless"} <= {*PROJECT["optional-dependencies"]}
    [python] = {*find_all(r"^FROM python:([\d.]+)-slim", DOCKERFILE)}
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]


def test_stop_timeouts_exceed_the_drain_period() -> None:
    drains = {int(seconds) for seconds in find_all(r'--drain"?,? "?(\d+)', DOCKERFILE + UNITS)}
    timeouts = find_all(r"(?:stop_grace_period: |TimeoutStopSec=)(\d+)", COMPOSE + UNITS)
    assert [int(seconds) >= max(drains) + 10 for seconds in timeouts] == [True, True]
