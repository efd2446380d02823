"""The pixels of an image: upright, in sRGB, in the size that is wanted, and as bytes again."""

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

from eggypro_core.domain.image import Crop, Transformation

_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""How a picture of each EXIF orientation gets upright; from 5 on it lies on its side."""
_ON_SIDE = 5
_ORIENTATION = 0x0112
_WITH_ALPHA, _WITHOUT = "RGBA", "RGB"
_EXACT = frozenset({Crop.FILL, Crop.THUMB, Crop.SCALE})
_COLOURS = frozenset({"L", "RGB", "RGBA", "CMYK"})
_GAP = 2.0
"""How much larger than wanted a picture is when the fine filter gets it; coarse ones go before."""
_PILLOW_NAMES = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
_AUTO_QUALITY = {"jpg": 80, "webp": 75}
_ORIGINAL_QUALITY = 90
Options: TypeAlias = Mapping[str, Any]
"""What Pillow is told when it encodes; it passes over what a format does not have.

No JPEG is optimized or progressive: that fails where the result is not much smaller than pixels.
"""
_Size = tuple[int, int]
_Box = tuple[float, float, float, float]


def render(image: ImageFile, wanted: Transformation | None) -> Image:
    """Return the picture of an image, transformed. Less of a JPEG is decoded where that will do."""
    orientation = _orientation(image)
    if wanted and orientation >= _ON_SIDE:
        wanted = evolve(wanted, width=wanted.height, height=wanted.width)
    picture = _in_srgb(_resized(image, wanted or Transformation()), image.info.get("icc_profile"))
    turn = _TURNS.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def own_quality(image: ImageFile) -> Options:
    """Return how to encode an image again, to lose next to nothing."""
    if isinstance(image, JpegImageFile):
        return {"qtables": image.quantization, "subsampling": get_sampling(image)}
    return {"quality": _ORIGINAL_QUALITY}


def quality_for(kind: str, wanted: Transformation) -> Options:
    """Return how to encode what was transformed."""
    quality = _AUTO_QUALITY.get(kind) if wanted.quality == "auto" else wanted.quality
    return {"quality": quality, "compress_level": 9}


def encode(picture: Image, kind: str, options: Options) -> bytes:
    """Return a picture as a file of a format, which holds nothing else."""
    picture.info = {}  # Pillow would write some of it
    if kind == "jpg" and picture.mode == _WITH_ALPHA:
        picture = _on_white(picture)
    stream = BytesIO()
    picture.save(stream, _PILLOW_NAMES[kind], **options)
    return stream.getvalue()


def _orientation(image: ImageFile) -> int:
    try:
        found = image.getexif().get(_ORIENTATION)
    except (SyntaxError, ValueError, LookupError, TypeError, OSError, struct.error):
        return 1  # the notes are damaged, not the picture
    return found if found in _TURNS else 1


def _resized(image: ImageFile, wanted: Transformation) -> Image:
    whole = image.size
    size, box = _frame(whole, wanted)
    if size == whole:
        return _in_colour(image)
    ratio = min(1, _GAP * max(size[0] / (box[2] - box[0]), size[1] / (box[3] - box[1])))
    image.draft(image.mode, (ceil(whole[0] * ratio), ceil(whole[1] * ratio)))
    across, down = image.width / whole[0], image.height / whole[1]
    seen = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
    return _in_colour(image).resize(size, Resampling.LANCZOS, seen, reducing_gap=_GAP)


def _frame(size: _Size, wanted: Transformation) -> tuple[_Size, _Box]:
    """Return the size that a picture gets, and the part of it that is seen, in its own pixels."""
    whole = (0, 0, *size)
    if wanted.width and wanted.height and wanted.crop in _EXACT:
        size_wanted = (wanted.width, wanted.height)
        return size_wanted, whole if wanted.crop is Crop.SCALE else _middle(size, size_wanted)
    sides = zip((wanted.width, wanted.height), size, strict=True)
    ratio = min([side / own for side, own in sides if side], default=1.0)
    if wanted.crop is Crop.LIMIT:
        ratio = min(ratio, 1.0)
    return (max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))), whole


def _middle(size: _Size, shape: _Size) -> _Box:
    """Return the largest part of that shape, from the middle."""
    ratio = min(own / side for own, side in zip(size, shape, strict=True))
    width, height = shape[0] * ratio, shape[1] * ratio
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    return left, top, left + width, top + height


def _in_colour(image: Image) -> Image:
    """Return the pixels, decoded, in a mode that can be resized and encoded."""
    image.load()
    if image.mode.startswith("I"):  # 16 bits of grey, which `convert` would cut off at 255
        return image.point(lambda grey: grey * (1 / 256)).convert("L")
    if image.has_transparency_data:
        return image.convert(_WITH_ALPHA)
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in _COLOURS else image.convert(_WITHOUT)


def _in_srgb(picture: Image, profile: bytes | None) -> Image:
    mode = _WITH_ALPHA if picture.mode == _WITH_ALPHA else _WITHOUT
    if profile:
        try:
            given = ImageCms.ImageCmsProfile(BytesIO(profile))
            if "sRGB" not in ImageCms.getProfileDescription(given):
                srgb = ImageCms.createProfile("sRGB")
                return ImageCms.profileToProfile(picture, given, srgb, outputMode=mode) or picture
        except (ImageCms.PyCMSError, OSError):
            pass  # a profile of another kind of picture, or a damaged one
    return picture.convert(mode) if picture.mode == "CMYK" else picture


def _on_white(picture: Image) -> Image:
    white = new(_WITHOUT, picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return white
