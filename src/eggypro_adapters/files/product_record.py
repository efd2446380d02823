"""Convert products to the records of our own formats, which have all fields of an import."""

from collections.abc import Iterable, Mapping

from attrs import asdict

from eggypro_adapters.files.cell_parsers import FIELD_PARSERS, PLAIN_FIELDS
from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.field_definition import Converters, FieldType, serializer
from eggypro_core.domain.product import Product
from eggypro_core.domain.variant import VARIANT_FIELDS


def to_record(product: Product, details: Iterable[CategoryDraft]) -> dict[str, object]:
    """Return the record of a product, with the details of some categories."""
    return _product_members(
        product,
        images=[{"ref": image.ref, "alt": image.alt} for image in product.images],
        categories=[category.slug for category in product.categories],
        variants=[_variant_members(variant) for variant in product.variants],
        category_details=[asdict(draft) for draft in details],
    )


def text_cells(product: Product, columns: Mapping[str, str]) -> dict[str, str]:
    """Return the cells of the optional texts of a product; `columns` maps fields to columns."""
    return {column: getattr(product, name) or "" for name, column in columns.items()}


_PLAIN_VALUES: Converters = {
    FieldType.MONEY: str,
    FieldType.TEXT_LIST: list,
    FieldType.TEXT_MAP: dict,
}
_product_members = serializer(FIELD_PARSERS, PLAIN_FIELDS, _PLAIN_VALUES)
_variant_members = serializer(
    [field.name for field in VARIANT_FIELDS], VARIANT_FIELDS, _PLAIN_VALUES
)
