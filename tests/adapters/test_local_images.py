"""The folder of images: its files, and what happens around them."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from attrs import evolve, field, frozen

from eggypro_adapters.contracts.image_store import EGG, ImageStoreContract
from eggypro_adapters.contracts.sample_images import (
    corner_colours,
    encode_image,
    make_image,
    make_image_with_metadata,
    make_noise,
    open_upright,
)
from eggypro_adapters.local_images import UPLOADS_URL, LocalImageStore
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_core.domain.image import (
    ORIGINAL,
    RENDITIONS,
    SIGNED_UPLOAD_LIFETIME,
    CleanImage,
    ImageFormat,
    Transformation,
)
from eggypro_core.errors import ForbiddenError, NotFoundError, UnavailableError, ValidationError
from tests.support.builders import ADMIN_KEY, NOON


@frozen
class Counting:
    """A cleaner that notes what it makes."""

    made: list[Transformation | None] = field(factory=list)
    cleaner: PillowImageCleaner = field(factory=PillowImageCleaner)

    def clean(self, content: BinaryIO, transformation: Transformation | None = None) -> CleanImage:
        self.made.append(transformation)
        return self.cleaner.clean(content, transformation)


def store_in(folder: Path) -> LocalImageStore:
    return LocalImageStore(folder, PillowImageCleaner(), ADMIN_KEY)


@pytest.fixture
def images(tmp_path: Path) -> LocalImageStore:
    return store_in(tmp_path / "images")


class TestLocalImageStore(ImageStoreContract):
    """The fixture is the one above."""


def opened(store: LocalImageStore, rendition: str, *, webp: bool = False) -> bytes:
    """The whole file of a rendition of the egg."""
    served = store.open(EGG, rendition, accepts_webp=webp)
    with served.stream as stream:
        content = stream.read()
    assert len(content) == served.size
    return content


def files(folder: Path) -> list[str]:
    """All that lies in a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@contextmanager
def a_full_disk() -> Iterator[None]:
    """No file may grow beyond some hundred bytes for this long."""
    _, most = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("webp", [False, True])
@pytest.mark.parametrize(
    ("rendition", "size"),
    [
        ("original", (1600, 1000)),
        ("optimized", (800, 500)),
        ("thumbnail", (400, 400)),
        ("400w", (400, 250)),
        ("800w", (800, 500)),
        ("1200w", (1200, 750)),
    ],
)
def test_each_size_is_what_it_says(
    images: LocalImageStore, rendition: str, size: tuple[int, int], *, webp: bool
) -> None:
    images.upload(make_image(size=(1600, 1000)), public_id="egg")
    picture = open_upright(opened(images, rendition, webp=webp))
    assert picture.size == size
    assert picture.format == ("WEBP" if webp and rendition != ORIGINAL else "JPEG")
    assert corner_colours(picture) == ["red", "green", "red", "blue"]


def test_nothing_is_enlarged_but_to_fill_a_thumbnail(images: LocalImageStore) -> None:
    images.upload(make_image(size=(60, 40)), public_id="egg")
    for rendition in RENDITIONS:
        size = (400, 400) if rendition == "thumbnail" else (60, 40)
        assert open_upright(opened(images, rendition)).size == size


@pytest.mark.parametrize(("kind", "format_"), [("jpg", "JPEG"), ("png", "PNG"), ("webp", "PNG")])
def test_who_cannot_show_webp_gets_another_format(
    images: LocalImageStore, kind: str, format_: str
) -> None:
    images.upload(make_image(kind), public_id="egg")
    assert open_upright(opened(images, "400w")).format == format_


def test_what_can_be_seen_through_stays_so(images: LocalImageStore) -> None:
    glass = make_noise((500, 300)).convert("RGBA")
    glass.putalpha(0)
    images.upload(encode_image(glass, "png"), public_id="egg")
    for webp in (False, True):
        assert open_upright(opened(images, "thumbnail", webp=webp)).getchannel(
            "A"
        ).getextrema() == (0, 0)


def test_no_file_holds_what_the_camera_wrote(images: LocalImageStore, tmp_path: Path) -> None:
    images.upload(make_image_with_metadata("jpg", 6), public_id="egg")
    for rendition in (ORIGINAL, *RENDITIONS):
        opened(images, rendition)
        opened(images, rendition, webp=True)
    for path in tmp_path.rglob("*.*"):
        if path.is_file():
            assert not dict(open_upright(path.read_bytes()).getexif())
            assert b"Ada" not in path.read_bytes()


def test_a_size_is_made_when_it_is_asked_for_and_kept(tmp_path: Path) -> None:
    cleaner = Counting()
    images = LocalImageStore(tmp_path, cleaner, ADMIN_KEY)
    images.upload(make_image(), public_id="egg")
    assert files(tmp_path) == [f"{EGG}.image/original.60x40.jpg"]
    first = opened(images, "400w", webp=True)
    assert opened(store_in(tmp_path), "400w", webp=True) == first
    assert files(tmp_path) == [f"{EGG}.image/400w.webp", f"{EGG}.image/original.60x40.jpg"]
    assert cleaner.made == [None, evolve(RENDITIONS["400w"], format=ImageFormat.WEBP)]


def test_the_tag_of_a_file_is_its_own_and_stays(images: LocalImageStore) -> None:
    images.upload(make_image(), public_id="egg")
    kinds = [(name, webp) for name in RENDITIONS for webp in (False, True)]
    tags = []
    for name, webp in kinds * 2:
        served = images.open(EGG, name, accepts_webp=webp)
        served.stream.close()
        tags.append(served.etag)
    assert tags[: len(kinds)] == tags[len(kinds) :]
    assert len(set(tags)) == len(kinds)


