"""Definitions of settings, stored as metadata of the fields of an attrs class."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any, TypeVar, cast

from attrs import Attribute, Factory, field, fields, frozen

from eggypro_adapters.settings.postgres_options import OptionError
from eggypro_adapters.settings.types import SettingType
from eggypro_core.errors import FieldError

T = TypeVar("T")
Default = TypeVar("Default")


@frozen
class SettingDefinition:
    """The definition of a setting: an environment variable and the field with its lower-case name.

    `alias` is a second variable, read if the first is absent. `default` is written as in an
    environment; empty if there is none, or if it depends on other settings.
    """

    name: str
    alias: str
    kind: SettingType[object]
    description: str
    group: str
    default: str
    is_secret: bool

    @property
    def field(self) -> str:
        """The name of the field."""
        return self.name.lower()

    @property
    def text(self) -> str:
        """The description and the accepted values, in sentences."""
        also = f" Also read as {self.alias}." if self.alias else ""
        return f"{self.description}{also} {self.kind.expects[0].upper()}{self.kind.expects[1:]}."

    def lookup(self, environment: Mapping[str, str]) -> tuple[str, str]:
        """Return the variable that is set (name or alias) and its text; a blank one is absent."""
        names = (name for name in (self.name, self.alias) if environment.get(name, "").strip())
        name = next(names, self.name)
        return name, environment.get(name, "").strip()

    def example(self) -> Iterator[str]:
        """Yield the description and the default as commented lines. Never a secret."""
        yield from (f"# {line}" for line in wrap(self.text, 98, break_on_hyphens=False))
        yield f"# {self.name}={self.default}"


def setting(
    kind: SettingType[T],
    description: str,
    *,
    default: Default,
    alias: str = "",
    group: str = "",
    secret: bool = False,
) -> T | Default:
    """Define a field as a setting; secret ones are left out of every `repr`.

    `group` starts a new group in the example.
    """
    metadata = {"kind": kind, "description": description, "alias": alias, "group": group}
    return cast(
        "T | Default",
        field(default=default, repr=not secret, metadata={SettingDefinition: metadata}),
    )


def computed(default: Callable[[Any], T]) -> T:
    """Compute a default from the settings defined above it."""
    return Factory(default, takes_self=True)


def setting_definitions(settings: type) -> tuple[SettingDefinition, ...]:
    """Return the definitions of a class whose fields are made by `setting`, in their order."""
    return tuple(_definition(attribute) for attribute in fields(settings))


def parse_setting(definition: SettingDefinition, environment: Mapping[str, str]) -> object:
    """Return the value of a setting, a FieldError if it is invalid, None if it is absent."""
    name, text = definition.lookup(environment)
    try:
        return definition.kind.parse(text) if text else None
    except OptionError as error:
        return FieldError(name, f"{name} {error}")
    except ValueError:
        return FieldError(name, definition.kind.error_message(name))


def _definition(attribute: "Attribute[Any]") -> SettingDefinition:
    metadata = attribute.metadata[SettingDefinition]
    default = _environment_text(attribute.default)
    return SettingDefinition(
        name=attribute.name.upper(), default=default, is_secret=not attribute.repr, **metadata
    )


def _environment_text(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if isinstance(default, str | int | Path) else ""
