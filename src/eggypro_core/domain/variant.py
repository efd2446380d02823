"""Variants: the record, its draft and changes, validation, list queries, and the summary."""

import json
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any, ClassVar, Self

from attrs import evolve, field, frozen

from eggypro_core.domain.field_definition import FieldDefinition, FieldType
from eggypro_core.domain.gtin import GTIN
from eggypro_core.domain.pagination import PAGE_PARAMETERS, ListQuery, Parameters, parse_integer_key
from eggypro_core.domain.pricing import MAX_PRICE, compare_at_errors, price_errors
from eggypro_core.errors import ConflictError, FieldError, ValidationError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import STATUS_VALIDATOR, Status
from eggypro_core.validation.unset import UNSET, Unset, nullable

MAX_OPTION_NAMES = 10
"""The maximum number of option names of all variants of a product."""
MAX_EMBEDDED_VARIANTS = 100
"""The maximum number of variants in the record of a product."""
REQUIRED_FIELDS = ("options", "price")
READ_ONLY_FIELDS = frozenset({"id"})
"""The fields that a write cannot set."""


@frozen(kw_only=True)
class Variant:
    """A variant of a product.

    `options` identify the variant, such as `{"Size": "1 kg"}`; an option name that only its
    siblings have means any value. `image` is a URL. Variants are sorted by `position`, then by id.
    `version` is that of the product.
    """

    id: int
    sku: str | None
    gtin: str | None = None
    weight_grams: int | None = None
    options: Mapping[str, str] = field(eq=lambda options: tuple(options.items()))
    price: Decimal
    compare_at_price: Decimal | None
    stock_quantity: int
    track_stock: bool
    image: str | None
    position: int
    is_active: bool
    version: int = field(default=0, eq=False)

    @property
    def in_stock(self) -> bool:
        """Return whether the variant can be bought; without tracked stock, it always can."""
        return self.stock_quantity > 0 or not self.track_stock


@frozen(kw_only=True)
class VariantDraft:
    """A variant that is not stored yet. Without a `position`, it is placed last."""

    options: Mapping[str, str]
    price: Decimal
    sku: str | None = None
    gtin: str | None = None
    weight_grams: int | None = None
    compare_at_price: Decimal | None = None
    stock_quantity: int = 0
    track_stock: bool = True
    image: str | None = None
    position: int | None = None
    is_active: bool = True


@frozen(kw_only=True, slots=False)  # like ProductChanges
class VariantChanges:
    """Changes to a variant. Fields that stay unchanged are UNSET.

    `option_edits` sets single options, and removes those that are None.
    """

    options: Mapping[str, str] | Unset = UNSET
    option_edits: Mapping[str, str | None] | Unset = UNSET
    price: Decimal | Unset = UNSET
    sku: str | Unset | None = UNSET
    gtin: str | Unset | None = UNSET
    weight_grams: int | Unset | None = UNSET
    compare_at_price: Decimal | Unset | None = UNSET
    stock_quantity: int | Unset = UNSET
    track_stock: bool | Unset = UNSET
    image: str | Unset | None = UNSET
    position: int | Unset = UNSET
    is_active: bool | Unset = UNSET

    @classmethod
    def parse(
        cls,
        values: Mapping[str, object],
        *,
        required: Collection[str] = (),
        ignore: Collection[str] = (),
        merge: bool = False,
    ) -> "VariantChanges":
        """Validate input values. Raises ValidationError with all errors.

        `required` fields must be present. Read-only fields are rejected unless in `ignore`. With
        `merge`, options are a JSON merge patch (RFC 7396).
        """
        validators = VARIANT_PATCH_VALIDATORS if merge else VARIANT_VALIDATORS
        try:
            clean = fields.check(
                values, validators, required=required, ignore=ignore, read_only=READ_ONLY_FIELDS
            )
        except ValidationError as error:
            raise ValidationError([*error.errors, *price_errors(values, validators)]) from None
        if merge and "options" in clean:
            clean["option_edits"] = clean.pop("options")
        changes = cls(**clean)
        fields.raise_if(compare_at_errors(changes.price, changes.compare_at_price))
        return changes

    def to_draft(self) -> VariantDraft:
        """Return the draft of a new variant. Options and price must be set."""
        return VariantDraft(**self._set_fields())

    @property
    def options_key(self) -> str:
        """Return the options key of the options, which must be complete."""
        return options_key({} if self.options is UNSET else self.options)

    def to_draft_at(self, position: int) -> VariantDraft:
        """Return the draft of a new variant, with `position` as the default position."""
        draft = self.to_draft()
        return draft if draft.position is not None else evolve(draft, position=position)

    def as_replacement(self) -> "VariantChanges":
        """Return the changes of a PUT: omitted fields are cleared, unless they are kept."""
        omitted = (name for name in _CLEARED_FIELDS if getattr(self, name) is UNSET)
        cleared: dict[str, Any] = dict.fromkeys(omitted)
        return evolve(self, **cleared)

    def apply_to(self, variant: Variant) -> Variant:
        """Return the changed variant. Raises ValidationError if the result is invalid."""
        changed = evolve(variant, **self._set_fields(), **self._merged_options(variant))
        fields.raise_if(compare_at_errors(changed.price, changed.compare_at_price))
        fields.raise_if(_option_errors(changed.options))
        return changed

    def _set_fields(self) -> dict[str, Any]:
        names = (definition.name for definition in VARIANT_FIELDS)
        values = ((name, getattr(self, name)) for name in names)
        return {name: value for name, value in values if value is not UNSET}

    def _merged_options(self, variant: Variant) -> dict[str, Any]:
        if self.option_edits is UNSET:
            return {}
        merged = {**variant.options, **self.option_edits}
        return {"options": {name: text for name, text in merged.items() if text is not None}}


