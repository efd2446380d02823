"""Variants: their rules, what may be written to them, and what a product shows by them."""

import json
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any, ClassVar, Self

from attrs import evolve, field, frozen

from eggypro_core.domain.field_definition import FieldDefinition, FieldType
from eggypro_core.domain.pagination import PAGE_PARAMETERS, ListQuery, Parameters, integer_key
from eggypro_core.domain.pricing import HIGHEST_PRICE, compare_at_faults, price_faults
from eggypro_core.errors import ConflictError, Fault, InvalidError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import STATUS, Status
from eggypro_core.validation.unset import UNSET, Unset, or_none

OPTION_NAMES = 3
"""How many names of options the variants of a product share at most."""
EMBEDDED = 100
"""How many of its variants a product carries."""
REQUIRED = ("options", "price")
SHOWN = frozenset({"id"})
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
    def read(
        cls,
        values: Mapping[str, object],
        *,
        required: Collection[str] = (),
        ignored: Collection[str] = (),
        merge: bool = False,
    ) -> "VariantChanges":
        """Check what came from outside. Raises InvalidError with every fault of it.

        `required` names must be there; those that a variant shows are refused, unless they are
        `ignored`. To `merge` is to read the options as a JSON merge patch does (RFC 7396).
        """
        found = EDITS if merge else FIELDS
        try:
            checked = fields.check(values, found, required=required, ignored=ignored, closed=SHOWN)
        except InvalidError as invalid:
            raise InvalidError([*invalid.faults, *price_faults(values, found)]) from None
        if merge and "options" in checked:
            checked["option_edits"] = checked.pop("options")
        changes = cls(**checked)
        fields.refuse(compare_at_faults(changes.price, changes.compare_at_price))
        return changes

    def draft(self) -> VariantDraft:
        """Return the new variant that this describes, which names options and a price."""
        return VariantDraft(**self._given())

    @property
    def combination(self) -> str:
        """What tells the options that it names from others."""
        return combination({} if self.options is UNSET else self.options)

    def draft_at(self, position: int) -> VariantDraft:
        """Return the new variant that this describes, which has that place unless it names one."""
        draft = self.draft()
        return draft if draft.position is not None else evolve(draft, position=position)

    def as_replacement(self) -> "VariantChanges":
        """Return the changes of a PUT: omitted fields that may be null become null."""
        left = {name: none for name, none in _EMPTY.items() if getattr(self, name) is UNSET}
        return evolve(self, **left)

    def apply(self, variant: Variant) -> Variant:
        """Return the variant as changed. Raises InvalidError where the two break a rule."""
        changed = evolve(variant, **self._given(), **self._edited(variant))
        fields.refuse(compare_at_faults(changed.price, changed.compare_at_price))
        fields.refuse(_option_faults(changed.options))
        return changed

    def _given(self) -> dict[str, Any]:
        given = ((definition.name, getattr(self, definition.name)) for definition in VARIANT_FIELDS)
        return {name: value for name, value in given if value is not UNSET}

    def _edited(self, variant: Variant) -> dict[str, Any]:
        if self.option_edits is UNSET:
            return {}
        merged = {**variant.options, **self.option_edits}
        return {"options": {name: text for name, text in merged.items() if text is not None}}


@frozen(kw_only=True)
class Derived:
    """What a product that has variants shows by them."""

    price: Decimal
    compare_at_price: Decimal | None
    stock_quantity: int
    track_stock: bool
    variant_count: int


def derived(variants: Iterable[Variant | VariantDraft]) -> Derived | None:
    """Return what a product shows by its variants; None if none of them is active.

    Active ones count: the lowest price, with the compare-at price of that very one, and all their
    stock together. It is tracked if all of theirs is. A product whose variants are all inactive
    shows the last price, and no stock.
    """
    active = sorted((one for one in variants if one.is_active), key=_place)
    if not active:
        return None
    lowest = min(active, key=lambda one: one.price)
    return Derived(
        price=lowest.price,
        compare_at_price=lowest.compare_at_price,
        stock_quantity=min(sum(one.stock_quantity for one in active), fields.HIGHEST_WHOLE),
        track_stock=all(one.track_stock for one in active),
        variant_count=len(active),
    )


@frozen(kw_only=True)
class VariantQuery(ListQuery[Variant, int]):
    """A query for variants of the product at a slug, in their order."""

    parameters: ClassVar[Parameters] = {"status": STATUS, **PAGE_PARAMETERS}

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


def combination(options: Mapping[str, str]) -> str:
    """Return what tells options from others, whatever their order: 32 hexadecimal digits."""
    text = json.dumps(sorted(options.items()))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def options_taken(options: Mapping[str, str]) -> ConflictError:
    """Return the refusal of options that a sibling has."""
    named = ", ".join(f"{name} {text}" for name, text in options.items())
    return ConflictError(f"The product has a variant {fields.printable(named)}", field="options")


def refuse_names(options: Mapping[str, str], others: Iterable[str]) -> None:
    """Raise ConflictError if options and the names of siblings' options are too many together."""
    names = list(dict.fromkeys([*others, *options]))
    if len(names) > OPTION_NAMES:
        most = f"The variants of a product share {OPTION_NAMES} names of options at most"
        those = fields.printable(", ".join(names))
        raise ConflictError(f"{most}, and these would have {those}", field="options")


def _place(variant: Variant | VariantDraft) -> tuple[int, int]:
    return variant.position or 0, variant.id if isinstance(variant, Variant) else 0


def _option_faults(options: Mapping[str, str]) -> list[Fault]:
    if not options:
        return [Fault("options", "At least one option is required")]
    return [Fault("options", "Too many options")] if len(options) > OPTION_NAMES else []


_OPTION_NAME = fields.line("Option name", 100)
_OPTION = fields.line("Option", 255)
_any_options = fields.text_map("Options", maximum=OPTION_NAMES, key=_OPTION_NAME, text=_OPTION)
_option_edits = fields.text_map(
    "Options", maximum=2 * OPTION_NAMES, key=_OPTION_NAME, text=or_none(_OPTION)
)


def _options(value: object) -> dict[str, str]:
    options = _any_options(value)
    if not options:
        raise fields.RefusedError("At least one option is required")
    return options


_OPTIONS = fields.shaped(_options, {**fields.shape_of(_any_options), "minProperties": 1})
_PRICE = fields.money("Price", HIGHEST_PRICE)
_COMPARE_AT_PRICE = fields.money("Compare-at price", HIGHEST_PRICE)
_STOCK = fields.whole("Stock quantity", 0, fields.HIGHEST_WHOLE)
_IMAGE = fields.address("Image address", each="Image")
_POSITION = fields.whole("Position", 0, fields.HIGHEST_WHOLE)
_TRACK_STOCK = fields.yes_or_no("Track stock")
_IS_ACTIVE = fields.yes_or_no("Is active")
VARIANT_FIELDS = (
    FieldDefinition("sku", FieldType.TEXT, fields.line("SKU", 100), nullable=True),
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
FIELDS: Mapping[str, fields.Rule] = {**{name: _RULES[name] for name in REQUIRED}, **_RULES}
"""The rules of those fields, the required ones first."""
EDITS: Mapping[str, fields.Rule] = {**FIELDS, "options": _option_edits}
