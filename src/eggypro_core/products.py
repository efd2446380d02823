"""One product: its rules, what may be written to it, and what lists show of it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from attrs import asdict, evolve, field, fields_dict, frozen

from eggypro_core import rules
from eggypro_core import variants as variant_rules
from eggypro_core.errors import ConflictError, Fault, InvalidError, NotFoundError
from eggypro_core.images import AddressOf, StoredImage, is_elsewhere, nowhere, own_id
from eggypro_core.prices import HIGHEST_PRICE, compare_at_faults, price_faults
from eggypro_core.slugs import RESERVED
from eggypro_core.unset import UNSET, Unset, or_none
from eggypro_core.variants import Variant, VariantChanges, VariantDraft, derived

HIGHEST_STOCK = rules.HIGHEST_WHOLE
FROM_VARIANTS = ("price", "compare_at_price", "stock_quantity", "track_stock")
"""What a product that has variants shows by them."""
IMAGES = 50
"""How many images a product may have."""
ATTRIBUTES = 50
"""How many attributes a product may have."""
CATEGORIES = 100
"""How many categories a product may be put in at once."""
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
IMPORT_CLOSED = SHOWN - {"images", "variants"}
"""What of that a file cannot set either."""


@frozen
class Image:
    """A picture of a product: its id in our store or its https address, and its alt text."""

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

    `version` grows by one with each editorial write; those to its variants count. Stock and reviews
    leave it alone. Price and stock of one that has variants, active or not, follow from the active
    ones. It carries the first of its `variants`, EMBEDDED of them at most, and what is known of
    those of its images that are in our store.
    """

    version: int
    details: str
    attributes: Mapping[str, str] = field(eq=lambda attributes: tuple(attributes.items()))
    has_variants: bool = False
    variants: tuple[Variant, ...] = ()
    stored_images: tuple[StoredImage, ...] = ()

    @property
    def own_images(self) -> frozenset[str]:
        """Return the ids of its images in our store."""
        return own_images(self.images)

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
    variants: tuple[VariantDraft, ...] = ()
    categories: tuple[str, ...] = ()


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
    def read(  # noqa: PLR0913  (one for each way in which writes differ)
        cls,
        values: Mapping[str, object],
        clean_html: Callable[[str], str],
        *,
        required: Collection[str] = (),
        closed: Collection[str] = SHOWN - {"images"},
        ignored: Collection[str] = (),
        merge: bool = False,
        address: AddressOf = nowhere,
    ) -> "ProductChanges":
        """Check what came from outside. Raises InvalidError with every fault of it.

        `required` names must be there, and an ingredient with them; `closed` ones cannot be set
        here, and those of them that are `ignored` are passed over. To `merge` is to read the
        attributes as a JSON merge patch does (RFC 7396): what it does not name stays. `address`
        tells where our own images are, which can be named by it.
        """
        least = 1 if "ingredients" in required else 0
        found = _rules(clean_html, ingredients=least, merge=merge, address=address)
        open_rules = {name: rule for name, rule in found.items() if name not in closed}
        try:
            checked = rules.check(
                values, open_rules, required=required, ignored=ignored, closed=closed
            )
        except InvalidError as invalid:
            raise InvalidError([*invalid.faults, *price_faults(values, found)]) from None
        if merge and checked.get("attributes") is not None:
            checked["attribute_edits"] = checked.pop("attributes")
        elif "attributes" in checked:
            checked["attributes"] = checked["attributes"] or {}
        changes = cls(**checked)
        rules.refuse(compare_at_faults(changes.price, changes.compare_at_price))
        return changes

    def draft(self) -> ProductDraft:
        """Return the new product that this describes; what it leaves out is empty.

        Raises InvalidError where the name or the price is missing.
        """
        given = self._given()
        if self.variants:
            variants = tuple(one.draft_at(place) for place, one in enumerate(self.variants))
            given |= {"variants": variants, **_shown_by(variants, given)}
        rules.refuse(
            [
                Fault(name, f"{rules.label(name)} is required")
                for name in IMPORT_REQUIRED
                if name not in given
            ]
        )
        return ProductDraft(**given)

    def apply(self, product: Product, at: datetime) -> Product:
        """Return the product as changed `at` a time: a version on, or itself if nothing differs.

        Raises InvalidError where the two together break a rule, ConflictError where this sets what
        follows from the product's variants.
        """
        given = self._given()
        if self.variants:
            given = {name: value for name, value in given.items() if name not in FROM_VARIANTS}
        elif product.has_variants:
            self._leave_to_variants(product)
        changed = evolve(product, **given, **self._edited(product))
        if changed == product:
            return product
        rules.refuse(compare_at_faults(changed.price, changed.compare_at_price))
        rules.refuse(_attribute_faults(changed.attributes))
        return evolve(changed, version=product.version + 1, updated_at=at)

    def leaves(self, name: str) -> bool:
        """Whether a field is left as it is."""
        return getattr(self, name) is UNSET

    def _leave_to_variants(self, product: Product) -> None:
        for name in FROM_VARIANTS:
            if not self.leaves(name) and getattr(self, name) != getattr(product, name):
                raise set_by_variants(name)

    def _given(self) -> dict[str, Any]:
        names = fields_dict(ProductDraft).keys() - {"variants"}
        return {name: getattr(self, name) for name in names if not self.leaves(name)}

    def _edited(self, product: Product) -> dict[str, Any]:
        if self.attribute_edits is UNSET:
            return {}
        merged = {**product.attributes, **self.attribute_edits}
        return {"attributes": {name: text for name, text in merged.items() if text is not None}}


