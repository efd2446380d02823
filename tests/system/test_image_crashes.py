"""Whoever dies when: no image is left behind, and no product shows one that is not there."""

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
DEATHS = [
    *(("upload", place) for place in ("before the upload", "after the upload", *TRANSACTION)),
    *(("arrange", place) for place in (*TRANSACTION, *DELETION)),
    *(("remove", place) for place in DELETION),
]


@pytest.mark.parametrize(("deed", "place"), DEATHS)
def test_a_death_leaves_nothing_behind(
    database: Database, database_url: sa.URL, tmp_path: Path, deed: str, place: str
) -> None:
    clock = FakeClock()
    survivor = make_crashing_shop(database, tmp_path, clock)
    survivor.products.create(product_values())
    survivor.images.upload(EGG, [make_image()])
    url = database_url.render_as_string(hide_password=False)
    died = subprocess.run(
        [sys.executable, "-m", "tests.support.crash_process", url, str(tmp_path), deed, place],
        cwd=ROOT,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    assert shown(survivor) <= stored(tmp_path)
    clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    assert all(survivor.images.prune())
    assert shown(survivor) == stored(tmp_path)
    assert list(survivor.images.prune()) == []


def shown(shop: Shop) -> set[str]:
    """What products show."""
    try:
        return set(shop.products.get(EGG).own_image_ids)
    except NotFoundError:
        return set()


def stored(folder: Path) -> set[str]:
    """What is in the folder."""
    found = folder.glob("eggypro-products/*.image")
    return {f"eggypro-products/{path.stem}" for path in found}


class Losing(PostgresProductStore):
    """Products whose answer is lost when a change is made."""

    def update(self, slug: str, change: Callable[[Product], Product]) -> Product:
        super().update(slug, change)
        raise UnavailableError("The connection is lost")


def test_an_image_stays_where_a_product_has_got_it_without_a_word(
    database: Database, tmp_path: Path
) -> None:
    images = LocalImageStore(tmp_path, PillowImageCleaner(), ADMIN_KEY)
    losing = make_shop(
        Losing(database), image_registry=PostgresImageRegistry(database), images=images
    )
    losing.products.create(product_values())
    with pytest.raises(UnavailableError):
        losing.images.upload(EGG, [make_image()])
    assert len(shown(losing)) == 1
    assert shown(losing) == stored(tmp_path)