@frozen(kw_only=True)
class VariantSummary:
    """The fields that a product derives from its variants."""

    price: Decimal
    compare_at_price: Decimal | None
    stock_quantity: int
    track_stock: bool
    variant_count: int


def variant_summary(variants: Iterable[Variant | VariantDraft]) -> VariantSummary | None:
    """Return the summary of the active variants; None if none is active.

    It has the lowest price, the compare-at price of the same variant, and the sum of the stock. The
    stock is tracked if that of all active variants is. A product without an active variant shows
    its last price, and no stock.
    """
    active = sorted((variant for variant in variants if variant.is_active), key=_sort_key)
    if not active:
        return None
    cheapest = min(active, key=lambda variant: variant.price)
    return VariantSummary(
        price=cheapest.price,
        compare_at_price=cheapest.compare_at_price,
        stock_quantity=min(sum(variant.stock_quantity for variant in active), fields.MAX_INTEGER),
        track_stock=all(variant.track_stock for variant in active),
        variant_count=len(active),
    )


@frozen(kw_only=True)
class VariantQuery(ListQuery[Variant, int]):
    """A query for the variants of a product (its slug), sorted by position."""

    parameters: ClassVar[Parameters] = {"status": STATUS_VALIDATOR, **PAGE_PARAMETERS}

    product: str
    status: Status = Status.ACTIVE

    @classmethod
    def parse_for_product(cls, product: str, params: Mapping[str, object]) -> Self:
        """Return the query for the variants of a product, as `parse` does."""
        return cls._parse(params, cls.parameters, product=product)

    def _sort_key(self, item: Variant) -> int:
        return item.position

    def _parse_key(self, text: str) -> int:
        return parse_integer_key(text)


def options_key(options: Mapping[str, str]) -> str:
    """Return a hash of the options, independent of their order: 32 hexadecimal digits."""
    text = json.dumps(sorted(options.items()))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def options_conflict(options: Mapping[str, str]) -> ConflictError:
    """Return the error for options that another variant of the product has."""
    pairs = ", ".join(f"{name} {text}" for name, text in options.items())
    return ConflictError(
        f"The product already has a variant {fields.escape_control(pairs)}",
        field="options",
        code="options-taken",
    )


