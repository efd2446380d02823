"""The environment that settings are read from: the process's, in development over two files."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from eggypro_adapters.settings.definition import definitions_of
from eggypro_adapters.settings.settings import Settings
from eggypro_adapters.settings.types import AppEnvironment
from eggypro_core.errors import ConfigurationError, FieldError

_ROWS = definitions_of(Settings)


def read_environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return `environ`, in development over the folder's `.env.local`, over its `.env`.

    A blank variable of `environ` hides that of a file. A file may itself name another environment
    than development: then of the files only that name counts, so that what should be production
    never runs on embedded stand-ins. Raises ConfigurationError naming a file that is broken.
    """
    if _environment_of(environ) != AppEnvironment.DEVELOPMENT:
        return dict(environ)
    files = _over(_variables(folder / ".env"), _variables(folder / ".env.local"))
    merged = _over(files, environ)
    named = _environment_of(merged)
    return merged if named == AppEnvironment.DEVELOPMENT else {**environ, "APP_ENV": named}


def _environment_of(variables: Mapping[str, str]) -> str:
    [row] = (row for row in _ROWS if row.name == "APP_ENV")
    return row.lookup(variables)[1].lower() or AppEnvironment.DEVELOPMENT


def _over(lower: Mapping[str, str], upper: Mapping[str, str]) -> dict[str, str]:
    """Lay one environment over another: a setting's alias above hides its own name below."""
    names = [{row.name, row.alias} for row in _ROWS]
    hidden = {name for same in names if same & upper.keys() for name in same}
    return {name: text for name, text in lower.items() if name not in hidden} | dict(upper)


def _variables(file: Path) -> dict[str, str]:
    """Read a file of variables; none if there is no such file."""
    from dotenv.parser import parse_stream

    bindings = list(parse_stream(StringIO(_text(file))))
    broken = [str(binding.original.line) for binding in bindings if binding.error]
    if broken:
        raise _unreadable(file, f"cannot be understood at line {', '.join(broken)}")
    return {each.key: each.value for each in bindings if each.key and each.value is not None}


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (FileNotFoundError, IsADirectoryError):  # `.env` is also a usual name of a venv
        return ""
    except UnicodeDecodeError:
        reason = "is not UTF-8"
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    raise _unreadable(file, reason)


def _unreadable(file: Path, reason: str) -> ConfigurationError:
    return ConfigurationError([FieldError(str(file), f"{file} {reason}")])