def showing(product: Product, variants: Collection[Variant]) -> Product:
    """Return the product with what follows from all the variants that it has.

    While none of them is active, it keeps the last prices and has no stock. With the last of them
    its stock goes too; from then on it has prices and stock of its own.
    """
    shown = derived(variants)
    return evolve(
        product,
        has_variants=bool(variants),
        variant_count=shown.variant_count if shown else 0,
        price=shown.price if shown else product.price,
        compare_at_price=shown.compare_at_price if shown else product.compare_at_price,
        stock_quantity=shown.stock_quantity if shown else 0,
        track_stock=shown.track_stock if shown else True,
    )


def read_stock(values: Mapping[str, object]) -> dict[str, int]:
    """Check a change of stock: `delta` is added, or `set` is what there is then; one is given.

    Raises InvalidError.
    """
    also = [] if len({"delta", "set"} & values.keys()) == 1 else [_EITHER]
    return rules.check(values, STOCK_FIELDS, also=also)


def image_list(address: AddressOf) -> Callable[[object], tuple[Image, ...]]:
    """Return the rule of a product's images: each our own or at an https address, maybe with alt.

    Each is given as its reference, or as a map of `ref` and `alt`.
    """

    def ref(value: object) -> str:
        own = own_id(value, address) if isinstance(value, str) else None
        return own or _image_address(value)

    def image(value: object) -> Image:
        if isinstance(value, str):
            return Image(ref(value))
        if isinstance(value, Mapping) and "ref" in value and set(value) <= {"ref", "alt"}:
            return Image(ref(value["ref"]), alt_text(value.get("alt")))
        raise rules.RefusedError("Each image must be an address, or a map of ref and alt")

    return rules.listed("Images", rules.shaped(image, _IMAGE_SHAPE), IMAGES)


def own_images(images: Iterable[Image]) -> frozenset[str]:
    """Return the ids of those images that are in our store."""
    return frozenset(image.ref for image in images if not is_elsewhere(image.ref))


def product_absent(slug: str) -> NotFoundError:
    """Return the refusal of a slug that leads to no product."""
    return NotFoundError(f"There is no product '{rules.printable(slug)}'")


def slug_taken(slug: str, *, is_active: bool) -> ConflictError:
    """Return the refusal of a slug that is another product's."""
    holder = "another product" if is_active else "an archived product"
    return ConflictError(f"The slug '{slug}' belongs to {holder}", field="slug")


def sku_taken(sku: str, slug: str) -> ConflictError:
    """Return the refusal of a SKU that is the product's at `slug`."""
    return ConflictError(f"The SKU '{sku}' belongs to the product '{slug}'", field="sku")


def set_by_variants(name: str) -> ConflictError:
    """Return the refusal to set what follows from the variants of a product."""
    return ConflictError(
        f"{rules.label(name)} follows from the product's variants: change theirs", field=name
    )


def stock_refused(stock: int, by: int) -> ConflictError:
    """Return the refusal of a change of stock that would leave what can be counted."""
    cannot = f"it cannot change by {rules.printable(str(by))}"
    return ConflictError(f"The stock is {stock}: {cannot}", field="stock_quantity")


