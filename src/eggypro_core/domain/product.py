"""Products: the record, its listed form, drafts, limits and errors."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from attrs import evolve, field, fields_dict, frozen

from eggypro_core.domain.image import ImageUrlBuilder, StoredImage, is_external
from eggypro_core.domain.variant import Variant, VariantDraft, variant_summary
from eggypro_core.errors import ConflictError, NotFoundError
from eggypro_core.validation import fields

MAX_STOCK = fields.MAX_INTEGER
VARIANT_FIELDS_OF_PRODUCT = ("price", "compare_at_price", "stock_quantity", "track_stock")
"""The fields that a product with variants derives from them."""
MAX_IMAGES = 50
"""The maximum number of images of a product."""
MAX_ATTRIBUTES = 50
"""The maximum number of attributes of a product."""
MAX_TAGS = 250
"""The maximum number of tags of a product."""
MAX_CATEGORIES = 100
"""The maximum number of categories in one write of a product."""
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
"""The fields that an edit cannot set. PUT ignores them, so that it accepts the body of a GET."""
IMPORT_READ_ONLY_FIELDS = READ_ONLY_FIELDS - {"images", "variants"}
"""The read-only fields that a file cannot set either."""


@frozen
class Image:
    """An image of a product: its public ID in the image store or an https URL, and alt text."""

    ref: str
    alt: str | None = None


@frozen
class CategoryName:
    """The slug and name of a product's category."""

    slug: str
    name: str


@frozen
class Rating:
    """The rating by verified reviews: the average (1 to 5, two decimals) and their number."""

    average: Decimal | None = None
    count: int = 0


@frozen(kw_only=True, slots=False)
class ListedProduct:
    """A product in a list: all fields except `details` and `attributes`.

    Prices are in the shop's currency. Datetimes are aware, in UTC. A product that is not
    `is_listed` is public at its own URL, but not part of public lists, searches and counts.
    """

    id: int
    name: str
    slug: str
    sku: str | None
    gtin: str | None = None
    brand: str | None = None
    tags: tuple[str, ...] = ()
    weight_grams: int | None = None
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
    is_listed: bool = True
    created_at: datetime
    updated_at: datetime
    categories: tuple[CategoryName, ...] = ()
    variant_count: int = 0
    rating: Rating = Rating()

    @property
    def in_stock(self) -> bool:
        """Return whether the product can be bought; without tracked stock, it always can."""
        return self.stock_quantity > 0 or not self.track_stock


@frozen(kw_only=True, slots=False)
class Product(ListedProduct):
    """A complete product.

    `version` grows by one with each editorial write, including writes to its variants, but not with
    stock changes or reviews. If the product has variants, active or not, its price and stock are
    derived from the active ones. `variants` has the first MAX_EMBEDDED_VARIANTS of them, and
    `stored_images` the metadata of its images in the image store.
    """

    version: int
    details: str
    attributes: Mapping[str, str] = field(eq=lambda attributes: tuple(attributes.items()))
    has_variants: bool = False
    variants: tuple[Variant, ...] = ()
    stored_images: tuple[StoredImage, ...] = ()

    @property
    def own_image_ids(self) -> frozenset[str]:
        """Return the public IDs of its images in the image store."""
        return own_image_ids(self.images)

    def to_listed(self) -> ListedProduct:
        """Return the product as it appears in lists."""
        return ListedProduct(**{name: getattr(self, name) for name in fields_dict(ListedProduct)})


@frozen(kw_only=True, slots=False)
class ProductDraft:
    """A product that is not stored yet. Without a `slug`, one is generated from its name.

    `categories` are slugs.
    """

    name: str
    slug: str | None = None
    sku: str | None = None
    gtin: str | None = None
    brand: str | None = None
    tags: tuple[str, ...] = ()
    weight_grams: int | None = None
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
    is_listed: bool = True
    variants: tuple[VariantDraft, ...] = ()
    categories: tuple[str, ...] = ()


def with_variant_summary(product: Product, variants: Collection[Variant]) -> Product:
    """Return the product with the summary of all its variants.

    Without an active variant it keeps the last prices and has no stock. Once the last variant is
    deleted, it has its own prices and stock again, starting at 0.
    """
    summary = variant_summary(variants)
    return evolve(
        product,
        has_variants=bool(variants),
        variant_count=summary.variant_count if summary else 0,
        price=summary.price if summary else product.price,
        compare_at_price=summary.compare_at_price if summary else product.compare_at_price,
        stock_quantity=summary.stock_quantity if summary else 0,
        track_stock=summary.track_stock if summary else True,
    )


def own_image_ids(images: Iterable[Image]) -> frozenset[str]:
    """Return the public IDs of those images that are in the image store."""
    return frozenset(image.ref for image in images if not is_external(image.ref))


def with_image_urls(product: Product, image_url: ImageUrlBuilder) -> Product:
    """Return the product with URLs as the references of its images in the image store."""
    if not product.own_image_ids:
        return product
    images = (
        image if is_external(image.ref) else evolve(image, ref=image_url(image.ref, None))
        for image in product.images
    )
    return evolve(product, images=tuple(images))


def product_not_found(slug: str) -> NotFoundError:
    """Return the error for a slug that belongs to no product."""
    return NotFoundError(f"There is no product '{fields.escape_control(slug)}'")


def sku_conflict(sku: str, slug: str) -> ConflictError:
    """Return the error for a SKU that belongs to the product at `slug`."""
    return ConflictError(
        f"The SKU '{sku}' belongs to the product '{slug}'", field="sku", code="sku-taken"
    )


def derived_field_error(name: str) -> ConflictError:
    """Return the error for setting a field that is derived from the product's variants."""
    return ConflictError(
        f"{fields.field_label(name)} is derived from the product's variants: change the variants",
        field=name,
        code="derived-field",
    )


def insufficient_stock(stock: int, delta: int) -> ConflictError:
    """Return the error for a stock change that would leave the range from 0 to MAX_STOCK."""
    number = fields.escape_control(str(abs(delta)))
    message = (
        f"Insufficient stock: {stock} available, {number} requested"
        if delta < 0
        else f"Stock too high: {stock} plus {number} is more than {MAX_STOCK}"
    )
    code = "insufficient-stock" if delta < 0 else "limit-reached"
    return ConflictError(message, field="stock_quantity", code=code)
