"""One product: its rules, what may be written to it, and what lists show of it."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar

from attrs import evolve, field, fields_dict, frozen

from eggypro_core import rules
from eggypro_core.errors import ConflictError, Fault, InvalidError
from eggypro_core.slugs import RESERVED

HIGHEST_PRICE = Decimal("999999.99")
HIGHEST_STOCK = 2_147_483_647
ATTRIBUTES = 50
"""How many attributes a product may have."""
NOT_IN_NAMES = "<>{}[]\\^~|`"
REQUIRED = ("name", "description", "details", "ingredients", "price")
IMPORT_REQUIRED = ("name", "price")
SHOWN = frozenset(
    {
        "id",
        "currency",
        "images",
        "image_sets",
        "created_at",
        "updated_at",
        "categories",
        "variants",
        "variant_count",
        "rating",
    }
)
"""What a product shows but an edit cannot set. PUT passes over it, so a GET can be put back."""


class _Unset(Enum):
    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset.UNSET
"""The value of a field that a write leaves as it is."""
Unset = Literal[_Unset.UNSET]
T = TypeVar("T")


@frozen
class Image:
    """A picture of a product: where it is (an https address), and what it shows in words."""

    ref: str
    alt: str | None = None


@frozen
class CategoryName:
    """A category as a product names it."""

    slug: str
    name: str


@frozen
class Rating:
    """What verified reviews say: their average, 1 to 5 to two decimals, and how many there are."""

    average: Decimal | None = None
    count: int = 0


@frozen(kw_only=True)
class ListedProduct:
    """A product as lists carry it: all but `details` and `attributes`.

    Prices are in the shop's currency. Times are aware, in UTC.
    """

    id: int
    name: str
    slug: str
    sku: str | None
    description: str
    price: Decimal
    compare_at_price: Decimal | None
    images: tuple[Image, ...]
    ingredients: tuple[str, ...]
    seo_title: str | None
    seo_description: str | None
    stock_quantity: int
    track_stock: bool
    is_active: bool
    created_at: datetime
    updated_at: datetime
    categories: tuple[CategoryName, ...] = ()
    variant_count: int = 0
    rating: Rating = Rating()

    @property
    def in_stock(self) -> bool:
        """Whether it can be bought: what is not tracked always can."""
        return self.stock_quantity > 0 or not self.track_stock


@frozen(kw_only=True)
class Product(ListedProduct):
    """A product, whole.

    `version` grows by one with each editorial write. Stock and reviews leave it alone.
    """

    version: int
    details: str
    attributes: Mapping[str, str] = field(eq=lambda attributes: tuple(attributes.items()))

    def listed(self) -> ListedProduct:
        """Return what lists show of it."""
        return ListedProduct(**{name: getattr(self, name) for name in fields_dict(ListedProduct)})


@frozen(kw_only=True)
class ProductDraft:
    """A product that is not stored yet. Without a `slug`, one is made from its name.

    `categories` are the slugs of those that it is put in.
    """

    name: str
    slug: str | None = None
    sku: str | None = None
    description: str = ""
    details: str = ""
    price: Decimal
    compare_at_price: Decimal | None = None
    images: tuple[Image, ...] = ()
    ingredients: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(factory=dict)
    seo_title: str | None = None
    seo_description: str | None = None
    stock_quantity: int = 0
    track_stock: bool = True
    is_active: bool = True
    categories: tuple[str, ...] = ()


@frozen(kw_only=True)
class ProductChanges:
    """What a write says about a product. A field that it leaves alone is UNSET.

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
    categories: tuple[str, ...] | Unset = UNSET

    @classmethod
    def read(
        cls,
        values: Mapping[str, object],
        clean_html: Callable[[str], str],
        *,
        required: Collection[str] = (),
        closed: Collection[str] = SHOWN - {"images"},
        ignored: Collection[str] = (),
        merge: bool = False,
    ) -> "ProductChanges":
        """Check what came from outside. Raises InvalidError with every fault of it.

        `required` names must be there, and an ingredient with them; `closed` ones cannot be set
        here, and those of them that are `ignored` are passed over. To `merge` is to read the
        attributes as a JSON merge patch does (RFC 7396): what it does not name stays.
        """
        found = _rules(clean_html, ingredients=1 if "ingredients" in required else 0, merge=merge)
        open_rules = {name: rule for name, rule in found.items() if name not in closed}
        try:
            checked = rules.check(
                values, open_rules, required=required, ignored=ignored, closed=closed
            )
        except InvalidError as invalid:
            raise InvalidError([*invalid.faults, *_price_faults(values, found)]) from None
        if merge and checked.get("attributes") is not None:
            checked["attribute_edits"] = checked.pop("attributes")
        elif "attributes" in checked:
            checked["attributes"] = checked["attributes"] or {}
        changes = cls(**checked)
        _refuse(_compare_at_faults(changes.price, changes.compare_at_price))
        return changes

    def draft(self) -> ProductDraft:
        """Return the new product that this describes; what it leaves out is empty.

        Raises InvalidError where the name or the price is missing.
        """
        given = self._given()
        _refuse(
            [
                Fault(name, f"{rules.label(name)} is required")
                for name in IMPORT_REQUIRED
                if name not in given
            ]
        )
        return ProductDraft(**given)

    def apply(self, product: Product, at: datetime) -> Product:
        """Return the product as changed `at` a time: a version on, or itself if nothing differs.

        Raises InvalidError where the two together break a rule.
        """
        changed = evolve(product, **self._given(), **self._edited(product))
        if changed == product:
            return product
        _refuse(_compare_at_faults(changed.price, changed.compare_at_price))
        _refuse(_attribute_faults(changed.attributes))
        return evolve(changed, version=product.version + 1, updated_at=at)

    def leaves(self, name: str) -> bool:
        """Whether a field is left as it is."""
        return getattr(self, name) is UNSET

    def _given(self) -> dict[str, Any]:
        names = fields_dict(ProductDraft)
        return {name: getattr(self, name) for name in names if not self.leaves(name)}

    def _edited(self, product: Product) -> dict[str, Any]:
        if self.attribute_edits is UNSET:
            return {}
        merged = {**product.attributes, **self.attribute_edits}
        return {"attributes": {name: text for name, text in merged.items() if text is not None}}


