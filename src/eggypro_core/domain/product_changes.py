"""Parsing and applying changes to a product."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from attrs import asdict, evolve, fields_dict, frozen

from eggypro_core.domain import variant as variant_rules
from eggypro_core.domain.image import ImageUrlBuilder, no_image_url
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
    image_list,
    ingredients_validator,
)
from eggypro_core.domain.variant import VariantChanges, VariantDraft, variant_summary
from eggypro_core.errors import FieldError, ValidationError
from eggypro_core.validation import fields
from eggypro_core.validation.unset import UNSET, Unset, nullable


@frozen(kw_only=True)
class ProductChanges:
    """What a write says about a product. A field that it leaves alone is UNSET.

    `variants` are those that a file names, each whole: what a product shows by them is left alone.
    `attribute_edits` sets single attributes, or takes away those that are None there.
    """

    name: str | Unset = UNSET
    slug: str | Unset = UNSET
    sku: str | Unset | None = UNSET
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
    variants: tuple[VariantChanges, ...] = ()
    categories: tuple[str, ...] | Unset = UNSET

    @classmethod
    def parse(  # noqa: PLR0913  (one for each way in which writes differ)
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
        """Check what came from outside. Raises ValidationError with every fault of it.

        `required` names must be there, and an ingredient with them; `closed` ones cannot be set
        here, and those of them that are `ignored` are passed over. To `merge` is to read the
        attributes as a JSON merge patch does (RFC 7396): what it does not name stays. `address`
        tells where our own images are, which can be named by it.
        """
        least = 1 if "ingredients" in required else 0
        found = _rules(clean_html, ingredients=least, merge=merge, address=image_url)
        try:
            checked = fields.check(
                values, found, required=required, ignore=ignore, read_only=read_only
            )
        except ValidationError as invalid:
            raise ValidationError([*invalid.errors, *price_errors(values, found)]) from None
        if merge and checked.get("attributes") is not None:
            checked["attribute_edits"] = checked.pop("attributes")
        elif "attributes" in checked:
            checked["attributes"] = checked["attributes"] or {}
        changes = cls(**checked)
        fields.raise_if(compare_at_errors(changes.price, changes.compare_at_price))
        return changes

    def to_draft(self) -> ProductDraft:
        """Return the new product that this describes; what it leaves out is empty.

        Raises ValidationError where the name or the price is missing.
        """
        given = self._set_fields()
        if self.variants:
            variants = tuple(one.to_draft_at(place) for place, one in enumerate(self.variants))
            given |= {"variants": variants, **_derived_fields(variants, given)}
        fields.raise_if(
            [
                FieldError(name, f"{fields.field_label(name)} is required")
                for name in IMPORT_REQUIRED_FIELDS
                if name not in given
            ]
        )
        return ProductDraft(**given)

    def apply_to(self, product: Product, at: datetime) -> Product:
        """Return the product as changed `at` a time: a version on, or itself if nothing differs.

        Raises ValidationError where the two together break a rule, ConflictError where this sets
        what follows from the product's variants.
        """
        given = self._set_fields()
        if self.variants:
            given = {
                name: value
                for name, value in given.items()
                if name not in VARIANT_FIELDS_OF_PRODUCT
            }
        elif product.has_variants:
            self._check_derived_fields(product)
        changed = evolve(product, **given, **self._merged_attributes(product))
        if changed == product:
            return product
        fields.raise_if(compare_at_errors(changed.price, changed.compare_at_price))
        fields.raise_if(_attribute_errors(changed.attributes))
        return evolve(changed, version=product.version + 1, updated_at=at)

    def is_unset(self, name: str) -> bool:
        """Whether a field is left as it is."""
        return getattr(self, name) is UNSET

    def _check_derived_fields(self, product: Product) -> None:
        for name in VARIANT_FIELDS_OF_PRODUCT:
            if not self.is_unset(name) and getattr(self, name) != getattr(product, name):
                raise derived_field_error(name)

    def as_replacement(self, *, keep: Collection[str] = ()) -> "ProductChanges":
        """Return the changes of a PUT: omitted fields are emptied, except those to `keep`."""
        omitted = [name for name in _EMPTY if self.is_unset(name) and name not in keep]
        return evolve(self, **{name: _EMPTY[name] for name in omitted})

    def _set_fields(self) -> dict[str, Any]:
        given = ((name, getattr(self, name)) for name in _DRAFTED)
        return {name: value for name, value in given if value is not UNSET}

    def _merged_attributes(self, product: Product) -> dict[str, Any]:
        if self.attribute_edits is UNSET:
            return {}
        merged = {**product.attributes, **self.attribute_edits}
        return {"attributes": {name: text for name, text in merged.items() if text is not None}}


_DRAFTED = [name for name in fields_dict(ProductDraft) if name != "variants"]
_EMPTY: Mapping[str, Any] = {
    definition.name: definition.empty
    for definition in PRODUCT_FIELDS
    if not definition.keep_if_omitted
    and definition.name not in {*REQUIRED_FIELDS, *READ_ONLY_FIELDS}
}
"""The values of the fields that a PUT empties if it omits them."""


def parse_stock_change(values: Mapping[str, object]) -> dict[str, int]:
    """Check a change of stock: `delta` is added, or `set` is what there is then; one is given.

    Raises ValidationError.
    """
    also = [] if len({"delta", "set"} & values.keys()) == 1 else [_DELTA_OR_SET]
    return fields.check(values, STOCK_FIELDS, errors=also)


_CATEGORIES = fields.list_of("Categories", fields.slug("Category", 100), MAX_CATEGORIES)
STOCK_FIELDS: Mapping[str, fields.Validator] = {
    "delta": fields.integer("Delta"),
    "set": STOCK_QUANTITY,
}
_DELTA_OR_SET = FieldError("delta", "Either delta or set must be given")
_edits = nullable(
    fields.string_map(
        "Attributes",
        maximum=2 * MAX_ATTRIBUTES,  # all may be taken away, and as many set
        key=ATTRIBUTE_NAME,
        text=nullable(ATTRIBUTE_TEXT),
    )
)


@lru_cache(maxsize=8)  # an import reads a hundred thousand products by the same rules
def _rules(
    clean_html: Callable[[str], str], *, ingredients: int, merge: bool, address: ImageUrlBuilder
) -> dict[str, fields.Validator]:
    """Return the rule of each field that can be written."""
    return {
        **{definition.name: definition.rule for definition in PRODUCT_FIELDS},
        "details": details_validator(clean_html),
        "images": image_list(address),
        "ingredients": ingredients_validator(ingredients),
        "attributes": _edits if merge else ATTRIBUTES_MAP,
        "variants": _parse_variants,
        "categories": fields.with_schema(_parse_categories, fields.schema_of(_CATEGORIES)),
    }


def _derived_fields(drafts: Sequence[VariantDraft], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a new product shows by its variants: no stock if none of them is active.

    Its last price is then the one that is given for it, or that of the first one.
    """
    shown = variant_summary(drafts)
    if shown is None:
        last = given if "price" in given else asdict(drafts[0], recurse=False)
        prices = {"price": last["price"], "compare_at_price": last.get("compare_at_price")}
        return {**prices, "stock_quantity": 0, "track_stock": True}
    return {name: getattr(shown, name) for name in VARIANT_FIELDS_OF_PRODUCT}


