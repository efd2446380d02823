"""Contract suite of `ImageStore`."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from attrs import evolve

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.sample_images import (
    encode_image,
    make_image,
    make_image_with_metadata,
    make_noise,
    make_png_of_size,
    paint_quarters,
)
from eggypro_core.domain.image import (
    MAX_UPLOAD_BYTES,
    PRODUCT_IMAGE_FOLDER,
    RENDITIONS,
    SIGNED_UPLOAD_LIFETIME,
    Transformation,
    image_set,
    require_displayable,
)
from eggypro_core.errors import NotFoundError, TooLargeError, ValidationError
from eggypro_core.ports import ImageStore

EGG = f"{PRODUCT_IMAGE_FOLDER}/egg"
INVALID_IDS = (
    *("", "..", "../egg", "egg/../../etc/passwd", "/egg", "egg/", "e//g", "egg.jpg", "https://egg"),
    *("Egg", "egg white", "-egg", "_egg", "é", "egg\0", "egg\n", "a" * 201),
)
INVALID_FILES = {
    "empty": b"",
    "HTML": b"<html><script>alert(1)</script></html>",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "GIF": encode_image(paint_quarters((60, 40)), "gif").getvalue(),
    "truncated JPEG": encode_image(make_noise((90, 90))).getvalue()[:5000],
    "truncated PNG": encode_image(make_noise((90, 90)), "png").getvalue()[:9000],
    "truncated WebP": encode_image(make_noise((90, 90)), "webp").getvalue()[:3000],
    "too many pixels": make_png_of_size(6401, 6250).getvalue(),
    "animation": encode_image(
        paint_quarters((60, 40)), "webp", save_all=True, append_images=[make_noise((60, 40))]
    ).getvalue(),
}


class ImageStoreContract:
    """Subclasses provide the fixture `images`: an empty store."""

    @pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
    def test_an_uploaded_image_can_be_read(self, images: ImageStore, kind: str) -> None:
        stored = images.upload(make_image(kind), public_id="egg")
        assert stored.public_id == EGG
        assert (stored.width, stored.height, stored.format) == (60, 40, kind)
        assert 0 < stored.size < 10_000
        assert images.get(EGG) == stored
        require_displayable(stored)

    def test_an_uploaded_image_is_stored_upright(self, images: ImageStore) -> None:
        stored = images.upload(make_image_with_metadata(orientation=6))
        assert (stored.width, stored.height) == (40, 60)

    def test_generated_ids_cannot_be_guessed(self, images: ImageStore) -> None:
        public_ids = {images.upload(make_image()).public_id for _ in range(3)}
        assert len(public_ids) == 3
        for public_id in public_ids:
            folder, _, name = public_id.rpartition("/")
            assert folder == PRODUCT_IMAGE_FOLDER
            assert len(set(name)) > 5
            assert len(name) >= 20

    def test_an_image_can_be_stored_in_another_folder(self, images: ImageStore) -> None:
        stored = images.upload(make_image(), folder="shop/eggs", public_id="white")
        assert images.get("shop/eggs/white") == stored

    def test_an_id_may_be_the_folder_of_another(self, images: ImageStore) -> None:
        image = images.upload(make_image(), public_id="egg")
        nested_image = images.upload(make_image("png"), folder=EGG, public_id="original")
        assert images.get(EGG) == image
        images.delete(EGG)
        assert images.get(nested_image.public_id) == nested_image

    def test_a_transformation_is_applied_before_storing(self, images: ImageStore) -> None:
        stored = images.upload(make_image(), transformation=Transformation(width=30))
        assert (stored.width, stored.height, stored.format) == (30, 20, "jpg")

    def test_uploading_to_a_taken_id_keeps_the_first_image(self, images: ImageStore) -> None:
        first = images.upload(make_image(), public_id="egg")
        assert images.upload(make_image("png", (20, 20)), public_id="egg") == first
        assert images.get(EGG) == first

    def test_concurrent_uploads_of_one_id_store_one_image(self, images: ImageStore) -> None:
        sizes = [(20 + number, 20) for number in range(8)]
        with ThreadPoolExecutor(8) as threads:
            uploaded = list(
                threads.map(
                    lambda size: images.upload(make_image("png", size), public_id="egg"), sizes
                )
            )
        assert {images.get(EGG)} == set(uploaded)

    @pytest.mark.parametrize("content", INVALID_FILES.values(), ids=INVALID_FILES.keys())
    def test_an_invalid_file_is_refused_and_not_stored(
        self, images: ImageStore, content: bytes
    ) -> None:
        with pytest.raises(ValidationError) as exc_info:
            images.upload(BytesIO(content), public_id="egg")
        assert [error.field for error in exc_info.value.errors] == ["file"]
        with pytest.raises(NotFoundError):
            images.get(EGG)

    def test_a_file_above_the_limit_is_refused_before_its_end(self, images: ImageStore) -> None:
        stream = BytesIO(make_image().getvalue().ljust(2 * MAX_UPLOAD_BYTES, b"\0"))
        with pytest.raises(TooLargeError, match="File size exceeds 10MB limit"):
            images.upload(stream, public_id="egg")
        assert stream.tell() < 1.5 * MAX_UPLOAD_BYTES
        with pytest.raises(NotFoundError):
            images.get(EGG)

    def test_trailing_bytes_up_to_the_limit_are_accepted(self, images: ImageStore) -> None:
        stored = images.upload(BytesIO(make_image().getvalue().ljust(MAX_UPLOAD_BYTES, b"\0")))
        assert stored.size < 10_000

    def test_the_stream_is_read_from_its_current_position(self, images: ImageStore) -> None:
        stream = BytesIO(b"part of a form" + make_image().getvalue())
        stream.seek(len(b"part of a form"))
        assert images.upload(stream).width == 60

    @pytest.mark.parametrize("public_id", INVALID_IDS)
    def test_an_invalid_id_is_refused(self, images: ImageStore, public_id: str) -> None:
        for folder, name in ((PRODUCT_IMAGE_FOLDER, public_id), (public_id, "egg")):
            with pytest.raises(ValidationError, match="public_id"):
                images.upload(make_image(), folder=folder, public_id=name)
            with pytest.raises(ValidationError, match="public_id"):
                images.sign_upload(folder=folder, public_id=name, at=NOON)
        with pytest.raises(ValidationError, match="public_id"):
            images.url(public_id)
        with pytest.raises(NotFoundError):
            images.get(public_id)
        images.delete(public_id)

    def test_a_deleted_image_can_be_uploaded_again(self, images: ImageStore) -> None:
        images.upload(make_image(), public_id="egg")
        for _ in range(2):
            images.delete(EGG)
        with pytest.raises(NotFoundError) as exc_info:
            images.get(EGG)
        assert exc_info.value.kind == "image"
        assert images.upload(make_image("png"), public_id="egg").format == "png"

    def test_concurrent_deletes_delete_an_image(self, images: ImageStore) -> None:
        images.upload(make_image(), public_id="egg")
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: images.delete(EGG), range(8)))
        with pytest.raises(NotFoundError):
            images.get(EGG)

    def test_every_rendition_has_its_own_url(self, images: ImageStore) -> None:
        sizes = [None, *RENDITIONS.values()]
        urls = [images.url(EGG, size) for size in sizes]
        assert len(set(urls)) == len(sizes)
        assert all(EGG in url for url in urls)
        assert urls == [images.url(EGG, evolve(size) if size else size) for size in sizes]
        renditions = image_set(EGG, images.url)
        assert (renditions.original, renditions.thumbnail) == (urls[0], urls[2])

    def test_a_signed_upload_is_bound_to_an_id_and_a_time(self, images: ImageStore) -> None:
        signed = images.sign_upload(public_id="egg", at=NOON)
        assert signed.url
        assert signed.expires_at == NOON + SIGNED_UPLOAD_LIFETIME
        assert images.sign_upload(public_id="egg", at=NOON) == signed
        for other in (
            images.sign_upload(public_id="egg-white", at=NOON),
            images.sign_upload(public_id="egg", at=NOON + SIGNED_UPLOAD_LIFETIME),
        ):
            assert other.fields["signature"] != signed.fields["signature"]

    def test_the_check_of_a_working_store_passes(self, images: ImageStore) -> None:
        images.check()
