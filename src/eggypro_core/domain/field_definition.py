"""The definition of a field, from which validation, storage, files and responses derive."""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

from attrs import frozen

from eggypro_core.validation.fields import Validator, optional


class FieldType(Enum):
    """The type of a field: each edge treats all fields of one type alike."""

    TEXT = "text"
    MONEY = "money"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT_LIST = "list of texts"
    TEXT_MAP = "map of texts"
    IMAGES = "list of images"


Converters = Mapping[FieldType, Callable[[Any], object]]
"""The conversion of values by type; None and values of other types stay as they are."""
_EMPTY: Mapping[FieldType, object] = {FieldType.TEXT_LIST: (), FieldType.TEXT_MAP: {}}


@frozen
class FieldDefinition:
    """A field that writes can set, by the name that it has everywhere.

    `nullable`: null and blank texts are accepted. `keep_if_omitted`: a PUT without the field, or a
    blank cell of a file, keeps the stored value; other fields are emptied. `in_lists`: lists of
    products show the field, not only a single product.
    """

    name: str
    type: FieldType
    validator: Validator
    nullable: bool = False
    keep_if_omitted: bool = False
    in_lists: bool = True

    @property
    def rule(self) -> Validator:
        """Return the validator, which takes null and blank texts too if the field is nullable."""
        return optional(self.validator) if self.nullable else self.validator

    @property
    def empty(self) -> object:
        """Return the value of the field where a PUT omits it and does not keep it."""
        return None if self.nullable else _EMPTY[self.type]


def serializer(
    members: Iterable[str], definitions: Iterable[FieldDefinition], converters: Converters
) -> Callable[..., dict[str, Any]]:
    """Return a function that returns an object as a dict of these members, in their order.

    A member that has a definition is read from the object and converted; the function takes the
    others as keyword arguments. It is compiled from source code, as attrs compiles its methods: a
    loop over the definitions takes half as long again, for each product of each list.
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
    function: Callable[..., dict[str, Any]] = eval(f"lambda {parameters}: {{{items}}}", functions)  # noqa: S307  (the names are our own)
    return function


def _expression(definition: FieldDefinition, converters: Converters) -> str:
    value = f"source.{definition.name}"
    if definition.type not in converters:
        return value
    converted = f"convert_{definition.name}({value})"
    return f"None if {value} is None else {converted}" if definition.nullable else converted
