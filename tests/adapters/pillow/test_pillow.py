"""What Pillow makes of uploads, honest and other."""

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms, ImageStat

from eggypro_adapters.contracts.sample_images import (
    RED,
    corner_colours,
    encode_image,
    make_image,
    make_image_with_metadata,
    make_noise,
    make_png_of_size,
    open_upright,
    paint_quarters,
)
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_core.domain.image import RENDITIONS, Crop, ImageFormat, Transformation
from eggypro_core.errors import TooLargeError, ValidationError

CLEANER = PillowImageCleaner()
KINDS = ("jpg", "png", "webp")
MODES = {
    "jpg": ("L", "RGB", "CMYK"),
    "png": ("1", "L", "LA", "P", "RGB", "RGBA"),
    "webp": ("RGB", "RGBA"),
}
UPRIGHT = ["red", "green", "red", "blue"]
SHOWN = {
    1: UPRIGHT,
    2: ["green", "red", "blue", "red"],
    3: ["blue", "red", "green", "red"],
    4: ["red", "blue", "red", "green"],
    5: ["red", "red", "green", "blue"],
    6: ["red", "red", "blue", "green"],
    7: ["blue", "green", "red", "red"],
    8: ["green", "blue", "red", "red"],
    9: UPRIGHT,
}
"""What is in the corners of a picture of each EXIF orientation (TIFF 6.0, 274)."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", SHOWN)
def test_a_picture_stands_upright_and_its_notes_are_gone(kind: str, orientation: int) -> None:
    for wanted in (None, Transformation(width=30, height=10, crop=Crop.FILL)):
        image = CLEANER.clean(make_image_with_metadata(kind, orientation), wanted)
        picture = open_upright(image)
        assert corner_colours(picture) == SHOWN[orientation]
        assert picture.size == (image.width, image.height)
        lies = orientation in {5, 6, 7, 8}
        assert picture.size == ((30, 10) if wanted else (40, 60) if lies else (60, 40))
        assert not dict(picture.getexif())
        for note in (b"Ada", b"Nikon", b"Exif", b"xmp"):
            assert note not in image.content


def test_damaged_notes_do_no_harm() -> None:
    for exif in (b"Exif\0\0", b"Exif\0\0MM\0*\0\0", b"Exif\0\0nonsense", b"\xff" * 40):
        assert CLEANER.clean(make_image(exif=exif)).width == 60


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_behind_a_picture_is_not_published(kind: str) -> None:
    upload = BytesIO(make_image(kind).getvalue() + b"PK\3\4<script>alert(1)</script>")
    assert b"script" not in CLEANER.clean(upload).content


@pytest.mark.parametrize("note", [{"comment": b"<script>"}, {"extra": b"\xff\xee\0\x0a<script>"}])
def test_what_stands_within_a_jpeg_is_not_published(note: dict[str, Any]) -> None:
    upload = make_image(**note)
    assert b"<script>" in upload.getvalue()
    assert b"<script>" not in CLEANER.clean(upload).content


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", range(1, 20))
def test_a_file_that_is_cut_off_is_refused(kind: str, share: int) -> None:
    whole = encode_image(make_noise((99, 77)), kind).getvalue()
    for part in (whole[: len(whole) * share // 20], whole[:-share]):
        with pytest.raises(ValidationError, match="file: "):
            CLEANER.clean(BytesIO(part))


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_a_film_is_refused(kind: str) -> None:
    film = encode_image(
        paint_quarters((60, 40)), kind, save_all=True, append_images=[make_noise((60, 40))]
    )
    with pytest.raises(ValidationError, match="one frame"):
        CLEANER.clean(film)


def test_the_photo_of_a_phone_that_holds_a_second_picture_is_its_first() -> None:
    pair = BytesIO()
    paint_quarters((60, 40)).save(pair, "MPO", save_all=True, append_images=[make_noise((60, 40))])
    image = CLEANER.clean(BytesIO(pair.getvalue()))
    assert image.format == "jpg"
    assert corner_colours(open_upright(image)) == UPRIGHT
    assert len(image.content) < len(pair.getvalue()) / 2


@pytest.mark.parametrize("size", [(6401, 6250), (30_000, 30_000), (40_000_001, 1)])
def test_too_many_pixels_are_refused_before_there_are_any(size: tuple[int, int]) -> None:
    with pytest.raises(ValidationError, match="40 megapixels"):
        CLEANER.clean(make_png_of_size(*size))


def test_too_many_pixels_of_a_webp_are_refused_too() -> None:
    content = bytearray(make_image("webp", lossless=True, exif=b"Exif\0\0II*\0").getvalue())
    assert content[12:16] == b"VP8X"
    content[24:30] = (8000 - 1).to_bytes(3, "little") * 2
    with pytest.raises(ValidationError, match="file: "):
        CLEANER.clean(BytesIO(content))


def test_a_jpeg_that_goes_over_itself_without_end_is_refused() -> None:
    scan = b"\xff\xda\0\x08\1\1\0\0\x3f\0\0"
    with pytest.raises(ValidationError, match="damaged"):
        CLEANER.clean(BytesIO(make_image(progressive=True).getvalue()[:-2] + scan * 500))


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind in MODES for mode in MODES[kind]])
@pytest.mark.parametrize("format_", ImageFormat)
def test_every_kind_of_pixels_can_be_made_into_every_format(
    kind: str, mode: str, format_: ImageFormat
) -> None:
    upload = encode_image(paint_quarters((60, 40), mode), kind)
    image = CLEANER.clean(upload, Transformation(width=30, format=format_))
    assert image.format == (kind if format_ is ImageFormat.AUTO else format_)
    picture = open_upright(image)
    assert picture.size == (30, 20)
    if mode not in {"1", "L", "LA"}:
        assert corner_colours(picture) == UPRIGHT


def test_grey_of_sixteen_bits_is_as_bright_as_before() -> None:
    grey = Image.new("I;16", (9, 9), 40_000)
    assert open_upright(CLEANER.clean(encode_image(grey, "png"))).getpixel((4, 4)) == 40_000 // 256


def test_the_transparent_is_white_where_it_must_be_something() -> None:
    glass = paint_quarters((60, 40), "RGBA")
    glass.putalpha(0)
    wanted = Transformation(width=30, format=ImageFormat.JPG)
    assert (
        corner_colours(open_upright(CLEANER.clean(encode_image(glass, "png"), wanted)))
        == ["white"] * 4
    )
    palette = paint_quarters((60, 40)).quantize(8)
    upload = encode_image(palette, "png", transparency=palette.getpixel((5, 5)))
    assert corner_colours(open_upright(CLEANER.clean(upload, wanted)))[0] == "white"


def test_colours_of_another_space_are_brought_to_srgb() -> None:
    """The camera's red means another one: what is published says the same without its profile."""
    lab = ImageCms.createProfile("LAB")
    turned = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = turned.replace(b"rXYZ", b"tXYZ", 1).replace(b"bXYZ", b"rXYZ", 1)
    swapped = swapped.replace(b"tXYZ", b"bXYZ", 1).replace(b"s\0R\0G\0B", b"o\0t\0h\0r")
    red = Image.new("RGB", (20, 20), RED)
    for kind in KINDS:
        image = open_upright(CLEANER.clean(encode_image(red, kind, icc_profile=swapped)))
        assert corner_colours(image)[0] == "blue"
        assert "icc_profile" not in image.info
        for other in (turned, ImageCms.ImageCmsProfile(lab).tobytes(), b"no profile"):
            same = open_upright(CLEANER.clean(encode_image(red, kind, icc_profile=other)))
            assert corner_colours(same)[0] == "red"


