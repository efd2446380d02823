"""What every ImageStore must do."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from attrs import evolve

from eggypro_adapters.contracts.sample_images import (
    a_file,
    a_picture,
    a_png_that_says,
    noise,
    quarters,
    with_notes,
)
from eggypro_core.domain.image import (
    FOLDER,
    HIGHEST_SIZE,
    RENDITIONS,
    UPLOAD_TIME,
    Transformation,
    image_set,
    require_image,
)
from eggypro_core.errors import InvalidError, NotFoundError, TooLargeError
from eggypro_core.ports import ImageStore
from tests.support.builders import NOON

EGG = f"{FOLDER}/egg"
NO_IDS = (
    *("", "..", "../egg", "egg/../../etc/passwd", "/egg", "egg/", "e//g", "egg.jpg", "https://egg"),
    *("Egg", "egg white", "-egg", "_egg", "é", "egg\0", "egg\n", "a" * 201),
)
REFUSED = {
    "nothing": b"",
    "a page": b"<html><script>alert(1)</script></html>",
    "a drawing": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "a GIF": a_file(quarters((60, 40)), "gif").getvalue(),
    "half a JPEG": a_file(noise((90, 90))).getvalue()[:5000],
    "half a PNG": a_file(noise((90, 90)), "png").getvalue()[:9000],
    "half a WebP": a_file(noise((90, 90)), "webp").getvalue()[:3000],
    "far too many pixels": a_png_that_says(6401, 6250).getvalue(),
    "a film": a_file(
        quarters((60, 40)), "webp", save_all=True, append_images=[noise((60, 40))]
    ).getvalue(),
}


class ImageStoreContract:
    """A subclass gives the fixture `images`: an empty store."""

    @pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
    def test_what_is_uploaded_is_found(self, images: ImageStore, kind: str) -> None:
        stored = images.upload(a_picture(kind), public_id="egg")
        assert stored.public_id == EGG
        assert (stored.width, stored.height, stored.format) == (60, 40, kind)
        assert 0 < stored.size < 10_000
        assert images.find(EGG) == stored
        require_image(stored)

    def test_it_stands_upright(self, images: ImageStore) -> None:
        stored = images.upload(with_notes(orientation=6))
        assert (stored.width, stored.height) == (40, 60)

    def test_without_a_name_it_gets_one_that_nobody_guesses(self, images: ImageStore) -> None:
        found = {images.upload(a_picture()).public_id for _ in range(3)}
        assert len(found) == 3
        for public_id in found:
            folder, _, name = public_id.rpartition("/")
            assert folder == FOLDER
            assert len(set(name)) > 5
            assert len(name) >= 20

    def test_the_folder_can_be_another(self, images: ImageStore) -> None:
        stored = images.upload(a_picture(), folder="shop/eggs", public_id="white")
        assert images.find("shop/eggs/white") == stored

    def test_one_image_is_not_in_another_one_s_way(self, images: ImageStore) -> None:
        one = images.upload(a_picture(), public_id="egg")
        other = images.upload(a_picture("png"), folder=EGG, public_id="original")
        assert images.find(EGG) == one
        images.delete(EGG)
        assert images.find(other.public_id) == other

    def test_a_transformation_is_applied_to_what_is_kept(self, images: ImageStore) -> None:
        stored = images.upload(a_picture(), transformation=Transformation(width=30))
        assert (stored.width, stored.height, stored.format) == (30, 20, "jpg")

    def test_an_id_that_is_taken_stays_as_it_is(self, images: ImageStore) -> None:
        first = images.upload(a_picture(), public_id="egg")
        assert images.upload(a_picture("png", (20, 20)), public_id="egg") == first
        assert images.find(EGG) == first

    def test_of_many_uploads_of_one_id_one_is_kept(self, images: ImageStore) -> None:
        sizes = [(20 + number, 20) for number in range(8)]
        with ThreadPoolExecutor(8) as threads:
            kept = list(
                threads.map(
                    lambda size: images.upload(a_picture("png", size), public_id="egg"), sizes
                )
            )
        assert {images.find(EGG)} == set(kept)

    @pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED.keys())
    def test_what_is_no_whole_picture_is_refused_and_not_kept(
        self, images: ImageStore, content: bytes
    ) -> None:
        with pytest.raises(InvalidError) as refused:
            images.upload(BytesIO(content), public_id="egg")
        assert [fault.field for fault in refused.value.faults] == ["file"]
        with pytest.raises(NotFoundError):
            images.find(EGG)

    def test_what_is_too_large_is_refused_without_reading_it_all(self, images: ImageStore) -> None:
        endless = BytesIO(a_picture().getvalue().ljust(2 * HIGHEST_SIZE, b"\0"))
        with pytest.raises(TooLargeError, match="File size exceeds 10MB limit"):
            images.upload(endless, public_id="egg")
        assert endless.tell() < 1.5 * HIGHEST_SIZE
        with pytest.raises(NotFoundError):
            images.find(EGG)

    def test_what_is_behind_the_picture_may_come_up_to_the_limit(self, images: ImageStore) -> None:
        stored = images.upload(BytesIO(a_picture().getvalue().ljust(HIGHEST_SIZE, b"\0")))
        assert stored.size < 10_000

    def test_the_stream_is_read_from_where_it_stands(self, images: ImageStore) -> None:
        stream = BytesIO(b"part of a form" + a_picture().getvalue())
        stream.seek(len(b"part of a form"))
        assert images.upload(stream).width == 60

    @pytest.mark.parametrize("public_id", NO_IDS)
    def test_what_can_be_no_id_is_refused(self, images: ImageStore, public_id: str) -> None:
        for folder, name in ((FOLDER, public_id), (public_id, "egg")):
            with pytest.raises(InvalidError, match="public_id"):
                images.upload(a_picture(), folder=folder, public_id=name)
            with pytest.raises(InvalidError, match="public_id"):
                images.sign(folder=folder, public_id=name, at=NOON)
        with pytest.raises(InvalidError, match="public_id"):
            images.address(public_id)
        with pytest.raises(NotFoundError):
            images.find(public_id)
        images.delete(public_id)

    def test_what_is_deleted_is_gone_and_may_come_again(self, images: ImageStore) -> None:
        images.upload(a_picture(), public_id="egg")
        for _ in range(2):
            images.delete(EGG)
        with pytest.raises(NotFoundError) as absent:
            images.find(EGG)
        assert absent.value.kind == "image"
        assert images.upload(a_picture("png"), public_id="egg").format == "png"

    def test_what_many_delete_is_gone(self, images: ImageStore) -> None:
        images.upload(a_picture(), public_id="egg")
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: images.delete(EGG), range(8)))
        with pytest.raises(NotFoundError):
            images.find(EGG)

    def test_every_size_has_an_address_of_its_own(self, images: ImageStore) -> None:
        sizes = [None, *RENDITIONS.values()]
        addresses = [images.address(EGG, size) for size in sizes]
        assert len(set(addresses)) == len(sizes)
        assert all(EGG in address for address in addresses)
        assert addresses == [images.address(EGG, evolve(one) if one else one) for one in sizes]
        found = image_set(EGG, images.address)
        assert (found.original, found.thumbnail) == (addresses[0], addresses[2])

    def test_a_signed_upload_is_for_one_id_and_one_time(self, images: ImageStore) -> None:
        signed = images.sign(public_id="egg", at=NOON)
        assert signed.url
        assert signed.expires_at == NOON + UPLOAD_TIME
        assert images.sign(public_id="egg", at=NOON) == signed
        for other in (
            images.sign(public_id="egg-white", at=NOON),
            images.sign(public_id="egg", at=NOON + UPLOAD_TIME),
        ):
            assert other.fields["signature"] != signed.fields["signature"]

    def test_a_store_that_works_says_nothing(self, images: ImageStore) -> None:
        images.check()
