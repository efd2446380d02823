"""One product: its rules, what may be written to it, and what lists show of it."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from attrs import evolve, field, fields_dict, frozen

from eggypro_core.domain.image import StoredImage, is_external
from eggypro_core.domain.variant import Variant, VariantDraft, variant_summary
from eggypro_core.errors import ConflictError, NotFoundError
from eggypro_core.validation import fields

MAX_STOCK = fields.MAX_INTEGER
VARIANT_FIELDS_OF_PRODUCT = ("price", "compare_at_price", "stock_quantity", "track_stock")
"""What a product that has variants shows by them."""
MAX_IMAGES = 50
"""How many images a product may have."""
MAX_ATTRIBUTES = 50
"""How many attributes a product may have."""
MAX_CATEGORIES = 100
"""How many categories a product may be put in at once."""
REQUIRED_FIELDS = ("name", "description", "details", "ingredients", "price")
IMPORT_REQUIRED_FIELDS = ("name", "price")
READ_ONLY_FIELDS = frozenset(
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
IMPORT_READ_ONLY_FIELDS = READ_ONLY_FIELDS - {"images", "variants"}
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
    def own_image_ids(self) -> frozenset[str]:
        """Return the ids of its images in our store."""
        return own_image_ids(self.images)

    def to_listed(self) -> ListedProduct:
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


def with_variant_summary(product: Product, variants: Collection[Variant]) -> Product:
    """Return the product with what follows from all the variants that it has.

    While none of them is active, it keeps the last prices and has no stock. With the last of them
    its stock goes too; from then on it has prices and stock of its own.
    """
    shown = variant_summary(variants)
    return evolve(
        product,
        has_variants=bool(variants),
        variant_count=shown.variant_count if shown else 0,
        price=shown.price if shown else product.price,
        compare_at_price=shown.compare_at_price if shown else product.compare_at_price,
        stock_quantity=shown.stock_quantity if shown else 0,
        track_stock=shown.track_stock if shown else True,
    )


def own_image_ids(images: Iterable[Image]) -> frozenset[str]:
    """Return the ids of those images that are in our store."""
    return frozenset(image.ref for image in images if not is_external(image.ref))


def product_not_found(slug: str) -> NotFoundError:
    """Return the refusal of a slug that leads to no product."""
    return NotFoundError(f"There is no product '{fields.escape_control(slug)}'")


def sku_conflict(sku: str, slug: str) -> ConflictError:
    """Return the refusal of a SKU that is the product's at `slug`."""
    return ConflictError(f"The SKU '{sku}' belongs to the product '{slug}'", field="sku")


def derived_field_error(name: str) -> ConflictError:
    """Return the refusal to set what follows from the variants of a product."""
    return ConflictError(
        f"{fields.field_label(name)} follows from the product's variants: change theirs", field=name
    )


def insufficient_stock(stock: int, delta: int) -> ConflictError:
    """Return the refusal of a change of stock that would leave what can be counted."""
    cannot = f"it cannot change by {fields.escape_control(str(delta))}"
    return ConflictError(f"The stock is {stock}: {cannot}", field="stock_quantity")
