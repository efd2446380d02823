"""`eggypro images`: uploads and pruning."""

from pathlib import Path

import orjson
import pytest
from attrs import define

from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.contracts.sample_images import make_image
from eggypro_adapters.memory import MemoryImageStore
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_core.errors import UnavailableError
from eggypro_core.maintenance import MaintenanceJob
from eggypro_core.serializers import image_set_bodies
from eggypro_core.services.image_uploads import RESERVATION_LIFETIME
from tests.support.builders import make_shop, product_values
from tests.support.runtime import MemoryRuntime, RunCommand

EGG = "egg-white-protein"


class MoodyStore(MemoryImageStore):
    """A store that deletes when it likes to."""

    def __init__(self) -> None:
        super().__init__(PillowImageCleaner())
        self.refuses = False

    def delete(self, public_id: str) -> None:
        if self.refuses:
            raise UnavailableError("not now")
        super().delete(public_id)


@define
class Setting:
    world: MemoryRuntime
    store: MoodyStore
    clock: FakeClock
    jpg: str
    png: str


@pytest.fixture
def setting(world: MemoryRuntime, tmp_path: Path) -> Setting:
    store, clock = MoodyStore(), FakeClock()
    world.shop = make_shop(images=store, clock=clock)
    world.shop.products.create(product_values())
    for kind in ("jpg", "png"):
        (tmp_path / f"egg.{kind}").write_bytes(make_image(kind).getvalue())
    return Setting(world, store, clock, str(tmp_path / "egg.jpg"), str(tmp_path / "egg.png"))


def test_files_are_appended_in_their_order(setting: Setting, typed: RunCommand) -> None:
    done = typed("images", "upload", EGG, setting.png, setting.jpg, "--alt", "A tin")
    assert (done.code, done.err) == (0, "")
    first, second = done.out.splitlines()[1:]
    assert first.split()[1:] == ["png", "60", "x", "40,", "1", "KiB", "A", "tin"]
    assert second.split()[1] == "jpg"
    more = typed("images", "upload", EGG, setting.jpg, "--json")
    product = setting.world.shop.products.get(EGG)
    sets = image_set_bodies(product, setting.world.shop.images.url)
    assert [one["format"] for one in sets] == ["png", "jpg", "jpg"]
    assert orjson.loads(more.out) == {"items": [orjson.loads(orjson.dumps(sets[2]))]}


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["no-such", "{jpg}"], 1, "There is no product 'no-such'"),
        ([EGG, "{jpg}", __file__], 1, "File 2: Invalid file type"),
        ([EGG, *["{jpg}"] * 11], 1, "Too many files"),
        ([EGG, "{jpg}", "--alt", "a", "--alt", "b"], 1, "Too many alt texts"),
        ([EGG, "{jpg}", "--alt", "a\a"], 1, "Alt text contains invalid characters"),
        ([EGG, "{jpg}", "--version", "7"], 1, "it is at version 1, not 7"),
        ([EGG, "no/such.jpg"], 2, "no/such.jpg"),
        ([EGG], 2, "FILES"),
    ],
)
def test_a_refusal_leaves_nothing(
    setting: Setting, typed: RunCommand, words: list[str], code: int, told: str
) -> None:
    given = [word.format(jpg=setting.jpg) for word in words]
    refused = typed("images", "upload", *given)
    assert (refused.code, refused.out) == (code, "")
    assert told in refused.err
    assert setting.world.shop.products.get(EGG).images == ()
    assert setting.store._images == {}


def test_what_cannot_be_deleted_is_kept_for_the_next_time(
    setting: Setting, typed: RunCommand
) -> None:
    typed("images", "upload", EGG, setting.jpg, setting.png)
    setting.store.refuses = True
    setting.world.shop.products.delete(EGG)
    setting.clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    refused = typed("images", "prune")
    assert (refused.code, refused.out) == (3, "0 removed\n")
    assert "2 images could not be deleted" in refused.err
    told = typed("images", "prune", "--json")
    assert (told.code, told.out, told.err) == (3, '{"removed":0,"kept":2}\n', "")
    kept = typed("maintenance", "run")
    assert (kept.code, kept.out.splitlines()[0]) == (3, "images       0 removed")
    assert "2 images could not be deleted. Try again later." in kept.err
    setting.store.refuses = False
    done = typed("images", "prune", "--json")
    assert (done.code, done.out) == (0, '{"removed":2,"kept":0}\n')
    assert setting.store._images == {}
    assert typed("images", "prune").out == "0 removed\n"
    items = [{"job": job, "removed": 0, "kept": 0, "complete": True} for job in MaintenanceJob]
    assert orjson.loads(typed("maintenance", "run", "--json").out) == {"items": items}
