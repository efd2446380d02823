"""Whoever dies when: no image is left behind, and no product shows one that is not there."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from eggypro_adapters.postgres.engine import Database
from eggypro_core.app import EggyPro
from eggypro_core.errors import NotFoundError
from eggypro_core.storage import KEPT
from tests.builders import a_product
from tests.clock import FakeClock
from tests.dying import EGG, shop
from tests.pictures import a_picture

ROOT = Path(__file__).parents[1]
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
    survivor = shop(database, tmp_path, clock)
    survivor.catalog.add(a_product())
    survivor.gallery.add(EGG, [a_picture()])
    url = database_url.render_as_string(hide_password=False)
    died = subprocess.run(
        [sys.executable, "-m", "tests.dying", url, str(tmp_path), deed, place],
        cwd=ROOT,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    assert shown(survivor) <= stored(tmp_path)
    clock.tick(int(KEPT.total_seconds()))
    assert all(survivor.gallery.prune())
    assert shown(survivor) == stored(tmp_path)
    assert list(survivor.gallery.prune()) == []


def shown(shop: EggyPro) -> set[str]:
    """What products show."""
    try:
        return set(shop.catalog.find(EGG).own_images)
    except NotFoundError:
        return set()


def stored(folder: Path) -> set[str]:
    """What is in the folder."""
    found = folder.glob("eggypro-products/*.image")
    return {f"eggypro-products/{path.stem}" for path in found}