def read_stock(values: Mapping[str, object]) -> dict[str, int]:
    """Check a change of stock: `delta` is added, or `set` is what there is then; one is given.

    Raises InvalidError.
    """
    also = [] if len({"delta", "set"} & values.keys()) == 1 else [_EITHER]
    return rules.check(values, _STOCK_RULES, also=also)


def slug_taken(slug: str, *, is_active: bool) -> ConflictError:
    """Return the refusal of a slug that is another product's."""
    holder = "another product" if is_active else "an archived product"
    return ConflictError(f"The slug '{slug}' belongs to {holder}", field="slug")


def sku_taken(sku: str, slug: str) -> ConflictError:
    """Return the refusal of a SKU that is the product's at `slug`."""
    return ConflictError(f"The SKU '{sku}' belongs to the product '{slug}'", field="sku")


def stock_refused(stock: int, by: int) -> ConflictError:
    """Return the refusal of a change of stock that would leave what can be counted."""
    cannot = f"it cannot change by {rules.printable(str(by))}"
    return ConflictError(f"The stock is {stock}: {cannot}", field="stock_quantity")


@lru_cache(maxsize=8)  # an import reads a hundred thousand products by the same rules
def _rules(
    clean_html: Callable[[str], str], *, ingredients: int, merge: bool
) -> dict[str, rules.Rule]:
    """Return the rule of each field that can be written."""
    return {
        "name": rules.line("Name", 255, never=NOT_IN_NAMES),
        "slug": rules.slug("Slug", 255, RESERVED),
        "sku": rules.optional(rules.line("SKU", 100)),
        "description": rules.long_text("Description", 5000),
        "details": rules.long_text("Details", 50_000, clean_html),
        "price": rules.money("Price", HIGHEST_PRICE),
        "compare_at_price": rules.optional(rules.money("Compare-at price", HIGHEST_PRICE)),
        "images": rules.listed("Images", _image, 50),
        "ingredients": rules.listed(
            "Ingredients", rules.line("Ingredient", 255), 50, least=ingredients
        ),
        "attributes": _edits if merge else _attributes,
        "seo_title": rules.optional(rules.line("SEO title", 255)),
        "seo_description": rules.optional(rules.line("SEO description", 500)),
        "stock_quantity": _STOCK,
        "track_stock": rules.yes_or_no("Track stock"),
        "is_active": rules.yes_or_no("Is active"),
        "categories": _categories,
    }


