"""Convert products to rows of Shopify's CSV, with the newer column names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import zip_longest

from eggypro_adapters.files.product_record import text_cells
from eggypro_adapters.files.shopify.columns import TEXT_COLUMNS, escape_apostrophe
from eggypro_adapters.files.shopify.rows import DEFAULT_TITLE
from eggypro_core.domain.product import Image, Product
from eggypro_core.domain.variant import Variant

MAX_OPTION_COLUMNS = 3
"""The maximum number of option names in Shopify."""
_OPTION_COLUMNS = tuple(
    f"Option{number} {part}"
    for number in range(1, MAX_OPTION_COLUMNS + 1)
    for part in ("name", "value")
)
COLUMNS = (
    *("Title", "URL handle", "Description", "Vendor", "Product category", "Type", "Tags"),
    *("Published on online store", "Status", "SKU", "Barcode"),
    *_OPTION_COLUMNS,
    *("Price", "Compare-at price", "Inventory tracker", "Inventory quantity"),
    *("Continue selling when out of stock", "Weight value (grams)"),
    *("Product image URL", "Image position", "Image alt text", "Variant image URL"),
    *("SEO title", "SEO description"),
)
ATTRIBUTE_COLUMNS: Mapping[str, str] = {"Product Category": "Product category", "Type": "Type"}
"""The columns of attributes, by attribute."""
_PARAGRAPH_BREAK = re.compile(r"\n\n+")


def rows_of_product(product: Product) -> Iterator[list[str]]:
    """Yield the rows of a product: one per active variant, or per image if there are more.

    The first row has the product's own values. A product without variants gets Shopify's default
    variant. A product whose variants cannot be written gets a row without options, so that an
    import of the file does not change its variants.
    """
    variants = written_variants(product)
    names = option_names(variants)
    offers = [_variant(product, variant, names) for variant in variants] or [_own_offer(product)]
    images = [_image(image, position) for position, image in enumerate(product.images, 1)]
    first = _product(product) | _option_name_cells(names)
    blank: dict[str, str] = {}
    for offer, image in zip_longest(offers, images, fillvalue=blank):
        cells = {"URL handle": product.slug, **offer, **image, **first}
        yield [escape_apostrophe(cells.get(name, "")) for name in COLUMNS]
        first = blank


def written_variants(product: Product) -> list[Variant]:
    """Return the variants in the file: the active ones, or none if it cannot have them all.

    A file has up to MAX_OPTION_COLUMNS options whose names differ without case, and the option
    `Default Title` means that there are no variants.
    """
    variants = [variant for variant in product.variants if variant.is_active]
    names = option_names(variants)
    is_possible = len({name.casefold() for name in names}) == len(
        names
    ) <= MAX_OPTION_COLUMNS and not all(_is_default(variant, names) for variant in variants)
    return variants if is_possible else []


def option_names(variants: Sequence[Variant]) -> list[str]:
    """Return the names of the options of variants."""
    return list(dict.fromkeys(name for variant in variants for name in variant.options))


def _is_default(variant: Variant, names: Sequence[str]) -> bool:
    (name, value), *others = variant.options.items()
    return not others and name == names[0] and value.lower() == DEFAULT_TITLE


def _product(product: Product) -> dict[str, str]:
    is_active = product.is_active
    return {
        **{column: product.attributes.get(name, "") for name, column in ATTRIBUTE_COLUMNS.items()},
        **text_cells(product, TEXT_COLUMNS),
        "Title": product.name,
        "Description": product.details or _paragraphs(product.description),
        "Vendor": product.brand or "",
        "Tags": ", ".join(product.tags),
        "Published on online store": str(is_active).upper(),
        "Status": ("active" if product.is_listed else "unlisted") if is_active else "archived",
    }


def _paragraphs(text: str) -> str:
    """Return the HTML of a plain text."""
    html = _PARAGRAPH_BREAK.sub("</p><p>", escape(text, quote=False)).replace("\n", "<br>")
    return f"<p>{html}</p>" if text else ""


def _option_name_cells(names: Sequence[str]) -> dict[str, str]:
    return {f"Option{number} name": name for number, name in enumerate(names, 1)}


def _own_offer(product: Product) -> dict[str, str]:
    """Return the cells of a product without variants in the file."""
    options = (
        {}
        if product.variants
        else {"Option1 name": "Title", "Option1 value": DEFAULT_TITLE.title()}
    )
    barcode = product.gtin or product.attributes.get("Barcode", "")
    return options | _offer(product, barcode, product.weight_grams)


def _variant(product: Product, variant: Variant, names: Sequence[str]) -> dict[str, str]:
    options = {
        f"Option{number} value": variant.options.get(name, "")
        for number, name in enumerate(names, 1)
    }
    weight = product.weight_grams if variant.weight_grams is None else variant.weight_grams
    return {
        **options,
        "Variant image URL": variant.image or "",
        **_offer(variant, variant.gtin or "", weight),
    }


def _offer(item: Product | Variant, barcode: str, weight_grams: int | None) -> dict[str, str]:
    """Return the cells of a variant, or of a product without variants."""
    return {
        "SKU": item.sku or "",
        "Barcode": barcode,
        "Price": str(item.price),
        "Compare-at price": "" if item.compare_at_price is None else str(item.compare_at_price),
        "Inventory tracker": "shopify" if item.track_stock else "",
        "Inventory quantity": str(item.stock_quantity),
        "Continue selling when out of stock": "deny" if item.track_stock else "continue",
        "Weight value (grams)": "" if weight_grams is None else str(weight_grams),
    }


def _image(image: Image, position: int) -> dict[str, str]:
    return {
        "Product image URL": image.ref,
        "Image position": str(position),
        "Image alt text": image.alt or "",
    }
