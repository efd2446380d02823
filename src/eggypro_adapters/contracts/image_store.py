"""What every ImageStore must do."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from attrs import evolve

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
from tests.support.builders import NOON

EGG = f"{PRODUCT_IMAGE_FOLDER}/egg"
INVALID_IDS = (
    *("", "..", "../egg", "egg/../../etc/passwd", "/egg", "egg/", "e//g", "egg.jpg", "https://egg"),
    *("Egg", "egg white", "-egg", "_egg", "é", "egg\0", "egg\n", "a" * 201),
)
INVALID_FILES = {
    "nothing": b"",
    "a page": b"<html><script>alert(1)</script></html>",
    "a drawing": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "a GIF": encode_image(paint_quarters((60, 40)), "gif").getvalue(),
    "half a JPEG": encode_image(make_noise((90, 90))).getvalue()[:5000],
    "half a PNG": encode_image(make_noise((90, 90)), "png").getvalue()[:9000],
    "half a WebP": encode_image(make_noise((90, 90)), "webp").getvalue()[:3000],
    "far too many pixels": make_png_of_size(6401, 6250).getvalue(),
    "a film": encode_image(
        paint_quarters((60, 40)), "webp", save_all=True, append_images=[make_noise((60, 40))]
    ).getvalue(),
}


class ImageStoreContract:
    """A subclass gives the fixture `images`: an empty store."""

    @pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
    def test_what_is_uploaded_is_found(self, images: ImageStore, kind: str) -> None:
        stored = images.upload(make_image(kind), public_id="egg")
        assert stored.public_id == EGG
        assert (stored.width, stored.height, stored.format) == (60, 40, kind)
        assert 0 < stored.size < 10_000
        assert images.get(EGG) == stored
        require_displayable(stored)

    def test_it_stands_upright(self, images: ImageStore) -> None:
        stored = images.upload(make_image_with_metadata(orientation=6))
        assert (stored.width, stored.height) == (40, 60)

    def test_without_a_name_it_gets_one_that_nobody_guesses(self, images: ImageStore) -> None:
        found = {images.upload(make_image()).public_id for _ in range(3)}
        assert len(found) == 3
        for public_id in found:
            folder, _, name = public_id.rpartition("/")
            assert folder == PRODUCT_IMAGE_FOLDER
            assert len(set(name)) > 5
            assert len(name) >= 20

    def test_the_folder_can_be_another(self, images: ImageStore) -> None:
        stored = images.upload(make_image(), folder="shop/eggs", public_id="white")
        assert images.get("shop/eggs/white") == stored

    def test_one_image_is_not_in_another_one_s_way(self, images: ImageStore) -> None:
        one = images.upload(make_image(), public_id="egg")
        other = images.upload(make_image("png"), folder=EGG, public_id="original")
        assert images.get(EGG) == one
        images.delete(EGG)
        assert images.get(other.public_id) == other

    def test_a_transformation_is_applied_to_what_is_kept(self, images: ImageStore) -> None:
        stored = images.upload(make_image(), transformation=Transformation(width=30))
        assert (stored.width, stored.height, stored.format) == (30, 20, "jpg")

    def test_an_id_that_is_taken_stays_as_it_is(self, images: ImageStore) -> None:
        first = images.upload(make_image(), public_id="egg")
        assert images.upload(make_image("png", (20, 20)), public_id="egg") == first
        assert images.get(EGG) == first

    def test_of_many_uploads_of_one_id_one_is_kept(self, images: ImageStore) -> None:
        sizes = [(20 + number, 20) for number in range(8)]
        with ThreadPoolExecutor(8) as threads:
            kept = list(
                threads.map(
                    lambda size: images.upload(make_image("png", size), public_id="egg"), sizes
                )
            )
        assert {images.get(EGG)} == set(kept)

    @pytest.mark.parametrize("content", INVALID_FILES.values(), ids=INVALID_FILES.keys())
    def test_what_is_no_whole_picture_is_refused_and_not_kept(
        self, images: ImageStore, content: bytes
    ) -> None:
        with pytest.raises(ValidationError) as refused:
            images.upload(BytesIO(content), public_id="egg")
        assert [fault.field for fault in refused.value.errors] == ["file"]
        with pytest.raises(NotFoundError):
            images.get(EGG)

    def test_what_is_too_large_is_refused_without_reading_it_all(self, images: ImageStore) -> None:
        endless = BytesIO(make_image().getvalue().ljust(2 * MAX_UPLOAD_BYTES, b"\0"))
        with pytest.raises(TooLargeError, match="File size exceeds 10MB limit"):
            images.upload(endless, public_id="egg")
        assert endless.tell() < 1.5 * MAX_UPLOAD_BYTES
        with pytest.raises(NotFoundError):
            images.get(EGG)

    def test_what_is_behind_the_picture_may_come_up_to_the_limit(self, images: ImageStore) -> None:
        stored = images.upload(BytesIO(make_image().getvalue().ljust(MAX_UPLOAD_BYTES, b"\0")))
        assert stored.size < 10_000

    def test_the_stream_is_read_from_where_it_stands(self, images: ImageStore) -> None:
        stream = BytesIO(b"part of a form" + make_image().getvalue())
        stream.seek(len(b"part of a form"))
        assert images.upload(stream).width == 60

    @pytest.mark.parametrize("public_id", INVALID_IDS)
    def test_what_can_be_no_id_is_refused(self, images: ImageStore, public_id: str) -> None:
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

    def test_what_is_deleted_is_gone_and_may_come_again(self, images: ImageStore) -> None:
        images.upload(make_image(), public_id="egg")
        for _ in range(2):
            images.delete(EGG)
        with pytest.raises(NotFoundError) as absent:
            images.get(EGG)
        assert absent.value.kind == "image"
        assert images.upload(make_image("png"), public_id="egg").format == "png"

    def test_what_many_delete_is_gone(self, images: ImageStore) -> None:
        images.upload(make_image(), public_id="egg")
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: images.delete(EGG), range(8)))
        with pytest.raises(NotFoundError):
            images.get(EGG)

    def test_every_size_has_an_address_of_its_own(self, images: ImageStore) -> None:
        sizes = [None, *RENDITIONS.values()]
        addresses = [images.url(EGG, size) for size in sizes]
        assert len(set(addresses)) == len(sizes)
        assert all(EGG in address for address in addresses)
        assert addresses == [images.url(EGG, evolve(one) if one else one) for one in sizes]
        found = image_set(EGG, images.url)
        assert (found.original, found.thumbnail) == (addresses[0], addresses[2])

    def test_a_signed_upload_is_for_one_id_and_one_time(self, images: ImageStore) -> None:
        signed = images.sign_upload(public_id="egg", at=NOON)
        assert signed.url
        assert signed.expires_at == NOON + SIGNED_UPLOAD_LIFETIME
        assert images.sign_upload(public_id="egg", at=NOON) == signed
        for other in (
            images.sign_upload(public_id="egg-white", at=NOON),
            images.sign_upload(public_id="egg", at=NOON + SIGNED_UPLOAD_LIFETIME),
        ):
            assert other.fields["signature"] != signed.fields["signature"]

    def test_a_store_that_works_says_nothing(self, images: ImageStore) -> None:
        images.check()