def _or_none(rule: Callable[[object], T]) -> Callable[[object], T | None]:
    """Return the rule that also takes None: in a merge patch, it takes away."""
    return lambda value: None if value is None else rule(value)


_CATEGORIES = rules.listed("Categories", rules.slug("Category", 100), 100)
_STOCK = rules.whole("Stock quantity", 0, HIGHEST_STOCK)
_STOCK_RULES: Mapping[str, rules.Rule] = {"delta": rules.integer("Delta"), "set": _STOCK}
_EITHER = Fault("delta", "Either delta or set must be given")
_ATTRIBUTE = rules.line("Attribute", 1000)
_ATTRIBUTE_NAME = rules.line("Attribute name", 100)
_attributes = rules.text_map("Attributes", maximum=ATTRIBUTES, key=_ATTRIBUTE_NAME, text=_ATTRIBUTE)
_edits = _or_none(
    rules.text_map(
        "Attributes",
        maximum=2 * ATTRIBUTES,  # all may be taken away, and as many set
        key=_ATTRIBUTE_NAME,
        text=_or_none(_ATTRIBUTE),
    )
)


def _categories(value: object) -> tuple[str, ...]:
    """Return the slugs of a list of them, each once."""
    return tuple(dict.fromkeys(_CATEGORIES(value)))


def _image(value: object) -> Image:
    """Return an image given as its address, or as a map of `ref` and `alt`."""
    if isinstance(value, str):
        return Image(_address(value))
    if isinstance(value, Mapping) and "ref" in value and set(value) <= {"ref", "alt"}:
        return Image(_address(value["ref"]), _alt(value.get("alt")))
    raise rules.RefusedError("Each image must be an address, or a map of ref and alt")


def _address(value: object) -> str:
    address = rules.line("Image address", 2048, never=' "<>\\^`{|}')(value)
    if not address.startswith("https://") or len(address) <= len("https://"):
        raise rules.RefusedError("Each image must be an https address")
    return address


def _alt(value: object) -> str | None:
    return rules.optional(rules.line("Alt text", 255))(value)


def _price_faults(values: Mapping[str, object], found: Mapping[str, rules.Rule]) -> list[Fault]:
    """Return what is wrong between the two prices, where both are right by themselves."""
    try:
        price, compare_at = (found[name](values[name]) for name in ("price", "compare_at_price"))
    except (KeyError, rules.RefusedError):
        return []
    return _compare_at_faults(price, compare_at)


def _compare_at_faults(price: object, compare_at: object) -> list[Fault]:
    if not isinstance(price, Decimal) or not isinstance(compare_at, Decimal) or compare_at > price:
        return []
    return [Fault("compare_at_price", "Compare-at price must be above the price")]


def _attribute_faults(attributes: Mapping[str, str]) -> list[Fault]:
    too_many = len(attributes) > ATTRIBUTES
    return [Fault("attributes", "Too many attributes")] if too_many else []


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise InvalidError(faults)
