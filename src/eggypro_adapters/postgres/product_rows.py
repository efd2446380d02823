"""Columns of products and variants, and conversion from and to rows."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import sqlalchemy as sa
from attrs import fields_dict
from sqlalchemy.dialects.postgresql import ARRAY, array

from eggypro_adapters.postgres.schema import categories, product_categories, products, variants
from eggypro_core.domain.field_definition import (
    Converters,
    FieldType,
    compile_function,
    serializer,
)
from eggypro_core.domain.image import StoredImage
from eggypro_core.domain.product import (
    CategoryName,
    Image,
    ListedProduct,
    Product,
    ProductDraft,
    Rating,
)
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.domain.product_query import name_sort_key
from eggypro_core.domain.variant import (
    MAX_EMBEDDED_VARIANTS,
    VARIANT_FIELDS,
    Variant,
    VariantDraft,
    options_key,
)
from eggypro_core.validation.parameters import Status

P = TypeVar("P", bound=ListedProduct)
_LISTED_COLUMN_NAMES = (
    "id",
    *(field.name for field in PRODUCT_FIELDS if field.in_lists),
    "image_alts",
    *("created_at", "updated_at", "variant_count", "rating_average", "rating_count"),
)
_LISTED_NAMES = (*_LISTED_COLUMN_NAMES, "categories")
_DETAIL_COLUMN_NAMES = (
    "version",
    "has_variants",
    *(field.name for field in PRODUCT_FIELDS if not field.in_lists),
)
_PRODUCT_NAMES = (*_LISTED_NAMES, *_DETAIL_COLUMN_NAMES, "variants", "stored_images")


def category_names(of: sa.FromClause, *, include_hidden: bool = False) -> sa.ColumnElement[Any]:
    """Return the visible categories of a product's row, as an array of pairs of slug and name.

    With `include_hidden`, also categories that are archived or have an archived ancestor.

    This is a subquery per row: use it on the rows of a page only.
    """
    # OFFSET 0 makes Postgres look up each category by id: for a few links, it would otherwise build
    # a hash table per product.
    category = (
        sa.select(categories)
        .where(
            categories.c.id == product_categories.c.category_id,
            sa.true() if include_hidden else categories.c.is_visible,
        )
        .offset(sa.literal_column("0"))
        .lateral("category")
    )
    pair = array([sa.cast(category.c.slug, sa.Text), sa.cast(category.c.name, sa.Text)])
    names = (
        sa.select(pair)
        .select_from(product_categories.join(category, sa.true()))
        .where(product_categories.c.product_id == of.c.id)
        .order_by(category.c.name_key, category.c.slug)
        .correlate(of)
    )
    return sa.func.array(names.scalar_subquery(), type_=ARRAY(sa.Text)).label("categories")


def is_in_category(
    slug: sa.ColumnElement[str], of: sa.FromClause = categories
) -> sa.ColumnElement[bool]:
    """Return the condition that a row is a category or a descendant of it; indexed by path."""
    return of.c.path.contains(array([sa.cast(slug, sa.Text)]))


LISTED_PRODUCT_COLUMNS = [products.c[name] for name in _LISTED_COLUMN_NAMES]
"""The columns of `listed_product_from_row`, in its order, without the category names."""
_VARIANT_NAMES = ("id", *(field.name for field in VARIANT_FIELDS))
VARIANT_COLUMNS = [variants.c[name] for name in _VARIANT_NAMES]
"""The columns of `variant_from_row`, in its order."""

_DETAIL_COLUMNS = [products.c[name] for name in _DETAIL_COLUMN_NAMES]
BARE_PRODUCT_COLUMNS = [
    *LISTED_PRODUCT_COLUMNS,
    sa.literal_column("'{}'::text[]").label("categories"),
    *_DETAIL_COLUMNS,
    sa.literal_column("NULL").label("variants"),
    sa.literal_column("NULL").label("stored_images"),
]
"""The columns of `product_from_row` without categories, variants and stored images."""

# Money as text: a JSON number would become a binary float.
_MONEY = [field.name for field in VARIANT_FIELDS if field.type is FieldType.MONEY]
_VARIANT_VALUES = ", ".join(f"{name}::text" if name in _MONEY else name for name in _VARIANT_NAMES)
_EMBEDDED_VARIANTS = f"""
CASE WHEN products.has_variants THEN (
  SELECT json_agg(json_build_array({_VARIANT_VALUES}))
  FROM (
    SELECT * FROM variants AS v WHERE v.product_id = products.id AND {{condition}}
    ORDER BY v.position, v.id LIMIT {{limit}}
  ) AS first
) END
"""


_STORED_IMAGES = sa.literal_column(
    """