@pytest.mark.parametrize(
    ("wanted", "size"),
    [
        (Transformation(), (60, 40)),
        (Transformation(width=30), (30, 20)),
        (Transformation(height=10), (15, 10)),
        (Transformation(width=30, height=10), (15, 10)),
        (Transformation(width=600), (60, 40)),
        (Transformation(width=600, height=10), (15, 10)),
        (Transformation(width=120, crop=Crop.FIT), (120, 80)),
        (Transformation(width=120, height=60, crop=Crop.FIT), (90, 60)),
        (Transformation(width=120, height=60, crop=Crop.SCALE), (120, 60)),
        (Transformation(width=30, crop=Crop.SCALE), (30, 20)),
        (Transformation(width=20, height=20, crop=Crop.FILL), (20, 20)),
        (Transformation(width=200, height=100, crop=Crop.THUMB), (200, 100)),
        (Transformation(height=80, crop=Crop.FILL), (60 * 2, 80)),
    ],
)
def test_a_transformation_gives_the_size_that_it_says(
    wanted: Transformation, size: tuple[int, int]
) -> None:
    for kind in KINDS:
        image = open_upright(CLEANER.clean(make_image(kind), wanted))
        assert image.size == size
        assert corner_colours(image) == UPRIGHT


def test_filling_cuts_off_both_ends_alike() -> None:
    stripes = Image.new("RGB", (90, 30), "blue")
    stripes.paste(RED, (30, 0, 60, 30))
    wanted = Transformation(width=16, height=16, crop=Crop.FILL)
    assert (
        corner_colours(open_upright(CLEANER.clean(encode_image(stripes, "png"), wanted)))
        == ["red"] * 4
    )


