"""The losses of an export."""

from attrs import evolve

from eggypro_adapters.files.export_log import ExportLog, FormatLimits
from eggypro_core.domain.product import Image, Product
from eggypro_core.domain.product_files import ExportReport
from tests.support.builders import make_shop, product_values


def make_product(slug: str, *images: str, is_active: bool = True) -> Product:
    product = make_shop().products.create(product_values())
    return evolve(product, slug=slug, images=tuple(map(Image, images)), is_active=is_active)


PRODUCTS = (
    make_product("a", "/images/eggypro-products/a/original"),
    make_product("b", "https://x.y/1.jpg", "eggypro-products/b"),
    make_product("c", "http://shop.example/images/eggypro-products/c/original", is_active=False),
    make_product("d", "/images/eggypro-products/d/original", is_active=False),
)


def run(limits: FormatLimits) -> tuple[list[str], ExportReport]:
    log = ExportLog(limits)
    return [product.slug for product in log.exportable(PRODUCTS)], log.report()


def test_a_format_without_limits_loses_nothing() -> None:
    assert run(FormatLimits()) == (["a", "b", "c", "d"], ExportReport(4))


def test_lost_fields_are_counted_in_one_sentence() -> None:
    losses = {"a": ["tags", "alt texts", "tags"], "b": ["tags"]}
    _, report = run(FormatLimits(lambda product: losses.get(product.slug, ())))
    assert report == ExportReport(4, ("Not exported: alt texts (1 product), tags (2 products)",))


def test_products_are_left_out_for_a_reason() -> None:
    slugs, report = run(
        FormatLimits(
            lambda _: ["tags"], lambda product: None if product.is_active else "archived products"
        )
    )
    assert slugs == ["a", "b"]
    assert report == ExportReport(
        2,
        (
            "Left out: archived products (2 products, such as 'c')",
            "Not exported: tags (2 products)",
        ),
    )


def test_images_without_a_public_address_are_reported_for_other_shops() -> None:
    _, report = run(FormatLimits(is_foreign=True))
    [warning] = report.warnings
    assert warning.startswith("Images without a public address (3 products): set PUBLIC_URL")
