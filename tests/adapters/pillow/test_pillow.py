"""PillowImageCleaner: valid, damaged and malicious uploads."""

from io import BytesIO
from typing import Any

import pytest
from attrs import evolve
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

JPEG_END = b"\xff\xd9"
CLEANER = PillowImageCleaner()
KINDS = ("jpg", "png", "webp")
MODES = {
    "jpg": ("L", "RGB", "CMYK"),
    "png": ("1", "L", "LA", "P", "RGB", "RGBA"),
    "webp": ("RGB", "RGBA"),
}
UPRIGHT_CORNERS = ["red", "green", "red", "blue"]
CORNERS_BY_ORIENTATION = {
    1: UPRIGHT_CORNERS,
    2: ["green", "red", "blue", "red"],
    3: ["blue", "red", "green", "red"],
    4: ["red", "blue", "red", "green"],
    5: ["red", "red", "green", "blue"],
    6: ["red", "red", "blue", "green"],
    7: ["blue", "green", "red", "red"],
    8: ["green", "blue", "red", "red"],
    9: UPRIGHT_CORNERS,
}
"""Colours in the corners of a picture by EXIF orientation (TIFF 6.0, 274)."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", CORNERS_BY_ORIENTATION)
def test_picture_is_rotated_upright_and_metadata_removed(kind: str, orientation: int) -> None:
    for transformation in (None, Transformation(width=30, height=10, crop=Crop.FILL)):
        image = CLEANER.clean(make_image_with_metadata(kind, orientation), transformation)
        picture = open_upright(image)
        assert corner_colours(picture) == CORNERS_BY_ORIENTATION[orientation]
        assert picture.size == (image.width, image.height)
        original_size = (40, 60) if orientation in {5, 6, 7, 8} else (60, 40)
        assert picture.size == ((30, 10) if transformation else original_size)
        assert not dict(picture.getexif())
        for metadata in (b"Ada", b"Nikon", b"Exif", b"xmp"):
            assert metadata not in image.content


def test_damaged_metadata_is_ignored() -> None:
    for exif in (b"Exif\0\0", b"Exif\0\0MM\0*\0\0", b"Exif\0\0nonsense", b"\xff" * 40):
        assert CLEANER.clean(make_image(exif=exif)).width == 60


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_after_the_picture_are_removed(kind: str) -> None:
    upload = BytesIO(make_image(kind).getvalue() + b"PK\3\4<script>alert(1)</script>")
    assert b"script" not in CLEANER.clean(upload).content


@pytest.mark.parametrize(
    "segment", [{"comment": b"<script>"}, {"extra": b"\xff\xee\0\x0a<script>"}]
)
def test_comments_in_a_jpeg_are_removed(segment: dict[str, Any]) -> None:
    upload = make_image(**segment)
    assert b"<script>" in upload.getvalue()
    assert b"<script>" not in CLEANER.clean(upload).content


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", range(1, 20))
def test_truncated_file_raises_validation_error(kind: str, share: int) -> None:
    complete = encode_image(make_noise((99, 77)), kind).getvalue()
    missing = share + len(JPEG_END) if kind == "jpg" else share
    for part in (complete[: len(complete) * share // 20], complete[:-missing]):
        with pytest.raises(ValidationError, match="file: "):
            CLEANER.clean(BytesIO(part))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("transformation", [None, RENDITIONS["thumbnail"]])
def test_jpeg_without_its_end_marker_is_complete(
    *, progressive: bool, subsampling: int, transformation: Transformation | None
) -> None:
    complete = encode_image(
        make_noise((99, 77)), progressive=progressive, subsampling=subsampling
    ).getvalue()
    expected = CLEANER.clean(BytesIO(complete), transformation)
    assert complete.endswith(JPEG_END)
    for missing in (1, 2):
        assert CLEANER.clean(BytesIO(complete[:-missing]), transformation) == expected


def test_progressive_jpeg_without_its_last_scan_is_rejected() -> None:
    complete = make_image(progressive=True).getvalue()
    for scans in range(1, complete.count(b"\xff\xda")):
        part = b"\xff\xda".join(complete.split(b"\xff\xda")[: scans + 1])
        with pytest.raises(ValidationError, match="damaged or incomplete"):
            CLEANER.clean(BytesIO(part[: part.rindex(b"\xff\xc4")]))


@pytest.mark.parametrize("size", [(16_000, 2), (2, 16_000)])
@pytest.mark.parametrize("format_", ImageFormat)
def test_longest_images_have_renditions_of_every_format(
    size: tuple[int, int], format_: ImageFormat
) -> None:
    upload = encode_image(Image.new("L", size), "png")
    assert open_upright(CLEANER.clean(upload)).size == size
    for transformation in RENDITIONS.values():
        upload.seek(0)
        open_upright(CLEANER.clean(upload, evolve(transformation, format=format_)))


@pytest.mark.parametrize("size", [(16_001, 1), (1, 16_001)])
def test_longer_images_are_rejected_before_decoding(size: tuple[int, int]) -> None:
    with pytest.raises(ValidationError, match=f"{size[0]} x {size[1]} pixels.* 16000 on each side"):
        CLEANER.clean(make_png_of_size(*size))


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_animated_image_raises_validation_error(kind: str) -> None:
    animation = encode_image(
        paint_quarters((60, 40)), kind, save_all=True, append_images=[make_noise((60, 40))]
    )
    with pytest.raises(ValidationError, match="one frame"):
        CLEANER.clean(animation)


def test_first_picture_of_an_mpo_file_is_used() -> None:
    pair = BytesIO()
    paint_quarters((60, 40)).save(pair, "MPO", save_all=True, append_images=[make_noise((60, 40))])
    image = CLEANER.clean(BytesIO(pair.getvalue()))
    assert image.format == "jpg"
    assert corner_colours(open_upright(image)) == UPRIGHT_CORNERS
    assert len(image.content) < len(pair.getvalue()) / 2


@pytest.mark.parametrize("size", [(6401, 6250), (30_000, 30_000), (40_000_001, 1)])
def test_too_many_pixels_are_rejected_before_decoding(size: tuple[int, int]) -> None:
    with pytest.raises(ValidationError, match="40 megapixels"):
        CLEANER.clean(make_png_of_size(*size))


def test_too_many_pixels_of_a_webp_are_rejected() -> None:
    content = bytearray(make_image("webp", lossless=True, exif=b"Exif\0\0II*\0").getvalue())
    assert content[12:16] == b"VP8X"
    content[24:30] = (8000 - 1).to_bytes(3, "little") * 2
    with pytest.raises(ValidationError, match="file: "):
        CLEANER.clean(BytesIO(content))


def test_jpeg_with_hundreds_of_scans_is_rejected() -> None:
    scan = b"\xff\xda\0\x08\1\1\0\0\x3f\0\0"
    with pytest.raises(ValidationError, match="damaged"):
        CLEANER.clean(BytesIO(make_image(progressive=True).getvalue()[:-2] + scan * 500))


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind in MODES for mode in MODES[kind]])
@pytest.mark.parametrize("format_", ImageFormat)
def test_every_mode_can_be_converted_to_every_format(
    kind: str, mode: str, format_: ImageFormat
) -> None:
    upload = encode_image(paint_quarters((60, 40), mode), kind)
    image = CLEANER.clean(upload, Transformation(width=30, format=format_))
    assert image.format == (kind if format_ is ImageFormat.AUTO else format_)
    picture = open_upright(image)
    assert picture.size == (30, 20)
    if mode not in {"1", "L", "LA"}:
        assert corner_colours(picture) == UPRIGHT_CORNERS


def test_16_bit_grey_keeps_its_brightness() -> None:
    grey = Image.new("I;16", (9, 9), 40_000)
    assert open_upright(CLEANER.clean(encode_image(grey, "png"))).getpixel((4, 4)) == 40_000 // 256


def test_transparent_pixels_become_white_in_a_jpeg() -> None:
    transparent = paint_quarters((60, 40), "RGBA")
    transparent.putalpha(0)
    transformation = Transformation(width=30, format=ImageFormat.JPG)
    assert (
        corner_colours(
            open_upright(CLEANER.clean(encode_image(transparent, "png"), transformation))
        )
        == ["white"] * 4
    )
    palette = paint_quarters((60, 40)).quantize(8)
    upload = encode_image(palette, "png", transparency=palette.getpixel((5, 5)))
    assert corner_colours(open_upright(CLEANER.clean(upload, transformation)))[0] == "white"


def test_colours_are_converted_to_srgb() -> None:
    """Use a profile that swaps red and blue: the result is blue without a profile."""
    lab = ImageCms.createProfile("LAB")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"tXYZ", 1).replace(b"bXYZ", b"rXYZ", 1)
    swapped = swapped.replace(b"tXYZ", b"bXYZ", 1).replace(b"s\0R\0G\0B", b"o\0t\0h\0r")
    red = Image.new("RGB", (20, 20), RED)
    for kind in KINDS:
        image = open_upright(CLEANER.clean(encode_image(red, kind, icc_profile=swapped)))
        assert corner_colours(image)[0] == "blue"
        assert "icc_profile" not in image.info
        for profile in (srgb, ImageCms.ImageCmsProfile(lab).tobytes(), b"no profile"):
            image = open_upright(CLEANER.clean(encode_image(red, kind, icc_profile=profile)))
            assert corner_colours(image)[0] == "red"


@pytest.mark.parametrize(
    ("transformation", "size"),
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
def test_transformation_results_in_its_size(
    transformation: Transformation, size: tuple[int, int]
) -> None:
    for kind in KINDS:
        image = open_upright(CLEANER.clean(make_image(kind), transformation))
        assert image.size == size
        assert corner_colours(image) == UPRIGHT_CORNERS


def test_fill_crops_both_ends_equally() -> None:
    stripes = Image.new("RGB", (90, 30), "blue")
    stripes.paste(RED, (30, 0, 60, 30))
    transformation = Transformation(width=16, height=16, crop=Crop.FILL)
    assert (
        corner_colours(open_upright(CLEANER.clean(encode_image(stripes, "png"), transformation)))
        == ["red"] * 4
    )


@pytest.mark.parametrize("size", [(1, 1), (4000, 1), (1, 4000), (3, 2)])
def test_tiny_and_thin_images_have_all_renditions(size: tuple[int, int]) -> None:
    for transformation in (None, *RENDITIONS.values()):
        for kind in KINDS:
            image = CLEANER.clean(make_image(kind, size), transformation)
            assert open_upright(image).size == (image.width, image.height)


def test_lower_quality_results_in_smaller_files() -> None:
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


def test_original_is_encoded_with_almost_no_loss() -> None:
    picture = make_noise((20, 20)).resize((200, 200), Image.Resampling.BICUBIC)
    for kind, options in (("jpg", {"quality": 95}), ("png", {}), ("webp", {"quality": 90})):
        upload = encode_image(picture, kind, **options)
        clean = CLEANER.clean(BytesIO(upload.getvalue()))
        difference = ImageChops.difference(open_upright(upload), open_upright(clean))
        loss = ImageStat.Stat(difference).mean
        assert max(loss) <= {"jpg": 2.5, "png": 0, "webp": 2.5}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_noise_of_the_best_quality_is_accepted(kind: str) -> None:
    options = {"jpg": {"quality": 100, "subsampling": 0}, "webp": {"quality": 100}}.get(kind, {})
    upload = encode_image(make_noise((1600, 1200)), kind, **options)
    for transformation in (None, Transformation(width=1500, quality=100)):
        image = CLEANER.clean(BytesIO(upload.getvalue()), transformation)
        assert open_upright(image).size == (image.width, image.height)


def test_result_above_the_size_limit_is_compressed_or_rejected(
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
def test_jpeg_may_have_at_most_250_scans(scans: int) -> None:
    marker = b"\xff\xda"
    image = encode_image(Image.new("L", (8, 8)), "jpg", progressive=True).getvalue()
    head, scan, *more_scans = image.split(marker)
    upload = BytesIO(marker.join([head, *[scan] * (scans - len(more_scans)), *more_scans]))
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
def test_modified_file_is_a_valid_picture_or_rejected(
    content: bytes, changes: list[tuple[float, bytes]], transformation: Transformation | None
) -> None:
    data = bytearray(content)
    for position, change in changes:
        start = int(position * len(data))
        data[start : start + len(change)] = change
    try:
        image = CLEANER.clean(BytesIO(data), transformation)
    except ValidationError:
        return
    assert open_upright(image).size == (image.width, image.height)