@pytest.mark.parametrize("size", [(1, 1), (4000, 1), (1, 4000), (3, 2)])
def test_the_smallest_and_the_thinnest_have_every_size(size: tuple[int, int]) -> None:
    for wanted in (None, *RENDITIONS.values()):
        for kind in KINDS:
            image = CLEANER.clean(make_image(kind, size), wanted)
            assert open_upright(image).size == (image.width, image.height)


def test_less_quality_takes_less_room() -> None:
    sizes = [
        len(
            CLEANER.clean(
                encode_image(make_noise((200, 200))), Transformation(quality=quality)
            ).content
        )
        for quality in (100, "auto", 40, 1)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 4


def test_an_original_loses_next_to_nothing() -> None:
    before = make_noise((20, 20)).resize((200, 200), Image.Resampling.BICUBIC)
    for kind, options in (("jpg", {"quality": 95}), ("png", {}), ("webp", {"quality": 90})):
        upload = encode_image(before, kind, **options)
        one, other = open_upright(upload), open_upright(CLEANER.clean(BytesIO(upload.getvalue())))
        lost = ImageStat.Stat(ImageChops.difference(one, other)).mean
        assert max(lost) <= {"jpg": 2.5, "png": 0, "webp": 2.5}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_the_noisiest_picture_of_the_best_quality_is_taken(kind: str) -> None:
    best = {"jpg": {"quality": 100, "subsampling": 0}, "webp": {"quality": 100}}.get(kind, {})
    upload = encode_image(make_noise((1600, 1200)), kind, **best)
    for wanted in (None, Transformation(width=1500, quality=100)):
        image = CLEANER.clean(BytesIO(upload.getvalue()), wanted)
        assert open_upright(image).size == (image.width, image.height)


def test_what_cannot_be_packed_as_well_is_refused_rather_than_kept_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = encode_image(make_noise((200, 200)), "jpg", quality=95)
    size = len(CLEANER.clean(BytesIO(upload.getvalue())).content)
    monkeypatch.setattr("eggypro_adapters.pillow.uploads.MAX_UPLOAD_BYTES", size - 1)
    assert len(CLEANER.clean(BytesIO(upload.getvalue())).content) < size
    monkeypatch.setattr("eggypro_adapters.pillow.uploads.MAX_UPLOAD_BYTES", 1000)
    with pytest.raises(TooLargeError):
        CLEANER.clean(upload)


@pytest.mark.parametrize("scans", [250, 251])
def test_a_jpeg_goes_over_its_pixels_so_many_times_at_most(scans: int) -> None:
    marker = b"\xff\xda"
    image = encode_image(Image.new("L", (8, 8)), "jpg", progressive=True).getvalue()
    head, first, *others = image.split(marker)
    upload = BytesIO(marker.join([head, *[first] * (scans - len(others)), *others]))
    if scans <= 250:
        assert CLEANER.clean(upload).width == 8
    else:
        with pytest.raises(ValidationError):
            CLEANER.clean(upload)


SEEDS = [make_image_with_metadata(kind, 6).getvalue() for kind in KINDS] + [
    encode_image(paint_quarters((33, 17), "CMYK"), progressive=True).getvalue(),
    encode_image(paint_quarters((40, 40)).quantize(8), "png", transparency=2).getvalue(),
    encode_image(paint_quarters((40, 40)), "webp", lossless=True).getvalue(),
]


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=6)), max_size=8),
    st.sampled_from([None, RENDITIONS["thumbnail"], Transformation(width=20)]),
)
def test_whatever_is_done_to_a_file_it_is_a_picture_or_refused(
    content: bytes, changes: list[tuple[float, bytes]], wanted: Transformation | None
) -> None:
    data = bytearray(content)
    for place, change in changes:
        at = int(place * len(data))
        data[at : at + len(change)] = change
    try:
        image = CLEANER.clean(BytesIO(data), wanted)
    except ValidationError:
        return
    assert open_upright(image).size == (image.width, image.height)
