"""LocalImageStore: contract, files, renditions, concurrency and signed uploads."""

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
from PIL import Image

from eggypro_adapters.contracts.clock import NOON
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
    MAX_IMAGE_SIDE_PIXELS,
    ORIGINAL,
    RENDITIONS,
    SIGNED_UPLOAD_LIFETIME,
    CleanImage,
    ImageFormat,
    Transformation,
)
from eggypro_core.errors import ForbiddenError, NotFoundError, UnavailableError, ValidationError
from tests.support.builders import ADMIN_KEY


@frozen
class RecordingCleaner:
    """An image cleaner that records its transformations."""

    transformations: list[Transformation | None] = field(factory=list)
    cleaner: PillowImageCleaner = field(factory=PillowImageCleaner)

    def clean(
        self,
        content: BinaryIO,
        transformation: Transformation | None = None,
        *,
        max_side: int = MAX_IMAGE_SIDE_PIXELS,
    ) -> CleanImage:
        self.transformations.append(transformation)
        return self.cleaner.clean(content, transformation, max_side=max_side)


def make_store(folder: Path) -> LocalImageStore:
    return LocalImageStore(folder, PillowImageCleaner(), ADMIN_KEY)


@pytest.fixture
def images(tmp_path: Path) -> LocalImageStore:
    return make_store(tmp_path / "images")


class TestLocalImageStore(ImageStoreContract):
    """Uses the fixture `images` of this module."""


def read_rendition(store: LocalImageStore, rendition: str, *, webp: bool = False) -> bytes:
    """Return the content of a rendition of the image EGG."""
    served = store.open(EGG, rendition, accepts_webp=webp)
    with served.stream as stream:
        content = stream.read()
    assert len(content) == served.size
    return content