@lru_cache(maxsize=8)  # an import reads a hundred thousand products by the same rules
def _rules(
    clean_html: Callable[[str], str], *, ingredients: int, merge: bool, address: AddressOf
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
        "images": image_list(address),
        "ingredients": rules.listed(
            "Ingredients", rules.line("Ingredient", 255), 50, least=ingredients
        ),
        "attributes": _edits if merge else _attributes,
        "seo_title": rules.optional(rules.line("SEO title", 255)),
        "seo_description": rules.optional(rules.line("SEO description", 500)),
        "stock_quantity": _STOCK,
        "track_stock": rules.yes_or_no("Track stock"),
        "is_active": rules.yes_or_no("Is active"),
        "variants": _variants,
        "categories": rules.shaped(_categories, rules.shape_of(_CATEGORIES)),
    }


alt_text = rules.optional(rules.line("Alt text", 255))
_REF: rules.Shape = {"type": "string", "minLength": 1, "maxLength": 2048}
_IMAGE_SHAPE: rules.Shape = {
    "anyOf": [
        _REF,
        {
            "type": "object",
            "properties": {"ref": _REF, "alt": rules.shape_of(alt_text)},
            "required": ["ref"],
            "additionalProperties": False,
        },
    ]
}
_image_address = rules.address("Image address", each="Each image")
_CATEGORIES = rules.listed("Categories", rules.slug("Category", 100), CATEGORIES)
_STOCK = rules.whole("Stock quantity", 0, HIGHEST_STOCK)
STOCK_FIELDS: Mapping[str, rules.Rule] = {"delta": rules.integer("Delta"), "set": _STOCK}
_EITHER = Fault("delta", "Either delta or set must be given")
_ATTRIBUTE = rules.line("Attribute", 1000)
_ATTRIBUTE_NAME = rules.line("Attribute name", 100)
_attributes = rules.text_map("Attributes", maximum=ATTRIBUTES, key=_ATTRIBUTE_NAME, text=_ATTRIBUTE)
_edits = or_none(
    rules.text_map(
        "Attributes",
        maximum=2 * ATTRIBUTES,  # all may be taken away, and as many set
        key=_ATTRIBUTE_NAME,
        text=or_none(_ATTRIBUTE),
    )
)


def _shown_by(drafts: Sequence[VariantDraft], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a new product shows by its variants: no stock if none of them is active.

    Its last price is then the one that is given for it, or that of the first one.
    """
    shown = derived(drafts)
    if shown is None:
        last = given if "price" in given else asdict(drafts[0], recurse=False)
        prices = {"price": last["price"], "compare_at_price": last.get("compare_at_price")}
        return {**prices, "stock_quantity": 0, "track_stock": True}
    return {name: getattr(shown, name) for name in FROM_VARIANTS}


def _variants(value: object) -> tuple[VariantChanges, ...]:
    """Return the variants of a product as a file names them."""
    if not isinstance(value, list | tuple):
        raise rules.RefusedError("Variants must be a list")
    found, faults = [], []
    for number, each in enumerate(value, 1):
        try:
            found.append(_variant(each))
        except (InvalidError, rules.RefusedError) as error:
            faults.append(f"variant {number}: {error}")
    if faults:
        raise rules.RefusedError(rules.printable("; ".join(faults), 1000))
    _refuse_twice("options", [one.combination for one in found])
    _refuse_twice("SKU", [one.sku for one in found if isinstance(one.sku, str)])
    return tuple(found)


def _variant(value: object) -> VariantChanges:
    if not isinstance(value, Mapping):
        raise rules.RefusedError("A variant must be a map")
    return VariantChanges.read(value, required=variant_rules.REQUIRED, ignored=variant_rules.SHOWN)


def _refuse_twice(name: str, keys: Sequence[object]) -> None:
    if len(set(keys)) < len(keys):
        raise rules.RefusedError(f"Two variants have the same {name}")


def _categories(value: object) -> tuple[str, ...]:
    """Return the slugs of a list of them, each once."""
    return tuple(dict.fromkeys(_CATEGORIES(value)))


def _attribute_faults(attributes: Mapping[str, str]) -> list[Fault]:
    too_many = len(attributes) > ATTRIBUTES
    return [Fault("attributes", "Too many attributes")] if too_many else []


def _plain(html: str) -> str:
    return html


FIELDS = _rules(_plain, ingredients=1, merge=False, address=nowhere)
"""What can be written of a product, and how; HTML is left as it is."""
EDITS = _rules(_plain, ingredients=1, merge=True, address=nowhere)
"""The same in a merge patch."""