def test_of_many_who_ask_first_one_makes_it(tmp_path: Path) -> None:
    cleaner = Counting()
    images = LocalImageStore(tmp_path, cleaner, ADMIN_KEY)
    images.upload(encode_image(make_noise((900, 900))), public_id="egg")
    with ThreadPoolExecutor(16) as threads:
        got = set(threads.map(lambda _: opened(images, "thumbnail", webp=True), range(16)))
    assert len(got) == 1
    assert len(cleaner.made) == 2


def ask_often(folder: Path) -> set[bytes]:
    """Ask for each size, in a process."""
    return {opened(store_in(folder), name, webp=True) for name in RENDITIONS}


def test_processes_that_ask_first_get_the_same_whole_files(tmp_path: Path) -> None:
    store_in(tmp_path).upload(encode_image(make_noise((1300, 900))), public_id="egg")
    with ProcessPoolExecutor(4) as processes:
        got = list(processes.map(ask_often, [tmp_path] * 4))
    assert all(one == got[0] for one in got)
    assert all(open_upright(content) for content in got[0])
    assert len(files(tmp_path)) == 1 + len(RENDITIONS)


def test_what_is_deleted_while_it_is_asked_for_is_whole_or_not_there(
    images: LocalImageStore, tmp_path: Path
) -> None:
    images.upload(encode_image(make_noise((900, 900))), public_id="egg")

    def ask(name: str) -> bool:
        try:
            return open_upright(opened(images, name)).format == "JPEG"
        except NotFoundError:
            return True

    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(ask, [*RENDITIONS] * 8)
        images.delete(EGG)
        assert all(answers)
    assert files(tmp_path) == []


def test_a_full_disk_keeps_nothing_and_says_so(images: LocalImageStore, tmp_path: Path) -> None:
    with a_full_disk(), pytest.raises(UnavailableError, match="folder of images"):
        images.upload(encode_image(make_noise((60, 60))), public_id="egg")
    assert files(tmp_path) == []
    with pytest.raises(NotFoundError):
        images.get(EGG)
    images.upload(encode_image(make_noise((60, 60))), public_id="egg")
    with a_full_disk(), pytest.raises(UnavailableError):
        images.open(EGG, "thumbnail", accepts_webp=True)
    assert [Path(name).name for name in files(tmp_path)] == ["original.60x60.jpg"]
    assert open_upright(opened(images, "thumbnail", webp=True)).size == (400, 400)


def test_a_folder_that_cannot_be_is_away(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file")
    images = store_in(tmp_path / "images")
    for act in (
        images.check,
        lambda: images.upload(make_image()),
        lambda: images.delete(EGG),
        lambda: images.get(EGG),
        lambda: images.open(EGG, ORIGINAL, accepts_webp=True),
    ):
        with pytest.raises(UnavailableError):
            act()


def test_nothing_but_the_sizes_of_the_ladder_is_served(images: LocalImageStore) -> None:
    images.upload(make_image(), public_id="egg")
    for name in ("", "w_1", "thumbnail.webp", "../original", "original.60x40.jpg", "Thumbnail"):
        with pytest.raises(NotFoundError):
            images.open(EGG, name, accepts_webp=False)
    with pytest.raises(ValidationError, match="original, optimized, thumbnail"):
        images.url(EGG, Transformation(width=401))


@pytest.mark.parametrize("public_id", ["../egg", "/etc/passwd", "egg.image", "", "eggypro"])
def test_what_is_no_image_is_not_served(images: LocalImageStore, public_id: str) -> None:
    images.upload(make_image(), public_id="egg")
    with pytest.raises(NotFoundError):
        images.open(public_id, ORIGINAL, accepts_webp=False)


def test_addresses_are_ours(images: LocalImageStore) -> None:
    assert images.url(EGG) == "/images/eggypro-products/egg/original"
    assert images.url(EGG, RENDITIONS["400w"]) == "/images/eggypro-products/egg/400w"


def test_a_signed_upload_is_received_once(images: LocalImageStore) -> None:
    signed = images.sign_upload(public_id="egg", at=NOON)
    assert signed.url == UPLOADS_URL
    last = NOON + SIGNED_UPLOAD_LIFETIME - timedelta(seconds=1)
    stored = images.receive_upload(signed.fields, make_image(), last)
    assert stored == images.get(EGG)
    assert images.receive_upload(signed.fields, make_image("png"), NOON) == stored


def test_an_upload_that_is_not_as_it_was_signed_is_refused(images: LocalImageStore) -> None:
    fields = images.sign_upload(public_id="egg", at=NOON).fields
    for changed in (
        {},
        {**fields, "public_id": "eggypro-products/other"},
        {**fields, "expires": "99999999999"},
        {**fields, "signature": "é"},
        {**fields, "signature": ""},
    ):
        with pytest.raises(ForbiddenError):
            images.receive_upload(changed, make_image(), NOON)
    with pytest.raises(ForbiddenError, match="over"):
        images.receive_upload(fields, make_image(), NOON + SIGNED_UPLOAD_LIFETIME)
    other = LocalImageStore(Path("/nowhere"), PillowImageCleaner(), "another key")
    with pytest.raises(ForbiddenError):
        other.receive_upload(fields, BytesIO(), NOON)


def test_pillow_is_loaded_for_images_alone() -> None:
    code = "import sys, eggypro_adapters.wiring; print('PIL' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
