"""Crashes during image operations: no orphaned image, no product with a missing image."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.contracts.sample_images import make_image
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.image_registry import PostgresImageRegistry
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.product import Product
from eggypro_core.errors import NotFoundError, UnavailableError
from eggypro_core.services.image_uploads import RESERVATION_LIFETIME
from eggypro_core.shop import Shop
from tests.support.builders import ADMIN_KEY, make_shop, product_values
from tests.support.crash_process import EGG, make_crashing_shop

ROOT = Path(__file__).parents[2]
TRANSACTION = ("before the transaction", "within the transaction", "after the transaction")
DELETION = ("before the deletion", "after the deletion")
CRASHES = [
    *(("upload", point) for point in ("before the upload", "after the upload", *TRANSACTION)),
    *(("set_images", point) for point in (*TRANSACTION, *DELETION)),
    *(("delete", point) for point in DELETION),
]


@pytest.mark.parametrize(("action", "point"), CRASHES)
def test_a_crash_leaves_no_orphaned_image(
    database: Database, database_url: sa.URL, tmp_path: Path, action: str, point: str
) -> None:
    clock = FakeClock()
    shop = make_crashing_shop(database, tmp_path, clock)
    shop.products.create(product_values())
    shop.images.upload(EGG, [make_image()])
    url = database_url.render_as_string(hide_password=False)
    process = subprocess.run(
        [sys.executable, "-m", "tests.support.crash_process", url, str(tmp_path), action, point],
        cwd=ROOT,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL
    assert referenced_images(shop) <= stored_images(tmp_path)
    clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    assert all(shop.images.prune())
    assert referenced_images(shop) == stored_images(tmp_path)
    assert list(shop.images.prune()) == []


def referenced_images(shop: Shop) -> set[str]:
    """Return the images that the product references."""
    try:
        return set(shop.products.get(EGG).own_image_ids)
    except NotFoundError:
        return set()


def stored_images(folder: Path) -> set[str]:
    """Return the images in the folder."""
    paths = folder.glob("eggypro-products/*.image")
    return {f"eggypro-products/{path.stem}" for path in paths}


class ReplyLosingStore(PostgresProductStore):
    """A store whose connection is lost after the commit of an update."""

    def update(self, slug: str, change: Callable[[Product], Product]) -> Product:
        super().update(slug, change)
        raise UnavailableError("The connection is lost")


def test_an_image_is_not_deleted_after_a_lost_commit_reply(
    database: Database, tmp_path: Path
) -> None:
    images = LocalImageStore(tmp_path, PillowImageCleaner(), ADMIN_KEY)
    shop = make_shop(
        ReplyLosingStore(database), image_registry=PostgresImageRegistry(database), images=images
    )
    shop.products.create(product_values())
    with pytest.raises(UnavailableError):
        shop.images.upload(EGG, [make_image()])
    assert len(referenced_images(shop)) == 1
    assert referenced_images(shop) == stored_images(tmp_path)
