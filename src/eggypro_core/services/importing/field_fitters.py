"""The fitters of fields that are derived from their definitions."""

from collections.abc import Iterable, Iterator

from eggypro_core.domain.field_definition import FieldDefinition, FieldType
from eggypro_core.services.importing.amounts import fit_boolean
from eggypro_core.services.importing.messages import EntryMessages
from eggypro_core.services.importing.texts import Fitter, line_fitter, multiline_fitter
from eggypro_core.validation.fields import field_label, schema_of

_LINE_KEYWORDS = frozenset({"type", "minLength", "maxLength"})
_MULTILINE_KEYWORDS = frozenset({"type", "maxLength"})


def field_fitters(definitions: Iterable[FieldDefinition]) -> dict[str, Fitter]:
    """Return the fitters of booleans and of texts limited only in length, by field name."""
    return dict(_named_fitters(definitions))


def _named_fitters(definitions: Iterable[FieldDefinition]) -> Iterator[tuple[str, Fitter]]:
    for definition in definitions:
        name, label = definition.name, field_label(definition.name)
        schema = schema_of(definition.validator)
        if definition.type is FieldType.BOOLEAN:
            yield name, _boolean_fitter(name, label)
        elif definition.type is FieldType.TEXT and schema.keys() == _LINE_KEYWORDS:
            yield name, line_fitter(name, label, schema["maxLength"])
        elif definition.type is FieldType.TEXT and schema.keys() == _MULTILINE_KEYWORDS:
            yield name, multiline_fitter(name, label, schema["maxLength"])


def _boolean_fitter(name: str, label: str) -> Fitter:
    def fit(value: object, messages: EntryMessages) -> object:
        return fit_boolean(value, name, label, messages)

    return fit
