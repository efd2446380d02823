"""`eggypro images`, and the images job of `eggypro maintenance run`."""

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
from eggypro_core.serializers import ProductSerializer
from eggypro_core.services.image_uploads import RESERVATION_LIFETIME
from tests.support.builders import make_shop, product_values
from tests.support.runtime import MemoryRuntime, RunCommand

EGG = "egg-white-protein"


class FailingImageStore(MemoryImageStore):
    """An image store whose deletions fail while `refuses` is set."""

    def __init__(self) -> None:
        super().__init__(PillowImageCleaner())
        self.refuses = False

    def delete(self, public_id: str) -> None:
        if self.refuses:
            raise UnavailableError("not now")
        super().delete(public_id)


@define
class Setting:
    runtime: MemoryRuntime
    store: FailingImageStore
    clock: FakeClock
    jpg: str
    png: str


@pytest.fixture
def setting(runtime: MemoryRuntime, tmp_path: Path) -> Setting:
    store, clock = FailingImageStore(), FakeClock()
    runtime.shop = make_shop(images=store, clock=clock)
    runtime.shop.products.create(product_values())
    for kind in ("jpg", "png"):
        (tmp_path / f"egg.{kind}").write_bytes(make_image(kind).getvalue())
    return Setting(runtime, store, clock, str(tmp_path / "egg.jpg"), str(tmp_path / "egg.png"))


def test_files_are_appended_in_order(setting: Setting, run_command: RunCommand) -> None:
    result = run_command("images", "upload", EGG, setting.png, setting.jpg, "--alt", "A tin")
    assert (result.code, result.err) == (0, "")
    first, second = result.out.splitlines()[1:]
    assert first.split()[1:] == ["png", "60", "x", "40,", "1", "KiB", "A", "tin"]
    assert second.split()[1] == "jpg"
    second_upload = run_command("images", "upload", EGG, setting.jpg, "--json")
    product = setting.runtime.shop.products.get(EGG)
    sets = ProductSerializer.of(setting.runtime.shop).image_sets(product)
    assert [image["format"] for image in sets] == ["png", "jpg", "jpg"]
    assert orjson.loads(second_upload.out) == {"items": [orjson.loads(orjson.dumps(sets[2]))]}


@pytest.mark.parametrize(
    ("words", "code", "message"),
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
def test_rejected_upload_stores_nothing(
    setting: Setting, run_command: RunCommand, words: list[str], code: int, message: str
) -> None:
    arguments = [word.format(jpg=setting.jpg) for word in words]
    result = run_command("images", "upload", *arguments)
    assert (result.code, result.out) == (code, "")
    assert message in result.err
    assert setting.runtime.shop.products.get(EGG).images == ()
    assert setting.store._images == {}


def test_prune_retries_failed_deletions_on_the_next_run(
    setting: Setting, run_command: RunCommand
) -> None:
    run_command("images", "upload", EGG, setting.jpg, setting.png)
    setting.store.refuses = True
    setting.runtime.shop.products.delete(EGG)
    setting.clock.advance(int(RESERVATION_LIFETIME.total_seconds()))
    result = run_command("images", "prune")
    assert (result.code, result.out) == (3, "0 removed\n")
    assert "2 images could not be deleted" in result.err
    result = run_command("images", "prune", "--json")
    assert (result.code, result.out, result.err) == (3, '{"removed":0,"kept":2}\n', "")
    result = run_command("maintenance", "run")
    assert (result.code, result.out.splitlines()[0]) == (3, "images       0 removed")
    assert "2 images could not be deleted. Try again later." in result.err
    setting.store.refuses = False
    result = run_command("images", "prune", "--json")
    assert (result.code, result.out) == (0, '{"removed":2,"kept":0}\n')
    assert setting.store._images == {}
    assert run_command("images", "prune").out == "0 removed\n"
    items = [{"job": job, "removed": 0, "kept": 0, "complete": True} for job in MaintenanceJob]
    assert orjson.loads(run_command("maintenance", "run", "--json").out) == {"items": items}