def list_files(folder: Path) -> list[str]:
    """Return the paths of all files below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@contextmanager
def full_disk() -> Iterator[None]:
    """Limit the size of files to a few hundred bytes."""
    _, hard_limit = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, hard_limit))
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
def test_each_rendition_has_its_size_and_format(
    images: LocalImageStore, rendition: str, size: tuple[int, int], *, webp: bool
) -> None:
    images.upload(make_image(size=(1600, 1000)), public_id="egg")
    picture = open_upright(read_rendition(images, rendition, webp=webp))
    assert picture.size == size
    assert picture.format == ("WEBP" if webp and rendition != ORIGINAL else "JPEG")
    assert corner_colours(picture) == ["red", "green", "red", "blue"]


def test_only_thumbnails_are_enlarged(images: LocalImageStore) -> None:
    images.upload(make_image(size=(60, 40)), public_id="egg")
    for rendition in RENDITIONS:
        size = (400, 400) if rendition == "thumbnail" else (60, 40)
        assert open_upright(read_rendition(images, rendition)).size == size


@pytest.mark.parametrize(("kind", "format_"), [("jpg", "JPEG"), ("png", "PNG"), ("webp", "PNG")])
def test_clients_without_webp_get_another_format(
    images: LocalImageStore, kind: str, format_: str
) -> None:
    images.upload(make_image(kind), public_id="egg")
    assert open_upright(read_rendition(images, "400w")).format == format_


def test_transparency_is_preserved(images: LocalImageStore) -> None:
    transparent = make_noise((500, 300)).convert("RGBA")
    transparent.putalpha(0)
    images.upload(encode_image(transparent, "png"), public_id="egg")
    for webp in (False, True):
        assert open_upright(read_rendition(images, "thumbnail", webp=webp)).getchannel(
            "A"
        ).getextrema() == (0, 0)


def test_stored_files_have_no_metadata(images: LocalImageStore, tmp_path: Path) -> None:
    images.upload(make_image_with_metadata("jpg", 6), public_id="egg")
    for rendition in (ORIGINAL, *RENDITIONS):
        read_rendition(images, rendition)
        read_rendition(images, rendition, webp=True)
    for path in tmp_path.rglob("*.*"):
        if path.is_file():
            assert not dict(open_upright(path.read_bytes()).getexif())
            assert b"Ada" not in path.read_bytes()


def test_rendition_is_created_on_first_request_and_stored(tmp_path: Path) -> None:
    cleaner = RecordingCleaner()
    images = LocalImageStore(tmp_path, cleaner, ADMIN_KEY)
    images.upload(make_image(), public_id="egg")
    assert list_files(tmp_path) == [f"{EGG}.image/original.60x40.jpg"]
    content = read_rendition(images, "400w", webp=True)
    assert read_rendition(make_store(tmp_path), "400w", webp=True) == content
    assert list_files(tmp_path) == [f"{EGG}.image/400w.webp", f"{EGG}.image/original.60x40.jpg"]
    assert cleaner.transformations == [None, evolve(RENDITIONS["400w"], format=ImageFormat.WEBP)]


def test_etags_are_unique_and_stable(images: LocalImageStore) -> None:
    images.upload(make_image(), public_id="egg")
    variants = [(name, webp) for name in RENDITIONS for webp in (False, True)]
    etags = []
    for name, webp in variants * 2:
        served = images.open(EGG, name, accepts_webp=webp)
        served.stream.close()
        etags.append(served.etag)
    assert etags[: len(variants)] == etags[len(variants) :]
    assert len(set(etags)) == len(variants)


def test_concurrent_threads_create_a_rendition_once(tmp_path: Path) -> None:
    cleaner = RecordingCleaner()
    images = LocalImageStore(tmp_path, cleaner, ADMIN_KEY)
    images.upload(encode_image(make_noise((900, 900))), public_id="egg")
    with ThreadPoolExecutor(16) as threads:
        contents = set(
            threads.map(lambda _: read_rendition(images, "thumbnail", webp=True), range(16))
        )
    assert len(contents) == 1
    assert len(cleaner.transformations) == 2


def test_originals_taller_than_webp_can_hold_have_renditions(tmp_path: Path) -> None:
    images = make_store(tmp_path)
    folder = tmp_path / f"{EGG}.image"
    folder.mkdir(parents=True)
    tall = encode_image(Image.new("RGB", (300, 17_000), "red")).getvalue()
    (folder / "original.300x17000.jpg").write_bytes(tall)
    size = open_upright(read_rendition(images, "800w", webp=True)).size
    assert size == (282, 16_000)
    assert open_upright(read_rendition(images, "thumbnail", webp=True)).size == (400, 400)


def test_rendition_that_cannot_be_created_is_tried_once(tmp_path: Path) -> None:
    cleaner = RecordingCleaner()
    images = LocalImageStore(tmp_path, cleaner, ADMIN_KEY)
    images.upload(make_image(), public_id="egg")
    [original] = (tmp_path / f"{EGG}.image").iterdir()
    damaged = original.read_bytes()[:-20]
    original.write_bytes(damaged)
    with ThreadPoolExecutor(8) as threads:
        contents = set(threads.map(lambda _: read_rendition(images, "800w", webp=True), range(16)))
    assert contents == {damaged}
    assert read_rendition(make_store(tmp_path), "800w", webp=True) == damaged
    assert len(cleaner.transformations) == 2


def read_all_renditions(folder: Path) -> set[bytes]:
    """Return the contents of all renditions; runs in a process."""
    return {read_rendition(make_store(folder), name, webp=True) for name in RENDITIONS}


def test_concurrent_processes_read_the_same_complete_files(tmp_path: Path) -> None:
    make_store(tmp_path).upload(encode_image(make_noise((1300, 900))), public_id="egg")
    with ProcessPoolExecutor(4) as processes:
        results = list(processes.map(read_all_renditions, [tmp_path] * 4))
    assert all(contents == results[0] for contents in results)
    assert all(open_upright(content) for content in results[0])
    assert len(list_files(tmp_path)) == 1 + len(RENDITIONS)


def test_image_deleted_during_reads_is_complete_or_not_found(
    images: LocalImageStore, tmp_path: Path
) -> None:
    images.upload(encode_image(make_noise((900, 900))), public_id="egg")

    def is_complete_or_missing(name: str) -> bool:
        try:
            return open_upright(read_rendition(images, name)).format == "JPEG"
        except NotFoundError:
            return True

    with ThreadPoolExecutor(8) as threads:
        results = threads.map(is_complete_or_missing, [*RENDITIONS] * 8)
        images.delete(EGG)
        assert all(results)
    assert list_files(tmp_path) == []


def test_full_disk_raises_unavailable_error_and_leaves_no_files(
    images: LocalImageStore, tmp_path: Path
) -> None:
    with full_disk(), pytest.raises(UnavailableError, match="image folder is unavailable"):
        images.upload(encode_image(make_noise((60, 60))), public_id="egg")
    assert list_files(tmp_path) == []
    with pytest.raises(NotFoundError):
        images.get(EGG)
    images.upload(encode_image(make_noise((60, 60))), public_id="egg")
    with full_disk(), pytest.raises(UnavailableError):
        images.open(EGG, "thumbnail", accepts_webp=True)
    assert [Path(name).name for name in list_files(tmp_path)] == ["original.60x60.jpg"]
    assert open_upright(read_rendition(images, "thumbnail", webp=True)).size == (400, 400)


def test_folder_that_cannot_be_created_raises_unavailable_error(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file")
    images = make_store(tmp_path / "images")
    for action in (
        images.check,
        lambda: images.upload(make_image()),
        lambda: images.delete(EGG),
        lambda: images.get(EGG),
        lambda: images.open(EGG, ORIGINAL, accepts_webp=True),
    ):
        with pytest.raises(UnavailableError):
            action()


def test_only_defined_renditions_are_served(images: LocalImageStore) -> None:
    images.upload(make_image(), public_id="egg")
    for name in ("", "w_1", "thumbnail.webp", "../original", "original.60x40.jpg", "Thumbnail"):
        with pytest.raises(NotFoundError):
            images.open(EGG, name, accepts_webp=False)
    with pytest.raises(ValidationError, match="original, optimized, thumbnail"):
        images.url(EGG, Transformation(width=401))


@pytest.mark.parametrize("public_id", ["../egg", "/etc/passwd", "egg.image", "", "eggypro"])
def test_invalid_public_id_raises_not_found_error(images: LocalImageStore, public_id: str) -> None:
    images.upload(make_image(), public_id="egg")
    with pytest.raises(NotFoundError):
        images.open(public_id, ORIGINAL, accepts_webp=False)


def test_urls_are_paths_of_this_server(images: LocalImageStore) -> None:
    assert images.url(EGG) == "/images/eggypro-products/egg/original"
    assert images.url(EGG, RENDITIONS["400w"]) == "/images/eggypro-products/egg/400w"


def test_signed_upload_is_stored_once(images: LocalImageStore) -> None:
    signed = images.sign_upload(public_id="egg", at=NOON)
    assert signed.url == UPLOADS_URL
    last_second = NOON + SIGNED_UPLOAD_LIFETIME - timedelta(seconds=1)
    stored = images.receive_upload(signed.fields, make_image(), last_second)
    assert stored == images.get(EGG)
    assert images.receive_upload(signed.fields, make_image("png"), NOON) == stored


def test_changed_or_expired_signed_upload_raises_forbidden_error(images: LocalImageStore) -> None:
    fields = images.sign_upload(public_id="egg", at=NOON).fields
    for invalid_fields in (
        {},
        {**fields, "public_id": "eggypro-products/other"},
        {**fields, "expires": "99999999999"},
        {**fields, "signature": "é"},
        {**fields, "signature": ""},
    ):
        with pytest.raises(ForbiddenError):
            images.receive_upload(invalid_fields, make_image(), NOON)
    with pytest.raises(ForbiddenError, match="expired"):
        images.receive_upload(fields, make_image(), NOON + SIGNED_UPLOAD_LIFETIME)
    other = LocalImageStore(Path("/nowhere"), PillowImageCleaner(), "another key")
    with pytest.raises(ForbiddenError):
        other.receive_upload(fields, BytesIO(), NOON)


def test_pillow_is_not_imported_by_the_wiring() -> None:
    code = "import sys, eggypro_adapters.wiring; print('PIL' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"
