"""Changes to a product: parsing, validation and application."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from attrs import asdict, evolve, fields_dict, frozen

from eggypro_core.domain import variant as variant_rules
from eggypro_core.domain.image import ImageUrlBuilder, no_image_url
from eggypro_core.domain.origin import MAX_REASON_LENGTH, MAX_REFERENCE_LENGTH
from eggypro_core.domain.pricing import compare_at_errors, price_errors
from eggypro_core.domain.product import (
    IMPORT_REQUIRED_FIELDS,
    MAX_ATTRIBUTES,
    MAX_CATEGORIES,
    READ_ONLY_FIELDS,
    REQUIRED_FIELDS,
    VARIANT_FIELDS_OF_PRODUCT,
    Image,
    Product,
    ProductDraft,
    derived_field_error,
)
from eggypro_core.domain.product_fields import (
    ATTRIBUTE_NAME,
    ATTRIBUTE_TEXT,
    ATTRIBUTES_MAP,
    PRODUCT_FIELDS,
    STOCK_QUANTITY,
    details_validator,
    images_validator,
    ingredients_validator,
)
from eggypro_core.domain.variant import VariantChanges, VariantDraft, variant_summary
from eggypro_core.errors import FieldError, ValidationError
from eggypro_core.validation import fields
from eggypro_core.validation.unset import UNSET, Unset, nullable


@frozen(kw_only=True, slots=False)  # pickled by imports: without slots in a third of the time
class ProductChanges:
    """Changes to a product. Fields that stay unchanged are UNSET.

    `variants` are the complete variants of an imported file; with them, changes to the fields that
    a product derives from its variants are ignored. `attribute_edits` sets single attributes, and
    removes those that are None.
    """

    name: str | Unset = UNSET
    slug: str | Unset = UNSET
    sku: str | Unset | None = UNSET
    gtin: str | Unset | None = UNSET
    brand: str | Unset | None = UNSET
    tags: tuple[str, ...] | Unset = UNSET
    weight_grams: int | Unset | None = UNSET
    description: str | Unset = UNSET
    details: str | Unset = UNSET
    price: Decimal | Unset = UNSET
    compare_at_price: Decimal | Unset | None = UNSET
    images: tuple[Image, ...] | Unset = UNSET
    ingredients: tuple[str, ...] | Unset = UNSET
    attributes: Mapping[str, str] | Unset = UNSET
    attribute_edits: Mapping[str, str | None] | Unset = UNSET
    seo_title: str | Unset | None = UNSET
    seo_description: str | Unset | None = UNSET
    stock_quantity: int | Unset = UNSET
    track_stock: bool | Unset = UNSET
    is_active: bool | Unset = UNSET
    is_listed: bool | Unset = UNSET
    variants: tuple[VariantChanges, ...] = ()
    categories: tuple[str, ...] | Unset = UNSET

    @classmethod
    def parse(  # noqa: PLR0913  (one parameter for each difference between the kinds of write)
        cls,
        values: Mapping[str, object],
        clean_html: Callable[[str], str],
        *,
        required: Collection[str] = (),
        read_only: Collection[str] = READ_ONLY_FIELDS - {"images"},
        ignore: Collection[str] = (),
        merge: bool = False,
        image_url: ImageUrlBuilder = no_image_url,
    ) -> "ProductChanges":
        """Validate input values. Raises ValidationError with all errors.

        `required` fields must be present; required ingredients must not be empty. `read_only`
        fields are rejected, or ignored if they are also in `ignore`. With `merge`, attributes are
        a JSON merge patch (RFC 7396): attributes that it omits stay. Own images can be given by
        the URLs of `image_url`.
        """
        min_ingredients = 1 if "ingredients" in required else 0
        validators = _validators(
            clean_html, min_ingredients=min_ingredients, merge=merge, image_url=image_url
        )
        try:
            clean = fields.check(
                values, validators, required=required, ignore=ignore, read_only=read_only
            )
        except ValidationError as error:
            raise ValidationError([*error.errors, *price_errors(values, validators)]) from None
        if merge and clean.get("attributes") is not None:
            clean["attribute_edits"] = clean.pop("attributes")
        elif "attributes" in clean:
            clean["attributes"] = clean["attributes"] or {}
        changes = cls(**clean)
        fields.raise_if(compare_at_errors(changes.price, changes.compare_at_price))
        return changes

    def to_draft(self) -> ProductDraft:
        """Return the draft of a new product, in which omitted fields are empty.

        Raises ValidationError if the name or the price is missing.
        """
        values = self._set_fields()
        if self.variants:
            drafts = tuple(
                variant.to_draft_at(position) for position, variant in enumerate(self.variants)
            )
            values |= {"variants": drafts, **_derived_fields(drafts, values)}
        fields.raise_if(
            [
                FieldError(name, f"{fields.field_label(name)} is required")
                for name in IMPORT_REQUIRED_FIELDS
                if name not in values
            ]
        )
        return ProductDraft(**values)

    def apply_to(self, product: Product, at: datetime) -> Product:
        """Return the changed product, with its next version, or `product` itself if it is equal.

        Raises ValidationError if the result is invalid, ConflictError if a field is set that the
        product derives from its variants.
        """
        values = self._set_fields()
        if self.variants:
            values = {
                name: value
                for name, value in values.items()
                if name not in VARIANT_FIELDS_OF_PRODUCT
            }
        elif product.has_variants:
            self._check_derived_fields(product)
        values |= self._merged_attributes(product)
        if _has_values(product, values):
            return product
        changed = evolve(product, **values)
        fields.raise_if(compare_at_errors(changed.price, changed.compare_at_price))
        fields.raise_if(_attribute_errors(changed.attributes))
        return evolve(changed, version=product.version + 1, updated_at=at)

    @property
    def is_priced(self) -> bool:
        """Return whether there is a price of the product or of a variant."""
        return not self.is_unset("price") or any(v.price is not UNSET for v in self.variants)

    def is_unset(self, name: str) -> bool:
        """Return whether a field stays unchanged."""
        return getattr(self, name) is UNSET

    def _check_derived_fields(self, product: Product) -> None:
        for name in VARIANT_FIELDS_OF_PRODUCT:
            if not self.is_unset(name) and getattr(self, name) != getattr(product, name):
                raise derived_field_error(name)

    def as_replacement(self, *, keep: Collection[str] = ()) -> "ProductChanges":
        """Return the changes of a PUT: omitted fields are cleared, except those to `keep`."""
        omitted = [name for name in _EMPTY_VALUES if self.is_unset(name) and name not in keep]
        return evolve(self, **{name: _EMPTY_VALUES[name] for name in omitted})

    def _set_fields(self) -> dict[str, Any]:
        values = ((name, getattr(self, name)) for name in _DRAFT_FIELDS)
        return {name: value for name, value in values if value is not UNSET}

    def _merged_attributes(self, product: Product) -> dict[str, Any]:
        if self.attribute_edits is UNSET:
            return {}
        merged = {**product.attributes, **self.attribute_edits}
        return {"attributes": {name: text for name, text in merged.items() if text is not None}}


def _has_values(product: Product, values: Mapping[str, Any]) -> bool:
    """Return whether these fields of a product have these values, attributes in this order."""
    names = [*values.get("attributes", product.attributes)]
    return names == [*product.attributes] and all(
        getattr(product, name) == value for name, value in values.items()
    )


_DRAFT_FIELDS = [name for name in fields_dict(ProductDraft) if name != "variants"]
_EMPTY_VALUES: Mapping[str, Any] = {
    definition.name: definition.empty
    for definition in PRODUCT_FIELDS
    if not definition.keep_if_omitted
    and definition.name not in {*REQUIRED_FIELDS, *READ_ONLY_FIELDS}
}
"""The empty values of the fields that a PUT clears if it omits them."""


@frozen
class StockChange:
    """A change of a stock: a new `quantity`, or else a `delta` to add; why, and a reference."""

    delta: int = 0
    quantity: int | None = None
    reason: str | None = None
    reference: str | None = None


def parse_stock_change(values: Mapping[str, object]) -> StockChange:
    """Validate a stock change: either a `delta` to add or a value to `set`.

    Raises ValidationError.
    """
    errors = [] if len({"delta", "set"} & values.keys()) == 1 else [_DELTA_OR_SET]
    checked = fields.check(values, STOCK_FIELDS, errors=errors)
    return StockChange(
        checked.get("delta", 0),
        checked.get("set"),
        checked.get("reason"),
        checked.get("reference"),
    )


def parse_quantity(value: object) -> int:
    """Return a valid stock quantity. Raises ValidationError for the field `set`."""
    quantity: int = fields.check({"set": value}, {"set": STOCK_QUANTITY})["set"]
    return quantity


_CATEGORIES = fields.list_of("Categories", fields.slug("Category", 100), MAX_CATEGORIES)
STOCK_FIELDS: Mapping[str, fields.Validator] = {
    "delta": fields.integer("Delta"),
    "set": STOCK_QUANTITY,
    "reason": fields.optional(fields.single_line("Reason", MAX_REASON_LENGTH)),
    "reference": fields.optional(fields.single_line("Reference", MAX_REFERENCE_LENGTH)),
}
_DELTA_OR_SET = FieldError("delta", "Either delta or set must be given")
_ATTRIBUTE_EDITS = nullable(
    fields.string_map(
        "Attributes",
        maximum=2 * MAX_ATTRIBUTES,  # a patch may remove all attributes and set as many others
        key=ATTRIBUTE_NAME,
        text=nullable(ATTRIBUTE_TEXT),
    )
)


@lru_cache(maxsize=8)  # an import of a hundred thousand products uses the same validators
def _validators(
    clean_html: Callable[[str], str],
    *,
    min_ingredients: int,
    merge: bool,
    image_url: ImageUrlBuilder,
) -> dict[str, fields.Validator]:
    """Return the validators of all fields that can be written."""
    return {
        **{definition.name: definition.input_validator for definition in PRODUCT_FIELDS},
        "details": details_validator(clean_html),
        "images": images_validator(image_url),
        "ingredients": ingredients_validator(min_ingredients),
        "attributes": _ATTRIBUTE_EDITS if merge else ATTRIBUTES_MAP,
        "variants": _parse_variants,
        "categories": fields.with_schema(_parse_categories, fields.schema_of(_CATEGORIES)),
    }


def _derived_fields(drafts: Sequence[VariantDraft], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a new product derives from its variants.

    Without an active variant it has no stock, and its price is the one in `values`, or else that
    of the first variant.
    """
    summary = variant_summary(drafts)
    if summary is None:
        source = values if "price" in values else asdict(drafts[0], recurse=False)
        prices = {"price": source["price"], "compare_at_price": source.get("compare_at_price")}
        return {**prices, "stock_quantity": 0, "track_stock": True}
    return {name: getattr(summary, name) for name in VARIANT_FIELDS_OF_PRODUCT}