def check_option_names(options: Mapping[str, str], sibling_names: Iterable[str]) -> None:
    """Raise ConflictError if the variants of a product would have too many option names."""
    names = list(dict.fromkeys([*sibling_names, *options]))
    if len(names) > MAX_OPTION_NAMES:
        limit = f"The variants of a product can have at most {MAX_OPTION_NAMES} option names"
        name_list = fields.escape_control(", ".join(names))
        raise ConflictError(
            f"{limit}, and these would have {name_list}", field="options", code="limit-reached"
        )


def _sort_key(variant: Variant | VariantDraft) -> tuple[int, int]:
    return variant.position or 0, variant.id if isinstance(variant, Variant) else 0


def _option_errors(options: Mapping[str, str]) -> list[FieldError]:
    if not options:
        return [FieldError("options", "At least one option is required")]
    return [FieldError("options", "Too many options")] if len(options) > MAX_OPTION_NAMES else []


OPTION_NAME = fields.single_line("Option name", 100)
OPTION_VALUE = fields.single_line("Option", 255)
_OPTIONS_MAP = fields.string_map(
    "Options", maximum=MAX_OPTION_NAMES, key=OPTION_NAME, text=OPTION_VALUE
)
_OPTION_EDITS = fields.string_map(
    "Options", maximum=2 * MAX_OPTION_NAMES, key=OPTION_NAME, text=nullable(OPTION_VALUE)
)


def _parse_options(value: object) -> dict[str, str]:
    options = _OPTIONS_MAP(value)
    if not options:
        raise fields.InvalidValueError("At least one option is required")
    return options


_OPTIONS = fields.with_schema(
    _parse_options, {**fields.schema_of(_OPTIONS_MAP), "minProperties": 1}
)
SKU = fields.single_line("SKU", 255)
WEIGHT_GRAMS = fields.integer_between("Weight in grams", 0, fields.MAX_INTEGER)
_PRICE = fields.money("Price", MAX_PRICE)
_COMPARE_AT_PRICE = fields.money("Compare-at price", MAX_PRICE)
_STOCK = fields.integer_between("Stock quantity", 0, fields.MAX_INTEGER)
_IMAGE = fields.https_url("Image URL", item_label="Image")
_POSITION = fields.integer_between("Position", 0, fields.MAX_INTEGER)
_TRACK_STOCK = fields.boolean("Track stock")
_IS_ACTIVE = fields.boolean("Is active")
VARIANT_FIELDS = (
    FieldDefinition("sku", FieldType.TEXT, SKU, nullable=True),
    FieldDefinition("gtin", FieldType.TEXT, GTIN, nullable=True, keep_if_omitted=True),
    FieldDefinition(
        "weight_grams", FieldType.INTEGER, WEIGHT_GRAMS, nullable=True, keep_if_omitted=True
    ),
    FieldDefinition("options", FieldType.TEXT_MAP, _OPTIONS),
    FieldDefinition("price", FieldType.MONEY, _PRICE),
    FieldDefinition("compare_at_price", FieldType.MONEY, _COMPARE_AT_PRICE, nullable=True),
    FieldDefinition("stock_quantity", FieldType.INTEGER, _STOCK, keep_if_omitted=True),
    FieldDefinition("track_stock", FieldType.BOOLEAN, _TRACK_STOCK, keep_if_omitted=True),
    FieldDefinition("image", FieldType.TEXT, _IMAGE, nullable=True),
    FieldDefinition("position", FieldType.INTEGER, _POSITION, keep_if_omitted=True),
    FieldDefinition("is_active", FieldType.BOOLEAN, _IS_ACTIVE, keep_if_omitted=True),
)
"""The fields of a variant that writes can set."""
_CLEARED_FIELDS = [
    definition.name
    for definition in VARIANT_FIELDS
    if definition.nullable and not definition.keep_if_omitted
]
_VALIDATORS = {definition.name: definition.input_validator for definition in VARIANT_FIELDS}
VARIANT_VALIDATORS: Mapping[str, fields.Validator] = {
    **{name: _VALIDATORS[name] for name in REQUIRED_FIELDS},
    **_VALIDATORS,
}
"""The validators of the fields, required ones first."""
VARIANT_PATCH_VALIDATORS: Mapping[str, fields.Validator] = {
    **VARIANT_VALIDATORS,
    "options": _OPTION_EDITS,
}
"""The validators of a merge patch."""
