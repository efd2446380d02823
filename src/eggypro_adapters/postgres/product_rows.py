"""Products as rows: which columns carry one, and the way there and back."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, array

from eggypro_adapters.postgres.schema import categories, product_categories, products, variants
from eggypro_core.domain.image import StoredImage
from eggypro_core.domain.product import (
    CategoryName,
    Image,
    ListedProduct,
    Product,
    ProductDraft,
    Rating,
)
from eggypro_core.domain.product_query import name_key
from eggypro_core.domain.variant import EMBEDDED, Variant, VariantDraft, combination
from eggypro_core.validation.parameters import Status

_listed = (
    "id",
    "name",
    "slug",
    "sku",
    "description",
    "price",
    "compare_at_price",
    "images",
    "image_alts",
    "ingredients",
    "seo_title",
    "seo_description",
    "stock_quantity",
    "track_stock",
    "is_active",
    "created_at",
    "updated_at",
    "variant_count",
    "rating_average",
    "rating_count",
)


def category_names(of: sa.FromClause, *, hidden: bool = False) -> sa.ColumnElement[Any]:
    """Return the visible categories of a product's row, an array of slug and name for each.

    With `hidden`, return those too that are archived or below such a one.

    It is a query for each row, so let it see no more rows than are shown.
    """
    pair = array([sa.cast(categories.c.slug, sa.Text), sa.cast(categories.c.name, sa.Text)])
    names = (
        sa.select(pair)
        .select_from(product_categories.join(categories))
        .where(
            product_categories.c.product_id == of.c.id,
            sa.true() if hidden else categories.c.is_visible,
        )
        .order_by(categories.c.name_key, categories.c.slug)
        .correlate(of)
    )
    return sa.func.array(names.scalar_subquery(), type_=ARRAY(sa.Text)).label("categories")


def is_within(
    slug: sa.ColumnElement[str], of: sa.FromClause = categories
) -> sa.ColumnElement[bool]:
    """Return whether a row is that category or below it. An index on the path answers it."""
    return of.c.path.contains(array([sa.cast(slug, sa.Text)]))


LISTED = [products.c[name] for name in _listed]
"""The columns of `listed_of`, in its order, before the names of its categories."""
_VARIANT = (
    "id",
    "sku",
    "options",
    "price",
    "compare_at_price",
    "stock_quantity",
    "track_stock",
    "image",
    "position",
    "is_active",
)
VARIANT = [variants.c[name] for name in _VARIANT]
"""The columns of `variant_of`, in its order."""

_OWN = [products.c[name] for name in ("version", "details", "attributes", "has_variants")]
BARE = [
    *LISTED,
    sa.literal_column("'{}'::text[]").label("categories"),
    *_OWN,
    sa.literal_column("NULL").label("variants"),
    sa.literal_column("NULL").label("stored_images"),
]
"""The columns of `product_of` without what hangs on a product."""

# Money goes as text: a number of JSON would be a binary float on its way.
_EMBEDDED = """
CASE WHEN products.has_variants THEN (
  SELECT json_agg(json_build_array(
    id, sku, options, price::text, compare_at_price::text,
    stock_quantity, track_stock, image, position, is_active))
  FROM (
    SELECT * FROM variants AS v WHERE v.product_id = products.id AND {shown}
    ORDER BY v.position, v.id LIMIT {most}
  ) AS first
) END
"""


_STORED = sa.literal_column(
    """
(
  SELECT json_agg(json_build_array(public_id, width, height, format, size) ORDER BY public_id)
  FROM image_ledger WHERE public_id = ANY(products.images)
)
""",
    type_=sa.JSON,
).label("stored_images")


def whole(
    status: Status = Status.ACTIVE, *, most: int | None = EMBEDDED, hidden: bool = False
) -> list[sa.ColumnElement[Any]]:
    """Return the columns of `product_of`, in its order, with its first variants of a status.

    With `hidden`, it names the categories too that are not visible.
    """
    shown = "v.is_active" if status is Status.ACTIVE else "true"
    limit = "ALL" if most is None else most
    embedded = sa.literal_column(_EMBEDDED.format(shown=shown, most=limit), type_=sa.JSON)
    names = category_names(products, hidden=hidden)
    return [*LISTED, names, *_OWN, embedded.label("variants"), _STORED]


def listed_of(row: Sequence[Any]) -> ListedProduct:
    """Return what a row of LISTED and the names of its categories says."""
    return ListedProduct(**_common(row))


def product_of(row: Sequence[Any]) -> Product:
    """Return what a row of `whole` says."""
    version, details, attributes, has_variants, embedded, stored = row[len(LISTED) + 1 :]
    return Product(
        **_common(row),
        version=version,
        details=details,
        attributes=attributes,
        has_variants=has_variants,
        variants=tuple(_embedded_variant(each, version) for each in embedded or ()),
        stored_images=tuple(_stored_image(*each) for each in stored or ()),
    )


def variant_of(row: Sequence[Any], version: int) -> Variant:
    """Return what a row of VARIANT says, of a product at a version."""
    return Variant(**dict(zip(_VARIANT, row, strict=True)), version=version)


def variant_columns(variant: Variant | VariantDraft) -> dict[str, Any]:
    """Return what is stored of a variant, by column; not its id."""
    return {
        **{name: getattr(variant, name) for name in _VARIANT if name != "id"},
        "options": dict(variant.options),
        "combination": combination(variant.options),
    }


def columns_of(product: Product | ProductDraft) -> dict[str, Any]:
    """Return what editorial writes store of a product, by column; not its id, times or version."""
    return {
        "name": product.name,
        "slug": product.slug,
        "sku": product.sku,
        "description": product.description,
        "details": product.details,
        "price": product.price,
        "compare_at_price": product.compare_at_price,
        "images": [image.ref for image in product.images],
        "image_alts": [image.alt or "" for image in product.images],
        "ingredients": list(product.ingredients),
        "attributes": dict(product.attributes),
        "seo_title": product.seo_title,
        "seo_description": product.seo_description,
        "stock_quantity": product.stock_quantity,
        "track_stock": product.track_stock,
        "is_active": product.is_active,
        "name_key": name_key(product.name),
    }


def _common(row: Sequence[Any]) -> dict[str, Any]:
    fields = dict(zip((*_listed, "categories"), row, strict=False))
    average, count = fields.pop("rating_average"), fields.pop("rating_count")
    fields["rating"] = Rating(average, count) if count else _UNRATED
    fields["images"] = tuple(map(_image, fields["images"], fields.pop("image_alts")))
    fields["ingredients"] = tuple(fields["ingredients"])
    fields["categories"] = tuple(CategoryName(slug, name) for slug, name in fields["categories"])
    return fields


def _embedded_variant(values: Sequence[Any], version: int) -> Variant:
    price, compare_at = values[3], values[4]
    money = (Decimal(price), None if compare_at is None else Decimal(compare_at))
    return variant_of((*values[:3], *money, *values[5:]), version)


def _stored_image(public_id: str, width: int, height: int, form: str, size: int) -> StoredImage:
    return StoredImage(public_id=public_id, width=width, height=height, format=form, size=size)


_UNRATED = Rating()


def _image(ref: str, alt: str) -> Image:
    return Image(ref, alt or None)
