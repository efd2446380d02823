"""How a setting is defined: a row of a table, which is at the same time a field of a class."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any, TypeVar, cast

from attrs import Attribute, Factory, field, fields, frozen

from eggypro_adapters.settings.types import SettingType
from eggypro_core.errors import FieldError

T = TypeVar("T")
Default = TypeVar("Default")


@frozen
class Definition:
    """One setting: a variable of the environment, and the field (its name in lower case) it fills.

    `alias` is a second name that counts when the first is absent. `default` is as it is written in
    an environment; empty where there is none, or where it depends on other settings.
    """

    name: str
    alias: str
    kind: SettingType[object]
    meaning: str
    group: str
    default: str

    @property
    def field(self) -> str:
        """The name of the field."""
        return self.name.lower()

    @property
    def text(self) -> str:
        """What it means and what it may be, in sentences."""
        also = f" Also read as {self.alias}." if self.alias else ""
        return f"{self.meaning}{also} {self.kind.expects[0].upper()}{self.kind.expects[1:]}."

    def lookup(self, environment: Mapping[str, str]) -> tuple[str, str]:
        """Return the name under which the environment has it, and the text; blank is absent."""
        names = (name for name in (self.name, self.alias) if environment.get(name, "").strip())
        name = next(names, self.name)
        return name, environment.get(name, "").strip()

    def example(self) -> Iterator[str]:
        """Yield the lines that explain it, and the default as a comment. Never a secret."""
        yield from (f"# {line}" for line in wrap(self.text, 98, break_on_hyphens=False))
        yield f"# {self.name}={self.default}"


def setting(
    kind: SettingType[T],
    meaning: str,
    *,
    default: Default,
    alias: str = "",
    group: str = "",
    secret: bool = False,
) -> T | Default:
    """Define the setting that a field holds; a secret one is left out of every `repr`.

    `group` begins a group in the example.
    """
    row = {"kind": kind, "meaning": meaning, "alias": alias, "group": group}
    return cast("T | Default", field(default=default, repr=not secret, metadata={Definition: row}))


def computed(work: Callable[[Any], T]) -> T:
    """Make a default out of the settings defined above the one that it is given to."""
    return Factory(work, takes_self=True)


def definitions_of(table: type) -> tuple[Definition, ...]:
    """Return the rows of a class whose fields are made by `setting`, in their order."""
    return tuple(_definition(column) for column in fields(table))


def parse_setting(definition: Definition, environment: Mapping[str, str]) -> object:
    """Return the value of a setting, a `Fault` where it is wrong, None where it is absent."""
    name, text = definition.lookup(environment)
    try:
        return definition.kind.parse(text) if text else None
    except ValueError:
        return FieldError(name, definition.kind.error_message(name))


def _definition(column: "Attribute[Any]") -> Definition:
    row = column.metadata[Definition]
    return Definition(name=column.name.upper(), default=_written(column.default), **row)


def _written(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if isinstance(default, str | int | Path) else ""
