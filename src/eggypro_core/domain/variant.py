"""Variants: their rules, what may be written to them, and what a product shows by them."""

import json
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any, ClassVar, Self

from attrs import evolve, field, frozen

from eggypro_core.domain.field_definition import FieldDefinition, FieldType
from eggypro_core.domain.pagination import PAGE_PARAMETERS, ListQuery, Parameters, integer_key
from eggypro_core.domain.pricing import MAX_PRICE, compare_at_errors, price_errors
from eggypro_core.errors import ConflictError, FieldError, ValidationError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import STATUS_VALIDATOR, Status
from eggypro_core.validation.unset import UNSET, Unset, nullable

MAX_OPTION_NAMES = 3
"""How many names of options the variants of a product share at most."""
MAX_EMBEDDED_VARIANTS = 100
"""How many of its variants a product carries."""
REQUIRED_FIELDS = ("options", "price")
READ_ONLY_FIELDS = frozenset({"id"})
"""What a variant shows but a write cannot set."""


@frozen(kw_only=True)
class Variant:
    """A variant of a product.

    `options` say which one it is, such as `{"Size": "1 kg"}`; a name that its siblings have and it
    has not means any. `image` is the address of a picture. Siblings stand in order of `position`,
    then of id. `version` is its product's.
    """

    id: int
    sku: str | None
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
        """Whether it can be bought: what is not tracked always can."""
        return self.stock_quantity > 0 or not self.track_stock


@frozen(kw_only=True)
class VariantDraft:
    """A variant that is not stored yet. Without a `position` it comes last."""

    options: Mapping[str, str]
    price: Decimal
    sku: str | None = None
    compare_at_price: Decimal | None = None
    stock_quantity: int = 0
    track_stock: bool = True
    image: str | None = None
    position: int | None = None
    is_active: bool = True


@frozen(kw_only=True)
class VariantChanges:
    """What a write says about a variant. A field that it leaves alone is UNSET.

    `option_edits` sets single options, or takes away those that are None there.
    """

    options: Mapping[str, str] | Unset = UNSET
    option_edits: Mapping[str, str | None] | Unset = UNSET
    price: Decimal | Unset = UNSET
    sku: str | Unset | None = UNSET
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
        """Check what came from outside. Raises ValidationError with every fault of it.

        `required` names must be there; those that a variant shows are refused, unless they are
        `ignored`. To `merge` is to read the options as a JSON merge patch does (RFC 7396).
        """
        found = EDITS if merge else FIELDS
        try:
            checked = fields.check(
                values, found, required=required, ignore=ignore, read_only=READ_ONLY_FIELDS
            )
        except ValidationError as invalid:
            raise ValidationError([*invalid.errors, *price_errors(values, found)]) from None
        if merge and "options" in checked:
            checked["option_edits"] = checked.pop("options")
        changes = cls(**checked)
        fields.raise_if(compare_at_errors(changes.price, changes.compare_at_price))
        return changes

    def to_draft(self) -> VariantDraft:
        """Return the new variant that this describes, which names options and a price."""
        return VariantDraft(**self._set_fields())

    @property
    def options_key(self) -> str:
        """What tells the options that it names from others."""
        return options_key({} if self.options is UNSET else self.options)

    def to_draft_at(self, position: int) -> VariantDraft:
        """Return the new variant that this describes, which has that place unless it names one."""
        draft = self.to_draft()
        return draft if draft.position is not None else evolve(draft, position=position)

    def as_replacement(self) -> "VariantChanges":
        """Return the changes of a PUT: omitted fields that may be null become null."""
        left = {name: none for name, none in _EMPTY.items() if getattr(self, name) is UNSET}
        return evolve(self, **left)

    def apply_to(self, variant: Variant) -> Variant:
        """Return the variant as changed. Raises ValidationError where the two break a rule."""
        changed = evolve(variant, **self._set_fields(), **self._merged_options(variant))
        fields.raise_if(compare_at_errors(changed.price, changed.compare_at_price))
        fields.raise_if(_option_errors(changed.options))
        return changed

    def _set_fields(self) -> dict[str, Any]:
        given = ((definition.name, getattr(self, definition.name)) for definition in VARIANT_FIELDS)
        return {name: value for name, value in given if value is not UNSET}

    def _merged_options(self, variant: Variant) -> dict[str, Any]:
        if self.option_edits is UNSET:
            return {}
        merged = {**variant.options, **self.option_edits}
        return {"options": {name: text for name, text in merged.items() if text is not None}}


@frozen(kw_only=True)
class VariantSummary:
    """What a product that has variants shows by them."""

    price: Decimal
    compare_at_price: Decimal | None
    stock_quantity: int
    track_stock: bool
    variant_count: int


