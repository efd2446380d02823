"""Products as rows: which columns carry one, and the way there and back."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, array

from eggypro_adapters.postgres.tables import categories, product_categories, products
from eggypro_core.products import CategoryName, Image, ListedProduct, Product, ProductDraft, Rating
from eggypro_core.queries import name_key

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


def category_names(of: sa.FromClause) -> sa.ColumnElement[Any]:
    """Return the visible categories of a product's row, an array of slug and name for each.

    It is a query for each row, so let it see no more rows than are shown.
    """
    pair = array([sa.cast(categories.c.slug, sa.Text), sa.cast(categories.c.name, sa.Text)])
    names = (
        sa.select(pair)
        .select_from(product_categories.join(categories))
        .where(product_categories.c.product_id == of.c.id, categories.c.is_visible)
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
_more = [products.c[name] for name in ("version", "details", "attributes")]
WHOLE = [*LISTED, category_names(products), *_more]
"""The columns of `product_of`, in its order."""
BARE = [*LISTED, sa.literal_column("'{}'::text[]").label("categories"), *_more]
"""The same without the categories, which an import neither needs nor should wait for."""


def listed_of(row: Sequence[Any]) -> ListedProduct:
    """Return what a row of LISTED and the names of its categories says."""
    return ListedProduct(**_common(row))


def product_of(row: Sequence[Any]) -> Product:
    """Return what a row of WHOLE says."""
    version, details, attributes = row[len(LISTED) + 1 :]
    return Product(**_common(row), version=version, details=details, attributes=attributes)


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


def copied(columns: Mapping[str, Any]) -> list[Any]:
    """Return the values of columns as COPY takes them."""
    attributes = json.dumps(columns["attributes"], ensure_ascii=False)
    return list({**columns, "attributes": attributes}.values())


def _common(row: Sequence[Any]) -> dict[str, Any]:
    fields = dict(zip((*_listed, "categories"), row, strict=False))
    average, count = fields.pop("rating_average"), fields.pop("rating_count")
    fields["rating"] = Rating(average, count) if count else _UNRATED
    fields["images"] = tuple(map(_image, fields["images"], fields.pop("image_alts")))
    fields["ingredients"] = tuple(fields["ingredients"])
    fields["categories"] = tuple(CategoryName(slug, name) for slug, name in fields["categories"])
    return fields


_UNRATED = Rating()


def _image(ref: str, alt: str) -> Image:
    return Image(ref, alt or None)
