"""The environment for the settings: the process environment and, in development, .env files."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from eggypro_adapters.settings.definition import setting_definitions
from eggypro_adapters.settings.settings import Settings
from eggypro_adapters.settings.types import AppEnvironment
from eggypro_core.errors import ConfigurationError, FieldError

SHARED_FILE, LOCAL_FILE = ".env", ".env.local"
_DEFINITIONS = setting_definitions(Settings)


def read_environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return `environ`, merged in development over the folder's `.env.local` over its `.env`.

    A blank variable of `environ` hides that of a file. If a file sets APP_ENV to something other
    than development, only APP_ENV is taken from the files, so that production never runs on
    embedded services. Raises ConfigurationError naming a malformed file.
    """
    if _environment_of(environ) != AppEnvironment.DEVELOPMENT:
        return dict(environ)
    files = _merge(_variables(folder / SHARED_FILE), _variables(folder / LOCAL_FILE))
    merged = _merge(files, environ)
    app_env = _environment_of(merged)
    return merged if app_env == AppEnvironment.DEVELOPMENT else {**environ, "APP_ENV": app_env}


def locate_variables(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the source of each variable of `read_environment`: `environment`, or a file."""
    names = read_environment(environ, folder).keys()
    local = _variables(folder / LOCAL_FILE) if names - environ.keys() else {}
    return {
        name: "environment" if name in environ else LOCAL_FILE if name in local else SHARED_FILE
        for name in names
    }


def _environment_of(variables: Mapping[str, str]) -> str:
    [app_env] = (row for row in _DEFINITIONS if row.name == "APP_ENV")
    return app_env.lookup(variables)[1].lower() or AppEnvironment.DEVELOPMENT


def _merge(lower: Mapping[str, str], upper: Mapping[str, str]) -> dict[str, str]:
    """Merge two environments; an alias in `upper` also hides the name in `lower`."""
    names = [{row.name, row.alias} for row in _DEFINITIONS]
    hidden = {name for same in names if same & upper.keys() for name in same}
    return {name: text for name, text in lower.items() if name not in hidden} | dict(upper)


def _variables(file: Path) -> dict[str, str]:
    """Return the variables of a .env file; none if it does not exist."""
    from dotenv.parser import parse_stream

    bindings = list(parse_stream(StringIO(_text(file))))
    invalid_lines = [str(binding.original.line) for binding in bindings if binding.error]
    if invalid_lines:
        raise _unreadable(file, f"is malformed at line {', '.join(invalid_lines)}")
    return {row.key: row.value for row in bindings if row.key and row.value is not None}


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (FileNotFoundError, IsADirectoryError):  # `.env` may be a virtual environment
        return ""
    except UnicodeDecodeError:
        reason = "is not UTF-8"
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    raise _unreadable(file, reason)


def _unreadable(file: Path, reason: str) -> ConfigurationError:
    return ConfigurationError([FieldError(str(file), f"{file} {reason}")])
