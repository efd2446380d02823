"""Field definitions, from which validation, storage, files and responses are derived."""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

from attrs import frozen

from eggypro_core.validation.fields import Validator, optional


class FieldType(Enum):
    """The type of a field. Every adapter and edge handles fields by their type."""

    TEXT = "text"
    MONEY = "money"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT_LIST = "list of texts"
    TEXT_MAP = "map of texts"
    IMAGES = "list of images"


Converters = Mapping[FieldType, Callable[[Any], object]]
"""Converter functions by type. None and values of other types are not converted."""
_EMPTY: Mapping[FieldType, object] = {FieldType.TEXT_LIST: (), FieldType.TEXT_MAP: {}}


@frozen
class FieldDefinition:
    """A field that writes can set; its name is the same in code, rows, files and JSON.

    `nullable`: null and blank text are accepted. `keep_if_omitted`: a PUT without the field keeps
    the stored value; other fields are cleared. A blank cell in a file clears a field that can be
    empty, and keeps others. `in_lists`: the field is part of product lists, not only of the single
    product.
    """

    name: str
    type: FieldType
    validator: Validator
    nullable: bool = False
    keep_if_omitted: bool = False
    in_lists: bool = True

    @property
    def input_validator(self) -> Validator:
        """Return the validator of input values: with null and blank text if nullable."""
        return optional(self.validator) if self.nullable else self.validator

    @property
    def empty(self) -> object:
        """Return the value of the field after a PUT that omits and clears it."""
        return None if self.nullable else _EMPTY[self.type]


def serializer(
    members: Iterable[str], definitions: Iterable[FieldDefinition], converters: Converters
) -> Callable[..., dict[str, Any]]:
    """Return a function that serializes an object to a dict of these members, in their order.

    Members with a definition are read from the object and converted; the function takes the other
    members as keyword arguments. It is compiled because a loop over the definitions takes 1.5 times
    as long for every listed product.
    """
    defined = {definition.name: definition for definition in definitions}
    names = list(members)
    values = (_expression(defined[name], converters) if name in defined else name for name in names)
    items = ", ".join(f"{name!r}: {value}" for name, value in zip(names, values, strict=True))
    parameters = ", ".join(["source", *(name for name in names if name not in defined)])
    functions = {
        f"convert_{definition.name}": converters.get(definition.type)
        for definition in defined.values()
    }
    return compile_function(parameters, f"{{{items}}}", functions)


def compile_function(
    parameters: str, expression: str, names: Mapping[str, Any]
) -> Callable[..., Any]:
    """Return a function that is compiled from generated source code, as attrs compiles its methods.

    `parameters` and `expression` are source code, and must contain no input. The expression may use
    the objects called `names`.
    """
    source = f"lambda {parameters}: {expression}"
    function: Callable[..., Any] = eval(source, dict(names))  # noqa: S307  (no input)
    return function


def _expression(definition: FieldDefinition, converters: Converters) -> str:
    value = f"source.{definition.name}"
    if definition.type not in converters:
        return value
    converted = f"convert_{definition.name}({value})"
    return f"None if {value} is None else {converted}" if definition.nullable else converted
