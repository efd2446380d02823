from eggypro_core.domain.field_definition import FieldDefinition, FieldType
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.services.importing.field_fitters import field_fitters
from eggypro_core.services.importing.messages import EntryMessages
from eggypro_core.validation import fields

NEW_FIELDS = (
    FieldDefinition("manufacturer", FieldType.TEXT, fields.single_line("Manufacturer", 5)),
    FieldDefinition("care_notes", FieldType.TEXT, fields.multiline("Care notes", 5)),
    FieldDefinition("is_fragile", FieldType.BOOLEAN, fields.boolean("Is fragile")),
    FieldDefinition("serial", FieldType.TEXT, fields.slug("Serial", 5)),
    FieldDefinition("height", FieldType.INTEGER, fields.integer("Height")),
)


def test_a_new_field_is_fitted_by_its_definition() -> None:
    messages = EntryMessages(2)
    fitters = field_fitters(NEW_FIELDS)
    given = {"manufacturer": "Ac\0me 1", "care_notes": "a\tb\n12", "is_fragile": True}
    assert {name: fitter(given[name], messages) for name, fitter in fitters.items()} == {
        "manufacturer": "Ac me",
        "care_notes": "a b",
        "is_fragile": True,
    }
    assert [warning.message for warning in messages.warnings] == [
        "Manufacturer contains invalid characters: replaced by spaces",
        "Manufacturer is longer than 5 characters: truncated",
        "Care notes is longer than 5 characters: truncated",
    ]


def test_fields_with_rules_of_their_own_have_no_derived_fitter() -> None:
    assert field_fitters(PRODUCT_FIELDS).keys().isdisjoint({"slug", "gtin", "price", "tags"})