def variant_summary(variants: Iterable[Variant | VariantDraft]) -> VariantSummary | None:
    """Return what a product shows by its variants; None if none of them is active.

    Active ones count: the lowest price, with the compare-at price of that very one, and all their
    stock together. It is tracked if all of theirs is. A product whose variants are all inactive
    shows the last price, and no stock.
    """
    active = sorted((one for one in variants if one.is_active), key=_sort_key)
    if not active:
        return None
    lowest = min(active, key=lambda one: one.price)
    return VariantSummary(
        price=lowest.price,
        compare_at_price=lowest.compare_at_price,
        stock_quantity=min(sum(one.stock_quantity for one in active), fields.MAX_INTEGER),
        track_stock=all(one.track_stock for one in active),
        variant_count=len(active),
    )


@frozen(kw_only=True)
class VariantQuery(ListQuery[Variant, int]):
    """A query for variants of the product at a slug, in their order."""

    parameters: ClassVar[Parameters] = {"status": STATUS_VALIDATOR, **PAGE_PARAMETERS}

    product: str
    status: Status = Status.ACTIVE

    @classmethod
    def parse_for_product(cls, product: str, params: Mapping[str, object]) -> Self:
        """Return the query as `parse` does, for the variants of a product."""
        return cls._parse(params, cls.parameters, product=product)

    def _sort_key(self, item: Variant) -> int:
        return item.position

    def _parse_key(self, text: str) -> int:
        return integer_key(text)


def options_key(options: Mapping[str, str]) -> str:
    """Return what tells options from others, whatever their order: 32 hexadecimal digits."""
    text = json.dumps(sorted(options.items()))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def options_conflict(options: Mapping[str, str]) -> ConflictError:
    """Return the refusal of options that a sibling has."""
    named = ", ".join(f"{name} {text}" for name, text in options.items())
    return ConflictError(
        f"The product has a variant {fields.escape_control(named)}", field="options"
    )


def check_option_names(options: Mapping[str, str], others: Iterable[str]) -> None:
    """Raise ConflictError if options and the names of siblings' options are too many together."""
    names = list(dict.fromkeys([*others, *options]))
    if len(names) > MAX_OPTION_NAMES:
        most = f"The variants of a product share {MAX_OPTION_NAMES} names of options at most"
        those = fields.escape_control(", ".join(names))
        raise ConflictError(f"{most}, and these would have {those}", field="options")


def _sort_key(variant: Variant | VariantDraft) -> tuple[int, int]:
    return variant.position or 0, variant.id if isinstance(variant, Variant) else 0


def _option_errors(options: Mapping[str, str]) -> list[FieldError]:
    if not options:
        return [FieldError("options", "At least one option is required")]
    return [FieldError("options", "Too many options")] if len(options) > MAX_OPTION_NAMES else []


_OPTION_NAME = fields.single_line("Option name", 100)
_OPTION = fields.single_line("Option", 255)
_any_options = fields.string_map(
    "Options", maximum=MAX_OPTION_NAMES, key=_OPTION_NAME, text=_OPTION
)
_option_edits = fields.string_map(
    "Options", maximum=2 * MAX_OPTION_NAMES, key=_OPTION_NAME, text=nullable(_OPTION)
)


def _parse_options(value: object) -> dict[str, str]:
    options = _any_options(value)
    if not options:
        raise fields.InvalidValueError("At least one option is required")
    return options


_OPTIONS = fields.with_schema(
    _parse_options, {**fields.schema_of(_any_options), "minProperties": 1}
)
_PRICE = fields.money("Price", MAX_PRICE)
_COMPARE_AT_PRICE = fields.money("Compare-at price", MAX_PRICE)
_STOCK = fields.integer_between("Stock quantity", 0, fields.MAX_INTEGER)
_IMAGE = fields.https_url("Image address", item_label="Image")
_POSITION = fields.integer_between("Position", 0, fields.MAX_INTEGER)
_TRACK_STOCK = fields.boolean("Track stock")
_IS_ACTIVE = fields.boolean("Is active")
VARIANT_FIELDS = (
    FieldDefinition("sku", FieldType.TEXT, fields.single_line("SKU", 100), nullable=True),
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
_EMPTY: Mapping[str, Any] = {
    definition.name: definition.empty for definition in VARIANT_FIELDS if definition.nullable
}
_RULES = {definition.name: definition.rule for definition in VARIANT_FIELDS}
FIELDS: Mapping[str, fields.Validator] = {
    **{name: _RULES[name] for name in REQUIRED_FIELDS},
    **_RULES,
}
"""The rules of those fields, the required ones first."""
EDITS: Mapping[str, fields.Validator] = {**FIELDS, "options": _option_edits}
