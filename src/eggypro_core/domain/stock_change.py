"""Changes of the stock of several products and variants in one step, such as those of an order."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Self

from attrs import evolve, frozen

from eggypro_core.domain.event import EventDraft, Subject, stock_changed, variant_subject
from eggypro_core.domain.origin import MAX_REASON_LENGTH, MAX_REFERENCE_LENGTH
from eggypro_core.domain.pagination import MAX_ID
from eggypro_core.domain.product import MAX_STOCK
from eggypro_core.domain.product_fields import STOCK_QUANTITY
from eggypro_core.domain.variant import SKU
from eggypro_core.errors import ConflictError, FieldError, ValidationError
from eggypro_core.validation import fields

MAX_STOCK_LINES = 100
"""The most lines of one request."""


class StockKey(StrEnum):
    """The key by which a line names its product or variant."""

    SKU = "sku"
    PRODUCT = "product"
    VARIANT = "variant"


@frozen
class StockLine:
    """A line: a product or variant by its key, and a new `quantity` or else a `delta` to add."""

    kind: StockKey
    key: str | int
    delta: int = 0
    quantity: int | None = None


@frozen
class StockLevel:
    """The stock of a product, or of a variant of it. `slug` and `version` are the product's.

    `is_derived`: it is the sum of the variants, and cannot be changed itself.
    """

    product_id: int
    variant_id: int | None
    slug: str
    name: str
    version: int
    stock_quantity: int
    is_derived: bool = False

    @classmethod
    def of_product(
        cls, product: Subject, version: int, stock_quantity: int, *, has_variants: bool
    ) -> Self:
        """Return the level of a product itself."""
        return cls(
            product.id, None, product.slug, product.name, version, stock_quantity, has_variants
        )

    @classmethod
    def of_variant(
        cls,
        product: Subject,
        version: int,
        variant_id: int,
        options: Mapping[str, str],
        stock_quantity: int,
    ) -> Self:
        """Return the level of a variant of a product."""
        name = variant_subject(product, variant_id, options).name
        return cls(product.id, variant_id, product.slug, name, version, stock_quantity)


@frozen
class StockUpdate:
    """All lines of a request, and the reason and reference of the change."""

    lines: tuple[StockLine, ...]
    reason: str | None = None
    reference: str | None = None

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        """Validate the JSON fields of a request. Raises ValidationError with all errors."""
        checked = fields.check(values, STOCK_UPDATE_VALIDATORS, required=("items",))
        return cls(checked["items"], checked.get("reason"), checked.get("reference"))


def changed_levels(
    lines: Sequence[StockLine], levels: Sequence[StockLevel]
) -> list[tuple[StockLevel, StockLevel]]:
    """Return each product or variant once, before and after its lines, in the order of the lines.

    `levels` has the level of each line. Deltas of one item are summed. Raises ValidationError if
    an item is set twice or set and changed by a delta, and ConflictError that lists every item
    that is short or derived.
    """
    before: dict[tuple[int, int | None], StockLevel] = {}
    deltas: dict[tuple[int, int | None], int] = {}
    quantities: dict[tuple[int, int | None], int] = {}
    errors = []
    for index, (line, level) in enumerate(zip(lines, levels, strict=True)):
        item = level.product_id, level.variant_id
        is_repeated = item in before
        before[item] = level
        if (line.quantity is not None and is_repeated) or item in quantities:
            errors.append(FieldError(f"items.{index}.set", f"{level.name} is set more than once"))
        elif line.quantity is not None:
            quantities[item] = line.quantity
        else:
            deltas[item] = deltas.get(item, 0) + line.delta
    fields.raise_if(errors)
    pairs = [
        (level, evolve(level, stock_quantity=_new_quantity(level, deltas, quantities)))
        for level in before.values()
    ]
    if refused := [refusal for pair in pairs if (refusal := _refusal(*pair))]:
        messages = "; ".join(message for _, message in refused)
        [code, _] = refused[0]
        raise ConflictError(f"Nothing was changed. {messages}", field="items", code=code)
    return pairs


def _new_quantity(
    level: StockLevel,
    deltas: Mapping[tuple[int, int | None], int],
    quantities: Mapping[tuple[int, int | None], int],
) -> int:
    item = level.product_id, level.variant_id
    return quantities.get(item, level.stock_quantity + deltas.get(item, 0))


def _refusal(before: StockLevel, after: StockLevel) -> tuple[str, str] | None:
    """Return the code and message of the conflict if the stock must not change so."""
    if before.is_derived and before != after:
        message = f"The stock of {before.name} is that of its variants: name these"
        return "derived-field", message
    if 0 <= after.stock_quantity <= MAX_STOCK:
        return None
    change = after.stock_quantity - before.stock_quantity
    code = "insufficient-stock" if after.stock_quantity < 0 else "limit-reached"
    return code, f"{before.name} has {before.stock_quantity}, which cannot change by {change}"


def level_events(pairs: Iterable[tuple[StockLevel, StockLevel]]) -> list[EventDraft]:
    """Return the events of the levels that differ before and after."""
    return [
        stock_changed(
            Subject(after.variant_id or after.product_id, after.slug, after.name, after.product_id),
            before.stock_quantity,
            after.stock_quantity,
            after.version,
            of_variant=after.variant_id is not None,
        )
        for before, after in pairs
        if before != after
    ]


def unknown_lines(lines: Iterable[tuple[int, StockLine]]) -> ValidationError:
    """Return the error for lines, given with their index, whose item does not exist."""
    return ValidationError(
        [
            FieldError(
                f"items.{index}.{line.kind}",
                f"There is no {'SKU' if line.kind is StockKey.SKU else line.kind}"
                f" '{fields.escape_control(str(line.key))}'",
            )
            for index, line in lines
        ]
    )


def _parse_line(value: object) -> StockLine:
    if not isinstance(value, Mapping):
        raise fields.InvalidValueError("Each item must be an object")
    try:
        checked = fields.check(value, STOCK_LINE_VALIDATORS)
    except ValidationError as invalid:
        raise fields.InvalidValueError(
            "; ".join(error.message for error in invalid.errors)
        ) from None
    keys = [kind for kind in StockKey if kind in checked]
    if len(keys) != 1 or len({"delta", "set"} & checked.keys()) != 1:
        raise fields.InvalidValueError(
            "Each item must have one of sku, product and variant, and one of delta and set"
        )
    return StockLine(keys[0], checked[keys[0]], checked.get("delta", 0), checked.get("set"))


STOCK_LINE_VALIDATORS: Mapping[str, fields.Validator] = {
    "sku": SKU,
    "product": fields.slug("Product", 255),
    "variant": fields.integer_between("Variant", 1, MAX_ID),
    "delta": fields.integer_between("Delta", -MAX_STOCK, MAX_STOCK),
    "set": STOCK_QUANTITY,
}
_LINE = fields.with_schema(
    _parse_line,
    {
        "type": "object",
        "properties": {
            name: fields.schema_of(validator) for name, validator in STOCK_LINE_VALIDATORS.items()
        },
        "additionalProperties": False,
    },
)
STOCK_UPDATE_VALIDATORS: Mapping[str, fields.Validator] = {
    "items": fields.list_of("Items", _LINE, MAX_STOCK_LINES, minimum=1),
    "reason": fields.optional(fields.single_line("Reason", MAX_REASON_LENGTH)),
    "reference": fields.optional(fields.single_line("Reference", MAX_REFERENCE_LENGTH)),
}
"""The validators of the JSON fields of a stock update."""
