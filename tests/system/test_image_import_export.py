"""Images in exported files, imported into the same shop and into another."""

from io import BytesIO
from pathlib import Path

import pytest
from attrs import evolve

from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.contracts.sample_images import make_image
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.image_registry import PostgresImageRegistry
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.image import Transformation
from eggypro_core.domain.product import Image
from eggypro_core.domain.product_files import ImportOptions, ImportReport
from eggypro_core.services.image_uploads import RESERVATION_LIFETIME
from eggypro_core.shop import Shop
from tests.support.builders import ADMIN_KEY, make_shop, product_values

EGG = "egg-white-protein"
FORMATS = ("eggypro-csv", "jsonl", "shopify", "woocommerce")
EXTERNAL_IMAGE = "https://x.example/1.jpg"


class PublicImageStore(LocalImageStore):
    """A store with public URLs, like Cloudinary."""

    def url(self, public_id: str, transformation: Transformation | None = None) -> str:
        return f"https://cdn.example{super().url(public_id, transformation)}"


@pytest.fixture(params=[LocalImageStore, PublicImageStore], ids=lambda kind: kind.__name__)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> LocalImageStore:
    store: LocalImageStore = request.param(tmp_path, PillowImageCleaner(), ADMIN_KEY)
    return store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["memory", "postgres"])
def shop(request: pytest.FixtureRequest, store: LocalImageStore, clock: FakeClock) -> Shop:
    """A shop with a product of two images: an external one and one of its image store."""
    if request.param == "memory":
        shop = make_shop(images=store, clock=clock)
    else:
        database: Database = request.getfixturevalue("database")
        shop = make_shop(
            PostgresProductStore(database),
            image_registry=PostgresImageRegistry(database),
            images=store,
            clock=clock,
        )
    shop.products.create(product_values(images=[EXTERNAL_IMAGE]))
    shop.images.upload(EGG, [make_image()])
    return shop


def export_file(shop: Shop, form: str) -> bytes:
    stream = BytesIO()
    shop.products.export_file(stream, file_format=form)
    return stream.getvalue()


def import_file(shop: Shop, content: bytes, form: str) -> ImportReport:
    return shop.products.import_file(
        BytesIO(content), options=ImportOptions(keep_going=True), file_format=form
    )


@pytest.mark.parametrize("form", FORMATS)
def test_export_and_import_change_no_image(shop: Shop, form: str) -> None:
    before = shop.products.get(EGG).images
    report = import_file(shop, export_file(shop, form), form)
    assert (report.refused, report.created) == ((), 0)
    assert shop.products.get(EGG).images == before


@pytest.mark.parametrize("form", FORMATS)
def test_another_shop_imports_reachable_images(
    shop: Shop, store: LocalImageStore, form: str
) -> None:
    other = make_shop(images=store)
    report = import_file(other, export_file(shop, form), form)
    assert (report.refused, report.created) == ((), 1)
    external, *own = other.products.get(EGG).images
    assert external == Image(EXTERNAL_IMAGE)
    if isinstance(store, PublicImageStore):
        assert [image.ref.startswith("https://cdn.example/") for image in own] == [True]
    else:
        assert own == []
        [warning] = [warning for warning in report.warnings if warning.field == "images"]
        assert "eggypro-products/" in warning.message


@pytest.mark.parametrize("form", FORMATS)
def test_images_have_absolute_urls_below_the_public_url(
    shop: Shop, store: LocalImageStore, form: str
) -> None:
    before = shop.products.get(EGG).images
    products = evolve(shop.products, public_url="https://api.example")
    stream = BytesIO()
    report = products.export_file(stream, file_format=form)
    assert "Images without" not in "".join(report.warnings)
    if not isinstance(store, PublicImageStore):
        assert b"https://api.example/images/eggypro-products/" in stream.getvalue()
    for content in (stream.getvalue(), export_file(shop, form)):  # the latter has only paths
        products.import_file(
            BytesIO(content), options=ImportOptions(keep_going=True), file_format=form
        )
        assert products.get(EGG).images == before


@pytest.mark.parametrize("form", FORMATS)
def test_images_without_a_public_address_are_reported_to_other_shops(
    shop: Shop, store: LocalImageStore, form: str
) -> None:
    report = shop.products.export_file(BytesIO(), file_format=form)
    is_reported = any(warning.startswith("Images without") for warning in report.warnings)
    is_own_format = form in {"eggypro-csv", "jsonl"}
    assert is_reported == (not is_own_format and not isinstance(store, PublicImageStore))


def test_an_image_removed_by_an_import_is_pruned(
    shop: Shop, store: LocalImageStore, clock: FakeClock
) -> None:
    [public_id] = shop.products.get(EGG).own_image_ids
    line = f'{{"slug": "{EGG}", "images": ["{EXTERNAL_IMAGE}"]}}'
    assert import_file(shop, line.encode(), "jsonl").changed == 1
    clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    assert list(shop.images.prune()) == [True]
    restored = f'{{"slug": "{EGG}", "images": ["{public_id}"]}}'
    assert len(import_file(shop, restored.encode(), "jsonl").warnings) == (
        not isinstance(store, PublicImageStore)
    )


def test_an_import_can_attach_an_image_to_a_new_product(shop: Shop, clock: FakeClock) -> None:
    [public_id] = shop.products.get(EGG).own_image_ids
    line = f'{{"name": "New", "price": "1", "images": ["{public_id}"]}}'
    assert import_file(shop, line.encode(), "jsonl").created == 1
    shop.products.delete(EGG)
    clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    assert list(shop.images.prune()) == []
    assert shop.products.get("new").own_image_ids == {public_id}