def _parse_variants(value: object) -> tuple[VariantChanges, ...]:
    """Return the variants of a product as a file names them."""
    if not isinstance(value, list | tuple):
        raise fields.InvalidValueError("Variants must be a list")
    found, faults = [], []
    for number, each in enumerate(value, 1):
        try:
            found.append(_parse_variant(each))
        except (ValidationError, fields.InvalidValueError) as error:
            faults.append(f"variant {number}: {error}")
    if faults:
        raise fields.InvalidValueError(fields.escape_control("; ".join(faults), 1000))
    _require_unique("options", [one.options_key for one in found])
    _require_unique("SKU", [one.sku for one in found if isinstance(one.sku, str)])
    return tuple(found)


def _parse_variant(value: object) -> VariantChanges:
    if not isinstance(value, Mapping):
        raise fields.InvalidValueError("A variant must be a map")
    return VariantChanges.parse(
        value, required=variant_rules.REQUIRED_FIELDS, ignore=variant_rules.READ_ONLY_FIELDS
    )


def _require_unique(name: str, keys: Sequence[object]) -> None:
    if len(set(keys)) < len(keys):
        raise fields.InvalidValueError(f"Two variants have the same {name}")


def _parse_categories(value: object) -> tuple[str, ...]:
    """Return the slugs of a list of them, each once."""
    return tuple(dict.fromkeys(_CATEGORIES(value)))


def _attribute_errors(attributes: Mapping[str, str]) -> list[FieldError]:
    too_many = len(attributes) > MAX_ATTRIBUTES
    return [FieldError("attributes", "Too many attributes")] if too_many else []


FIELDS = _rules(str, ingredients=1, merge=False, address=no_image_url)
"""What can be written of a product, and how; HTML is left as it is."""
EDITS = _rules(str, ingredients=1, merge=True, address=no_image_url)
"""The same in a merge patch."""
