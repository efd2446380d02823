"""Bulk updates: one change to many products, its validation, and its effect on a product."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any, Self

from attrs import evolve, field, frozen

from eggypro_core.domain.event import field_changes, shown_change
from eggypro_core.domain.pricing import MAX_PRICE
from eggypro_core.domain.product import MAX_STOCK, MAX_TAGS, Product
from eggypro_core.domain.product_changes import PRODUCT_PATCH_VALIDATORS, ProductChanges
from eggypro_core.domain.product_fields import PRODUCT_FIELDS, TAGS
from eggypro_core.domain.product_files import StoredProduct
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.domain.slug import fold
from eggypro_core.domain.variant import VARIANT_FIELDS, Variant
from eggypro_core.errors import ConflictError, FieldError, ValidationError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import Status

MAX_BULK_OFFERS = 10_000
"""The most products and variants of a bulk update, together."""
SETTABLE_FIELDS = (
    "brand",
    "is_listed",
    "is_active",
    "track_stock",
    "seo_title",
    "seo_description",
    "attributes",
)
"""The fields that a bulk update can set; `attributes` is a merge patch."""
_MIN_PRICE = Decimal("0.01")
_CENT = Decimal("0.01")
_MAX_CATEGORIES = 100
_MAX_SLUGS = 10_000


@frozen(kw_only=True)
class PriceChange:
    """A change of prices by a percentage.

    The result is rounded half up to a multiple of `round_to`, or to the nearest price that ends
    with `ending`, such as 0.99. With `keep_as_compare_at`, the former price becomes the compare-at
    price, unless there is one above the new price.
    """

    percent: Decimal
    round_to: Decimal = _CENT
    ending: Decimal | None = None
    keep_as_compare_at: bool = False

    def apply_to(self, price: Decimal) -> Decimal:
        """Return the new price, which may be out of range."""
        exact = price * (100 + self.percent) / 100
        if self.ending is None:
            return (exact / self.round_to).quantize(Decimal(1), ROUND_HALF_UP) * self.round_to
        whole = (exact - self.ending).to_integral_value(ROUND_FLOOR)
        lower = whole + self.ending
        return lower if exact - lower < lower + 1 - exact else lower + 1


@frozen(kw_only=True)
class BulkUpdate:
    """One change to many products: those of a `query`, or those with the given `slugs`.

    `expected` is the number of products that a dry run has matched.
    """

    query: ProductQuery | None = None
    slugs: tuple[str, ...] = ()
    changes: ProductChanges = field(factory=ProductChanges)
    price: PriceChange | None = None
    stock_delta: int = 0
    add_categories: tuple[str, ...] = ()
    remove_categories: tuple[str, ...] = ()
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    expected: int | None = None
    dry_run: bool = False

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        """Validate the JSON fields of a request. Raises ValidationError with all errors."""
        checked = fields.check(values, BULK_UPDATE_VALIDATORS, errors=_selection_errors(values))
        changes: ProductChanges = checked.get("set", ProductChanges())
        if checked.get("archive"):
            changes = evolve(changes, is_active=False)
        names = ("add_categories", "remove_categories", "add_tags", "remove_tags")
        update = cls(
            query=checked.get("filter"),
            slugs=checked.get("products", ()),
            changes=changes,
            price=checked.get("price"),
            stock_delta=checked.get("stock", 0),
            expected=checked.get("expected"),
            dry_run=checked.get("dry_run", False),
            **{name: checked.get(name, ()) for name in names},
        )
        if not set(values) - {"filter", "products", "expected", "dry_run"}:
            raise ValidationError([FieldError("set", "The update changes nothing")])
        return update


@frozen
class BulkChange:
    """The effect of a bulk update on one product; `categories` is None if they stay."""

    before: Product
    after: Product
    variants: Sequence[tuple[Variant, Variant]] = ()
    former_categories: Collection[str] = ()
    categories: Collection[str] | None = None
    warnings: Sequence[str] = ()

    @property
    def is_change(self) -> bool:
        """Return whether anything changes."""
        return self.after is not self.before or bool(self.variants) or self.categories is not None

    def fields(self) -> dict[str, Sequence[Any]]:
        """Return the changed fields, each with its value before and after."""
        changes = {**field_changes(PRODUCT_FIELDS, self.before, self.after)}
        if self.categories is not None:
            changes["categories"] = [sorted(self.former_categories), sorted(self.categories)]
        for before, after in self.variants:
            options = ", ".join(f"{name}: {value}" for name, value in after.options.items())
            for name, change in field_changes(VARIANT_FIELDS, before, after).items():
                changes[f"variants[{options}].{name}"] = change
        return {name: shown_change(change) for name, change in changes.items()}


@frozen
class BulkReport:
    """The result of a bulk update (or of a `dry_run`). `changes` has the first ones."""

    batch: int | None
    matched: int
    changed: int
    changes: tuple[tuple[str, Mapping[str, Sequence[Any]]], ...]
    warnings: tuple[str, ...]
    dry_run: bool


def apply_bulk_update(update: BulkUpdate, stored: StoredProduct, at: datetime) -> BulkChange:
    """Return the effect of a bulk update on a product with all its variants.

    Raises ValidationError with all errors; each field has the slug of the product in front.
    """
    return _Application(update, stored, at).run()


class _Application:
    """One application of a bulk update."""

    def __init__(self, update: BulkUpdate, stored: StoredProduct, at: datetime) -> None:
        self.update, self.stored, self.at = update, stored, at
        self.product = stored.product
        self.errors: list[FieldError] = []
        self.warnings: list[str] = []

    def run(self) -> BulkChange:
        product, update = self.product, self.update
        after = self._edited(product)
        variants: list[tuple[Variant, Variant]] = []
        if product.has_variants:
            for variant in product.variants:
                changed = self._with_stock(self._with_price(variant), is_on_sale=variant.is_active)
                if changed != variant:
                    variants.append((variant, changed))
        else:
            after = self._with_stock(self._with_price(after), is_on_sale=True)
        after = self._with_tags(after)
        if self.errors:
            raise ValidationError(self.errors)
        is_edited = evolve(after, stock_quantity=product.stock_quantity) != product or any(
            evolve(new, stock_quantity=old.stock_quantity) != old for old, new in variants
        )
        if is_edited:
            after = evolve(after, version=product.version + 1, updated_at=self.at)
        former = self.stored.categories
        categories = (former | {*update.add_categories}) - {*update.remove_categories}
        return BulkChange(
            product,
            product if after == product else after,
            variants,
            former,
            None if categories == former else categories,
            self.warnings,
        )

    def _edited(self, product: Product) -> Product:
        try:
            edited = self.update.changes.apply_to(product, self.at)
        except ValidationError as invalid:
            self.errors += [self._error(error.field, error.message) for error in invalid.errors]
            return product
        except ConflictError as conflict:
            self.errors.append(self._error(conflict.field or "set", str(conflict)))
            return product
        return evolve(edited, version=product.version, updated_at=product.updated_at)

    def _with_price(self, offer: Any) -> Any:
        change = self.update.price
        if change is None:
            return offer
        price = change.apply_to(offer.price)
        if not _MIN_PRICE <= price <= MAX_PRICE:
            message = f"Would be {price:.2f}: must be from {_MIN_PRICE} to {MAX_PRICE}"
            self.errors.append(self._error("price", message))
            return offer
        compare_at = offer.compare_at_price
        if compare_at is None or compare_at <= price:
            is_kept = change.keep_as_compare_at and offer.price > price
            if compare_at is not None and not is_kept:
                self.warnings.append(
                    f"{self.product.slug}: the compare-at price {compare_at} is not above the new"
                    f" price {price:.2f}: dropped"
                )
            compare_at = offer.price if is_kept else None
        return evolve(offer, price=price.quantize(_CENT), compare_at_price=compare_at)

    def _with_stock(self, offer: Any, *, is_on_sale: bool) -> Any:
        if not self.update.stock_delta or not is_on_sale:
            return offer
        stock = offer.stock_quantity + self.update.stock_delta
        if not 0 <= stock <= MAX_STOCK:
            self.errors.append(self._error("stock_quantity", f"Would be {stock}"))
            return offer
        return evolve(offer, stock_quantity=stock)

    def _with_tags(self, product: Product) -> Product:
        removed = set(map(fold, self.update.remove_tags))
        tags = {fold(tag): tag for tag in product.tags if fold(tag) not in removed}
        for tag in self.update.add_tags:
            tags.setdefault(fold(tag), tag)
        if len(tags) > MAX_TAGS:
            self.errors.append(self._error("tags", f"Would be {len(tags)}, at most {MAX_TAGS}"))
            return product
        return evolve(product, tags=tuple(tags.values()))

    def _error(self, name: str, message: str) -> FieldError:
        return FieldError(f"{self.product.slug}.{name}", message)


def _selection_errors(values: Mapping[str, object]) -> Sequence[FieldError]:
    if len({"filter", "products"} & values.keys()) == 1:
        return []
    return [FieldError("filter", "Either filter or products must be given")]


def _parse_filter(value: object) -> ProductQuery:
    if not isinstance(value, Mapping):
        raise fields.InvalidValueError("Filter must be an object")
    if not value:
        raise fields.InvalidValueError('Filter is empty: {"all": true} selects all products')
    if "all" in value:
        if dict(value) != {"all": True}:
            raise fields.InvalidValueError('"all" must be true, and the only member of the filter')
        return ProductQuery(status=Status.ALL)
    unknown = sorted(set(value) - _FILTERS)
    if unknown:
        names = ", ".join(sorted(_FILTERS))
        raise fields.InvalidValueError(
            f"Filter has no '{fields.escape_control(str(unknown[0]))}': it has {names}"
        )
    params = {
        name: str(item).lower() if isinstance(item, bool) else str(item)
        for name, item in value.items()
    }
    try:
        return ProductQuery.parse(params)
    except ValidationError as invalid:
        raise fields.InvalidValueError(
            "; ".join(error.message for error in invalid.errors)
        ) from None


_FILTERS = {"search", "category", "in_stock", "min_price", "max_price", "status", "listed"}


def _parse_set(value: object) -> ProductChanges:
    if not isinstance(value, Mapping) or not value:
        raise fields.InvalidValueError("Set must be an object with at least one field")
    unknown = [name for name in value if name not in SETTABLE_FIELDS]
    if unknown:
        raise fields.InvalidValueError(
            f"'{fields.escape_control(str(unknown[0]))}' cannot be set:"
            f" only {', '.join(SETTABLE_FIELDS)}"
        )
    try:
        return ProductChanges.parse(value, str, merge=True)
    except ValidationError as invalid:
        raise fields.InvalidValueError(
            "; ".join(error.message for error in invalid.errors)
        ) from None


def _parse_price(value: object) -> PriceChange:
    if not isinstance(value, Mapping):
        raise fields.InvalidValueError("Price must be an object")
    try:
        checked = fields.check(value, PRICE_CHANGE_VALIDATORS, required=("percent",))
    except ValidationError as invalid:
        raise fields.InvalidValueError(
            "; ".join(error.message for error in invalid.errors)
        ) from None
    if {"round_to", "ending"} <= checked.keys():
        raise fields.InvalidValueError("Either round_to or ending may be given, not both")
    return PriceChange(**checked)


def _parse_percent(value: object) -> Decimal:
    percent = fields.decimal("Percent", value)
    if not _MIN_PERCENT <= percent <= _MAX_PERCENT or percent != percent.quantize(_CENT):
        raise fields.InvalidValueError(
            f"Percent must be from {_MIN_PERCENT} to {_MAX_PERCENT}, with at most two decimals"
        )
    return percent


def _parse_round_to(value: object) -> Decimal:
    amount = fields.decimal("Round to", value)
    if amount not in _ROUND_TO:
        raise fields.InvalidValueError(f"Round to must be one of {', '.join(map(str, _ROUND_TO))}")
    return amount


def _parse_ending(value: object) -> Decimal:
    ending = fields.decimal("Ending", value)
    if not 0 <= ending < 1 or ending != ending.quantize(_CENT):
        raise fields.InvalidValueError("Ending must be from 0.00 to 0.99")
    return ending


def _parse_stock(value: object) -> int:
    if isinstance(value, Mapping) and [*value] == ["delta"]:
        delta = fields.integer("Delta")(value["delta"])
        if 0 < abs(delta) <= MAX_STOCK:
            return delta
    raise fields.InvalidValueError('Stock must be an object such as {"delta": 5}')


_MIN_PERCENT, _MAX_PERCENT = Decimal("-99.00"), Decimal("900.00")
_ROUND_TO = (Decimal("0.05"), Decimal("0.10"), Decimal("1.00"))
_AMOUNT: fields.Schema = {"type": ["string", "number"]}
PRICE_CHANGE_VALIDATORS: Mapping[str, fields.Validator] = {
    "percent": fields.with_schema(_parse_percent, _AMOUNT),
    "round_to": fields.with_schema(_parse_round_to, _AMOUNT),
    "ending": fields.with_schema(_parse_ending, _AMOUNT),
    "keep_as_compare_at": fields.boolean("Keep as compare-at"),
}
_PRICE_SCHEMA: fields.Schema = {
    "type": "object",
    "properties": {
        name: fields.schema_of(validator) for name, validator in PRICE_CHANGE_VALIDATORS.items()
    },
    "required": ["percent"],
    "additionalProperties": False,
}
_CATEGORY_SLUGS = fields.list_of("Categories", fields.slug("Category", 100), _MAX_CATEGORIES)
BULK_UPDATE_VALIDATORS: Mapping[str, fields.Validator] = {
    "filter": fields.with_schema(
        _parse_filter,
        {
            "type": "object",
            "properties": {
                **{
                    name: fields.schema_of(ProductQuery.parameters[name])
                    for name in sorted(_FILTERS)
                },
                "all": {"type": "boolean"},
            },
            "additionalProperties": False,
            "minProperties": 1,
        },
    ),
    "products": fields.list_of("Products", fields.slug("Product", 255), _MAX_SLUGS, minimum=1),
    "set": fields.with_schema(
        _parse_set,
        {
            "type": "object",
            "properties": {
                name: fields.schema_of(PRODUCT_PATCH_VALIDATORS[name]) for name in SETTABLE_FIELDS
            },
            "additionalProperties": False,
            "minProperties": 1,
        },
    ),
    "price": fields.with_schema(_parse_price, _PRICE_SCHEMA),
    "stock": fields.with_schema(
        _parse_stock,
        {
            "type": "object",
            "properties": {"delta": {"type": "integer"}},
            "required": ["delta"],
            "additionalProperties": False,
        },
    ),
    "add_categories": _CATEGORY_SLUGS,
    "remove_categories": _CATEGORY_SLUGS,
    "add_tags": TAGS,
    "remove_tags": TAGS,
    "archive": fields.boolean("Archive"),
    "expected": fields.integer_between("Expected", 0, _MAX_SLUGS),
    "dry_run": fields.boolean("Dry run"),
}
"""The validators of the JSON fields of a bulk update."""