(
  SELECT json_agg(json_build_array(public_id, width, height, format, size) ORDER BY public_id)
  FROM image_ledger WHERE public_id = ANY(products.images)
)
""",
    type_=sa.JSON,
).label("stored_images")


def product_columns(
    status: Status = Status.ACTIVE,
    *,
    max_variants: int | None = MAX_EMBEDDED_VARIANTS,
    include_hidden: bool = False,
) -> list[sa.ColumnElement[Any]]:
    """Return the columns of `product_from_row`, in its order.

    With the first `max_variants` variants of the status (None: all) and, with `include_hidden`,
    also the categories that are not visible.
    """
    condition = "v.is_active" if status is Status.ACTIVE else "true"
    limit = "ALL" if max_variants is None else max_variants
    embedded = sa.literal_column(
        _EMBEDDED_VARIANTS.format(condition=condition, limit=limit), type_=sa.JSON
    )
    return [
        *LISTED_PRODUCT_COLUMNS,
        category_names(products, include_hidden=include_hidden),
        *_DETAIL_COLUMNS,
        embedded.label("variants"),
        _STORED_IMAGES,
    ]


def variant_from_row(row: Sequence[Any], version: int) -> Variant:
    """Return the variant of a row of VARIANT_COLUMNS, of a product at a version."""
    return Variant(**dict(zip(_VARIANT_NAMES, row, strict=True)), version=version)


def variant_values(variant: Variant | VariantDraft) -> dict[str, Any]:
    """Return the stored values of a variant by column, without its id."""
    return _variant_columns(variant, combination=options_key(variant.options))


def product_values(product: Product | ProductDraft) -> dict[str, Any]:
    """Return the values of a product that editorial writes store, by column.

    Without its id, times and version.
    """
    return _product_columns(
        product,
        image_alts=[image.alt or "" for image in product.images],
        name_key=name_sort_key(product.name),
    )


def changed_columns(product: Product, changed: Product) -> dict[str, Any]:
    """Return the items of `product_values(changed)` that differ from the stored product's."""
    before = product_values(product)
    values = {
        name: value for name, value in product_values(changed).items() if value != before[name]
    }
    if list(changed.attributes) != list(product.attributes):  # equal dicts may differ in order
        values["attributes"] = dict(changed.attributes)
    return values


def _embedded_variant(values: Sequence[Any], version: int) -> Variant:
    fields = dict(zip(_VARIANT_NAMES, values, strict=True))
    for name in _MONEY:
        fields[name] = None if fields[name] is None else Decimal(fields[name])
    return Variant(**fields, version=version)


def _stored_image(
    public_id: str, width: int, height: int, image_format: str, size: int
) -> StoredImage:
    return StoredImage(
        public_id=public_id, width=width, height=height, format=image_format, size=size
    )


_UNRATED = Rating()


def _image(ref: str, alt: str) -> Image:
    return Image(ref, alt or None)


_EXPRESSIONS = {
    "images": "tuple(map(image, {images}, {image_alts}))",
    "categories": "tuple([category(slug, name) for slug, name in {categories}])",
    "rating": "rating({rating_average}, {rating_count}) if {rating_count} else unrated",
    "variants": "tuple([variant(values, {version}) for values in {variants} or ()])",
    "stored_images": "tuple([stored_image(*values) for values in {stored_images} or ()])",
    **{
        field.name: f"tuple({{{field.name}}})"
        for field in PRODUCT_FIELDS
        if field.type is FieldType.TEXT_LIST
    },
}
"""Attributes of a product that are not plain columns, as expressions of columns."""
_FUNCTIONS = {
    "image": _image,
    "category": CategoryName,
    "rating": Rating,
    "unrated": _UNRATED,
    "variant": _embedded_variant,
    "stored_image": _stored_image,
}


def _row_reader(record: type[P], column_names: Sequence[str]) -> Callable[[Sequence[Any]], P]:
    """Return a function that returns the product of a row of the named columns.

    It is compiled because a loop over the columns takes 1.4 times as long.
    """
    columns = {name: f"row[{index}]" for index, name in enumerate(column_names)}
    arguments = ", ".join(
        f"{name}={_EXPRESSIONS.get(name, f'{{{name}}}').format_map(columns)}"
        for name in fields_dict(record)
    )
    function: Callable[[Sequence[Any]], P] = compile_function(
        "row", f"record({arguments})", {**_FUNCTIONS, "record": record}
    )
    return function


listed_product_from_row = _row_reader(ListedProduct, _LISTED_NAMES)
"""Return the product of a row of LISTED_PRODUCT_COLUMNS and its category names."""
product_from_row = _row_reader(Product, _PRODUCT_NAMES)
"""Return the product of a row of `product_columns`."""
_COLUMN_VALUES: Converters = {
    FieldType.TEXT_LIST: list,
    FieldType.TEXT_MAP: dict,
    FieldType.IMAGES: lambda images: [image.ref for image in images],
}
_product_columns = serializer(
    [*(field.name for field in PRODUCT_FIELDS), "image_alts", "name_key"],
    PRODUCT_FIELDS,
    _COLUMN_VALUES,
)
_variant_columns = serializer(
    [*(field.name for field in VARIANT_FIELDS), "combination"], VARIANT_FIELDS, _COLUMN_VALUES
)