def _parse_variants(value: object) -> tuple[VariantChanges, ...]:
    """Return the variants of a product in an imported file."""
    if not isinstance(value, list | tuple):
        raise fields.InvalidValueError("Variants must be a list")
    variants, messages = [], []
    for number, item in enumerate(value, 1):
        try:
            variants.append(_parse_variant(item))
        except (ValidationError, fields.InvalidValueError) as error:
            messages.append(f"variant {number}: {error}")
    if messages:
        raise fields.InvalidValueError(fields.escape_control("; ".join(messages), 1000))
    _require_unique("options", [variant.options_key for variant in variants])
    _require_unique("SKU", [variant.sku for variant in variants if isinstance(variant.sku, str)])
    return tuple(variants)


def _parse_variant(value: object) -> VariantChanges:
    if not isinstance(value, Mapping):
        raise fields.InvalidValueError("A variant must be a map")
    return VariantChanges.parse(value, required=["options"], ignore=variant_rules.READ_ONLY_FIELDS)


def _require_unique(name: str, keys: Sequence[object]) -> None:
    if len(set(keys)) < len(keys):
        raise fields.InvalidValueError(f"Two variants have the same {name}")


def _parse_categories(value: object) -> tuple[str, ...]:
    """Return the slugs of a list, without duplicates."""
    return tuple(dict.fromkeys(_CATEGORIES(value)))


def _attribute_errors(attributes: Mapping[str, str]) -> list[FieldError]:
    too_many = len(attributes) > MAX_ATTRIBUTES
    return [FieldError("attributes", "Too many attributes")] if too_many else []


PRODUCT_VALIDATORS = _validators(str, min_ingredients=1, merge=False, image_url=no_image_url)
"""The validators of the fields of a product, without the cleaning of HTML."""
PRODUCT_PATCH_VALIDATORS = _validators(str, min_ingredients=1, merge=True, image_url=no_image_url)
"""The validators of a merge patch."""
