"""Rotate, convert to sRGB, resize and encode the pixels of images."""

import struct
from collections.abc import Mapping
from io import BytesIO
from math import ceil
from typing import Any, TypeAlias

from attrs import evolve
from PIL import ImageCms
from PIL.Image import Image, Resampling, Transpose, new
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from eggypro_core.domain.image import MAX_IMAGE_SIDE_PIXELS, Crop, Transformation

_ROTATIONS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""Operations that make a picture upright, by EXIF orientation. From 5 on, width and height swap."""
_FIRST_SIDEWAYS = 5
_ORIENTATION = 0x0112
_WITH_ALPHA, _WITHOUT_ALPHA = "RGBA", "RGB"
_EXACT_CROPS = frozenset({Crop.FILL, Crop.THUMB, Crop.SCALE})
_ENCODABLE_MODES = frozenset({"L", "RGB", "RGBA", "CMYK"})
_REDUCING_GAP = 2.0
"""Reduce a picture by fast filters to this multiple of its new size, then by a precise one."""
_PILLOW_NAMES = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
_AUTO_QUALITY = {"jpg": 80, "webp": 75}
_ORIGINAL_QUALITY = 90
EncodingOptions: TypeAlias = Mapping[str, Any]
"""Encoding options of Pillow, which ignores those that a format does not have.

No JPEG is optimized or progressive: Pillow fails if the result is not much smaller than the pixels.
"""
_Size = tuple[int, int]
_Box = tuple[float, float, float, float]


def render(image: ImageFile, transformation: Transformation | None) -> Image:
    """Return the transformed picture of an image. JPEGs are decoded at a reduced size if enough."""
    orientation = _orientation(image)
    if transformation and orientation >= _FIRST_SIDEWAYS:
        transformation = evolve(
            transformation, width=transformation.height, height=transformation.width
        )
    picture = _resize(image, transformation or Transformation())
    picture = _convert_to_srgb(picture, image.info.get("icc_profile"))
    rotation = _ROTATIONS.get(orientation)
    return picture if rotation is None else picture.transpose(rotation)


def original_encoding_options(image: ImageFile) -> EncodingOptions:
    """Return the options that encode an image again with almost no loss."""
    if isinstance(image, JpegImageFile):
        return {"qtables": image.quantization, "subsampling": get_sampling(image)}
    return {"quality": _ORIGINAL_QUALITY}


def encoding_options(kind: str, transformation: Transformation) -> EncodingOptions:
    """Return the options that encode a transformed image."""
    is_auto = transformation.quality == "auto"
    quality = _AUTO_QUALITY.get(kind) if is_auto else transformation.quality
    return {"quality": quality, "compress_level": 9}


def encode(picture: Image, kind: str, options: EncodingOptions) -> bytes:
    """Encode a picture as a file of the format `kind`, without any metadata."""
    picture.info = {}  # Pillow would write some of its metadata
    if kind == "jpg" and picture.mode == _WITH_ALPHA:
        picture = _flatten_on_white(picture)
    stream = BytesIO()
    picture.save(stream, _PILLOW_NAMES[kind], **options)
    return stream.getvalue()


def _orientation(image: ImageFile) -> int:
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except (SyntaxError, ValueError, LookupError, TypeError, OSError, struct.error):
        return 1  # the metadata is damaged, not the picture
    return orientation if orientation in _ROTATIONS else 1


def _resize(image: ImageFile, transformation: Transformation) -> Image:
    full_size = image.size
    new_size, box = _new_size_and_box(full_size, transformation)
    if new_size == full_size:
        return _decode(image)
    scale = max(new_size[0] / (box[2] - box[0]), new_size[1] / (box[3] - box[1]))
    ratio = min(1, _REDUCING_GAP * scale)
    image.draft(image.mode, (ceil(full_size[0] * ratio), ceil(full_size[1] * ratio)))
    x_ratio, y_ratio = image.width / full_size[0], image.height / full_size[1]
    draft_box = (box[0] * x_ratio, box[1] * y_ratio, box[2] * x_ratio, box[3] * y_ratio)
    return _decode(image).resize(
        new_size, Resampling.LANCZOS, draft_box, reducing_gap=_REDUCING_GAP
    )


def _new_size_and_box(size: _Size, transformation: Transformation) -> tuple[_Size, _Box]:
    """Return the new size of a picture, and the visible part of it in its original pixels."""
    full_box = (0, 0, *size)
    width, height, crop = transformation.width, transformation.height, transformation.crop
    if width and height and crop in _EXACT_CROPS:
        box = full_box if crop is Crop.SCALE else _centred_box(size, (width, height))
        return (width, height), box
    sides = zip((width, height), size, strict=True)
    ratio = min([new / old for new, old in sides if new], default=1.0)
    if crop is Crop.LIMIT:
        ratio = min(ratio, 1.0)
    ratio = min(ratio, MAX_IMAGE_SIDE_PIXELS / max(size))
    return (max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))), full_box


def _centred_box(size: _Size, shape: _Size) -> _Box:
    """Return the largest centred box with the proportions of `shape`."""
    ratio = min(side / part for side, part in zip(size, shape, strict=True))
    width, height = shape[0] * ratio, shape[1] * ratio
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return left, top, left + width, top + height


def _decode(image: Image) -> Image:
    """Return the decoded pixels in a mode that can be resized and encoded."""
    image.load()
    if image.mode.startswith("I"):  # 16-bit grey, which `convert` would clip at 255
        return image.point(lambda grey: grey * (1 / 256)).convert("L")
    if image.has_transparency_data:
        return image.convert(_WITH_ALPHA)
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in _ENCODABLE_MODES else image.convert(_WITHOUT_ALPHA)


def _convert_to_srgb(picture: Image, icc_profile: bytes | None) -> Image:
    mode = _WITH_ALPHA if picture.mode == _WITH_ALPHA else _WITHOUT_ALPHA
    if icc_profile:
        try:
            profile = ImageCms.ImageCmsProfile(BytesIO(icc_profile))
            if "sRGB" not in ImageCms.getProfileDescription(profile):
                srgb = ImageCms.createProfile("sRGB")
                return ImageCms.profileToProfile(picture, profile, srgb, outputMode=mode) or picture
        except (ImageCms.PyCMSError, OSError):
            pass  # the profile is damaged, or for another mode
    return picture.convert(mode) if picture.mode == "CMYK" else picture


def _flatten_on_white(picture: Image) -> Image:
    white = new(_WITHOUT_ALPHA, picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return white
