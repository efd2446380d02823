"""Merging the process environment with .env files in development."""

from pathlib import Path

import pytest

from eggypro_adapters.settings import Settings, read_environment
from eggypro_core.errors import ConfigurationError


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f".{name.replace('_', '.')}").write_text(text, "utf-8")


def test_environment_overrides_env_local_which_overrides_env(tmp_path: Path) -> None:
    write(tmp_path, env="A=env\nB=env\nC=env\n", env_local="B=local\nC=local\n")
    assert read_environment({"C": "process"}, tmp_path) == {
        "A": "env",
        "B": "local",
        "C": "process",
    }


def test_environment_without_files(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert read_environment({"A": "1"}, tmp_path) == {"A": "1"}


def test_quotes_comments_and_export_are_parsed_without_interpolation(tmp_path: Path) -> None:
    write(tmp_path, env='\ufeff# words\nexport A="1 2" # one\nB=${A}$A\nALONE\nC=ключ\n')
    assert read_environment({}, tmp_path) == {"A": "1 2", "B": "${A}$A", "C": "ключ"}


@pytest.mark.parametrize("name", ["APP_ENV", "NODE_ENV"])
@pytest.mark.parametrize("value", ["production", "test", "Production", "staging"])
def test_files_are_ignored_outside_development(tmp_path: Path, name: str, value: str) -> None:
    (tmp_path / ".env").write_bytes(b"\xff broken")
    assert read_environment({name: value}, tmp_path) == {name: value}


@pytest.mark.parametrize("value", ["development", "Development", ""])
def test_files_are_read_in_development(tmp_path: Path, value: str) -> None:
    write(tmp_path, env="A=1\n")
    assert read_environment({"APP_ENV": value}, tmp_path) == {"APP_ENV": value, "A": "1"}


@pytest.mark.parametrize("line", ["APP_ENV=production", "NODE_ENV=Production"])
def test_app_env_of_a_file_is_used_without_its_other_variables(tmp_path: Path, line: str) -> None:
    write(tmp_path, env="A=1\n", env_local=f"B=2\n{line}\n")
    environment = read_environment({"C": "3"}, tmp_path)
    assert environment == {"C": "3", "APP_ENV": "production"}
    with pytest.raises(ConfigurationError, match="POSTGRES_URL is required in production"):
        Settings.read(environment)


def test_alias_in_the_environment_hides_the_name_in_a_file(tmp_path: Path) -> None:
    write(tmp_path, env="APP_ENV=production\nAPP_URL=http://file.example\nA=1\n")
    environ = {"NODE_ENV": "development", "NEXT_PUBLIC_APP_URL": "http://process.example"}
    assert read_environment(environ, tmp_path) == {**environ, "A": "1"}


def test_blank_variable_hides_that_of_a_file(tmp_path: Path) -> None:
    write(tmp_path, env="REDIS_URL=redis://localhost\n")
    assert Settings.read(read_environment({"REDIS_URL": ""}, tmp_path)).redis_url is None


def test_malformed_file_is_named_with_line_numbers_but_not_its_text(tmp_path: Path) -> None:
    write(tmp_path, env_local="A=1\nm4rk3r m4rk3r\nB='m4rk3r\n")
    with pytest.raises(ConfigurationError) as raised:
        read_environment({}, tmp_path)
    assert str(raised.value) == f"{tmp_path}/.env.local is malformed at line 2, 3"


def test_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=m4rk3r\xff\n")
    with pytest.raises(ConfigurationError) as raised:
        read_environment({}, tmp_path)
    assert str(raised.value) == f"{tmp_path}/.env is not UTF-8"
    assert raised.value.__context__ is None


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(".env")
    with pytest.raises(ConfigurationError) as raised:
        read_environment({}, tmp_path)
    assert str(raised.value).startswith(f"{tmp_path}/.env cannot be read: ")
