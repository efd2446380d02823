"""Hypothesis strategies for shops with all kinds of contents, including unusual values."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from attrs import asdict
from hypothesis import strategies as st

from eggypro_adapters.contracts import strategies
from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.image import StoredImage
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import ConflictError, NotFoundError, ValidationError
from eggypro_core.shop import Shop
from tests.support.builders import ShopStores, make_shop

ODD_TEXTS = (
    *("=1", "'=1", "''-1", "'it's", "@", "+x'", "a|b", "[a", "{a", '"', ",", ";", "a=b", "0", "é"),
    *("<b>bold</b>", "&amp;", "a <pure> text", "1 < 2 & 3", "Title", "Default Title", "\u2028"),
    *("a, b", "'5", "\\", "\\n", "a\\, b", "None", "#N/A", "1,5", "> x", "a > b", "a:b", "'", "- "),
    *("<p>a</p><p>b</p>", "a;b,c|d", "500 g", "{}", "[]", "https://x.y/a,b.jpg", "\ufeffx", "\xa0"),
)
OPTION_NAMES = ("Size", "Color", "=x", "a|b", "{c", "Title", "size", "Option1", "'1")
ATTRIBUTE_NAMES = (
    *("Vendor", "Brand", "Tags", "Barcode", "Weight", "Type", "Product Category", "Condition"),
    *("Color", "MPN", "Price", "slug", "Name", "Attribute 1", "Google Product Category", "=x"),
    *("Size", "Material", "Highlights", "Label 1", "Sleeve", "Swatch", "Metafield: custom.a"),
)
NAMES = ("Egg", "egg", "Egg & White", "a|b", "=Egg", "'5", "Egg, white", "e1", "1", '"E"', "é \\")
SKUS = ("E-1", "E-2", "=x", "'001", "001", "e1", "e2", "1", "2", "e-1", "a,b", "'-1", "E 1", "0")
SLUGS = ("e1", "e2", "1", "2", "e1-2", "-a", "a-", "a--b", "e-1", "0", "product")
IMAGE_IDS = ("eggypro-products/a1", "eggypro-products/b-2")
URLS = (
    *(f"https://x.y/{n},{n}.jpg" for n in range(3)),
    "https://x.y/a%20b?c=d&e=1|2",
    "https://x.y/(1);",
)


def texts() -> st.SearchStrategy[str]:
    return st.sampled_from(ODD_TEXTS) | strategies.lines()


def paragraphs() -> st.SearchStrategy[str]:
    return st.lists(texts() | st.just(""), max_size=3).map("\n".join)


def numbered(prefix: str, numbers: Sequence[int]) -> st.SearchStrategy[dict[str, str]]:
    """Return maps with these numbers of texts."""
    return st.sampled_from(numbers).map(
        lambda number: {f"{prefix} {key}": f"x{key}" for key in range(number)}
    )


OFFERS: dict[str, st.SearchStrategy[Any]] = {
    "sku": st.none() | st.sampled_from(SKUS),
    "gtin": st.none() | strategies.gtins,
    "weight_grams": st.none() | st.sampled_from([0, 1, 500, 1001]) | strategies.weights,
    "stock_quantity": st.sampled_from([0, 1]) | strategies.stocks,
    "track_stock": st.booleans(),
    "is_active": st.booleans(),
}


@st.composite
def variant_records(draw: st.DrawFn) -> dict[str, Any]:
    optional = OFFERS | {
        "position": st.integers(0, 5),
        "image": st.none() | st.sampled_from(URLS),
    }
    options = st.dictionaries(st.sampled_from(OPTION_NAMES), texts(), min_size=1, max_size=2)
    values = draw(st.fixed_dictionaries({"options": options}, optional=optional))
    return values | draw(strategies.prices())


VARIANTS = st.lists(variant_records(), max_size=4) | st.builds(
    lambda variants, options: [v | {"options": v["options"] | options} for v in variants],
    st.lists(variant_records(), max_size=3),
    numbered("Choice", [3, 8]),
)
IMAGES = st.lists(
    st.fixed_dictionaries(
        {"ref": st.sampled_from([*URLS, *IMAGE_IDS])}, optional={"alt": st.none() | texts()}
    ),
    max_size=3,
    unique_by=lambda image: image["ref"],
)
ATTRIBUTES = st.builds(
    dict.__or__,
    st.dictionaries(
        st.sampled_from([*ATTRIBUTE_NAMES, *OPTION_NAMES]) | texts(), texts(), max_size=4
    ),
    st.just({}) | numbered("Attribute", [0, 12, 40]),
)


@st.composite
def product_records(draw: st.DrawFn, categories: tuple[str, ...]) -> dict[str, Any]:
    values = draw(strategies.products())
    values |= draw(st.fixed_dictionaries({}, optional=OFFERS))
    values |= draw(
        st.fixed_dictionaries(
            {"attributes": ATTRIBUTES, "images": IMAGES},
            optional={
                "name": st.sampled_from(NAMES),
                "slug": st.sampled_from(SLUGS),
                "description": paragraphs(),
                "details": st.just("") | paragraphs(),
                "brand": texts(),
                "tags": st.lists(texts(), max_size=3),
                "seo_title": texts(),
                "seo_description": texts(),
                "ingredients": st.lists(texts(), max_size=3),
                "variants": VARIANTS,
            },
        )
    )
    if categories:
        values["categories"] = draw(st.lists(st.sampled_from(categories), max_size=3))
    return values


@st.composite
def category_trees(draw: st.DrawFn) -> list[CategoryDraft]:
    """Return categories, parents first; some have the same name."""
    drafts: list[CategoryDraft] = []
    for slug in draw(st.lists(strategies.slugs, max_size=5, unique=True)):
        drafts.append(
            CategoryDraft(
                name=draw(st.sampled_from(NAMES) | strategies.names.map(_one_line)),
                slug=slug,
                description=draw(st.none() | st.just("Two\nlines")),
                parent=draw(st.sampled_from([None, *(draft.slug for draft in drafts)])),
                is_active=draw(st.booleans()),
            )
        )
    return drafts


@st.composite
def shop_contents(draw: st.DrawFn) -> tuple[list[CategoryDraft], list[dict[str, Any]]]:
    """Return categories and the values of products, most of them valid."""
    tree = draw(category_trees())
    slugs = tuple(str(draft.slug) for draft in tree)
    return tree, draw(st.lists(product_records(slugs), min_size=1, max_size=4))


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    """Return a shop in memory."""
    return make_shop_with(ShopStores.in_memory(), *draw(shop_contents()))


def make_empty_shop(stores: ShopStores) -> Shop:
    """Return a shop with stored images, but without products."""
    registry = stores.image_registry
    registry.reserve(IMAGE_IDS, expires_at=NOON + timedelta(days=1))
    registry.confirm(
        StoredImage(public_id=image, width=1, height=1, format="png", size=1) for image in IMAGE_IDS
    )
    return make_shop(
        stores.products,
        stores.variants,
        stores.reviews,
        stores.categories,
        image_registry=registry,
        images=LocalImageStore(Path("unused"), PillowImageCleaner(), "secret"),
    )


def make_shop_with(
    stores: ShopStores, tree: Sequence[CategoryDraft], records: Sequence[Mapping[str, Any]]
) -> Shop:
    """Return a shop with the categories and those products and variants that are valid."""
    shop = make_empty_shop(stores)
    for draft in tree:
        shop.categories.create(asdict(draft))
    for record in records:
        with suppress(ValidationError, ConflictError):
            _create_product(shop, **record)
    return shop


def _create_product(
    shop: Shop, *, variants: Sequence[Mapping[str, Any]] = (), **values: Any
) -> None:
    """Create a product. One without ingredients is imported, as the API requires some."""
    if values["ingredients"]:
        slug = shop.products.create(values).slug
    else:
        report = shop.products.import_products([ImportEntry(1, values)])
        slug = str(next((difference.slug for difference in report.differences), ""))
    for variant in variants:
        with suppress(ValidationError, ConflictError, NotFoundError):
            shop.variants.create(slug, variant)


def _one_line(text: str) -> str:
    return " ".join(text.split())
